import { expect, it } from "vitest";

import { added } from "./history";
import type { MetricsSummary } from "./types";

function look(second: number, requests: number): MetricsSummary {
  return {
    timestamp: new Date(second * 1000).toISOString(),
    execution_metrics: { active_runs: 2, queued_runs: 3 },
    system_metrics: { cpu_percent: 50, memory_percent: 25 },
    api_metrics: { requests_total: requests },
  } as MetricsSummary;
}

it("a rate is the difference to the look before, and a service that was started again has none", () => {
  let kept = added({ samples: [], requestsTotal: 0 }, look(100, 1000));
  for (const [second, requests] of [
    [105, 1050],
    [105, 1050],
    [110, 20],
    [115, 30],
  ] as const) {
    kept = added(kept, look(second, requests));
  }
  expect(kept.samples.map(({ at, requests }) => [at, requests])).toEqual([
    [100, null],
    [105, 10],
    [110, null],
    [115, 2],
  ]);
});

it("no more than an hour is kept", () => {
  let kept = added({ samples: [], requestsTotal: 0 }, look(0, 0));
  for (let second = 5; second <= 5000; second += 5) kept = added(kept, look(second, second));
  expect(kept.samples.length).toBe(720);
  expect(kept.samples.at(-1)?.at).toBe(5000);
});
