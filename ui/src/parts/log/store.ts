// The lines of one run as the page holds them: blocks of lines by their number, those that were not looked at for
// longest given up. New lines come with the stream, old ones when they are scrolled to.
import { logPage } from "../../api/calls";
import { follow, type StreamState } from "../../api/stream";
import type { LogEntry } from "../../api/types";

export const BLOCK_LINES = 500;
/** Most blocks that are held: 40 000 lines. */
const BLOCKS_MAX = 80;
/** Readers are told of new lines this often, however many come. */
const TELL_MS = 80;

interface Block {
  lines: (LogEntry | undefined)[];
  /** Whether all lines that are stored of it are here. */
  whole: boolean;
}

export class LogStore {
  readonly runId: string;
  /** Number of the last line that is known. */
  last = 0;
  /** Rises with every change, for readers. */
  version = 0;
  state: StreamState = "connecting";
  error: Error | null = null;
  private readonly blocks = new Map<number, Block>();
  private readonly loading = new Set<number>();
  private readonly readers = new Set<() => void>();
  private readonly onEnd: () => void;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private stopped = new AbortController();
  private stopFollowing: (() => void) | null = null;

  constructor(runId: string, onEnd: () => void) {
    this.runId = runId;
    this.onEnd = onEnd;
  }

  /** Looks how long the log is, and follows it unless the run is over. */
  start(isOver: boolean): void {
    this.stopped = new AbortController();
    void this.open(isOver);
  }

  stop(): void {
    this.stopped.abort();
    this.stopFollowing?.();
    clearTimeout(this.timer);
    this.timer = undefined;
    this.loading.clear();
  }

  subscribe = (reader: () => void): (() => void) => {
    this.readers.add(reader);
    return () => this.readers.delete(reader);
  };

  getVersion = (): number => this.version;

  private async open(isOver: boolean): Promise<void> {
    const { signal } = this.stopped;
    try {
      // The first block is what most logs are, and says how long the others are.
      const page = await logPage(this.runId, { from: 1, limit: BLOCK_LINES }, signal);
      this.keep(0, { lines: [...page.logs], whole: page.next_from > Math.min(BLOCK_LINES, page.last_seq) });
      this.last = Math.max(this.last, page.last_seq);
      this.error = null;
    } catch (error) {
      if (signal.aborted) return;
      this.error = error as Error;
      this.tell();
      return;
    }
    this.tell();
    if (isOver) {
      this.state = "ended";
      return;
    }
    const from: { lastId?: string } = this.last > 0 ? { lastId: String(this.last) } : {};
    this.stopFollowing = follow({
      path: `/v1/runs/${this.runId}/logs`,
      ...from,
      onState: (state, error) => {
        this.state = state;
        this.error = error ?? null;
        this.tell();
      },
      onEvents: (events) => {
        for (const event of events) {
          if (event.name === "end") {
            this.onEnd();
          } else if (event.name === "reset") {
            // What was seen is not there any more; the stream goes on from the first line there is.
            this.blocks.clear();
            this.last = 0;
          } else if (event.name === "message") {
            this.append(JSON.parse(event.data) as LogEntry);
          }
        }
        this.tell();
      },
    });
  }

  private append(entry: LogEntry): void {
    const number = Math.floor((entry.seq - 1) / BLOCK_LINES);
    const offset = (entry.seq - 1) % BLOCK_LINES;
    let block = this.blocks.get(number);
    if (block === undefined) {
      // A block that begins with the stream has all its lines; one that it comes into later is loaded when shown.
      block = { lines: [], whole: offset === 0 };
      this.keep(number, block);
    }
    block.lines[offset] = entry;
    this.last = Math.max(this.last, entry.seq);
  }

  private keep(number: number, block: Block): void {
    this.blocks.delete(number);
    this.blocks.set(number, block);
    for (const oldest of this.blocks.keys()) {
      if (this.blocks.size <= BLOCKS_MAX) break;
      this.blocks.delete(oldest);
    }
  }

  /** Returns a line by its number; undefined while it is being fetched. */
  line(seq: number): LogEntry | undefined {
    return this.blocks.get(Math.floor((seq - 1) / BLOCK_LINES))?.lines[(seq - 1) % BLOCK_LINES];
  }

  /** Makes sure that these lines are there soon. */
  want(first: number, last: number): void {
    for (
      let number = Math.floor((first - 1) / BLOCK_LINES);
      number <= Math.floor((last - 1) / BLOCK_LINES);
      number += 1
    ) {
      const block = this.blocks.get(number);
      if (block !== undefined) this.keep(number, block);
      if (block?.whole !== true && !this.loading.has(number)) void this.load(number);
    }
  }

  private async load(number: number): Promise<void> {
    this.loading.add(number);
    const { signal } = this.stopped;
    try {
      const [first, end] = [number * BLOCK_LINES + 1, (number + 1) * BLOCK_LINES];
      let from = first;
      let hasMore = true;
      const block = this.blocks.get(number) ?? { lines: [], whole: false };
      // An answer has so many bytes at most: long lines come in several.
      while (hasMore && from <= end) {
        const page = await logPage(this.runId, { from, limit: end - from + 1 }, signal);
        for (const entry of page.logs) block.lines[entry.seq - first] = entry;
        this.last = Math.max(this.last, page.last_seq);
        hasMore = page.has_more && page.next_from > from;
        from = page.next_from;
      }
      // Lines that came with the stream meanwhile continue what was read.
      block.whole = true;
      this.keep(number, block);
      this.error = null;
    } catch (error) {
      if (signal.aborted) return;
      this.error = error as Error;
    } finally {
      this.loading.delete(number);
    }
    this.tell();
  }

  private tell(): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.version += 1;
      for (const reader of this.readers) reader();
    }, TELL_MS);
  }
}
