// Two runs side by side: what they were asked, how long they took, and which of their files are the same by checksum.
import { Alert, Stack, Switch, Text, Title } from "@mantine/core";
import { useQueries } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { Link, useSearchParams } from "wouter";

import { artifacts as getArtifacts, run as getRun } from "../../api/calls";
import type { Artifact, Run } from "../../api/types";
import { bytes, duration, exact, shortId } from "../../format";
import { RunState, State } from "../../parts/state";
import { PageTitle } from "../../parts/title";
import { Empty, Trouble, Waiting } from "../../parts/trouble";
import { filesOf, nameOf } from "./name";

/** A line of the comparison: the same thing of both runs, as text. */
export interface Pair {
  name: string;
  left: string;
  right: string;
}

export default function Compare() {
  const [search] = useSearchParams();
  const ids = [search.get("left"), search.get("right")].filter((id): id is string => id !== null && id !== "");
  const runs = useQueries({
    queries: ids.map((id) => ({
      queryKey: ["run", id],
      queryFn: ({ signal }: { signal: AbortSignal }) => getRun(encodeURIComponent(id), signal),
    })),
  });
  const files = useQueries({
    queries: ids.map((id) => ({
      queryKey: ["artifacts", id],
      queryFn: ({ signal }: { signal: AbortSignal }) => getArtifacts(encodeURIComponent(id), signal),
    })),
  });
  const error = [...runs, ...files].find((query) => query.error !== null)?.error;
  const [left, right] = runs.map((query) => query.data);
  const [leftFiles, rightFiles] = files.map((query) => query.data);
  return (
    <>
      <PageTitle title="Two runs compared">
        <Link href="/runs">All runs</Link>
      </PageTitle>
      {ids.length !== 2 ? (
        <div className="panel">
          <Empty title="Two runs are needed">
            Choose two in the <Link href="/runs">table of runs</Link> and press Compare.
          </Empty>
        </div>
      ) : error !== undefined ? (
        <Trouble error={error} title="One of these runs is not there" />
      ) : left !== undefined && right !== undefined && leftFiles !== undefined && rightFiles !== undefined ? (
        <Both left={left} right={right} leftFiles={leftFiles} rightFiles={rightFiles} />
      ) : (
        <Waiting rows={8} />
      )}
    </>
  );
}

interface BothProps {
  left: Run;
  right: Run;
  leftFiles: readonly Artifact[];
  rightFiles: readonly Artifact[];
}

function Both({ left, right, leftFiles, rightFiles }: BothProps) {
  const [all, setAll] = useState(false);
  const params = pairs(left.params, right.params);
  const differing = params.filter(isDifferent);
  const shown = all ? params : differing;
  return (
    <Stack>
      {left.tool_id !== right.tool_id && (
        <Alert variant="outline" color="orange" title="These are runs of different tools">
          Their parameters and files have little in common.
        </Alert>
      )}
      <Table
        label="What and how long"
        left={<Head run={left} />}
        right={<Head run={right} />}
        rows={facts(left, right).map(lineOf)}
      />
      <section aria-label="Parameters">
        <Title order={2} mb="xs">
          Parameters
        </Title>
        <Switch
          label={`Also the ${params.length - differing.length} that are the same`}
          checked={all}
          onChange={(event) => setAll(event.currentTarget.checked)}
          mb="xs"
        />
        {shown.length === 0 ? (
          <div className="panel">
            <Text c="dimmed">All parameters are the same.</Text>
          </div>
        ) : (
          <Table label="Parameters" left={nameOf(left)} right={nameOf(right)} rows={shown.map(lineOf)} />
        )}
      </section>
      <section aria-label="Files">
        <Title order={2} mb="xs">
          Files
        </Title>
        {leftFiles.length + rightFiles.length === 0 ? (
          <div className="panel">
            <Text c="dimmed">Neither run left any.</Text>
          </div>
        ) : (
          <Table
            label="Files"
            left={nameOf(left)}
            right={nameOf(right)}
            rows={filePairs(leftFiles, rightFiles).map(({ name, left, right, isSame }) => ({
              name,
              left: <FileCell artifact={left} />,
              right: <FileCell artifact={right} />,
              isSame,
            }))}
          />
        )}
      </section>
    </Stack>
  );
}

