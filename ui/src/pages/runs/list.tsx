// Any number of runs: a window of rows is drawn, pages come as one scrolls, filters stand in the address.
import { Button, Group, MultiSelect, Select, Text, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef, useState } from "react";
import { Link, useSearchParams } from "wouter";

import { cancelRun, rerun as rerunRun, type RunFilter, runs as getRuns } from "../../api/calls";
import { newKey } from "../../api/client";
import type { Run, RunStatus } from "../../api/types";
import { count, duration, shortId } from "../../format";
import { Act } from "../../parts/act";
import { isOver, RunState } from "../../parts/state";
import { Ago, useNow } from "../../parts/time";
import { PageTitle } from "../../parts/title";
import { Empty, Trouble, Waiting } from "../../parts/trouble";
import { useTools } from "../tools/catalogue";
import { filesOf, nameOf } from "./name";

const STATES: readonly RunStatus[] = ["queued", "running", "completed", "failed", "canceled"];
const PAGE_ROWS = 100;
const ROW_HEIGHT = 44;
/** How many runs one press may change. */
const BULK_MAX = 100;

const SINCE: Record<string, number> = { hour: 3_600_000, day: 86_400_000, week: 604_800_000 };

/** Reads the filters of an address; unknown words are left out. */
export function filterOf(search: URLSearchParams, now: number): RunFilter {
  const many = (name: string) =>
    search
      .getAll(name)
      .flatMap((value) => value.split(","))
      .filter((value) => value !== "");
  const filter: RunFilter = { sort: search.get("sort") === "created_at" ? "created_at" : "-created_at" };
  const status = many("status").filter((word): word is RunStatus => STATES.includes(word as RunStatus));
  if (status.length > 0) filter.status = status;
  const tools = many("tool_id");
  if (tools.length > 0) filter.tool_id = tools;
  const labels = search.getAll("label").filter((label) => label.includes("="));
  if (labels.length > 0) filter.label = labels;
  const q = search.get("q");
  if (q !== null && q !== "") filter.q = q;
  const since = SINCE[search.get("since") ?? ""];
  // A whole minute, so that the same view is the same question.
  if (since !== undefined) filter.since = new Date(Math.floor((now - since) / 60_000) * 60_000).toISOString();
  return filter;
}

