// The same request for a terminal: with the command line, and with curl. Secrets stand in neither.
import type { CreateRun, Json, ToolParameter } from "../../api/types";
import { shellWord } from "../../format";

export interface Asked {
  origin: string;
  authenticated: boolean;
  request: CreateRun;
  parameters: Record<string, ToolParameter>;
  /** Names of files by the id of their upload. */
  uploads: ReadonlyMap<string, string>;
}

const SECRET = "YOUR_SECRET";

export function ctsCommand({ origin, request, parameters, uploads }: Asked): string {
  const words = ["cts", "--url", shellWord(origin), "run", shellWord(request.tool_id)];
  let sends = false;
  for (const { type, value } of request.inputs ?? []) {
    if (type === "artifact") {
      words.push("--artifact", value);
    } else if (type === "upload") {
      words.push("--path", shellWord(uploads.get(value) ?? "FILE"));
      sends = true;
    } else {
      words.push("--path", shellWord(value));
    }
  }
  if (sends) words.push("--upload");
  for (const [name, value] of Object.entries(request.params ?? {})) {
    if (parameters[name]?.secret === true) words.push("--param-file", `${name}=-`);
    else words.push("-p", shellWord(`${name}=${parameterText(value as Json)}`));
  }
  if (request.name) words.push("--name", shellWord(request.name));
  for (const [name, value] of Object.entries(request.labels ?? {}))
    words.push("--label", shellWord(`${name}=${value}`));
  if (request.priority) words.push("--priority", String(request.priority));
  if (request.timeout_seconds) words.push("--timeout", `${request.timeout_seconds}s`);
  words.push("--wait");
  return words.join(" ");
}

/** A list with commas in its items is written as JSON, as the command line reads it. */
function parameterText(value: Json): string {
  if (Array.isArray(value)) {
    const plain = value.every((item) => typeof item !== "object" && !/[,[\s]/.test(String(item)));
    return plain ? value.map(String).join(",") : JSON.stringify(value);
  }
  if (typeof value === "object" && value !== null) {
    const { type, value: place } = value;
    return type === "path" ? String(place) : `${String(type)}:${String(place)}`;
  }
  return String(value);
}

export function curlCommand({ origin, authenticated, request, parameters }: Asked): string {
  const params = Object.fromEntries(
    Object.entries(request.params ?? {}).map(([name, value]) => [name, parameters[name]?.secret ? SECRET : value]),
  );
  const body = JSON.stringify(request.params ? { ...request, params } : request);
  const lines = [
    `curl ${shellWord(`${origin}/v1/runs`)}`,
    ...(authenticated ? [`-H "Authorization: Bearer $CTS_API_KEY"`] : []),
    "-H 'Content-Type: application/json'",
    `-d ${shellWord(body)}`,
  ];
  return lines.join(" \\\n  ");
}
