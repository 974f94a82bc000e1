// What runs now, what waits, what went wrong last and what to do about it, and how the service is.
import { Anchor, Group, Progress, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Link } from "wouter";

import { health as getHealth, metrics as getMetrics, runs as getRuns } from "../../api/calls";
import type { Run } from "../../api/types";
import { bytes, count, duration } from "../../format";
import { RunState, HealthState } from "../../parts/state";
import { Ago, useNow } from "../../parts/time";
import { PageTitle } from "../../parts/title";
import { Empty, Trouble, Waiting } from "../../parts/trouble";
import { RunName } from "../runs/name";

/** How many of a kind are shown; the page of the runs has all of them. */
const SHOWN = 8;
/** How often figures are read that no run changes. */
const FIGURES_MS = 10_000;

export default function Overview() {
  return (
    <>
      <PageTitle title="Overview">
        <Group gap="md">
          <Link href="/tools">Start a run</Link>
          <Link href="/runs">All runs</Link>
        </Group>
      </PageTitle>
      <Stack>
        <Figures />
        <SimpleGrid cols={{ base: 1, md: 2 }}>
          <Now />
          <Failures />
        </SimpleGrid>
        <Lately />
      </Stack>
    </>
  );
}

function Panel({ title, more, children }: { title: string; more?: ReactNode; children: ReactNode }) {
  return (
    <section className="panel" aria-label={title}>
      <Group justify="space-between" mb="xs">
        <Title order={2}>{title}</Title>
        {more}
      </Group>
      {children}
    </section>
  );
}

function Figures() {
  const health = useQuery({
    queryKey: ["health"],
    queryFn: ({ signal }) => getHealth(signal),
    refetchInterval: FIGURES_MS,
  });
  const metrics = useQuery({
    queryKey: ["metrics"],
    queryFn: ({ signal }) => getMetrics(signal),
    refetchInterval: FIGURES_MS,
  });
  if (health.isPending || metrics.isPending) {
    return (
      <SimpleGrid cols={{ base: 2, md: 4 }}>
        {[1, 2, 3, 4].map((index) => (
          <div className="panel" key={index} style={{ height: "6.9rem" }}>
            <Waiting rows={2} />
          </div>
        ))}
      </SimpleGrid>
    );
  }
  if (health.isError) return <Trouble error={health.error} again={() => void health.refetch()} />;
  if (metrics.isError) return <Trouble error={metrics.error} again={() => void metrics.refetch()} />;
  const { execution_metrics: runs, system_metrics: system } = metrics.data;
  const rate = runs.success_rate;
  return (
    <SimpleGrid cols={{ base: 2, md: 4 }}>
      <Figure
        label="Service"
        value={
          <Link href="/system" aria-label={`Health: ${health.data.status}`} style={{ textDecoration: "none" }}>
            <HealthState status={health.data.status} />
          </Link>
        }
        note={health.data.notes[0] ?? `up for ${health.data.uptime}`}
      />
      <Figure
        label="Runs now"
        value={count(health.data.running)}
        note={`${count(health.data.queued)} in the queue, wait ${duration(runs.average_queue_wait_seconds)} on average`}
      />
      <Figure
        label="Went well"
        value={rate === null || rate === undefined ? "–" : `${(rate * 100).toFixed(rate === 1 ? 0 : 1)} %`}
        note={
          runs.runs_total === 0
            ? "no run has ended since the start"
            : `of ${count(runs.runs_total)}, ${duration(runs.average_execution_time_seconds)} on average`
        }
      />
      <Figure
        label="Disk free"
        value={bytes(system.disk_free_bytes)}
        note={`${system.disk_used_percent.toFixed(0)} % used; CPU ${system.cpu_percent.toFixed(0)} %`}
      />
    </SimpleGrid>
  );
}

function Figure({ label, value, note }: { label: string; value: ReactNode; note: string }) {
  return (
    <div className="panel" style={{ minHeight: "6.9rem" }}>
      <Text size="sm" c="dimmed">
        {label}
      </Text>
      <Text component="div" fz="1.4rem" fw={600} lh={1.4}>
        {value}
      </Text>
      <Text size="xs" c="dimmed" className="break">
        {note}
      </Text>
    </div>
  );
}

