// One parameter of a tool as a field: what it takes, what it is by default, and what is wrong with it.
import { NativeSelect, PasswordInput, TagsInput, Text, TextInput } from "@mantine/core";

import type { Input, ToolParameter } from "../../api/types";
import { type Raw, rule, text } from "./check";
import { Files, type FilesProps } from "./files";

export interface FieldProps {
  name: string;
  spec: ToolParameter;
  raw: Raw;
  onChange: (raw: Raw) => void;
  faults: readonly string[];
  files: Pick<FilesProps, "onSent" | "nameOf" | "onBusy">;
}

export function Field({ name, spec, raw, onChange, faults, files }: FieldProps) {
  const required = spec.required && (spec.default ?? null) === null;
  const error = faults.length > 0 ? faults.join("; ") : undefined;
  const help = [spec.description, rule(spec)].filter((part) => part !== "");
  const shared = {
    label: name,
    description: help.length > 0 ? help.join(" · ") : undefined,
    error,
    required,
    name: `param-${name}`,
    inputWrapperOrder: ["label", "description", "input", "error"] as ("label" | "description" | "input" | "error")[],
  };
  const isFile = spec.type === "file" || (spec.type === "list" && spec.items === "file");
  if (isFile) {
    return (
      <Files
        {...files}
        label={name}
        required={required}
        many={spec.type === "list"}
        extensions={[]}
        description={help.join(" · ")}
        files={raw as readonly Input[]}
        onChange={onChange}
        faults={faults}
      />
    );
  }
  if (spec.type === "list") {
    const choices = spec.choices.map(text);
    return (
      <TagsInput
        {...shared}
        data={choices}
        value={[...(raw as readonly string[])]}
        onChange={onChange}
        acceptValueOnBlur
        allowDuplicates
        isDuplicate={(item, all) => all.includes(item)}
        placeholder={(raw as readonly string[]).length === 0 ? "One value, then Enter" : ""}
        splitChars={spec.items === "str" || spec.items === null ? [] : [",", " "]}
        clearButtonProps={{ "aria-label": `Clear ${name}` }}
      />
    );
  }
  const value = raw as string;
  if (spec.type === "bool" || spec.choices.length > 0) {
    const unset = (spec.default ?? null) === null ? "Not set" : `Default: ${text(spec.default)}`;
    const options = spec.type === "bool" ? ["true", "false"] : spec.choices.map(text);
    return (
      <NativeSelect
        {...shared}
        value={value}
        onChange={(event) => onChange(event.currentTarget.value)}
        data={[{ value: "", label: unset }, ...options.map((option) => ({ value: option, label: option }))]}
      />
    );
  }
  if (spec.secret) {
    return (
      <PasswordInput
        {...shared}
        autoComplete="off"
        value={value}
        onChange={(event) => onChange(event.currentTarget.value)}
        visibilityToggleButtonProps={{ "aria-label": `Show or hide ${name}` }}
      />
    );
  }
  const isNumber = spec.type === "int" || spec.type === "float";
  return (
    <TextInput
      {...shared}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
      placeholder={(spec.default ?? null) === null ? "" : text(spec.default)}
      inputMode={isNumber ? "decimal" : "text"}
      autoComplete="off"
      rightSectionWidth={spec.unit ? `${spec.unit.length + 3}ch` : undefined}
      rightSection={
        spec.unit ? (
          <Text size="sm" c="dimmed">
            {spec.unit}
          </Text>
        ) : undefined
      }
    />
  );
}
