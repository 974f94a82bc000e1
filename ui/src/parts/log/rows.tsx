// A frame that shows some of very many lines. Lines of one height are placed by counting; wrapped ones are measured, and
// then only so many of the last ones are shown that measuring stays cheap.
import { Button, Text } from "@mantine/core";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useLayoutEffect, useRef, useState } from "react";

import type { LogEntry } from "../../api/types";
import { count } from "../../format";
import { Line } from "./line";

export const LINE_HEIGHT = 20;
const OVERSCAN = 20;
/** Browsers draw nothing below some millions of pixels; longer logs are shown in parts. */
const PART_LINES = 700_000;
const WRAPPED_LINES_MAX = 20_000;

export interface Rows {
  length: number;
  seqAt: (index: number) => number;
  at: (index: number) => LogEntry | undefined;
  /** Told which rows are seen. */
  want: (first: number, last: number) => void;
}

export interface RowsViewProps {
  rows: Rows;
  /** Changes when the rows do. */
  version: number;
  wrap: boolean;
  follow: boolean;
  setFollow: (follow: boolean) => void;
  picked: number | null;
  onPick: (seq: number) => void;
  search: string;
}

export function RowsView(props: RowsViewProps) {
  const { rows, wrap, follow, setFollow, picked } = props;
  const part = wrap ? WRAPPED_LINES_MAX : PART_LINES;
  // Who follows sees the last part, who does not begins with the first one, or with that of a line that is linked to.
  const [end, setEnd] = useState(() => partOf(picked ?? 1, part) * part);
  const last = follow ? rows.length : Math.min(Math.max(end, part), rows.length);
  const first = Math.max(0, last - part);
  const shift = (to: number): void => {
    setFollow(false);
    setEnd(to);
  };
  const inner = { ...props, first, length: last - first };
  return (
    <>
      {rows.length > part && (
        <Text size="sm" mb={4} component="div">
          Lines {count(first + 1)} to {count(last)} of {count(rows.length)}{" "}
          <Button size="compact-xs" variant="default" disabled={first === 0} onClick={() => shift(first)}>
            Earlier lines
          </Button>{" "}
          <Button
            size="compact-xs"
            variant="default"
            disabled={last === rows.length}
            onClick={() => shift(last + part)}
          >
            Later lines
          </Button>
        </Text>
      )}
      {wrap ? <Wrapped key="wrapped" {...inner} /> : <Even key="even" {...inner} />}
    </>
  );
}

/** Which part, counted from 1, holds a line. */
export function partOf(seq: number, part: number): number {
  return Math.ceil(seq / part);
}

interface PartProps extends RowsViewProps {
  first: number;
  length: number;
}

const FRAME = {
  className: "log-frame",
  tabIndex: 0,
  role: "region",
  "aria-label": "Lines of the log",
} as const;

/** Whether a frame stands at its end, give or take a line. */
function isAtEnd(frame: HTMLElement): boolean {
  return frame.scrollHeight - frame.scrollTop - frame.clientHeight < LINE_HEIGHT * 1.5;
}

function Even({ rows, version, follow, setFollow, picked, onPick, search, first, length }: PartProps) {
  const frame = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 600 });
  const [from, to] = [
    Math.max(0, Math.floor(view.top / LINE_HEIGHT) - OVERSCAN),
    Math.min(length, Math.ceil((view.top + view.height) / LINE_HEIGHT) + OVERSCAN),
  ];

  useEffect(() => {
    const element = frame.current;
    if (element === null) return;
    const measure = new ResizeObserver(() => setView({ top: element.scrollTop, height: element.clientHeight }));
    measure.observe(element);
    return () => measure.disconnect();
  }, []);

  const { want } = rows;
  useEffect(() => {
    if (to > from) want(first + from, first + to - 1);
    // What is wanted follows from what is seen and from what there is.
    // oxlint-disable-next-line react/exhaustive-deps -- `want` is new with every look and says the same
  }, [first, from, to, version]);

  useLayoutEffect(() => {
    if (follow && frame.current !== null) frame.current.scrollTop = frame.current.scrollHeight;
  }, [follow, length]);

  // A link to a line leads there once.
  const shown = useRef<number | null>(null);
  useLayoutEffect(() => {
    if (picked === null || shown.current === picked || length === 0) return;
    const isNew = shown.current === null;
    shown.current = picked;
    if (isNew && frame.current !== null && picked <= first + length) {
      setFollow(false);
      frame.current.scrollTop = Math.max(0, (picked - 1 - first) * LINE_HEIGHT - frame.current.clientHeight / 2);
    }
  }, [picked, first, length, setFollow]);

  const drawn = [];
  for (let index = from; index < to; index += 1) {
    const seq = rows.seqAt(first + index);
    drawn.push(
      <Line
        key={seq}
        seq={seq}
        entry={rows.at(first + index)}
        marked={picked === seq}
        search={search}
        onPick={onPick}
      />,
    );
  }
  return (
    <div
      {...FRAME}
      ref={frame}
      onScroll={(event) => {
        const element = event.currentTarget;
        setView({ top: element.scrollTop, height: element.clientHeight });
      }}
      onWheel={(event) => {
        if (event.deltaY < 0) setFollow(false);
        else if (isAtEnd(event.currentTarget) && event.deltaY > 0) setFollow(true);
      }}
      onKeyDown={(event) => {
        if (["ArrowUp", "PageUp", "Home"].includes(event.key)) setFollow(false);
        if (event.key === "End") setFollow(true);
      }}
      onTouchMove={() => setFollow(false)}
    >
      <div style={{ height: length * LINE_HEIGHT, position: "relative", minWidth: "max-content" }}>
        <div className="log-lines" style={{ transform: `translateY(${from * LINE_HEIGHT}px)` }}>
          {drawn}
        </div>
      </div>
    </div>
  );
}

function Wrapped({ rows, version, follow, setFollow, picked, onPick, search, first, length }: PartProps) {
  const frame = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: length,
    getScrollElement: () => frame.current,
    estimateSize: () => LINE_HEIGHT,
    overscan: OVERSCAN,
  });
  const items = virtual.getVirtualItems();
  const [from, to] = [items[0]?.index ?? 0, items.at(-1)?.index ?? -1];
  const { want } = rows;
  useEffect(() => {
    if (to >= from) want(first + from, first + to);
    // As above.
    // oxlint-disable-next-line react/exhaustive-deps -- `want` is new with every look and says the same
  }, [first, from, to, version]);
  useLayoutEffect(() => {
    if (follow && length > 0) virtual.scrollToIndex(length - 1, { align: "end" });
  }, [follow, length, virtual]);
  return (
    <div
      {...FRAME}
      ref={frame}
      data-wrap
      onWheel={(event) => {
        if (event.deltaY < 0) setFollow(false);
      }}
      onKeyDown={(event) => {
        if (["ArrowUp", "PageUp", "Home"].includes(event.key)) setFollow(false);
      }}
    >
      <div style={{ height: virtual.getTotalSize(), position: "relative" }}>
        <div className="log-lines" style={{ transform: `translateY(${items[0]?.start ?? 0}px)`, width: "100%" }}>
          {items.map(({ index }) => {
            const seq = rows.seqAt(first + index);
            return (
              <div key={seq} data-index={index} ref={virtual.measureElement}>
                <Line
                  seq={seq}
                  entry={rows.at(first + index)}
                  marked={picked === seq}
                  search={search}
                  onPick={onPick}
                />
              </div>
            );
          })}
        </div>
      </div>
    </div>
  );
}