export default function Runs() {
  const [search, setSearch] = useSearchParams();
  const { data: capabilities } = useTools();
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const filter = filterOf(search, useNow());

  const set = (name: string, values: readonly string[]): void =>
    setSearch(
      (old) => {
        const next = new URLSearchParams(old);
        next.delete(name);
        if (values.length > 0) next.set(name, values.join(","));
        return next;
      },
      { replace: true },
    );
  const [q, setQ] = useState(search.get("q") ?? "");
  const [label, setLabel] = useState(search.get("label") ?? "");
  const setLater = useDebouncedCallback(set, 250);

  const query = useInfiniteQuery({
    queryKey: ["runs", "list", filter],
    queryFn: ({ pageParam, signal }) => getRuns(filter, PAGE_ROWS, pageParam, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next,
    placeholderData: (before) => before,
  });
  const rows = query.data?.pages.flatMap((page) => page.items) ?? [];
  const total = query.data?.pages[0]?.total ?? null;
  const isFiltered = ["status", "tool_id", "label", "q", "since"].some((name) => search.has(name));
  const clear = (): void => {
    setQ("");
    setLabel("");
    setSearch({}, { replace: true });
  };

  return (
    <>
      <PageTitle title="Runs">
        <Link href="/tools">Start a run</Link>
      </PageTitle>
      <Group className="filters" align="flex-end" gap="sm" mb="sm" role="search">
        <TextInput
          type="search"
          label="Find"
          placeholder="name, file, label, id"
          value={q}
          onChange={(event) => {
            setQ(event.currentTarget.value);
            setLater("q", [event.currentTarget.value].filter(Boolean));
          }}
        />
        <MultiSelect
          label="State"
          placeholder={filter.status === undefined ? "any" : ""}
          data={STATES.map((state) => ({ value: state, label: state }))}
          value={[...(filter.status ?? [])]}
          onChange={(values) => set("status", values)}
          clearable
          clearButtonProps={{ "aria-label": "Any state" }}
          miw="9rem"
        />
        <MultiSelect
          label="Tool"
          placeholder={filter.tool_id === undefined ? "any" : ""}
          data={[...new Set([...(capabilities?.tools.map((tool) => tool.id) ?? []), ...(filter.tool_id ?? [])])]}
          value={[...(filter.tool_id ?? [])]}
          onChange={(values) => set("tool_id", values)}
          searchable
          clearable
          clearButtonProps={{ "aria-label": "Any tool" }}
          miw="10rem"
        />
        <TextInput
          label="Label"
          placeholder="name=value"
          value={label}
          onChange={(event) => {
            setLabel(event.currentTarget.value);
            setLater(
              "label",
              [event.currentTarget.value].filter((text) => text.includes("=")),
            );
          }}
          w="9rem"
        />
        <Select
          label="Since"
          data={[
            { value: "", label: "any time" },
            { value: "hour", label: "an hour" },
            { value: "day", label: "a day" },
            { value: "week", label: "a week" },
          ]}
          value={search.get("since") ?? ""}
          onChange={(value) => set("since", [value ?? ""].filter(Boolean))}
          allowDeselect={false}
          w="8rem"
        />
        {isFiltered && (
          <Button variant="default" onClick={clear}>
            Clear filters
          </Button>
        )}
      </Group>
      <Bulk rows={rows} chosen={chosen} setChosen={setChosen} />
      {query.error !== null && <Trouble error={query.error} again={() => void query.refetch()} />}
      {query.isPending && <Waiting rows={10} height={28} />}
      {query.data !== undefined && rows.length === 0 && (
        <div className="panel">
          {isFiltered ? (
            <Empty title="No run fits these filters">Take one away, or clear them all.</Empty>
          ) : (
            <Empty title="There is no run yet">
              Pick a <Link href="/tools">tool</Link> and start one.
            </Empty>
          )}
        </div>
      )}
      {rows.length > 0 && (
        <Table
          rows={rows}
          hasMore={query.hasNextPage}
          isFetching={query.isFetchingNextPage}
          more={() => void query.fetchNextPage()}
          chosen={chosen}
          setChosen={setChosen}
          oldestFirst={filter.sort === "created_at"}
          setOldestFirst={(oldest) => set("sort", oldest ? ["created_at"] : [])}
        />
      )}
      {rows.length > 0 && (
        <Text size="sm" c="dimmed" mt="xs" role="status">
          {total === null
            ? `${count(rows.length)}${query.hasNextPage ? " and more" : ""} runs`
            : `${count(rows.length)} of ${count(total)} runs`}
        </Text>
      )}
    </>
  );
}

interface TableProps {
  rows: readonly Run[];
  hasMore: boolean;
  isFetching: boolean;
  more: () => void;
  chosen: ReadonlySet<string>;
  setChosen: (chosen: ReadonlySet<string>) => void;
  oldestFirst: boolean;
  setOldestFirst: (oldest: boolean) => void;
}

function Table({ rows, hasMore, isFetching, more, chosen, setChosen, oldestFirst, setOldestFirst }: TableProps) {
  const frame = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => frame.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 12,
  });
  const items = virtual.getVirtualItems();
  const lastIndex = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (hasMore && !isFetching && lastIndex >= rows.length - 20) more();
  }, [hasMore, isFetching, lastIndex, rows.length, more]);

  const before = items[0]?.start ?? 0;
  const after = virtual.getTotalSize() - (items.at(-1)?.end ?? 0);
  const all = rows.every((run) => chosen.has(run.id));
  const toggle = (id: string): void => {
    const next = new Set(chosen);
    if (!next.delete(id)) next.add(id);
    setChosen(next);
  };
  return (
    <div
      className="table-frame"
      ref={frame}
      style={{ maxHeight: "calc(100vh - 16rem)" }}
      tabIndex={0}
      role="region"
      aria-label="Table of runs"
    >
      <table aria-rowcount={hasMore ? -1 : rows.length + 1} style={{ minWidth: "46rem", tableLayout: "fixed" }}>
        <colgroup>
          <col style={{ width: "2.5rem" }} />
          <col style={{ width: "8rem" }} />
          <col />
          <col style={{ width: "12rem" }} />
          <col style={{ width: "6.5rem" }} />
          <col style={{ width: "8rem" }} />
        </colgroup>
        <thead>
          <tr aria-rowindex={1}>
            <th scope="col">
              <input
                type="checkbox"
                aria-label="Choose all rows that are loaded"
                checked={all}
                onChange={() => setChosen(all ? new Set() : new Set(rows.slice(0, BULK_MAX).map((run) => run.id)))}
              />
            </th>
            <th scope="col">State</th>
            <th scope="col">Run</th>
            <th scope="col">Tool</th>
            <th scope="col" className="number">
              Took
            </th>
            <th scope="col" aria-sort={oldestFirst ? "ascending" : "descending"}>
              <button className="sort" type="button" onClick={() => setOldestFirst(!oldestFirst)}>
                Asked {oldestFirst ? "↑" : "↓"}
              </button>
            </th>
          </tr>
        </thead>
        <tbody>
          {before > 0 && (
            <tr aria-hidden="true" style={{ height: before }}>
              <td colSpan={6} style={{ height: before, padding: 0 }} />
            </tr>
          )}
          {items.map(({ index }) => {
            const run = rows[index];
            if (run === undefined) return null;
            return (
              <tr key={run.id} aria-rowindex={index + 2} style={{ height: ROW_HEIGHT }}>
                <td>
                  <input
                    type="checkbox"
                    aria-label={`Choose ${nameOf(run)} ${shortId(run.id)}`}
                    checked={chosen.has(run.id)}
                    onChange={() => toggle(run.id)}
                  />
                </td>
                <td>
                  <RunState status={run.status} />
                </td>
                <td className="cut">
                  <Link href={`/runs/${run.id}`}>{nameOf(run)}</Link>{" "}
                  <Text span size="sm" c="dimmed">
                    {filesOf(run)} · <span className="mono">{shortId(run.id)}</span>
                    {Object.entries(run.labels).map(([name, value]) => ` · ${name}=${value}`)}
                  </Text>
                </td>
                <td className="cut mono">{run.tool_id}</td>
                <td className="number">
                  {run.duration_seconds === null || !isOver(run.status) ? "–" : duration(run.duration_seconds)}
                </td>
                <td>
                  <Ago time={run.created_at} />
                </td>
              </tr>
            );
          })}
          {after > 0 && (
            <tr aria-hidden="true" style={{ height: after }}>
              <td colSpan={6} style={{ height: after, padding: 0 }} />
            </tr>
          )}
        </tbody>
      </table>
    </div>
  );
}

