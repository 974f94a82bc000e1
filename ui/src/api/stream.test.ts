import { afterEach, expect, it, vi } from "vitest";

import { EventCutter, follow, type StreamEvent, type StreamState } from "./stream";

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

it("events come whole, however the stream is cut", () => {
  const text =
    ': alive\n\nid: 1\ndata: {"a":1}\n\nid: 2\ndata: x\ndata: y\n\nevent: end\nid: 2.end\ndata: {}\n\nid: 3\n';
  for (let size = 1; size <= text.length; size += 1) {
    const cutter = new EventCutter();
    const events: StreamEvent[] = [];
    for (let at = 0; at < text.length; at += size) events.push(...cutter.push(text.slice(at, at + size)));
    expect(events).toEqual([
      { name: "message", id: "1", data: '{"a":1}' },
      { name: "message", id: "2", data: "x\ny" },
      { name: "end", id: "2.end", data: "{}" },
    ]);
  }
});

/** A service whose stream breaks off after each of these texts. */
function service(answers: (string | number)[]): { asked: (string | null)[] } {
  const asked: (string | null)[] = [];
  vi.stubGlobal("fetch", (_: string, init: RequestInit) => {
    asked.push(new Headers(init.headers).get("Last-Event-ID"));
    const answer = answers.shift();
    if (answer === undefined) return new Promise(() => undefined);
    if (typeof answer === "number") return Promise.resolve(new Response(null, { status: answer }));
    return Promise.resolve(new Response(answer, { headers: { "Content-Type": "text/event-stream" } }));
  });
  return { asked };
}

async function run(answers: (string | number)[]) {
  vi.useFakeTimers();
  const { asked } = service(answers);
  const data: string[] = [];
  const states: StreamState[] = [];
  const stop = follow({
    path: "/v1/runs/x/logs",
    onEvents: (events) => data.push(...events.map((event) => event.data)),
    onState: (state) => states.push(state),
  });
  await vi.advanceTimersByTimeAsync(60_000);
  stop();
  return { asked, data, states };
}

it("a broken connection is taken up again behind the last event that was seen", async () => {
  const { asked, data, states } = await run([
    "id: 1\ndata: a\n\nid: 2\ndata: b\n\nid: 3\nda",
    503,
    "id: 3\ndata: c\n\nevent: end\nid: 3.end\ndata: {}\n\n",
  ]);
  expect(asked).toEqual([null, "2", "2"]);
  expect(data).toEqual(["a", "b", "c", "{}"]);
  expect(states.at(-1)).toBe("ended");
  expect(states).toContain("offline");
});

it("a client that has seen the end is done, and one that is refused asks no more", async () => {
  expect((await run([204])).states.at(-1)).toBe("ended");
  const refused = await run([403, "id: 1\ndata: a\n\n"]);
  expect(refused.asked).toEqual([null]);
  expect(refused.states.at(-1)).toBe("offline");
});
