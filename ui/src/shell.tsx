// The frame around every page: navigation, whether the page is live, theme, help, who is signed in.
import {
  ActionIcon,
  Alert,
  AppShell,
  Burger,
  Group,
  Menu,
  NavLink,
  Text,
  Tooltip,
  useComputedColorScheme,
  useMantineColorScheme,
} from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useEffect } from "react";
import { Link, useLocation } from "wouter";

import { signOut } from "./api/calls";
import { setCsrfToken } from "./api/client";
import { useKeepHistory } from "./api/history";
import { useLive } from "./api/live";
import { useSession } from "./api/session";
import { exact } from "./format";
import { Help, useShortcuts } from "./parts/help";
import { Icon } from "./parts/icons";
import icon from "./icon.svg";
import { PLACES } from "./routes";

export function Shell({ children }: { children: ReactNode }) {
  const [opened, { toggle, close }] = useDisclosure();
  const [helpOpened, help] = useDisclosure();
  const [location] = useLocation();
  useShortcuts(help.toggle);
  useKeepHistory();

  useEffect(close, [location, close]);

  return (
    <AppShell
      header={{ height: 52 }}
      navbar={{ width: 180, breakpoint: "sm", collapsed: { mobile: !opened } }}
      padding="md"
      withBorder
    >
      <a className="skip" href="#main">
        Skip to the page
      </a>
      <AppShell.Header>
        <Group h="100%" px="md" justify="space-between" wrap="nowrap">
          <Group gap="sm" wrap="nowrap">
            <Burger
              opened={opened}
              onClick={toggle}
              hiddenFrom="sm"
              size="sm"
              aria-label={opened ? "Close the navigation" : "Open the navigation"}
            />
            <Link href="/" aria-label="CTS, to the overview" className="brand">
              <img src={icon} alt="" width={24} height={24} />
              <Text fw={700} c="var(--mantine-color-text)">
                CTS
              </Text>
            </Link>
          </Group>
          <Group gap="xs" wrap="nowrap">
            <LiveMark />
            <Tooltip label="Keyboard shortcuts">
              <ActionIcon variant="subtle" color="gray" size="lg" aria-label="Keyboard shortcuts" onClick={help.open}>
                <Text span fw={700} c="dimmed" aria-hidden="true">
                  ?
                </Text>
              </ActionIcon>
            </Tooltip>
            <ThemeSwitch />
            <Person />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="xs">
        <nav aria-label="Pages">
          {PLACES.map((place) => {
            const active = place.path === "/" ? location === "/" : location.startsWith(place.path);
            return (
              <NavLink
                key={place.path}
                component={Link}
                href={place.path}
                label={place.label}
                active={active}
                aria-current={active ? "page" : undefined}
                variant="filled"
                style={{ borderRadius: 4 }}
              />
            );
          })}
          <NavLink href="/docs" label="API" style={{ borderRadius: 4 }} />
        </nav>
      </AppShell.Navbar>
      <AppShell.Main id="main" tabIndex={-1} style={{ outline: "none" }}>
        <OfflineBanner />
        {children}
      </AppShell.Main>
      <Help opened={helpOpened} onClose={help.close} />
    </AppShell>
  );
}

const LIVE_WORDS = {
  live: ["Live", "var(--cts-ok)", "Changes are shown as they happen"],
  connecting: ["Connecting", "var(--cts-idle)", "The stream of changes is being opened"],
  paused: ["Paused", "var(--cts-idle)", "Nobody looked at this page; it goes on by itself"],
  offline: ["Offline", "var(--cts-bad)", "The service cannot be reached; this page tries again by itself"],
  ended: ["Offline", "var(--cts-bad)", "The stream of changes ended"],
} as const;

function LiveMark() {
  const [word, color, explanation] = LIVE_WORDS[useLive()];
  return (
    <Tooltip label={explanation}>
      <Group gap={6} wrap="nowrap" role="status" aria-label={`${word}: ${explanation}`}>
        <svg viewBox="0 0 10 10" width={10} height={10} aria-hidden="true">
          <circle cx="5" cy="5" r="4" fill={color} />
        </svg>
        <Text size="sm" visibleFrom="xs">
          {word}
        </Text>
      </Group>
    </Tooltip>
  );
}

function OfflineBanner() {
  if (useLive() !== "offline") return null;
  return (
    <Alert color="red" variant="outline" role="alert" mb="md" title="The service cannot be reached">
      What you see is as old as the connection. This page tries again by itself and then shows what happened meanwhile.
    </Alert>
  );
}

function ThemeSwitch() {
  const { setColorScheme } = useMantineColorScheme();
  const scheme = useComputedColorScheme("light", { getInitialValueInEffect: false });
  const other = scheme === "dark" ? "light" : "dark";
  return (
    <Tooltip label={`Use the ${other} theme`}>
      <ActionIcon
        variant="subtle"
        color="gray"
        size="lg"
        aria-label={`Use the ${other} theme`}
        onClick={() => setColorScheme(other)}
      >
        <Text span c="dimmed" style={{ display: "flex" }}>
          <Icon name={scheme === "dark" ? "sun" : "moon"} size={18} />
        </Text>
      </ActionIcon>
    </Tooltip>
  );
}

function Person() {
  const session = useSession();
  const client = useQueryClient();
  const leave = async (): Promise<void> => {
    await signOut();
    setCsrfToken(null);
    client.clear();
    window.location.assign("/");
  };
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <ActionIcon
          variant="subtle"
          color="gray"
          size="lg"
          aria-label={`Signed in as ${session.actor}, role ${session.role}`}
        >
          <Text span c="dimmed" style={{ display: "flex" }}>
            <Icon name="person" size={18} />
          </Text>
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label c="dimmed">
          {session.authentication_required ? (
            <>
              {session.actor}, role {session.role}
              {session.expires_at !== null && (
                <>
                  <br />
                  until {exact(session.expires_at)}
                </>
              )}
            </>
          ) : (
            "Nobody has to sign in here: everybody may do everything"
          )}
        </Menu.Label>
        {session.authentication_required && <Menu.Item onClick={() => void leave()}>Sign out</Menu.Item>}
        <Menu.Item component={Link} href="/system/access">
          Roles and tokens
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
