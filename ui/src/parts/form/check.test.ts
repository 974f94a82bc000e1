import { describe, expect, it } from "vitest";

import type { ToolParameter } from "../../api/types";
import { check, emptyOf, type Raw, rawOf, rule } from "./check";

function spec(changes: Partial<ToolParameter>): ToolParameter {
  return {
    type: "str",
    default: null,
    description: "",
    choices: [],
    required: false,
    minimum: null,
    maximum: null,
    pattern: null,
    items: null,
    unit: null,
    secret: false,
    examples: [],
    ...changes,
  };
}

describe("a field", () => {
  const good: [string, Partial<ToolParameter>, Raw, unknown][] = [
    ["text", { type: "str" }, " a b ", " a b "],
    ["text with a pattern", { type: "str", pattern: "[a-z]+" }, "abc", "abc"],
    ["text of letters beyond the first plane", { type: "str", maximum: 1 }, "😀", "😀"],
    ["choice", { type: "str", choices: ["a", "b"] }, "b", "b"],
    ["whole number", { type: "int", minimum: 1, maximum: 10 }, "10", 10],
    ["whole number with a fraction of zero", { type: "int" }, "3.0", 3],
    ["number", { type: "float", minimum: 0 }, "1e-3", 0.001],
    ["number among choices", { type: "float", choices: [0.5, 1] }, "0.50", 0.5],
    ["yes", { type: "bool" }, "true", true],
    ["no", { type: "bool" }, "false", false],
    ["list of texts", { type: "list", items: "str" }, ["a", "b"], ["a", "b"]],
    ["list of numbers", { type: "list", items: "int", maximum: 2 }, ["1", "2"], [1, 2]],
    ["list without a type of items", { type: "list" }, ["1"], ["1"]],
    ["file", { type: "file" }, [{ type: "path", value: "/a" }], { type: "path", value: "/a" }],
    [
      "list of files",
      { type: "list", items: "file" },
      [{ type: "upload", value: "x" }],
      [{ type: "upload", value: "x" }],
    ],
  ];
  it.each(good)("takes a %s", (_, changes, raw, value) => {
    expect(check("x", spec(changes), raw)).toEqual({ value, faults: [] });
  });

  // The sentences are those of the service.
  const bad: [Partial<ToolParameter>, Raw, string][] = [
    [{ type: "int", minimum: 1, maximum: 10 }, "11", "x is 11; allowed is 1 to 10"],
    [{ type: "int", minimum: 0, unit: "s" }, "-1", "x is -1; at least 0 s is allowed"],
    [{ type: "float", maximum: 1 }, "1.5", "x is 1.5; at most 1 is allowed"],
    [{ type: "int" }, "1.5", 'x is "1.5", not a whole number'],
    [{ type: "int" }, "9007199254740993", 'x is "9007199254740993", not a whole number'],
    [{ type: "float" }, "abc", 'x is "abc", not a number'],
    [{ type: "float" }, "0x10", 'x is "0x10", not a number'],
    [{ type: "float" }, "Infinity", 'x is "Infinity", not a number'],
    [{ type: "bool" }, "maybe", 'x is "maybe", not true or false'],
    [{ type: "str", pattern: "[a-z]+" }, "ab1", 'x is "ab1", which does not match [a-z]+'],
    [{ type: "str", maximum: 2 }, "abc", "x has 3 characters, at most 2 are allowed"],
    [{ type: "str", minimum: 4 }, "abc", "x has 3 characters, too few"],
    [{ type: "str", choices: ["a", "b"] }, "c", 'x is "c", not one of a, b'],
    [{ type: "list", items: "int" }, ["1", "b"], 'x is "b", not a whole number'],
    [{ type: "list", maximum: 1 }, ["a", "b"], "x has 2 items, at most 1 are allowed"],
    [{ type: "list", minimum: 2 }, ["a"], "x has 1 items, too few"],
    [{ type: "list", choices: ["a"] }, ["b"], 'x is "b", not one of a'],
    [{ type: "str", secret: true, pattern: "[0-9]+" }, "hunter2", "x is ***, which does not match [0-9]+"],
  ];
  it.each(bad)("refuses %o with %o", (changes, raw, fault) => {
    expect(check("x", spec(changes), raw).faults).toEqual([fault]);
  });

  it("that is empty is not sent, and is a fault only when it is required and has no default", () => {
    for (const type of ["str", "int", "float", "bool", "list", "file"] as const) {
      const raw = emptyOf(spec({ type }));
      expect(check("x", spec({ type }), raw)).toEqual({ value: undefined, faults: [] });
      expect(check("x", spec({ type, required: true }), raw).faults).toEqual(["parameter x is required"]);
      expect(check("x", spec({ type, required: true, default: 1 }), raw).faults).toEqual([]);
    }
  });

  it("leaves a pattern that only the service understands to the service", () => {
    expect(check("x", spec({ pattern: "(?x) a b" }), "ab").faults).toEqual([]);
  });

  it("is filled with what a run had, and gives the same back", () => {
    const values: [Partial<ToolParameter>, unknown][] = [
      [{ type: "int" }, 3],
      [{ type: "float" }, 0.5],
      [{ type: "bool" }, false],
      [{ type: "str" }, "a"],
      [{ type: "list", items: "int" }, [1, 2]],
      [{ type: "file" }, { type: "path", value: "/a" }],
      [{ type: "list", items: "file" }, [{ type: "path", value: "/a" }]],
    ];
    for (const [changes, value] of values) {
      expect(check("x", spec(changes), rawOf(spec(changes), value))).toEqual({ value, faults: [] });
    }
  });

  it("says in words what it takes", () => {
    expect(rule(spec({ type: "int", minimum: 1, maximum: 10, unit: "s", default: 3 }))).toBe("1 to 10 s; default 3");
    expect(rule(spec({ type: "str", maximum: 5, examples: ["a"] }))).toBe("at most 5 characters; for example a");
    expect(rule(spec({}))).toBe("");
  });
});