interface BulkProps {
  rows: readonly Run[];
  chosen: ReadonlySet<string>;
  setChosen: (chosen: ReadonlySet<string>) => void;
}

function Bulk({ rows, chosen, setChosen }: BulkProps) {
  const client = useQueryClient();
  const picked = rows.filter((run) => chosen.has(run.id));
  const toCancel = picked.filter((run) => !isOver(run.status));
  const toRerun = picked.filter((run) => isOver(run.status));
  const change = useMutation({
    mutationFn: async ({ runs, act }: { runs: readonly Run[]; act: (run: Run) => Promise<unknown> }) => {
      const results = await Promise.allSettled(runs.slice(0, BULK_MAX).map(act));
      const failed = results.filter((result) => result.status === "rejected");
      if (failed[0] !== undefined) {
        throw new Error(`${failed.length} of ${results.length} did not work: ${(failed[0].reason as Error).message}`);
      }
    },
    onSettled: () => client.invalidateQueries({ queryKey: ["runs"] }),
    onSuccess: () => setChosen(new Set()),
  });
  if (picked.length === 0 && change.error === null) return null;
  return (
    <Group mb="sm" gap="sm">
      <Text size="sm" role="status">
        {picked.length} chosen
      </Text>
      <Act
        needs="operator"
        size="xs"
        variant="default"
        loading={change.isPending}
        blocked={toCancel.length === 0 ? "None of these runs is queued or running." : null}
        onClick={() => change.mutate({ runs: toCancel, act: (run) => cancelRun(run.id) })}
      >
        Cancel {toCancel.length}
      </Act>
      <Act
        needs="operator"
        size="xs"
        variant="default"
        loading={change.isPending}
        blocked={toRerun.length === 0 ? "None of these runs has ended." : null}
        onClick={() => change.mutate({ runs: toRerun, act: (run) => rerunRun(run.id, {}, newKey()) })}
      >
        Run {toRerun.length} again
      </Act>
      {picked[0] !== undefined && picked[1] !== undefined && picked.length === 2 && (
        <Button
          component={Link}
          href={`/runs/compare?left=${picked[1].id}&right=${picked[0].id}`}
          size="xs"
          variant="default"
        >
          Compare
        </Button>
      )}
      <Button size="xs" variant="default" onClick={() => setChosen(new Set())}>
        Choose none
      </Button>
      {change.error !== null && <Trouble error={change.error} />}
    </Group>
  );
}
