import { expect, it } from "vitest";

import { held, moduleOf } from "./log-level";

it("the levels are told in a sentence", () => {
  const configured = { level: "INFO", default_level: "INFO", modules: {}, expires_at: null } as const;
  expect(held(configured)).toBe("Lines of INFO and graver are written, as configured.");
  expect(held({ ...configured, level: "DEBUG" })).toBe(
    "Lines of DEBUG and graver are written, until the next start of the service; configured is INFO.",
  );
  expect(held({ ...configured, modules: { cts_engine: "DEBUG" } })).toContain("cts_engine at DEBUG, until");
});

it("a module is written with its level", () => {
  expect(moduleOf("cts_engine::dispatcher = debug")).toEqual(["cts_engine::dispatcher", "DEBUG"]);
  for (const text of ["cts_engine", "=DEBUG", "cts_engine=LOUD", ""]) expect(moduleOf(text)).toBeNull();
});
