// Keys for those who like them. They can be switched off, because speech control and some hands press them unasked.
import { Kbd, Modal, Stack, Switch, Table, Text } from "@mantine/core";
import { useLocalStorage } from "@mantine/hooks";
import { useEffect, useRef } from "react";
import { useLocation } from "wouter";

import { PLACES } from "../routes";

/** How long after `g` the second letter may come. */
const SECOND_KEY_MS = 1200;

function useKeysEnabled() {
  return useLocalStorage({ key: "cts-shortcuts", defaultValue: true, getInitialValueInEffect: false });
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName))
  );
}

/** Listens to a single key while nobody types. */
export function useKey(key: string, act: () => void): void {
  const [enabled] = useKeysEnabled();
  const latest = useRef(act);
  useEffect(() => {
    latest.current = act;
  }, [act]);
  useEffect(() => {
    if (!enabled) return;
    const onKey = (event: KeyboardEvent): void => {
      if (event.key !== key || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      event.preventDefault();
      latest.current();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, [enabled, key]);
}

/** The keys that every page has. */
export function useShortcuts(toggleHelp: () => void): void {
  const [, go] = useLocation();
  const [enabled] = useKeysEnabled();
  useKey("?", toggleHelp);
  useKey("/", () => document.querySelector<HTMLInputElement>("input[type=search]")?.focus());
  useEffect(() => {
    if (!enabled) return;
    let pressed = -Infinity;
    const onKey = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      const place = PLACES.find(({ key }) => key === event.key);
      if (place !== undefined && event.timeStamp - pressed < SECOND_KEY_MS) go(place.path);
      pressed = event.key === "g" ? event.timeStamp : -Infinity;
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, [enabled, go]);
}

const KEYS: readonly [string[], string][] = [
  ...PLACES.map(({ key, label }): [string[], string] => [["g", key], `Go to ${label}`]),
  [["/"], "Search on this page"],
  [["f"], "Follow the log, or stop following"],
  [["?"], "Show or hide this"],
];

export function Help({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const [enabled, setEnabled] = useKeysEnabled();
  return (
    <Modal opened={opened} onClose={onClose} title="Keyboard shortcuts" closeButtonProps={{ "aria-label": "Close" }}>
      <Stack>
        <Table>
          <Table.Tbody>
            {KEYS.map(([keys, what]) => (
              <Table.Tr key={what}>
                <Table.Td>
                  {keys.map((key, index) => (
                    <span key={key}>
                      {index > 0 && " then "}
                      <Kbd>{key}</Kbd>
                    </span>
                  ))}
                </Table.Td>
                <Table.Td>{what}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
        <Switch
          label="Use these shortcuts"
          checked={enabled}
          onChange={(event) => setEnabled(event.currentTarget.checked)}
        />
        <Text size="sm" c="dimmed">
          Everything can be reached with Tab and Enter as well.
        </Text>
      </Stack>
    </Modal>
  );
}
