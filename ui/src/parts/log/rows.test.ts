import { expect, it } from "vitest";

import { partOf } from "./rows";

it("a line is in the part that holds it", () => {
  expect([1, 100, 101, 250].map((seq) => partOf(seq, 100))).toEqual([1, 1, 2, 3]);
});
