import { expect, it } from "vitest";

import type { Artifact } from "../../api/types";
import { filePairs, isDifferent, pairs } from "./compare";

function file(filename: string, sha256: string): Artifact {
  return { filename, sha256 } as Artifact;
}

it("parameters are paired by name, also those that only one run has", () => {
  const found = pairs({ a: 1, b: [1, 2], c: "x" }, { b: [1, 2], c: "y", d: null });
  expect(found).toEqual([
    { name: "a", left: "1", right: "–" },
    { name: "b", left: "[1,2]", right: "[1,2]" },
    { name: "c", left: "x", right: "y" },
    { name: "d", left: "–", right: "null" },
  ]);
  expect(found.filter(isDifferent).map(({ name }) => name)).toEqual(["a", "c", "d"]);
});

it("files are the same when their checksums are", () => {
  const found = filePairs([file("b", "1"), file("a", "1")], [file("a", "1"), file("b", "2"), file("c", "3")]);
  expect(found.map(({ name, isSame }) => [name, isSame])).toEqual([
    ["a", true],
    ["b", false],
    ["c", false],
  ]);
});
