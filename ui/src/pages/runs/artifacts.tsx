// What a run made: each file with a preview, a download, and a way to be the input of another run.
import { Anchor, Button, CloseButton, Group, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense } from "react";
import { Link, useSearchParams } from "wouter";

import { artifacts as getArtifacts, downloadAddress } from "../../api/calls";
import type { Artifact, Run } from "../../api/types";
import { bytes, count } from "../../format";
import { Copy } from "../../parts/copy";
import { isOver } from "../../parts/state";
import { Empty, Trouble, Waiting } from "../../parts/trouble";
import { useTools } from "../tools/catalogue";

const Preview = lazy(async () => ({ default: (await import("../../parts/preview/preview")).ArtifactPreview }));

export function useArtifacts(run: Run) {
  return useQuery({ queryKey: ["artifacts", run.id], queryFn: ({ signal }) => getArtifacts(run.id, signal) });
}

/** What is worth a first look: a report, else a summary, else the first one. */
function best(artifacts: readonly Artifact[]): Artifact | undefined {
  return (
    artifacts.find(({ type }) => type.startsWith("text/html")) ??
    artifacts.find(({ filename }) => filename.endsWith("summary.json")) ??
    artifacts[0]
  );
}

export function Artifacts({ run }: { run: Run }) {
  const { data, error, refetch } = useArtifacts(run);
  const [search, setSearch] = useSearchParams();
  const wanted = search.get("artifact");
  if (error !== null) return <Trouble error={error} again={() => void refetch()} />;
  if (data === undefined) return <Waiting />;
  if (data.length === 0) {
    return (
      <div className="panel">
        <Empty title="No files">
          {isOver(run.status) ? "This run left none behind." : "Files are stored when the run ends."}
        </Empty>
      </div>
    );
  }
  const shown = wanted === "none" ? undefined : (data.find(({ id }) => id === wanted) ?? best(data));
  const show = (id: string): void =>
    setSearch(
      (old) => {
        const next = new URLSearchParams(old);
        next.set("artifact", id);
        return next;
      },
      { replace: true },
    );
  const size = data.reduce((sum, artifact) => sum + artifact.size, 0);
  return (
    <Stack>
      <section className="panel" aria-label="Files">
        <Group justify="space-between" mb="xs">
          <Text size="sm" c="dimmed">
            {count(data.length)} {data.length === 1 ? "file" : "files"}, {bytes(size)}
          </Text>
          <Anchor href={`/v1/runs/${run.id}/artifacts.zip`} download size="sm">
            Download all as zip
          </Anchor>
        </Group>
        <ul className="plain" style={{ maxHeight: "18rem", overflow: "auto" }}>
          {data.map((artifact) => (
            <li className="row" key={artifact.id}>
              <button
                type="button"
                className="pick"
                aria-pressed={artifact.id === shown?.id}
                onClick={() => show(artifact.id)}
              >
                {artifact.filename}
              </button>
              <Text size="sm" c="dimmed" style={{ whiteSpace: "nowrap" }}>
                {bytes(artifact.size)}
              </Text>
              <Anchor
                href={downloadAddress(artifact.id)}
                download
                size="sm"
                aria-label={`Download ${artifact.filename}`}
              >
                Download
              </Anchor>
            </li>
          ))}
        </ul>
      </section>
      {shown !== undefined && (
        <section className="panel" aria-label={`Preview of ${shown.filename}`}>
          <Group justify="space-between" mb="xs" wrap="nowrap" align="flex-start">
            <div style={{ minWidth: 0 }}>
              <Title order={2} className="break">
                {shown.filename}
              </Title>
              <Text size="sm" c="dimmed" className="break">
                {shown.type} · {bytes(shown.size)} · sha256 <span className="mono">{shown.sha256.slice(0, 16)}…</span>{" "}
                <Copy text={shown.sha256} label="Copy sha256" />
              </Text>
            </div>
            <CloseButton aria-label="Close the preview" onClick={() => show("none")} />
          </Group>
          <Suspense fallback={<Waiting rows={6} />}>
            <Preview key={shown.id} artifact={shown} />
          </Suspense>
          <NextTools artifact={shown} />
        </section>
      )}
    </Stack>
  );
}

/** Tools that take a file of this name. */
function NextTools({ artifact }: { artifact: Artifact }) {
  const { data } = useTools();
  const fitting = (data?.tools ?? []).filter(
    ({ input, available }) =>
      available && input.required && input.extensions.some((extension) => artifact.filename.endsWith(extension)),
  );
  if (fitting.length === 0) return null;
  return (
    <Group gap="xs" mt="md">
      <Text size="sm">Work on this file with</Text>
      {fitting.slice(0, 4).map((tool) => (
        <Button
          key={tool.id}
          component={Link}
          href={`/tools/${tool.id}?artifact=${artifact.id}`}
          size="compact-sm"
          variant="default"
        >
          {tool.name}
        </Button>
      ))}
    </Group>
  );
}
