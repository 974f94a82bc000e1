// What the pages ask the service for, one function for each operation.
import { ask, askJson, query } from "./client";
import type {
  Artifact,
  AuditEntry,
  Capabilities,
  ConfigStatus,
  CreateRun,
  CreateToken,
  DetailedHealth,
  Health,
  LogLevel,
  LogLevels,
  LogPage,
  MetricsSummary,
  Preview,
  Rerun,
  Run,
  RunStatus,
  Session,
  SetLogLevels,
  Token,
  Version,
} from "./types";

export interface RunFilter {
  status?: readonly RunStatus[];
  tool_id?: readonly string[];
  label?: readonly string[];
  q?: string;
  since?: string;
  until?: string;
  sort?: "created_at" | "-created_at";
}

/** A part of a list, and where it goes on. */
export interface Part<T> {
  items: T[];
  next: string | null;
  total: number | null;
}

async function part<T>(path: string, signal?: AbortSignal): Promise<Part<T>> {
  const response = await ask(path, { signal });
  const total = response.headers.get("X-Total-Count");
  return {
    items: (await response.json()) as T[],
    next: response.headers.get("X-Next-Cursor"),
    total: total === null ? null : Number(total),
  };
}

export const version = (signal?: AbortSignal) => askJson<Version>("/v1/version", { signal });
export const health = (signal?: AbortSignal) => askJson<Health>("/v1/health", { signal });
export const metrics = (signal?: AbortSignal) => askJson<MetricsSummary>("/v1/metrics", { signal });
export const configuration = (signal?: AbortSignal) => askJson<ConfigStatus>("/v1/config/status", { signal });
export const logLevels = (signal?: AbortSignal) => askJson<LogLevels>("/v1/log-level", { signal });
export const setLogLevels = (body: SetLogLevels) => askJson<LogLevels>("/v1/log-level", { method: "PUT", body });
export const capabilities = (signal?: AbortSignal) => askJson<Capabilities>("/v1/capabilities", { signal });

/** An unhealthy service answers 503 with the same body. */
export async function detailedHealth(signal?: AbortSignal): Promise<DetailedHealth> {
  const response = await fetch("/health/detailed", signal === undefined ? {} : { signal });
  if (response.ok || response.headers.get("content-type") === "application/json") {
    return (await response.json()) as DetailedHealth;
  }
  return askJson<DetailedHealth>("/health/detailed", { signal });
}

export const session = (signal?: AbortSignal) => askJson<Session>("/v1/session", { signal });
export const signIn = (token: string) => askJson<Session>("/v1/session", { method: "POST", body: { token } });
export const signOut = () => ask("/v1/session", { method: "DELETE" });

export const runs = (filter: RunFilter, limit: number, cursor?: string | null, signal?: AbortSignal) =>
  part<Run>(`/v1/runs${query({ ...filter, limit, cursor })}`, signal);
export const run = (id: string, signal?: AbortSignal) => askJson<Run>(`/v1/runs/${id}`, { signal });
export const createRun = (body: CreateRun, key: string) =>
  askJson<Run>("/v1/runs", { method: "POST", body, headers: { "Idempotency-Key": key } });
export const cancelRun = (id: string) => askJson<Run>(`/v1/runs/${id}/cancel`, { method: "POST" });
export const rerun = (id: string, changes: Rerun, key: string) =>
  askJson<Run>(`/v1/runs/${id}/rerun`, { method: "POST", body: changes, headers: { "Idempotency-Key": key } });
export const artifacts = (runId: string, signal?: AbortSignal) =>
  askJson<Artifact[]>(`/v1/runs/${runId}/artifacts`, { signal });
export const logPage = (
  runId: string,
  fields: { from?: number; limit?: number; level?: LogLevel | undefined; q?: string | undefined },
  signal?: AbortSignal,
) => askJson<LogPage>(`/v1/runs/${runId}/logs/list${query(fields)}`, { signal });

export const preview = (id: string, rows: number, signal?: AbortSignal) =>
  askJson<Preview>(`/v1/artifacts/${id}/preview${query({ rows })}`, { signal });
/** Where the bytes of an artifact are, at this page's own origin. */
export const contentAddress = (id: string) => `/v1/artifacts/${id}/content`;
export const downloadAddress = (id: string) => `/v1/artifacts/${id}/download`;

export const tokens = (signal?: AbortSignal) => askJson<Token[]>("/v1/tokens", { signal });
export const createToken = (body: CreateToken, key: string) =>
  askJson<Token>("/v1/tokens", { method: "POST", body, headers: { "Idempotency-Key": key } });
export const revokeToken = (id: string) => ask(`/v1/tokens/${id}`, { method: "DELETE" });
export const audit = (
  filter: { actor?: string; action?: string },
  limit: number,
  cursor?: string | null,
  signal?: AbortSignal,
) => part<AuditEntry>(`/v1/audit${query({ ...filter, limit, cursor })}`, signal);
