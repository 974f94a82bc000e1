// From what stands in the fields of a form to the parameters of a request, with the faults that the service would find.
// The rules are those of crates/cts-model/src/params.rs; what only the service can see, it tells after sending.
import type { Input, Json, ParameterType, ToolParameter } from "../../api/types";

/** What a field holds: a text, several, or files. An empty one is not sent, so that the default counts. */
export type Raw = string | readonly string[] | readonly Input[];

export interface Checked {
  /** Undefined when nothing is sent. */
  value: Json | undefined;
  faults: string[];
}

const TEXT_LENGTH_MAX = 65_536;
const LIST_LENGTH_MAX = 10_000;

export function emptyOf(spec: ToolParameter): Raw {
  return spec.type === "list" || spec.type === "file" ? [] : "";
}

export function isEmpty(raw: Raw | undefined): boolean {
  return raw === undefined || raw.length === 0;
}

export function check(name: string, spec: ToolParameter, raw: Raw | undefined): Checked {
  if (raw === undefined || isEmpty(raw)) {
    const missing = spec.required && (spec.default ?? null) === null;
    return { value: undefined, faults: missing ? [`parameter ${name} is required`] : [] };
  }
  if (spec.type === "list") return checkList(name, spec, raw);
  if (spec.type === "file") {
    const [file] = raw as readonly Input[];
    return { value: file === undefined ? undefined : { type: file.type, value: file.value }, faults: [] };
  }
  return checkOne(name, spec, spec.type, String(raw));
}

function checkList(name: string, spec: ToolParameter, raw: Raw): Checked {
  const items = typeof raw === "string" ? [raw] : raw;
  const most = spec.maximum ?? LIST_LENGTH_MAX;
  if (items.length > most) {
    return { value: undefined, faults: [`${name} has ${items.length} items, at most ${most} are allowed`] };
  }
  const faults: string[] = [];
  if (spec.minimum !== null && spec.minimum !== undefined && items.length < spec.minimum) {
    faults.push(`${name} has ${items.length} items, too few`);
  }
  const kind = spec.items ?? "str";
  // A range of a list is about its length; its items have the kind, the pattern and the choices.
  const itemSpec = { ...spec, minimum: null, maximum: null };
  const values: Json[] = [];
  for (const item of items) {
    if (typeof item !== "string") {
      values.push({ type: item.type, value: item.value });
      continue;
    }
    const checked = checkOne(name, itemSpec, kind, item);
    faults.push(...checked.faults);
    if (checked.value !== undefined) values.push(checked.value);
  }
  return { value: values, faults };
}

function checkOne(name: string, spec: ToolParameter, kind: ParameterType, text: string): Checked {
  const wrong = (what: string): Checked => ({
    value: undefined,
    faults: [`${name} is ${shown(spec, text)}, not ${what}`],
  });
  switch (kind) {
    case "bool":
      if (text === "true" || text === "false") return { value: text === "true", faults: [] };
      return wrong("true or false");
    case "int": {
      const number = Number(text);
      if (!/^\s*[+-]?\d+(\.0+)?\s*$/.test(text) || !Number.isSafeInteger(number)) return wrong("a whole number");
      return { value: number, faults: [...rangeFaults(name, spec, number), ...choiceFaults(name, spec, number)] };
    }
    case "float": {
      const number = Number(text);
      if (text.trim() === "" || !Number.isFinite(number) || /[xob]/i.test(text)) return wrong("a number");
      return { value: number, faults: [...rangeFaults(name, spec, number), ...choiceFaults(name, spec, number)] };
    }
    case "str":
      return { value: text, faults: [...textFaults(name, spec, text), ...choiceFaults(name, spec, text)] };
    case "file":
    case "list":
      return wrong("a file");
  }
}

function shown(spec: ToolParameter, value: string | number): string {
  if (spec.secret) return "***";
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

function rangeFaults(name: string, spec: ToolParameter, number: number): string[] {
  const [minimum, maximum] = [spec.minimum ?? -Infinity, spec.maximum ?? Infinity];
  if (number >= minimum && number <= maximum) return [];
  const unit = spec.unit === null || spec.unit === undefined ? "" : ` ${spec.unit}`;
  return [`${name} is ${shown(spec, number)}; ${rangeWords(minimum, maximum)}${unit}${rangeEnd(minimum, maximum)}`];
}

function rangeWords(minimum: number, maximum: number): string {
  if (minimum !== -Infinity && maximum !== Infinity) return `allowed is ${minimum} to ${maximum}`;
  return minimum !== -Infinity ? `at least ${minimum}` : `at most ${maximum}`;
}

function rangeEnd(minimum: number, maximum: number): string {
  return minimum !== -Infinity && maximum !== Infinity ? "" : " is allowed";
}

function textFaults(name: string, spec: ToolParameter, text: string): string[] {
  const length = [...text].length;
  const most = spec.maximum ?? TEXT_LENGTH_MAX;
  if (length > most) return [`${name} has ${length} characters, at most ${most} are allowed`];
  const faults: string[] = [];
  if (spec.minimum !== null && spec.minimum !== undefined && length < spec.minimum) {
    faults.push(`${name} has ${length} characters, too few`);
  }
  if (text.includes("\0")) faults.push(`${name} holds a NUL character`);
  if (spec.pattern !== null && spec.pattern !== undefined && !matches(spec.pattern, text)) {
    faults.push(`${name} is ${shown(spec, text)}, which does not match ${spec.pattern}`);
  }
  return faults;
}

/** A pattern that browsers do not understand is left to the service. */
function matches(pattern: string, text: string): boolean {
  try {
    return new RegExp(`^(?:${pattern})$`, "u").test(text);
  } catch {
    return true;
  }
}

function choiceFaults(name: string, spec: ToolParameter, value: string | number): string[] {
  if (spec.choices.length === 0 || spec.choices.includes(value)) return [];
  return [`${name} is ${shown(spec, value)}, not one of ${spec.choices.map(String).join(", ")}`];
}

/** Fills a field with a value that a run had. */
export function rawOf(spec: ToolParameter, value: unknown): Raw {
  if (value === null || value === undefined) return emptyOf(spec);
  if (spec.type === "file") return isInput(value) ? [value] : [];
  if (spec.type === "list") {
    const items = Array.isArray(value) ? value : [value];
    return items.every((item) => isInput(item)) ? (items as Input[]) : items.map(String);
  }
  return String(value);
}

function isInput(value: unknown): value is Input {
  return typeof value === "object" && value !== null && "type" in value && "value" in value;
}

/** Says what a field takes, in a few words. */
export function rule(spec: ToolParameter): string {
  const words: string[] = [];
  const unit = spec.unit === null || spec.unit === undefined ? "" : ` ${spec.unit}`;
  const [minimum, maximum] = [spec.minimum ?? null, spec.maximum ?? null];
  const counted = spec.type === "list" ? " items" : spec.type === "str" ? " characters" : unit;
  if (minimum !== null && maximum !== null && Math.abs(maximum) < 1e9) words.push(`${minimum} to ${maximum}${counted}`);
  else if (minimum !== null && minimum > -1e9) words.push(`at least ${minimum}${counted}`);
  else if (maximum !== null && maximum < 1e9) words.push(`at most ${maximum}${counted}`);
  if ((spec.default ?? null) !== null) words.push(`default ${text(spec.default)}`);
  if (spec.examples.length > 0) words.push(`for example ${spec.examples.map(text).join(" or ")}`);
  return words.join("; ");
}

export function text(value: unknown): string {
  return typeof value === "string" ? value : Array.isArray(value) ? value.map(text).join(", ") : JSON.stringify(value);
}
