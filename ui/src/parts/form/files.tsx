// The files of a run: dropped, chosen and sent, named by their path on the service's machine, or made by an earlier run.
import { Button, CloseButton, Group, Progress, Stack, Text, TextInput } from "@mantine/core";
import { type ReactNode, useEffect, useId, useRef, useState } from "react";

import { useRefusal } from "../../api/session";
import type { Input } from "../../api/types";
import { bytes, fileName, shortId } from "../../format";
import { Trouble } from "../trouble";
import { send } from "./upload";

interface Pending {
  key: number;
  file: File;
  sent: number;
  error: Error | null;
  stop: AbortController;
}

export interface FilesProps {
  label: string;
  required: boolean;
  many: boolean;
  extensions: readonly string[];
  description: string;
  files: readonly Input[];
  onChange: (files: readonly Input[]) => void;
  /** Learns what a sent file is called. */
  onSent: (id: string, name: string) => void;
  nameOf: (id: string) => string | undefined;
  faults: readonly string[];
  onBusy: (busy: boolean) => void;
  children?: ReactNode;
}

export function Files(props: FilesProps) {
  const { label, required, many, extensions, description, files, onChange, onSent, nameOf, faults, onBusy } = props;
  const [pending, setPending] = useState<readonly Pending[]>([]);
  const [over, setOver] = useState(false);
  const [path, setPath] = useState("");
  const refused = useRefusal("operator");
  const picker = useRef<HTMLInputElement>(null);
  const number = useRef(0);
  const id = useId();
  // Several may end at the same time, each with the files that were there when it began.
  const latest = useRef(files);
  useEffect(() => {
    latest.current = files;
  }, [files]);

  const unsent = pending.filter(({ error }) => error === null).length;
  useEffect(() => onBusy(unsent > 0), [onBusy, unsent]);

  const add = (input: Input): void => {
    latest.current = many ? [...latest.current, input] : [input];
    onChange(latest.current);
  };

  const change = (key: number, changes: Partial<Pending>): void =>
    setPending((all) => all.map((one) => (one.key === key ? { ...one, ...changes } : one)));

  const start = async (one: Pending): Promise<void> => {
    setPending((all) => [...all.filter(({ key }) => key !== one.key), one]);
    try {
      const upload = await send({
        file: one.file,
        signal: one.stop.signal,
        onProgress: (sent) => change(one.key, { sent }),
      });
      setPending((all) => all.filter(({ key }) => key !== one.key));
      onSent(upload.upload_id, one.file.name);
      add({ type: "upload", value: upload.upload_id });
    } catch (error) {
      if (!one.stop.signal.aborted) change(one.key, { error: error as Error });
    }
  };

  const take = (list: FileList | null): void => {
    const chosen = Array.from(list ?? []);
    for (const file of many ? chosen : chosen.slice(0, 1)) {
      number.current += 1;
      void start({ key: number.current, file, sent: 0, error: null, stop: new AbortController() });
    }
  };

  const addPath = (): void => {
    if (path.trim() === "") return;
    add({ type: "path", value: path.trim() });
    setPath("");
  };

  return (
    <fieldset
      style={{ border: 0, padding: 0, margin: 0, minWidth: 0 }}
      aria-describedby={faults.length > 0 ? `${id}-fault` : undefined}
    >
      <legend style={{ fontWeight: 600, padding: 0 }}>
        {label}
        {required && (
          <span style={{ color: "var(--mantine-color-error)" }} aria-hidden="true">
            {" "}
            *
          </span>
        )}
      </legend>
      <Stack gap="xs">
        <Text size="sm" c="dimmed">
          {description}
          {extensions.length > 0 && ` (${extensions.join(", ")})`}
        </Text>
        <div
          className="drop"
          data-over={over || undefined}
          onDragOver={(event) => {
            event.preventDefault();
            setOver(true);
          }}
          onDragLeave={() => setOver(false)}
          onDrop={(event) => {
            event.preventDefault();
            setOver(false);
            if (refused === null) take(event.dataTransfer.files);
          }}
        >
          <Text size="sm" mb={6}>
            Drop {many ? "files" : "a file"} here, or
          </Text>
          <Button
            variant="default"
            size="xs"
            disabled={refused !== null}
            onClick={() => picker.current?.click()}
            title={refused ?? undefined}
          >
            Choose {many ? "files" : "a file"} to send
          </Button>
          <input
            ref={picker}
            type="file"
            multiple={many}
            hidden
            aria-label={`${label}: file to send`}
            onChange={(event) => {
              take(event.currentTarget.files);
              event.currentTarget.value = "";
            }}
          />
        </div>
        <Group align="flex-end" gap="xs" wrap="nowrap">
          <TextInput
            style={{ flex: 1 }}
            label="Or a path on the service's machine"
            placeholder={many ? "/data/drive/*--rlog.zst" : "/data/drive/rlog.zst"}
            value={path}
            onChange={(event) => setPath(event.currentTarget.value)}
            onKeyDown={(event) => {
              if (event.key === "Enter") {
                event.preventDefault();
                addPath();
              }
            }}
            onBlur={addPath}
          />
          <Button variant="default" onClick={addPath}>
            Add
          </Button>
        </Group>
        <ul className="plain" aria-label={`${label}: chosen`}>
          {files.map((input, index) => {
            const shown = describe(input, nameOf);
            return (
              // The same file may be named twice.
              <li className="row" key={`${input.type}:${input.value}:${index}`}>
                <span className="grow break">
                  <Text span size="sm" c="dimmed">
                    {input.type}{" "}
                  </Text>
                  {shown}
                </span>
                <CloseButton
                  aria-label={`Remove ${shown}`}
                  onClick={() => onChange(files.filter((_, other) => other !== index))}
                />
              </li>
            );
          })}
          {pending.map((one) => (
            <li className="row" key={one.key}>
              <div className="grow">
                <Text size="sm" className="break">
                  {one.file.name} · {bytes(one.sent)} of {bytes(one.file.size)}
                </Text>
                {one.error === null ? (
                  <Progress
                    value={one.file.size === 0 ? 100 : (one.sent / one.file.size) * 100}
                    aria-label={`${one.file.name}: sent`}
                  />
                ) : (
                  <Trouble
                    error={one.error}
                    title="Not sent"
                    again={() => void start({ ...one, error: null, stop: new AbortController() })}
                  />
                )}
              </div>
              <CloseButton
                aria-label={`Do not send ${one.file.name}`}
                onClick={() => {
                  one.stop.abort();
                  setPending((all) => all.filter(({ key }) => key !== one.key));
                }}
              />
            </li>
          ))}
        </ul>
        {faults.length > 0 && (
          <Text size="sm" c="var(--mantine-color-error)" id={`${id}-fault`} role="alert" className="break">
            {faults.join("; ")}
          </Text>
        )}
      </Stack>
    </fieldset>
  );
}

function describe(input: Input, nameOf: (id: string) => string | undefined): string {
  if (input.type === "path") return input.value;
  return nameOf(input.value) ?? `${fileName(input.value)} (${shortId(input.value)})`;
}
