// One run: where it is, what went wrong and what to do, its log, its files, and how it was asked for.
import { Group, Progress, Stack, Tabs, Text, Title } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense } from "react";
import { Link, useLocation, useSearchParams } from "wouter";

import { cancelRun, rerun as rerunRun, run as getRun } from "../../api/calls";
import { ApiError, newKey } from "../../api/client";
import type { Run } from "../../api/types";
import { bytes, count, duration, exact, shortId } from "../../format";
import { Act } from "../../parts/act";
import { Copy } from "../../parts/copy";
import { isOver, RunState } from "../../parts/state";
import { Ago, useNow } from "../../parts/time";
import { PageTitle } from "../../parts/title";
import { Actions, Empty, Trouble, Waiting } from "../../parts/trouble";
import { Artifacts } from "./artifacts";
import { filesOf, nameOf } from "./name";

const Log = lazy(async () => ({ default: (await import("../../parts/log/view")).LogView }));

/** How often progress is read, which is no change of state. */
const PROGRESS_MS = 1000;

export default function RunPage({ params }: { params: Record<string, string> }) {
  const id = params["id"] ?? "";
  const { data, error, refetch } = useQuery({
    queryKey: ["run", id],
    queryFn: ({ signal }) => getRun(encodeURIComponent(id), signal),
    refetchInterval: (query) => (query.state.data?.status === "running" ? PROGRESS_MS : false),
  });
  if (data === undefined && error !== null) {
    return (
      <>
        <PageTitle title="No such run" />
        {error instanceof ApiError && error.status === 404 ? (
          <div className="panel">
            <Empty title="This run is not here">
              Its address may be wrong, or retention removed it. <Link href="/runs">All runs</Link>
            </Empty>
          </div>
        ) : (
          <Trouble error={error} again={() => void refetch()} />
        )}
      </>
    );
  }
  if (data === undefined) return <Waiting rows={8} height={32} />;
  return <Shown key={data.id} run={data} />;
}

const TABS = ["files", "log", "details"] as const;
type Tab = (typeof TABS)[number];

function Shown({ run }: { run: Run }) {
  const [search, setSearch] = useSearchParams();
  const asked = search.get("tab") as Tab | null;
  const first: Tab = run.status === "completed" && run.artifacts.length > 0 ? "files" : "log";
  const linked = window.location.hash.startsWith("#L") ? "log" : first;
  const tab = asked !== null && TABS.includes(asked) ? asked : linked;
  const choose = (value: string | null): void =>
    setSearch(
      (old) => {
        const next = new URLSearchParams(old);
        next.set("tab", value ?? first);
        return next;
      },
      { replace: true },
    );
  return (
    <>
      <PageTitle title={nameOf(run)}>
        <Buttons run={run} />
      </PageTitle>
      <Stack>
        <Head run={run} />
        {run.status === "failed" && <Failure run={run} />}
        <Tabs value={tab} onChange={choose} keepMounted={false}>
          <Tabs.List mb="sm">
            <Tabs.Tab value="files">Files ({count(run.artifacts.length)})</Tabs.Tab>
            <Tabs.Tab value="log">Log</Tabs.Tab>
            <Tabs.Tab value="details">Details</Tabs.Tab>
          </Tabs.List>
          <Tabs.Panel value="files">
            <Artifacts run={run} />
          </Tabs.Panel>
          <Tabs.Panel value="log">
            <Suspense fallback={<Waiting rows={10} />}>
              <Log run={run} />
            </Suspense>
          </Tabs.Panel>
          <Tabs.Panel value="details">
            <Details run={run} />
          </Tabs.Panel>
        </Tabs>
      </Stack>
    </>
  );
}

function Buttons({ run }: { run: Run }) {
  const client = useQueryClient();
  const [, go] = useLocation();
  const cancel = useMutation({
    mutationFn: () => cancelRun(run.id),
    onSuccess: (run) => client.setQueryData(["run", run.id], run),
  });
  const again = useMutation({
    mutationFn: () => rerunRun(run.id, {}, newKey()),
    onSuccess: (next) => {
      client.setQueryData(["run", next.id], next);
      go(`/runs/${next.id}`);
    },
  });
  const error = cancel.error ?? again.error;
  return (
    <Stack gap="xs">
      <Group gap="xs">
        <Copy text={window.location.origin + window.location.pathname} label="Copy link" />
        {isOver(run.status) ? (
          <>
            <Act
              needs="operator"
              size="xs"
              variant="default"
              onClick={() => go(`/tools/${run.tool_id}?from=${run.id}`)}
            >
              Change and run again
            </Act>
            <Act needs="operator" size="xs" loading={again.isPending} onClick={() => again.mutate()}>
              Run again
            </Act>
          </>
        ) : (
          <Act needs="operator" size="xs" color="red" loading={cancel.isPending} onClick={() => cancel.mutate()}>
            Cancel
          </Act>
        )}
      </Group>
      {error !== null && <Trouble error={error} />}
    </Stack>
  );
}