function useRuns(status: readonly Run["status"][], limit = SHOWN) {
  return useQuery({
    queryKey: ["runs", "overview", status, limit],
    queryFn: ({ signal }) => getRuns({ status }, limit, null, signal),
  });
}

function Now() {
  const { data, error, refetch } = useRuns(["running", "queued"]);
  return (
    <Panel title="Running and queued" more={<Link href="/runs?status=running,queued">All</Link>}>
      {error !== null && <Trouble error={error} again={() => void refetch()} />}
      {data === undefined && error === null && <Waiting />}
      {data?.items.length === 0 && (
        <Empty title="Nothing runs now">
          Pick a <Link href="/tools">tool</Link>, drop a driving log on its form, and watch it here.
        </Empty>
      )}
      <ul className="plain">
        {data?.items.map((run) => (
          <li className="row" key={run.id}>
            <RunState status={run.status} />
            <div className="grow">
              <RunName run={run} />
              <RunProgress run={run} />
            </div>
            <Text size="sm" c="dimmed" component="div" ta="right">
              <Since run={run} />
            </Text>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function Since({ run }: { run: Run }) {
  const now = useNow();
  if (run.status === "queued") return <>{run.queue_position !== null && `number ${run.queue_position}`}</>;
  if (run.started_at === null) return null;
  return <>{duration(Math.max(0, (now - Date.parse(run.started_at)) / 1000))}</>;
}

function RunProgress({ run }: { run: Run }) {
  const { progress } = run;
  if (run.status !== "running" || progress === null) return null;
  return (
    <>
      {progress.percent !== null && <Progress value={progress.percent} size="sm" aria-label="Progress" />}
      {progress.message !== null && (
        <Text size="xs" c="dimmed" className="cut">
          {progress.message}
        </Text>
      )}
    </>
  );
}

function Failures() {
  const { data, error, refetch } = useRuns(["failed"], 5);
  return (
    <Panel title="Last failures" more={<Link href="/runs?status=failed">All</Link>}>
      {error !== null && <Trouble error={error} again={() => void refetch()} />}
      {data === undefined && error === null && <Waiting />}
      {data?.items.length === 0 && (
        <Empty title="No run failed">When one does, it stands here with what to do about it.</Empty>
      )}
      <ul className="plain">
        {data?.items.map((run) => (
          <li className="row" key={run.id} style={{ alignItems: "flex-start" }}>
            <RunState status={run.status} />
            <div className="grow">
              <RunName run={run} />
              <Text size="sm" className="break">
                {run.error}
              </Text>
              {run.suggested_actions[0] !== undefined && (
                <Text size="sm" c="dimmed" className="break">
                  → {run.suggested_actions[0]}
                </Text>
              )}
            </div>
            <Text size="sm" c="dimmed" component="div" ta="right">
              <Ago time={run.completed_at ?? run.created_at} />
            </Text>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function Lately() {
  const { data, error, refetch } = useRuns(["completed", "canceled"]);
  return (
    <Panel
      title="Ended lately"
      more={
        <Anchor component={Link} href="/runs">
          All runs
        </Anchor>
      }
    >
      {error !== null && <Trouble error={error} again={() => void refetch()} />}
      {data === undefined && error === null && <Waiting />}
      {data?.items.length === 0 && <Empty title="No run has ended yet">The newest results will stand here.</Empty>}
      <ul className="plain">
        {data?.items.map((run) => (
          <li className="row" key={run.id}>
            <RunState status={run.status} />
            <div className="grow">
              <RunName run={run} />
              {run.progress?.message && (
                <Text size="xs" c="dimmed" className="cut">
                  {run.progress.message}
                </Text>
              )}
            </div>
            <Text size="sm" c="dimmed" component="div" ta="right">
              {run.duration_seconds !== null && `${duration(run.duration_seconds)}, `}
              <Ago time={run.completed_at ?? run.created_at} />
            </Text>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
