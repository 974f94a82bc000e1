// What the service was told: each setting with its value, where it came from and what that overrode.
import { Group, Stack, Switch, Text, TextInput, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useSearchParams } from "wouter";

import { configuration as getConfiguration } from "../../api/calls";
import type { Setting } from "../../api/types";
import { bytes, duration } from "../../format";
import { Empty, Trouble, Waiting } from "../../parts/trouble";
import { LogLevelPanel } from "./log-level";

export function Configuration() {
  const [search, setSearch] = useSearchParams();
  const [q, changedOnly] = [search.get("q") ?? "", search.get("changed") === "yes"];
  const { data, error, refetch } = useQuery({
    queryKey: ["configuration"],
    queryFn: ({ signal }) => getConfiguration(signal),
  });
  const set = (name: string, value: string): void =>
    setSearch(
      (old) => {
        const next = new URLSearchParams(old);
        if (value === "") next.delete(name);
        else next.set(name, value);
        return next;
      },
      { replace: true },
    );
  if (error !== null && data === undefined) return <Trouble error={error} again={() => void refetch()} />;
  if (data === undefined) return <Waiting rows={10} height={40} />;
  const found = data.settings.filter((setting) => isFound(setting, q) && (!changedOnly || isGiven(setting)));
  const sections = [...new Set(found.map(({ section }) => section))];
  return (
    <Stack>
      <LogLevelPanel />
      <Group align="flex-end" gap="md">
        <TextInput
          type="search"
          label="Find a setting"
          value={q}
          onChange={(event) => set("q", event.currentTarget.value)}
        />
        <Switch
          label="Only what somebody set"
          checked={changedOnly}
          onChange={(event) => set("changed", event.currentTarget.checked ? "yes" : "")}
          mb={8}
        />
      </Group>
      <Text size="sm" c="dimmed">
        The profile is {data.environment}. A setting is changed in the configuration file, by its variable or by its
        flag, and counts from the next start on. Secrets are never shown.
      </Text>
      {found.length === 0 && (
        <div className="panel">
          <Empty title="No setting fits">
            {changedOnly ? "Nobody set anything that fits: all of it is as it comes." : "Try another word."}
          </Empty>
        </div>
      )}
      {sections.map((section) => (
        <section className="panel" key={section} aria-label={section}>
          <Title order={2} mb="xs">
            {section}
          </Title>
          <ul className="plain">
            {found
              .filter((setting) => setting.section === section)
              .map((setting) => (
                <One key={setting.name} setting={setting} />
              ))}
          </ul>
        </section>
      ))}
    </Stack>
  );
}

function One({ setting }: { setting: Setting }) {
  const given = isGiven(setting);
  return (
    <li className="row check" style={{ alignItems: "flex-start" }}>
      <div className="grow">
        <Text fw={given ? 700 : 400} className="break">
          {setting.name}
        </Text>
        <Text size="sm" c="dimmed">
          {setting.description}
        </Text>
        <details>
          <summary className="quiet">What it may be, and how to set it</summary>
          <Text size="sm" className="break">
            {setting.must_be}. Default: {setting.default}.
          </Text>
          <Text size="sm" className="mono break">
            {setting.variable} · {setting.flag}
          </Text>
        </details>
      </div>
      <div className="grow break">
        <span className="mono">{shown(setting)}</span>
        <Text size="sm" c="dimmed">
          {setting.origin ?? "no value"}
          {setting.overrode.map(
            ({ origin, value }) => `; overrode ${value === null ? "" : `${text(value)} of `}${origin}`,
          )}
        </Text>
      </div>
    </li>
  );
}

/** Whether somebody gave it a value, rather than a profile or the code. */
export function isGiven({ origin_kind: kind }: Pick<Setting, "origin_kind">): boolean {
  return kind !== null && kind !== undefined && !["default", "profile", "in_process"].includes(kind);
}

function isFound({ name, section, description, variable }: Setting, search: string): boolean {
  const said = `${name} ${section} ${description} ${variable}`.toLowerCase();
  return search
    .toLowerCase()
    .split(/\s+/)
    .every((word) => said.includes(word));
}

/** Writes a value with its unit for people. */
export function shown({
  value,
  masked,
  unit,
  type: kind,
}: Pick<Setting, "value" | "masked" | "unit" | "type">): string {
  if (masked) return "•••";
  if (value === null || value === undefined) return "–";
  if (typeof value === "number" && unit !== null && unit !== undefined) {
    if (kind === "size" && unit === "bytes") return `${bytes(value)} (${value} bytes)`;
    if (kind === "time" && unit === "seconds") return `${duration(value)} (${value} s)`;
    return `${value} ${unit}`;
  }
  return text(value);
}

function text(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? "none" : value.map(text).join(", ");
  return typeof value === "string" ? value : JSON.stringify(value);
}
