// One tool: what it is, and the form that starts it. The form follows the tool's own parameters.
import {
  Button,
  Collapse,
  Group,
  NumberInput,
  SimpleGrid,
  Stack,
  TagsInput,
  Text,
  TextInput,
  Title,
} from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useMemo, useRef, useState } from "react";
import { Link, useLocation, useSearchParams } from "wouter";

import { createRun, run as getRun } from "../../api/calls";
import { ApiError, newKey } from "../../api/client";
import { useSession } from "../../api/session";
import type { CreateRun, FieldError, Input, Json, Run, Tool } from "../../api/types";
import { duration } from "../../format";
import { Act } from "../../parts/act";
import { Command } from "../../parts/copy";
import { check, emptyOf, isEmpty, type Raw, rawOf } from "../../parts/form/check";
import { ctsCommand, curlCommand } from "../../parts/form/commands";
import { Field } from "../../parts/form/field";
import { Files } from "../../parts/form/files";
import { PageTitle } from "../../parts/title";
import { Trouble, Waiting } from "../../parts/trouble";
import { NotFound } from "../not-found";
import { nameOf } from "../runs/name";
import { useTools } from "./catalogue";

export default function ToolPage({ params }: { params: Record<string, string> }) {
  const id = params["id"] ?? "";
  const { data, error, refetch } = useTools();
  const [search] = useSearchParams();
  const from = search.get("from");
  const earlier = useQuery({
    queryKey: ["run", from],
    queryFn: ({ signal }) => getRun(from ?? "", signal),
    enabled: from !== null,
  });
  if (error !== null) return <Trouble error={error} again={() => void refetch()} />;
  if (data === undefined || (from !== null && earlier.isPending)) return <Waiting rows={8} height={36} />;
  const tool = [...data.tools, ...data.monitors].find((tool) => tool.id === id);
  if (tool === undefined) return <NotFound />;
  return (
    <>
      <PageTitle title={tool.name}>
        <Link href={`/runs?tool_id=${encodeURIComponent(tool.id)}`}>Its runs</Link>
      </PageTitle>
      <Text mb={4}>{tool.description}</Text>
      <Text size="sm" c="dimmed" mb="md">
        <span className="mono">
          {tool.id} {tool.version}
        </span>{" "}
        {tool.outputs.length > 0 && (
          <>
            · makes <span className="mono">{tool.outputs.join(", ")}</span>{" "}
          </>
        )}
        · at most {duration(tool.timeout_seconds)}
      </Text>
      {earlier.error !== null && <Trouble error={earlier.error} title="The earlier run is not there" />}
      <ToolForm key={`${tool.id}:${from}`} tool={tool} earlier={earlier.data} artifact={search.get("artifact")} />
    </>
  );
}

const lastKey = (tool: Tool) => `cts-last:${tool.id}`;

/** The values of the last request from this browser; none where there are none or they cannot be read. */
function lastValues(tool: Tool): Record<string, Raw> | null {
  try {
    const stored = JSON.parse(localStorage.getItem(lastKey(tool)) ?? "null") as Record<string, unknown> | null;
    if (stored === null) return null;
    return Object.fromEntries(
      Object.entries(tool.parameters).map(([name, spec]) => [name, rawOf(spec, stored[name] ?? null)]),
    );
  } catch {
    return null;
  }
}

