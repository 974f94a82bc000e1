// One request, one answer. Every error is an ApiError with the problem that the service told, or one that says that it
// could not be reached. Requests go to the page's own origin only.
import type { Problem } from "./types";

export class ApiError extends Error {
  readonly status: number;
  readonly problem: Partial<Problem>;

  constructor(status: number, problem: Partial<Problem>) {
    super(problem.detail ?? problem.title ?? `the service answered ${status}`);
    this.name = "ApiError";
    this.status = status;
    this.problem = problem;
  }

  /** Whether there was no answer at all. */
  get isOffline(): boolean {
    return this.status === 0;
  }
}

/** The proof that this page, not another one, asks with the cookie; it comes with the session. */
let csrfToken: string | null = null;

export function setCsrfToken(token: string | null): void {
  csrfToken = token;
}

export function csrfHeaders(): Record<string, string> {
  return csrfToken === null ? {} : { "X-CSRF-Token": csrfToken };
}

export interface Ask {
  method?: "GET" | "POST" | "PUT" | "DELETE";
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal | undefined;
}

/** Asks and returns the answer, whatever its body is; throws an ApiError unless it went well. */
export async function ask(path: string, { method = "GET", body, headers = {}, signal }: Ask = {}): Promise<Response> {
  const init: RequestInit = { method, headers: { Accept: "application/json", ...headers }, credentials: "same-origin" };
  if (signal !== undefined) init.signal = signal;
  if (method !== "GET") init.headers = { ...init.headers, ...csrfHeaders() };
  if (body instanceof Blob) {
    init.body = body;
  } else if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers = { ...init.headers, "Content-Type": "application/json" };
  }
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch (error) {
    if (signal?.aborted === true) throw error;
    throw new ApiError(0, {
      title: "The service cannot be reached",
      detail: "the service cannot be reached",
      suggested_actions: ["Check that the service runs and that this machine reaches it, then try again."],
    });
  }
  if (!response.ok) throw await errorOf(response);
  return response;
}

/** Returns what an answer says that did not go well. */
export async function errorOf(response: Response): Promise<ApiError> {
  let problem: Partial<Problem> = {};
  try {
    problem = (await response.json()) as Partial<Problem>;
  } catch {
    // Something in between answered, not the service.
  }
  return new ApiError(response.status, { title: response.statusText, ...problem });
}

/** Asks and reads the answer as JSON. */
export async function askJson<T>(path: string, options?: Ask): Promise<T> {
  const response = await ask(path, options);
  return (await response.json()) as T;
}

/** Writes a query; what is undefined, null or empty is left out. */
export function query(fields: Record<string, string | number | readonly string[] | null | undefined>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined || value === null || value === "") continue;
    if (Array.isArray(value)) {
      for (const one of value as readonly string[]) search.append(name, one);
    } else {
      search.append(name, String(value));
    }
  }
  const text = search.toString();
  return text === "" ? "" : `?${text}`;
}

/** A key for one request, under which it may be sent again. Pages that did not come by HTTPS have no `randomUUID`. */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