function Head({ run }: { run: Run }) {
  return (
    <>
      <Link href={`/runs/${run.id}`}>{nameOf(run)}</Link> <span className="mono">{shortId(run.id)}</span>
      <br />
      <RunState status={run.status} />
    </>
  );
}

function FileCell({ artifact }: { artifact: Artifact | undefined }) {
  if (artifact === undefined) return <>–</>;
  return (
    <>
      <Link href={`/runs/${artifact.run_id}?tab=files&artifact=${artifact.id}`}>{bytes(artifact.size)}</Link>{" "}
      <span className="mono">{artifact.sha256.slice(0, 12)}…</span>
    </>
  );
}

interface Row {
  name: string;
  left: ReactNode;
  right: ReactNode;
  isSame: boolean;
}

function lineOf(pair: Pair): Row {
  return { ...pair, isSame: !isDifferent(pair) };
}

function Table({ label, left, right, rows }: { label: string; left: ReactNode; right: ReactNode; rows: Row[] }) {
  return (
    <div className="table-frame" tabIndex={0} role="region" aria-label={`Table: ${label}`}>
      <table style={{ minWidth: "36rem" }}>
        <thead>
          <tr>
            <th scope="col">
              <span className="unseen">What</span>
            </th>
            <th scope="col">{left}</th>
            <th scope="col">{right}</th>
            <th scope="col">
              <span className="unseen">Same or not</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.name}>
              <th scope="row" style={{ position: "static", boxShadow: "none" }}>
                {row.name}
              </th>
              <td className="break">{row.left}</td>
              <td className="break">{row.right}</td>
              <td>
                {row.isSame ? (
                  <State word="Same" tone="idle" icon="check" />
                ) : (
                  <State word="Differs" tone="warn" icon="warn" />
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function isDifferent({ left, right }: Pair): boolean {
  return left !== right;
}

/** Pairs the values of two records by their names, in the order of the first, then what only the second has. */
export function pairs(left: Record<string, unknown>, right: Record<string, unknown>): Pair[] {
  const names = [...new Set([...Object.keys(left), ...Object.keys(right)])];
  return names.map((name) => ({ name, left: written(left[name]), right: written(right[name]) }));
}

function written(value: unknown): string {
  if (value === undefined) return "–";
  return typeof value === "string" ? value : JSON.stringify(value);
}

function facts(left: Run, right: Run): Pair[] {
  return pairs(factsOf(left), factsOf(right));
}

function factsOf(run: Run): Record<string, string> {
  return {
    Tool: `${run.tool_id} ${run.tool_version}`,
    Files: filesOf(run),
    "Asked for": exact(run.created_at),
    Took: run.duration_seconds === null ? "–" : duration(run.duration_seconds),
    "Processor time": run.cpu_seconds === null ? "–" : duration(run.cpu_seconds),
    "Most memory": run.peak_memory_bytes === null ? "–" : bytes(run.peak_memory_bytes),
    Attempts: String(run.attempt),
    "Exit status": run.exit_code === null ? "–" : String(run.exit_code),
    "Last words": run.error ?? run.progress?.message ?? "–",
  };
}

interface FilePair {
  name: string;
  left: Artifact | undefined;
  right: Artifact | undefined;
  isSame: boolean;
}

/** Pairs files by their names; they are the same when their checksums are. */
export function filePairs(left: readonly Artifact[], right: readonly Artifact[]): FilePair[] {
  const names = [...new Set([...left, ...right].map(({ filename }) => filename))].toSorted();
  return names.map((name) => {
    const [first, second] = [left, right].map((files) => files.find(({ filename }) => filename === name));
    return { name, left: first, right: second, isSame: first !== undefined && first.sha256 === second?.sha256 };
  });
}