function ToolForm({ tool, earlier, artifact }: { tool: Tool; earlier: Run | undefined; artifact: string | null }) {
  const session = useSession();
  const client = useQueryClient();
  const [, go] = useLocation();
  const empty = useMemo(
    () => Object.fromEntries(Object.entries(tool.parameters).map(([name, spec]) => [name, emptyOf(spec)])),
    [tool],
  );
  const [values, setValues] = useState<Record<string, Raw>>(() =>
    earlier === undefined ? empty : valuesOf(tool, earlier),
  );
  const [files, setFiles] = useState<readonly Input[]>(
    () => earlier?.inputs ?? (artifact === null ? [] : [{ type: "artifact", value: artifact }]),
  );
  const [uploads, setUploads] = useState<ReadonlyMap<string, string>>(new Map());
  const [busy, setBusy] = useState<ReadonlySet<string>>(new Set());
  const [name, setName] = useState("");
  const [labels, setLabels] = useState<string[]>([]);
  const [priority, setPriority] = useState<number | string>("");
  const [timeout, setTimeout] = useState<number | string>("");
  const [shown, setShown] = useState(false);
  const [more, { toggle }] = useDisclosure();
  const key = useRef<{ text: string; key: string } | null>(null);
  const formRef = useRef<HTMLFormElement>(null);

  const checked = Object.entries(tool.parameters).map(([name, spec]) => ({ name, ...check(name, spec, values[name]) }));
  const takesFiles = tool.input.required || tool.input.many || tool.input.description !== "";
  const filesFault = tool.input.required && files.length === 0 ? ["at least one file is needed"] : [];
  const labelFaults = labels.filter((label) => !/^[^=]+=/.test(label)).map((label) => `${label} is not name=value`);

  const request: CreateRun = { tool_id: tool.id };
  const params: Record<string, Json> = {};
  for (const { name, value } of checked) if (value !== undefined) params[name] = value;
  if (Object.keys(params).length > 0) request.params = params;
  if (files.length > 0) request.inputs = [...files];
  if (name.trim() !== "") request.name = name.trim();
  if (labels.length > 0 && labelFaults.length === 0) {
    request.labels = labelsOf(labels);
  }
  if (typeof priority === "number") request.priority = priority;
  if (typeof timeout === "number") request.timeout_seconds = timeout;

  const start = useMutation({
    mutationFn: () => {
      // The same request, sent again after an answer was lost, makes no second run.
      const text = JSON.stringify(request);
      if (key.current?.text !== text) key.current = { text, key: newKey() };
      return createRun(request, key.current.key);
    },
    onSuccess: (run) => {
      key.current = null;
      const kept = Object.entries(params).filter(([name]) => {
        const spec = tool.parameters[name];
        return spec !== undefined && !spec.secret && spec.type !== "file" && spec.items !== "file";
      });
      localStorage.setItem(lastKey(tool), JSON.stringify(Object.fromEntries(kept)));
      client.setQueryData(["run", run.id], run);
      go(`/runs/${run.id}`);
    },
    onError: () => setShown(true),
  });

  const told = start.error instanceof ApiError ? (start.error.problem.errors ?? []) : [];
  const ofServer = (pointer: string): string[] =>
    told.filter((fault) => isAt(fault, pointer)).map((fault) => fault.message);
  const isAtField = (fault: FieldError) =>
    Object.keys(tool.parameters).some((name) => isAt(fault, `/params/${name}`)) ||
    ["/inputs", "/input"].some((pointer) => isAt(fault, pointer));
  const isToldElsewhere = told.length > 0 && told.every(isAtField);

  const faultsOf = (name: string): string[] => {
    const own = checked.find((one) => one.name === name);
    const mine = own !== undefined && (shown || !isEmpty(values[name])) ? own.faults : [];
    return mine.length > 0 ? mine : ofServer(`/params/${name}`);
  };
  const count = checked.filter(({ faults }) => faults.length > 0).length + filesFault.length + labelFaults.length;

  const setBusyOf = useCallback(
    (name: string, isBusy: boolean) =>
      setBusy((all) => {
        if (all.has(name) === isBusy) return all;
        const next = new Set(all);
        if (isBusy) next.add(name);
        else next.delete(name);
        return next;
      }),
    [],
  );
  const onSent = (id: string, name: string): void => setUploads((all) => new Map(all).set(id, name));
  const nameOfUpload = (id: string): string | undefined => uploads.get(id);
  const setValue = (name: string, raw: Raw): void => {
    start.reset();
    setValues((all) => ({ ...all, [name]: raw }));
  };

  const submit = (): void => {
    setShown(true);
    if (count > 0) {
      // The first field that is wrong is where the keyboard goes.
      requestAnimationFrame(() => formRef.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus());
      return;
    }
    start.mutate();
  };

  const last = lastValues(tool);
  const asked = {
    origin: window.location.origin,
    authenticated: session.authentication_required,
    request,
    parameters: tool.parameters,
    uploads,
  };
  const blocked = !tool.available
    ? (tool.unavailable_reason ?? "This tool cannot run here.")
    : busy.size > 0
      ? "A file is still being sent."
      : null;

  return (
    <form
      ref={formRef}
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        if (blocked === null) submit();
      }}
    >
      <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="lg">
        <Stack>
          {takesFiles && (
            <section className="panel" aria-label="Files">
              <Files
                label="Files"
                required={tool.input.required}
                many={tool.input.many}
                extensions={tool.input.extensions}
                description={tool.input.description}
                files={files}
                onChange={(next) => {
                  start.reset();
                  setFiles(next);
                }}
                onSent={onSent}
                nameOf={nameOfUpload}
                faults={shown && filesFault.length > 0 ? filesFault : [...ofServer("/inputs"), ...ofServer("/input")]}
                onBusy={(isBusy) => setBusyOf("files", isBusy)}
              />
            </section>
          )}
          <section className="panel" aria-label="Parameters">
            <Group justify="space-between" mb="sm">
              <Title order={2}>Parameters</Title>
              <Group gap="xs">
                {last !== null && (
                  <Button size="compact-sm" variant="default" onClick={() => setValues(last)}>
                    Use the last values
                  </Button>
                )}
                <Button size="compact-sm" variant="default" onClick={() => setValues(empty)}>
                  Clear
                </Button>
              </Group>
            </Group>
            {earlier !== undefined && (
              <Text size="sm" c="dimmed" mb="sm">
                Filled from <Link href={`/runs/${earlier.id}`}>{nameOf(earlier)}</Link>. Secret values are not kept.
              </Text>
            )}
            <Stack>
              {checked.length === 0 && <Text c="dimmed">This tool has no parameters.</Text>}
              {Object.entries(tool.parameters).map(([name, spec]) => (
                <Field
                  key={name}
                  name={name}
                  spec={spec}
                  raw={values[name] ?? emptyOf(spec)}
                  onChange={(raw) => setValue(name, raw)}
                  faults={faultsOf(name)}
                  files={{ onSent, nameOf: nameOfUpload, onBusy: (isBusy) => setBusyOf(name, isBusy) }}
                />
              ))}
            </Stack>
          </section>
        </Stack>
        <Stack>
          <section className="panel" aria-label="Start">
            <Stack>
              <TextInput
                label="Name"
                description="For you and others, to find the run again"
                maxLength={200}
                value={name}
                onChange={(event) => setName(event.currentTarget.value)}
              />
              <Button variant="default" size="xs" onClick={toggle} aria-expanded={more} style={{ alignSelf: "start" }}>
                {more ? "Fewer options" : "More options"}
              </Button>
              <Collapse expanded={more}>
                <Stack>
                  <TagsInput
                    label="Labels"
                    description="name=value, to filter by"
                    value={labels}
                    onChange={setLabels}
                    acceptValueOnBlur
                    error={labelFaults.join("; ") || undefined}
                  />
                  <NumberInput
                    label="Priority"
                    description="-100 to 100; higher runs start first"
                    min={-100}
                    max={100}
                    allowDecimal={false}
                    value={priority}
                    onChange={setPriority}
                  />
                  <NumberInput
                    label="Time limit in seconds"
                    description={`May only shorten the tool's own of ${duration(tool.timeout_seconds)}`}
                    min={0}
                    max={tool.timeout_seconds}
                    value={timeout}
                    onChange={setTimeout}
                  />
                </Stack>
              </Collapse>
              {start.error !== null && !isToldElsewhere && (
                <Trouble error={start.error} title="The run was not taken" />
              )}
              {shown && (count > 0 || isToldElsewhere) && (
                <Text size="sm" c="var(--mantine-color-error)" role="alert">
                  Something is not right yet; look at the fields.
                </Text>
              )}
              <Act needs="operator" type="submit" loading={start.isPending} blocked={blocked}>
                Start the run
              </Act>
            </Stack>
          </section>
          <section className="panel" aria-label="The same elsewhere">
            <Stack>
              <Title order={2}>The same elsewhere</Title>
              <Command title="cts" text={ctsCommand(asked)} />
              <Command title="curl" text={curlCommand(asked)} />
            </Stack>
          </section>
        </Stack>
      </SimpleGrid>
    </form>
  );
}

/** Splits `name=value`; the value may hold more of these signs. */
function labelsOf(labels: readonly string[]): Record<string, string> {
  const pairs = labels.map((label): [string, string] => {
    const at = label.indexOf("=");
    return [label.slice(0, at), label.slice(at + 1)];
  });
  return Object.fromEntries(pairs);
}

function isAt(fault: FieldError, pointer: string): boolean {
  return fault.pointer === pointer || fault.pointer.startsWith(`${pointer}/`);
}

/** Fills the form from an earlier run: what differs from the defaults, and nothing that was masked. */
function valuesOf(tool: Tool, run: Run): Record<string, Raw> {
  return Object.fromEntries(
    Object.entries(tool.parameters).map(([name, spec]) => {
      const value: unknown = spec.secret ? null : (run.params as Record<string, unknown>)[name];
      const isDefault = JSON.stringify(value) === JSON.stringify(spec.default);
      return [name, isDefault ? emptyOf(spec) : rawOf(spec, value)];
    }),
  );
}
