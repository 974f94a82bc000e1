import { expect, it } from "vitest";

import { ago, bytes, duration, shellWord } from "./format";

it.each([
  [0, "0 B"],
  [999, "999 B"],
  [1000, "1.0 kB"],
  [999_949, "999.9 kB"],
  [999_950, "1.0 MB"],
  [5_480_989, "5.5 MB"],
])("%i bytes are %s", (size, text) => expect(bytes(size)).toBe(text));

it.each([
  [0.0423, "42 ms"],
  [2.04, "2.0 s"],
  [62, "1 min 02 s"],
  [7383, "2 h 03 min"],
  [200_000, "2 d 7 h"],
])("%f seconds are %s", (seconds, text) => expect(duration(seconds)).toBe(text));

it("a moment is told relative to now", () => {
  const now = 1_000_000_000_000;
  expect([1, 30, 90, 7200, 300_000, -60].map((seconds) => ago(now - seconds * 1000, now))).toEqual([
    "just now",
    "30 s ago",
    "1 min ago",
    "2 h ago",
    "3 d ago",
    "1 min from now",
  ]);
});

it("a word is quoted for a shell only where it has to be", () => {
  expect(shellWord("/data/a.zst")).toBe("/data/a.zst");
  expect(shellWord("a b")).toBe("'a b'");
  expect(shellWord("it's")).toBe(String.raw`'it'\''s'`);
  expect(shellWord("")).toBe("''");
});
