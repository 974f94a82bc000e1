import { MantineProvider } from "@mantine/core";
import { fireEvent, render, screen } from "@testing-library/react";
import { useState } from "react";
import { expect, it } from "vitest";

import { SessionProvider } from "../../api/session";
import type { Session, ToolParameter } from "../../api/types";
import { check, emptyOf, type Raw } from "./check";
import { Field } from "./field";

const session: Session = {
  authentication_required: false,
  actor: "anonymous",
  role: "admin",
  token_id: null,
  expires_at: null,
  csrf_token: null,
};

function spec(changes: Partial<ToolParameter>): ToolParameter {
  return {
    type: "str",
    default: null,
    description: "What it is",
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

/** A form of one field; what would be sent stands below it. */
function Form({ of, start = emptyOf(of) }: { of: ToolParameter; start?: Raw }) {
  const [raw, setRaw] = useState(start);
  const checked = check("x", of, raw);
  const files = { onSent: () => undefined, nameOf: () => undefined, onBusy: () => undefined };
  return (
    <MantineProvider env="test">
      <SessionProvider session={session}>
        <Field name="x" spec={of} raw={raw} onChange={setRaw} faults={checked.faults} files={files} />
        <output>{JSON.stringify(checked.value ?? null)}</output>
      </SessionProvider>
    </MantineProvider>
  );
}

function sent(): unknown {
  return JSON.parse(document.querySelector("output")?.textContent ?? "");
}

const type = (element: HTMLElement, value: string) => fireEvent.change(element, { target: { value } });

it.each([
  [{ type: "str" as const }, "abc", "abc"],
  [{ type: "int" as const, unit: "s" }, "3", 3],
  [{ type: "float" as const }, "0.5", 0.5],
])("%o is a field to write into", (changes, text, value) => {
  render(<Form of={spec(changes)} />);
  expect(sent()).toBeNull();
  type(screen.getByRole("textbox", { name: "x" }), text);
  expect(sent()).toEqual(value);
});

it("yes and no are a list with the default as its first line", () => {
  render(<Form of={spec({ type: "bool", default: true })} />);
  const field = screen.getByRole("combobox", { name: "x" });
  expect(screen.getByRole("option", { name: "Default: true" })).toBeTruthy();
  type(field, "false");
  expect(sent()).toBe(false);
  type(field, "");
  expect(sent()).toBeNull();
});

it("choices are a list", () => {
  render(<Form of={spec({ choices: ["fast", "slow"] })} />);
  expect(screen.getByRole("option", { name: "Not set" })).toBeTruthy();
  type(screen.getByRole("combobox", { name: "x" }), "slow");
  expect(sent()).toBe("slow");
});

it("a list shows the values that it has, each to be taken away", () => {
  render(<Form of={spec({ type: "list", items: "int" })} start={["1", "2"]} />);
  expect(sent()).toEqual([1, 2]);
  fireEvent.keyDown(screen.getByRole("combobox", { name: "x" }), { key: "Backspace" });
  expect(sent()).toEqual([1]);
});

it.each([
  [{ type: "file" as const }, { type: "path", value: "/data/b" }],
  [
    { type: "list" as const, items: "file" as const },
    [
      { type: "path", value: "/data/a" },
      { type: "path", value: "/data/b" },
    ],
  ],
])("%o is named by its path, and a single one is replaced", (changes, value) => {
  render(<Form of={spec(changes)} />);
  for (const path of ["/data/a", "/data/b"]) {
    type(screen.getByRole("textbox", { name: /Or a path/ }), path);
    fireEvent.click(screen.getByRole("button", { name: "Add" }));
  }
  expect(sent()).toEqual(value);
});

it("a secret is hidden, and is in no message", () => {
  render(<Form of={spec({ secret: true, pattern: "[0-9]+" })} />);
  const field = screen.getByLabelText("x");
  expect(field.getAttribute("type")).toBe("password");
  type(field, "hunter2");
  expect(screen.getByText(/does not match/).textContent).not.toContain("hunter2");
});

it("a fault stands at its field, which says that it is wrong", () => {
  render(<Form of={spec({ type: "int", minimum: 1, maximum: 10 })} />);
  const field = screen.getByRole("textbox", { name: "x" });
  type(field, "11");
  expect(field.getAttribute("aria-invalid")).toBe("true");
  const described = (field.getAttribute("aria-describedby") ?? "").split(" ").map((id) => document.getElementById(id));
  expect(described.map((element) => element?.textContent).join(" ")).toContain("allowed is 1 to 10");
});

it("markup in a description stays a text", () => {
  const { container } = render(<Form of={spec({ description: "<img src=x onerror=alert(1)>" })} />);
  expect(container.querySelector("img")).toBeNull();
  expect(screen.getByText(/<img src=x/)).toBeTruthy();
});
