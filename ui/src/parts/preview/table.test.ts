import { expect, it } from "vitest";

import { kindOf } from "./preview";
import { statistics } from "./table";

it("a column of numbers has its figures, one of names has none", () => {
  const rows = [
    ["1", "a", "0x10"],
    ["3.5", "b", "0x11"],
    ["", "a", "0x10"],
  ];
  expect(statistics(rows, 0)).toEqual({ values: 2, distinct: 2, minimum: 1, maximum: 3.5, mean: 2.25 });
  expect(statistics(rows, 1)).toEqual({ values: 3, distinct: 2, minimum: null, maximum: null, mean: null });
  expect(statistics(rows, 2).mean).toBeNull();
  expect(statistics([], 0)).toEqual({ values: 0, distinct: 0, minimum: null, maximum: null, mean: null });
});

it.each([
  ["text/html; charset=utf-8", "report"],
  ["TEXT/HTML", "report"],
  ["application/xhtml+xml", "report"],
  ["image/svg+xml", "picture"],
  ["image/png", "picture"],
  ["text/csv", "data"],
  ["application/octet-stream", "data"],
])("%s is shown as a %s", (type, kind) => expect(kindOf({ type })).toBe(kind));
