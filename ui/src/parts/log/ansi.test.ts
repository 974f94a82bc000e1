import { expect, it } from "vitest";

import { pieces } from "./ansi";

const ESC = "\u001B";

it("a plain line is one piece", () => {
  expect(pieces("found 3 frames")).toEqual([{ text: "found 3 frames", classes: "" }]);
  expect(pieces("")).toEqual([{ text: "", classes: "" }]);
});

it("colors and weights become classes, and end where they end", () => {
  expect(pieces(`a${ESC}[1;31mb${ESC}[0mc${ESC}[92md${ESC}[39me`)).toEqual([
    { text: "a", classes: "" },
    { text: "b", classes: "ansi-bold ansi-1" },
    { text: "c", classes: "" },
    { text: "d", classes: "ansi-2" },
    { text: "e", classes: "" },
  ]);
});

it("larger palettes are read over, and what follows them is not", () => {
  expect(pieces(`${ESC}[38;5;196;1mx`)).toEqual([{ text: "x", classes: "ansi-bold" }]);
  expect(pieces(`${ESC}[38;2;1;2;3;4mx`)).toEqual([{ text: "x", classes: "ansi-underlined" }]);
});

it("every other sequence and control character is left out", () => {
  const line = `a${ESC}[2Kb${ESC}]8;;http://x${ESC}\\c\u0007\u0000d`;
  expect(
    pieces(line)
      .map(({ text }) => text)
      .join(""),
  ).toBe("abcd");
});

it("markup stays a text", () => {
  expect(pieces("<script>alert(1)</script>")).toEqual([{ text: "<script>alert(1)</script>", classes: "" }]);
});
