// How much the service itself writes into its log: seen and changed while it runs, for a while or until its next start.
import { Group, NativeSelect, TagsInput, Text, Title } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { logLevels, setLogLevels } from "../../api/calls";
import { useRefusal } from "../../api/session";
import type { LogLevel, LogLevels, SetLogLevels } from "../../api/types";
import { exact } from "../../format";
import { Act } from "../../parts/act";
import { Trouble, Waiting } from "../../parts/trouble";

const LEVELS: readonly LogLevel[] = ["DEBUG", "INFO", "WARNING", "ERROR"];
const FOR: readonly [string, string][] = [
  ["600", "10 minutes"],
  ["3600", "an hour"],
  ["86400", "a day"],
  ["", "until the next start"],
];

export function LogLevelPanel() {
  const refused = useRefusal("admin");
  return (
    <section className="panel" aria-label="The service's own log">
      <Title order={2} mb="xs">
        The service&apos;s own log
      </Title>
      {refused === null ? <Levels /> : <Text size="sm">{refused}</Text>}
    </section>
  );
}

function Levels() {
  const client = useQueryClient();
  const { data, error, refetch } = useQuery({ queryKey: ["log-level"], queryFn: ({ signal }) => logLevels(signal) });
  const change = useMutation({
    mutationFn: setLogLevels,
    onSuccess: (held) => client.setQueryData(["log-level"], held),
  });
  if (error !== null && data === undefined) return <Trouble error={error} again={() => void refetch()} />;
  if (data === undefined) return <Waiting rows={2} />;
  return (
    <>
      <Text size="sm" mb="sm" role="status">
        {held(data)}
      </Text>
      <Choice key={data.level} held={data} busy={change.isPending} set={change.mutate} />
      {change.error !== null && <Trouble error={change.error} title="The levels were not changed" />}
    </>
  );
}

/** Says in one sentence which levels hold, and how long. */
export function held({ level, default_level: configured, modules, expires_at: end }: LogLevels): string {
  const named = Object.entries(modules).map(([module, level]) => `${module} at ${level}`);
  const isChanged = level !== configured || named.length > 0;
  const what = [`Lines of ${level} and graver are written`, ...named].join(", ");
  if (!isChanged) return `${what}, as configured.`;
  return `${what}, until ${end === null ? "the next start of the service" : exact(end)}; configured is ${configured}.`;
}

/** Reads `module=LEVEL`; null where it is none. */
export function moduleOf(text: string): [string, LogLevel] | null {
  const at = text.lastIndexOf("=");
  const level = LEVELS.find(
    (level) =>
      level ===
      text
        .slice(at + 1)
        .trim()
        .toUpperCase(),
  );
  return at > 0 && level !== undefined ? [text.slice(0, at).trim(), level] : null;
}

interface ChoiceProps {
  held: LogLevels;
  busy: boolean;
  set: (levels: SetLogLevels) => void;
}

function Choice({ held, busy, set }: ChoiceProps) {
  const [level, setLevel] = useState<LogLevel>(held.level);
  const [modules, setModules] = useState(() => Object.entries(held.modules).map(([name, level]) => `${name}=${level}`));
  const [lasts, setLasts] = useState("600");
  const wrong = modules.filter((text) => moduleOf(text) === null);
  const read = modules.map(moduleOf).filter((module) => module !== null);
  return (
    <Group align="flex-end" gap="sm">
      <NativeSelect
        label="Level"
        data={[...LEVELS]}
        value={level}
        onChange={(event) => setLevel(event.currentTarget.value as LogLevel)}
      />
      <TagsInput
        label="Modules with another one"
        description="cts_engine=DEBUG"
        value={modules}
        onChange={setModules}
        acceptValueOnBlur
        error={wrong.length > 0 ? `${wrong.join(", ")}: write module=LEVEL` : undefined}
        miw="14rem"
      />
      <NativeSelect
        label="For"
        data={FOR.map(([value, label]) => ({ value, label }))}
        value={lasts}
        onChange={(event) => setLasts(event.currentTarget.value)}
      />
      <Act
        needs="admin"
        loading={busy}
        blocked={wrong.length > 0 ? "A module is not written as module=LEVEL." : null}
        onClick={() =>
          set({
            level,
            modules: Object.fromEntries(read),
            ...(lasts !== "" && { expires_in_seconds: Number(lasts) }),
          })
        }
      >
        Set the levels
      </Act>
      <Act needs="admin" variant="default" loading={busy} onClick={() => set({})}>
        As configured
      </Act>
    </Group>
  );
}
