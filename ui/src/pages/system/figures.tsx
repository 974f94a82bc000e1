// What the service did since its start, and what it uses.
import { SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";

import { metrics as getMetrics } from "../../api/calls";
import { bytes, count, duration } from "../../format";
import { Trouble, Waiting } from "../../parts/trouble";
import { Charts } from "./charts";

const LOOK_MS = 5000;

export function Figures() {
  const { data, error, refetch } = useQuery({
    queryKey: ["metrics"],
    queryFn: ({ signal }) => getMetrics(signal),
    refetchInterval: LOOK_MS,
  });
  if (error !== null && data === undefined) return <Trouble error={error} again={() => void refetch()} />;
  if (data === undefined) return <Waiting rows={6} height={60} />;
  const { execution_metrics: runs, api_metrics: api, business_metrics: business, system_metrics: system } = data;
  return (
    <Stack>
      <Charts />
      <SimpleGrid cols={{ base: 1, sm: 2, xl: 3 }}>
        <Group
          title="Runs"
          facts={[
            ["ended", count(runs.runs_total)],
            ["completed", count(runs.runs_successful)],
            ["failed", count(runs.runs_failed)],
            ["canceled", count(runs.runs_canceled)],
            ["running now", count(runs.active_runs)],
            ["in the queue", count(runs.queued_runs)],
            ["most at one time", count(runs.peak_concurrent_runs)],
            ["mean time", duration(runs.average_execution_time_seconds)],
            ["mean wait", duration(runs.average_queue_wait_seconds)],
          ]}
        />
        <Group
          title="Machine"
          facts={[
            ["processors", `${system.cpu_percent.toFixed(0)} %`],
            ["memory", `${system.memory_percent.toFixed(0)} %, ${bytes(system.memory_available_bytes)} left`],
            ["disk", `${system.disk_used_percent.toFixed(0)} %, ${bytes(system.disk_free_bytes)} left`],
            ["service's memory", bytes(system.process_resident_bytes)],
            ["open files", count(system.process_open_files)],
            ["up for", duration(system.uptime_seconds)],
          ]}
        />
        <Group
          title="Requests"
          facts={[
            ["answered", count(api.requests_total)],
            ["mean time", `${api.average_response_time_ms.toFixed(1)} ms`],
            ...counts(api.errors_by_category),
          ]}
        />
        <Group
          title="Stored"
          facts={[
            ["artifacts", count(business.artifacts_generated)],
            ["their size", bytes(business.artifact_bytes)],
            ["logs", bytes(business.log_bytes)],
          ]}
        />
        <Group title="Runs by tool" facts={counts(business.tools_usage)} />
        <Group title="Failures by code" facts={counts(runs.failures_by_code)} />
      </SimpleGrid>
      <Text size="sm" c="dimmed">
        Since the service was started. <a href="/metrics">/metrics</a> has them all for Prometheus.
      </Text>
    </Stack>
  );
}

function counts(of: Record<string, number>): [string, string][] {
  return Object.entries(of)
    .toSorted(([, left], [, right]) => right - left)
    .map(([name, value]) => [name, count(value)]);
}

function Group({ title, facts }: { title: string; facts: readonly [string, string][] }) {
  return (
    <section className="panel" aria-label={title}>
      <Title order={2} mb="xs">
        {title}
      </Title>
      {facts.length === 0 && (
        <Text size="sm" c="dimmed">
          None
        </Text>
      )}
      <dl className="facts pairs">
        {facts.map(([name, value]) => (
          <div key={name} style={{ display: "contents" }}>
            <dt>{name}</dt>
            <dd style={{ textAlign: "right", fontVariantNumeric: "tabular-nums" }}>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
