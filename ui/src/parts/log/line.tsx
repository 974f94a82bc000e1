// One line of a log.
import { memo, type ReactNode } from "react";

import type { LogEntry } from "../../api/types";
import { exact, padded } from "../../format";
import { pieces } from "./ansi";

interface LineProps {
  seq: number;
  entry: LogEntry | undefined;
  marked: boolean;
  search: string;
  onPick: (seq: number) => void;
}

export const Line = memo(function Line({ seq, entry, marked, search, onPick }: LineProps) {
  return (
    <div className="log-line" data-level={entry?.level} data-source={entry?.source} data-marked={marked || undefined}>
      <a
        className="log-number"
        href={`#L${seq}`}
        aria-label={`Line ${seq}`}
        tabIndex={-1}
        onClick={(event) => {
          event.preventDefault();
          onPick(seq);
        }}
      >
        {seq}
      </a>
      {entry === undefined ? (
        <span className="log-text" aria-hidden="true">
          …
        </span>
      ) : (
        <>
          <time className="log-time" dateTime={entry.timestamp} title={exact(entry.timestamp)}>
            {clock(entry.timestamp)}
          </time>
          <span className="log-level">{entry.level}</span>
          <span className="log-text">
            {pieces(entry.message).map(({ text, classes }, index) => (
              // Pieces of a line never change their places.
              <span key={index} className={classes || undefined}>
                {found(text, search)}
              </span>
            ))}
          </span>
        </>
      )}
    </div>
  );
});

function clock(time: string): string {
  const moment = new Date(time);
  return `${padded(moment.getHours())}:${padded(moment.getMinutes())}:${padded(moment.getSeconds())}.${padded(moment.getMilliseconds(), 3)}`;
}

/** Marks where a text stands in another, upper and lower case alike. */
function found(text: string, search: string): ReactNode {
  if (search === "") return text;
  const parts: ReactNode[] = [];
  const [lower, wanted] = [text.toLowerCase(), search.toLowerCase()];
  // Some letters change their length with their case; then nothing is marked.
  if (lower.length !== text.length) return text;
  let at = 0;
  for (let next = lower.indexOf(wanted); next !== -1; next = lower.indexOf(wanted, at)) {
    parts.push(text.slice(at, next), <mark key={next}>{text.slice(next, next + wanted.length)}</mark>);
    at = next + wanted.length;
  }
  parts.push(text.slice(at));
  return parts;
}
