// A time relative to now, with the exact one on hover and for machines.
import { useSyncExternalStore } from "react";

import { ago, exact } from "../format";

const TICK_MS = 5000;

let now = Date.now();
const readers = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

/** One clock for the whole page, which stands still while nobody looks at it. */
function subscribe(reader: () => void): () => void {
  if (readers.size === 0) now = Date.now();
  readers.add(reader);
  timer ??= setInterval(() => {
    now = Date.now();
    for (const each of readers) each();
  }, TICK_MS);
  return () => {
    readers.delete(reader);
    if (readers.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

export function useNow(): number {
  return useSyncExternalStore(subscribe, () => now);
}

export function Ago({ time }: { time: string }) {
  const moment = Date.parse(time);
  const now = useNow();
  // A moment that is newer than the last tick was just now, not in the future.
  const isNew = moment > now && moment - now < 2 * TICK_MS;
  return (
    <time dateTime={time} title={exact(time)}>
      {ago(moment, isNew ? moment : now)}
    </time>
  );
}
