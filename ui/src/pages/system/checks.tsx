// Every health check, the failing ones first, each with its remedy.
import { Group, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";

import { detailedHealth } from "../../api/calls";
import type { HealthCheck } from "../../api/types";
import { duration } from "../../format";
import { HealthState } from "../../parts/state";
import { Ago } from "../../parts/time";
import { Trouble, Waiting } from "../../parts/trouble";

const LOOK_MS = 5000;

/** What fails comes first. */
function rank({ status }: HealthCheck): number {
  return status === "unhealthy" ? 0 : status === "unknown" ? 1 : 2;
}

/** What else a check saw, in words; what it could not see is left out. */
function detailsOf({ details }: HealthCheck): string {
  const seen = Object.entries(details as Record<string, unknown>).filter(([, value]) => value !== null);
  return seen.map(([name, value]) => ` · ${name.replaceAll("_", " ")} ${JSON.stringify(value)}`).join("");
}

export function Checks() {
  const { data, error, refetch } = useQuery({
    queryKey: ["checks"],
    queryFn: ({ signal }) => detailedHealth(signal),
    refetchInterval: LOOK_MS,
  });
  if (error !== null && data === undefined) return <Trouble error={error} again={() => void refetch()} />;
  if (data === undefined) return <Waiting rows={7} height={48} />;
  const checks = data.checks.toSorted((left, right) => rank(left) - rank(right));
  return (
    <Stack>
      <section className="panel" aria-label="Health in one word">
        <Group gap="md">
          <HealthState status={data.status} />
          <Text size="sm" c="dimmed">
            {data.summary.healthy_checks} of {data.summary.total_checks} checks pass · {data.environment} · up for{" "}
            {duration(data.uptime_seconds)}
            {data.draining && " · stopping: no new runs are taken"}
          </Text>
        </Group>
      </section>
      <ul className="plain panel" aria-label="Checks">
        {checks.map((check) => (
          <li className="row check" key={check.name} style={{ alignItems: "flex-start" }}>
            <div className="check-state">
              <HealthState status={check.status} />
            </div>
            <div className="grow">
              <Title order={2} size="h3">
                {check.name.replaceAll("_", " ")}
                {check.critical && (
                  <Text span size="sm" c="dimmed" fw={400}>
                    {" "}
                    · the service needs it
                  </Text>
                )}
              </Title>
              {check.message && <Text size="sm">{check.message}</Text>}
              {check.status === "healthy" ? (
                <details>
                  <summary className="quiet">What to do when it fails</summary>
                  <Text size="sm">{check.remedy}</Text>
                </details>
              ) : (
                <Text size="sm" fw={600}>
                  → {check.remedy}
                </Text>
              )}
              <Text size="xs" c="dimmed" className="break">
                {check.last_check ? <Ago time={check.last_check} /> : "not looked at yet"},{" "}
                {duration(check.duration_ms / 1000)}
                {detailsOf(check)}
              </Text>
            </div>
          </li>
        ))}
      </ul>
    </Stack>
  );
}