function Head({ run }: { run: Run }) {
  const { progress } = run;
  return (
    <section className="panel" aria-label="State">
      <Group gap="md" aria-live="polite">
        <RunState status={run.status} />
        <Text size="sm" component="span">
          <Link href={`/tools/${run.tool_id}`}>{run.tool_id}</Link> on {filesOf(run)}
        </Text>
        <Text size="sm" c="dimmed" component="span">
          asked <Ago time={run.created_at} /> by {run.created_by}
          {run.status === "queued" && run.queue_position !== null && `, number ${run.queue_position} in the queue`}
          <Took run={run} />
          {run.attempt > 1 && `, attempt ${run.attempt} of ${run.max_attempts}`}
        </Text>
      </Group>
      {progress !== null && (run.status === "running" || progress.message !== null) && (
        <div style={{ marginTop: "0.5rem" }}>
          {run.status === "running" && progress.percent !== null && (
            <Progress value={progress.percent} aria-label="Progress" />
          )}
          <Text size="sm" className="break">
            {progress.message}
            {progress.current !== null && progress.total !== null && (
              <>
                {" "}
                ({count(progress.current)} of {count(progress.total)} {progress.unit})
              </>
            )}
          </Text>
        </div>
      )}
    </section>
  );
}

function Took({ run }: { run: Run }) {
  const now = useNow();
  if (run.status === "running" && run.started_at !== null) {
    return <>, runs for {duration(Math.max(0, (now - Date.parse(run.started_at)) / 1000))}</>;
  }
  return isOver(run.status) && run.duration_seconds !== null ? <>, took {duration(run.duration_seconds)}</> : null;
}

function Failure({ run }: { run: Run }) {
  const stderr =
    run.error_details !== null && "tool_stderr" in run.error_details ? run.error_details.tool_stderr : undefined;
  return (
    <section className="panel" aria-label="What went wrong" style={{ borderColor: "var(--cts-bad)" }}>
      <Title order={2} c="var(--cts-bad)">
        What went wrong
      </Title>
      <Text className="break">{run.error}</Text>
      <Actions actions={run.suggested_actions} />
      {stderr !== undefined && stderr !== "" && (
        <details style={{ marginTop: "0.5rem" }}>
          <summary>The tool&apos;s last words</summary>
          <pre className="mono break" style={{ whiteSpace: "pre-wrap" }}>
            {stderr}
          </pre>
        </details>
      )}
      <Text size="xs" c="dimmed" mt="xs">
        {run.error_code} · {run.error_category}
      </Text>
    </section>
  );
}

function Details({ run }: { run: Run }) {
  const params = Object.entries(run.params as Record<string, unknown>);
  return (
    <Stack>
      <section className="panel" aria-label="Timeline">
        <Title order={2} mb="xs">
          Timeline
        </Title>
        <ol style={{ margin: 0, paddingLeft: "1.2rem" }}>
          <li>Asked for at {exact(run.created_at)}</li>
          {run.attempts.map((attempt) => (
            <li key={attempt.number}>
              Attempt {attempt.number} started at {exact(attempt.started_at)}
              {attempt.ended_at !== null && (
                <>
                  {" "}
                  and ended as {attempt.outcome?.replaceAll("_", " ")} after{" "}
                  {duration((Date.parse(attempt.ended_at) - Date.parse(attempt.started_at)) / 1000)}
                </>
              )}
            </li>
          ))}
          {run.not_before !== null && <li>Not again before {exact(run.not_before)}</li>}
          {run.completed_at !== null && (
            <li>
              {run.status} at {exact(run.completed_at)}
            </li>
          )}
        </ol>
      </section>
      <section className="panel" aria-label="Parameters">
        <Title order={2} mb="xs">
          Parameters
        </Title>
        {params.length === 0 ? (
          <Text c="dimmed">None</Text>
        ) : (
          <dl className="facts">
            {params.map(([name, value]) => (
              <Fact key={name} name={name}>
                <span className="mono">{typeof value === "string" ? value : JSON.stringify(value)}</span>
              </Fact>
            ))}
          </dl>
        )}
      </section>
      <section className="panel" aria-label="Request">
        <Title order={2} mb="xs">
          Request and resources
        </Title>
        <dl className="facts">
          <Fact name="Id">
            <span className="mono">{run.id}</span> <Copy text={run.id} label="Copy id" />
          </Fact>
          <Fact name="Tool">
            {run.tool_id} {run.tool_version}
          </Fact>
          <Fact name="Files">
            {run.inputs.length === 0 && "none"}
            {run.inputs.map((input) => (
              <div key={`${input.type}:${input.value}`} className="mono">
                {input.type} {input.value}
              </div>
            ))}
          </Fact>
          <Fact name="Labels">
            {Object.entries(run.labels)
              .map(([name, value]) => `${name}=${value}`)
              .join(", ") || "none"}
          </Fact>
          <Fact name="Priority">{run.priority}</Fact>
          <Fact name="Time limit">{duration(run.timeout_seconds)}</Fact>
          <Fact name="Asked by">
            {run.created_by}, request <span className="mono">{shortId(run.request_id)}</span>
          </Fact>
          {run.exit_code !== null && <Fact name="Exit status">{run.exit_code}</Fact>}
          {run.signal !== null && <Fact name="Signal">{run.signal}</Fact>}
          {run.peak_memory_bytes !== null && <Fact name="Most memory">{bytes(run.peak_memory_bytes)}</Fact>}
          {run.cpu_seconds !== null && <Fact name="Processor time">{duration(run.cpu_seconds)}</Fact>}
          {run.isolation !== null && (
            <Fact name="Isolation">
              {run.isolation.level}
              {run.isolation.missing.length > 0 && `: ${run.isolation.missing.join("; ")}`}
            </Fact>
          )}
        </dl>
      </section>
    </Stack>
  );
}

function Fact({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}
