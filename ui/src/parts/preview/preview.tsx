// A look into an artifact without downloading it. What it holds is never trusted: texts are texts, pictures are loaded
// as pictures, and a report runs in a frame of its own without the rights of this page.
import { Button, Code, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { contentAddress, preview as getPreview } from "../../api/calls";
import type { Artifact, Json } from "../../api/types";
import { bytes, count } from "../../format";
import { Empty, Trouble, Waiting } from "../trouble";
import { DataTable } from "./table";
import { Tree } from "./tree";

const ROWS = 100;
const ROWS_MORE = 1000;

type Kind = "picture" | "report" | "data";

/** How an artifact is shown, by its media type. */
export function kindOf({ type }: Pick<Artifact, "type">): Kind {
  const essence = (type.split(";")[0] ?? "").trim().toLowerCase();
  if (essence.startsWith("image/")) return "picture";
  return essence === "text/html" || essence === "application/xhtml+xml" ? "report" : "data";
}

export function ArtifactPreview({ artifact }: { artifact: Artifact }) {
  switch (kindOf(artifact)) {
    case "picture":
      return (
        <img
          src={contentAddress(artifact.id)}
          alt={artifact.filename}
          style={{ maxWidth: "100%", background: "#fff", border: "1px solid var(--cts-line)" }}
        />
      );
    case "report":
      return (
        <iframe
          className="preview-frame"
          src={contentAddress(artifact.id)}
          title={artifact.filename}
          sandbox="allow-scripts"
          referrerPolicy="no-referrer"
        />
      );
    case "data":
      return <Data artifact={artifact} />;
  }
}

function Data({ artifact }: { artifact: Artifact }) {
  const [rows, setRows] = useState(ROWS);
  const { data, error, refetch, isFetching } = useQuery({
    queryKey: ["preview", artifact.id, rows],
    queryFn: ({ signal }) => getPreview(artifact.id, rows, signal),
    staleTime: Infinity,
    placeholderData: (before) => before,
  });
  if (error !== null) return <Trouble error={error} again={() => void refetch()} />;
  if (data === undefined) return <Waiting rows={6} />;
  switch (data.kind) {
    case "table":
      return (
        <>
          <DataTable columns={data.columns} rows={data.rows} label={`Table of ${artifact.filename}`} />
          <Text size="sm" c="dimmed" mt={4} component="div">
            {data.truncated
              ? `The first ${count(data.rows.length)} rows; figures are theirs.`
              : `All ${count(data.rows.length)} rows.`}{" "}
            {data.truncated && rows < ROWS_MORE && (
              <Button size="compact-xs" variant="default" loading={isFetching} onClick={() => setRows(ROWS_MORE)}>
                Up to {count(ROWS_MORE)} rows
              </Button>
            )}
          </Text>
        </>
      );
    case "json":
      return (
        <div className="tree mono">
          <Tree value={data.json as Json} />
        </div>
      );
    case "text":
      return (
        <>
          <Code
            block
            tabIndex={0}
            role="region"
            aria-label={`Text of ${artifact.filename}`}
            style={{ maxHeight: "60vh", whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}
          >
            {data.text}
          </Code>
          {data.truncated && (
            <Text size="sm" c="dimmed" mt={4}>
              The beginning; the whole file has {bytes(artifact.size)}.
            </Text>
          )}
        </>
      );
    case "binary":
      return (
        <Empty title="Nothing to show here">
          {data.media_type}, {bytes(data.size)}. Download it to open it with a program of yours.
        </Empty>
      );
  }
}
