// Server-Sent Events that resume: a broken connection is taken up again behind the last event that was seen, with
// growing pauses. A page that nobody sees lets go of its connection, because a browser has few of them for one origin.
import { ApiError, errorOf } from "./client";

export interface StreamEvent {
  /** `message` for data, else `end` or `reset`. */
  name: string;
  id: string;
  data: string;
}

export type StreamState = "connecting" | "live" | "paused" | "offline" | "ended";

export interface Follow {
  path: string;
  /** Resume behind this event. */
  lastId?: string;
  /** Every event of one piece that came over the network, in order. */
  onEvents: (events: StreamEvent[]) => void;
  onState: (state: StreamState, error?: ApiError) => void;
}

const PAUSE_MS_FIRST = 500;
const PAUSE_MS_MAX = 15_000;

/** Cuts a stream of text into events. What is not yet whole stays until the rest comes. */
export class EventCutter {
  private rest = "";
  private id = "";

  /** Takes the next piece and returns the events that are whole by now. */
  push(piece: string): StreamEvent[] {
    const events: StreamEvent[] = [];
    const text = this.rest + piece;
    let at = 0;
    for (let end = text.indexOf("\n\n", at); end !== -1; end = text.indexOf("\n\n", at)) {
      const event = this.read(text.slice(at, end));
      if (event !== null) events.push(event);
      at = end + 2;
    }
    this.rest = text.slice(at);
    return events;
  }

  private read(block: string): StreamEvent | null {
    let name = "message";
    const data: string[] = [];
    for (const line of block.split("\n")) {
      const colon = line.indexOf(":");
      if (colon === 0) continue;
      const field = colon === -1 ? line : line.slice(0, colon);
      const value = colon === -1 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
      if (field === "data") data.push(value);
      else if (field === "event") name = value;
      else if (field === "id") this.id = value;
    }
    return data.length === 0 ? null : { name, id: this.id, data: data.join("\n") };
  }
}

/** Follows a stream until it ends or the returned function is called. */
export function follow({ path, lastId, onEvents, onState }: Follow): () => void {
  const stopped = new AbortController();
  let seen = lastId;
  let pause = PAUSE_MS_FIRST;
  let connection: AbortController | null = null;
  let wake: (() => void) | null = null;

  const onVisibility = (): void => {
    if (document.hidden) connection?.abort();
    else wake?.();
  };
  const onOnline = (): void => {
    pause = PAUSE_MS_FIRST;
    wake?.();
  };
  document.addEventListener("visibilitychange", onVisibility);
  window.addEventListener("online", onOnline);

  const sleep = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = ms === Infinity ? undefined : setTimeout(resolve, ms);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
      stopped.signal.addEventListener("abort", wake, { once: true });
    });

  /** Reads one connection; returns whether the stream is at its end. */
  const connect = async (): Promise<boolean> => {
    connection = new AbortController();
    stopped.signal.addEventListener("abort", () => connection?.abort(), { once: true });
    const headers: Record<string, string> = { Accept: "text/event-stream" };
    if (seen !== undefined) headers["Last-Event-ID"] = seen;
    const response = await fetch(path, { headers, signal: connection.signal, credentials: "same-origin" });
    if (response.status === 204) return true;
    if (!response.ok || response.body === null) throw await errorOf(response);
    onState("live");
    pause = PAUSE_MS_FIRST;
    const cutter = new EventCutter();
    const decoder = new TextDecoder();
    const reader = response.body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return false;
      const events = cutter.push(decoder.decode(value, { stream: true }));
      const last = events.at(-1);
      if (last === undefined) continue;
      if (last.id !== "") seen = last.id;
      onEvents(events);
      if (last.name === "end") {
        connection.abort();
        return true;
      }
    }
  };

  const work = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      if (document.hidden) {
        onState("paused");
        await sleep(Infinity);
        continue;
      }
      onState("connecting");
      try {
        if (await connect()) {
          onState("ended");
          return;
        }
      } catch (error) {
        if (stopped.signal.aborted) return;
        if (connection?.signal.aborted === true) continue;
        const known = error instanceof ApiError ? error : undefined;
        onState("offline", known);
        // A refusal stays one, however often it is asked; too many requests and a stopping service do not.
        if (known !== undefined && known.status < 500 && known.status !== 429) return;
      }
      if (stopped.signal.aborted) return;
      onState("offline");
      await sleep(pause * (0.75 + Math.random() / 2));
      pause = Math.min(pause * 2, PAUSE_MS_MAX);
    }
  };
  void work();

  return () => {
    stopped.abort();
    document.removeEventListener("visibilitychange", onVisibility);
    window.removeEventListener("online", onOnline);
  };
}
