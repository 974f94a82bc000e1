// A JSON document as a tree that opens where one looks. Long lists are shown in parts.
import { Button } from "@mantine/core";
import { useState } from "react";

import type { Json } from "../../api/types";

const PART = 100;

export function Tree({ value, name, depth = 0 }: { value: Json; name?: string; depth?: number }) {
  const [open, setOpen] = useState(depth < 2);
  const [shown, setShown] = useState(PART);
  const label = name === undefined ? null : <span className="tree-name">{name}: </span>;
  if (value === null || typeof value !== "object") {
    return (
      <div className="tree-leaf">
        {label}
        <span data-kind={value === null ? "null" : typeof value}>{JSON.stringify(value)}</span>
      </div>
    );
  }
  const entries: [string, Json][] = Array.isArray(value)
    ? value.map((item, index) => [String(index), item])
    : Object.entries(value);
  const brackets = Array.isArray(value) ? `[${entries.length}]` : `{${entries.length}}`;
  return (
    <details open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        {label}
        {brackets}
      </summary>
      {open && (
        <div className="tree-inner">
          {entries.slice(0, shown).map(([key, item]) => (
            <Tree key={key} name={key} value={item} depth={depth + 1} />
          ))}
          {entries.length > shown && (
            <Button size="compact-xs" variant="default" onClick={() => setShown(shown + PART)}>
              {entries.length - shown} more
            </Button>
          )}
        </div>
      )}
    </details>
  );
}
