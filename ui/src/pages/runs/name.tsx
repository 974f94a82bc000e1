// What a run is called: its own name, else its tool and file; always with what tells it from others.
import { Text } from "@mantine/core";
import { Link } from "wouter";

import type { Run } from "../../api/types";
import { fileName, shortId } from "../../format";

export function nameOf(run: Pick<Run, "name" | "tool_id">): string {
  return run.name ?? run.tool_id;
}

/** The files of a run in a few words; uploads and artifacts only have ids. */
export function filesOf(run: Pick<Run, "inputs">): string {
  const [first, ...rest] = run.inputs;
  if (first === undefined) return "no file";
  const shown = first.type === "path" ? fileName(first.value) : `${first.type} ${shortId(first.value)}`;
  return rest.length === 0 ? shown : `${shown} and ${rest.length} more`;
}

export function RunName({ run }: { run: Run }) {
  return (
    <div className="cut">
      <Link href={`/runs/${run.id}`}>{nameOf(run)}</Link>{" "}
      <Text span size="sm" c="dimmed">
        {run.name !== null && `${run.tool_id} · `}
        {filesOf(run)} · <span className="mono">{shortId(run.id)}</span>
      </Text>
    </div>
  );
}
