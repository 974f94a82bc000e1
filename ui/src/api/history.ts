// What the figures were while this page was open: each look at them is kept, up to a limit. The service keeps no history
// for browsers; Prometheus does.
import type { QueryClient } from "@tanstack/react-query";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useSyncExternalStore } from "react";

import type { MetricsSummary } from "./types";

/** An hour, with a look every five seconds. */
const SAMPLES_MAX = 720;

export interface Sample {
  /** Seconds since 1970. */
  at: number;
  processors: number;
  memory: number;
  running: number;
  queued: number;
  /** Requests a second since the look before; null for the first one. */
  requests: number | null;
}

interface Kept {
  samples: readonly Sample[];
  requestsTotal: number;
}

let kept: Kept = { samples: [], requestsTotal: 0 };
const readers = new Set<() => void>();

/** Adds a look to what was kept; one that was seen already changes nothing. */
export function added({ samples, requestsTotal }: Kept, look: MetricsSummary): Kept {
  const at = Date.parse(look.timestamp) / 1000;
  const last = samples.at(-1);
  if (last !== undefined && at <= last.at) return { samples, requestsTotal };
  const { execution_metrics: runs, system_metrics: system, api_metrics: api } = look;
  const asked = api.requests_total - requestsTotal;
  const sample: Sample = {
    at,
    processors: system.cpu_percent,
    memory: system.memory_percent,
    running: runs.active_runs,
    queued: runs.queued_runs,
    // A count that became smaller is that of a service that was started again.
    requests: last === undefined || asked < 0 ? null : asked / (at - last.at),
  };
  return { samples: [...samples, sample].slice(-SAMPLES_MAX), requestsTotal: api.requests_total };
}

function watch(client: QueryClient): () => void {
  return client.getQueryCache().subscribe(({ type, query }) => {
    if (type !== "updated" || query.queryKey[0] !== "metrics") return;
    const look = query.state.data as MetricsSummary | undefined;
    const next = look === undefined ? kept : added(kept, look);
    if (next.samples === kept.samples) return;
    kept = next;
    for (const reader of readers) reader();
  });
}

/** Keeps looks at the figures as long as the page is open. */
export function useKeepHistory(): void {
  const client = useQueryClient();
  useEffect(() => watch(client), [client]);
}

function subscribe(reader: () => void): () => void {
  readers.add(reader);
  return () => readers.delete(reader);
}

export function useHistory(): readonly Sample[] {
  return useSyncExternalStore(subscribe, () => kept.samples);
}
