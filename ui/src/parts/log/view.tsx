// The log of a run: live, searchable, by levels, of any length. Only the rows that can be seen are drawn.
import { Button, Checkbox, Group, NativeSelect, Text, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";

import { logPage } from "../../api/calls";
import type { LogEntry, LogLevel, Run } from "../../api/types";
import { count } from "../../format";
import { useKey } from "../help";
import { isOver } from "../state";
import { Empty, Trouble, Waiting } from "../trouble";
import { type Rows, RowsView } from "./rows";
import { LogStore } from "./store";

const LEVELS: readonly LogLevel[] = ["ERROR", "WARNING", "INFO", "DEBUG"];
const FOUND_PAGE_LINES = 1000;
/** So many lines are looked for at once, more when they are scrolled to. */
const FOUND_LINES_MIN = 200;
/** A running log is searched again this often. */
const SEARCH_AGAIN_MS = 2000;

export function LogView({ run }: { run: Run }) {
  const client = useQueryClient();
  const over = isOver(run.status);
  const [level, setLevel] = useState<LogLevel | "">("");
  const [text, setText] = useState("");
  const [search] = useDebouncedValue(text, 250);
  const [wrap, setWrap] = useState(false);
  const [follow, setFollow] = useState(!over);
  const [picked, setPicked] = useState(() => lineOf(window.location.hash));
  useKey("f", () => setFollow((on) => !on));

  const store = useMemo(() => {
    const ended = (): void => {
      void client.invalidateQueries({ queryKey: ["run", run.id] });
      void client.invalidateQueries({ queryKey: ["artifacts", run.id] });
    };
    return new LogStore(run.id, ended);
  }, [client, run.id]);
  // The state at the beginning counts: the stream itself tells the end of the run.
  const overAtStart = useRef(over);
  useEffect(() => {
    store.start(overAtStart.current);
    return () => store.stop();
  }, [store]);
  useSyncExternalStore(store.subscribe, store.getVersion);

  const onPick = useCallback((seq: number): void => {
    setPicked(seq);
    window.history.replaceState(null, "", `#L${seq}`);
    void navigator.clipboard?.writeText(window.location.href).catch(() => undefined);
  }, []);

  const isFiltered = level !== "" || search !== "";
  return (
    <section aria-label="Log">
      <Group gap="sm" mb="xs" align="flex-end">
        <TextInput
          type="search"
          label="Find in the log"
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
        <NativeSelect
          label="Level"
          value={level}
          onChange={(event) => setLevel(event.currentTarget.value as LogLevel | "")}
          data={[{ value: "", label: "all" }, ...LEVELS]}
        />
        <Checkbox label="Follow" checked={follow} onChange={(event) => setFollow(event.currentTarget.checked)} mb={8} />
        <Checkbox label="Wrap" checked={wrap} onChange={(event) => setWrap(event.currentTarget.checked)} mb={8} />
        <SaveLog run={run} />
      </Group>
      {store.error !== null && (store.state === "offline" || store.last === 0) && <Trouble error={store.error} />}
      {isFiltered ? (
        <Found
          run={run}
          level={level === "" ? undefined : level}
          search={search}
          wrap={wrap}
          picked={picked}
          onPick={onPick}
        />
      ) : store.last === 0 ? (
        <div className="panel">
          {store.state === "connecting" ? (
            <Waiting />
          ) : (
            <Empty title="No line yet">
              {over ? "This run wrote nothing." : "Lines stand here as soon as the tool writes them."}
            </Empty>
          )}
        </div>
      ) : (
        <RowsView
          rows={{
            length: store.last,
            seqAt: (index) => index + 1,
            at: (index) => store.line(index + 1),
            want: (first, last) => store.want(first + 1, last + 1),
          }}
          version={store.version}
          wrap={wrap}
          follow={follow}
          setFollow={setFollow}
          picked={picked}
          onPick={onPick}
          search=""
        />
      )}
      <Text size="sm" c="dimmed" mt={4}>
        {count(store.last)} {store.last === 1 ? "line" : "lines"}
        {!over && (store.state === "live" ? " so far, live" : `, ${store.state}`)}
        {picked !== null && ` · line ${count(picked)} is marked and its address copied`}
      </Text>
    </section>
  );
}

function lineOf(hash: string): number | null {
  const match = /^#L(\d{1,12})$/.exec(hash);
  return match === null ? null : Number(match[1]);
}

/** The plain log is asked for with a header that a link cannot send, so it is fetched and then saved. */
function SaveLog({ run }: { run: Run }) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const save = async (): Promise<void> => {
    setBusy(true);
    setError(null);
    try {
      const response = await fetch(`/v1/runs/${run.id}/logs`, { headers: { Accept: "text/plain" } });
      if (!response.ok) throw new Error(`the service answered ${response.status}`);
      const address = URL.createObjectURL(await response.blob());
      const link = document.createElement("a");
      link.href = address;
      link.download = `${run.id}.log`;
      link.click();
      URL.revokeObjectURL(address);
    } catch (error) {
      setError(error as Error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <Button variant="default" loading={busy} onClick={() => void save()}>
        Download
      </Button>
      {error !== null && <Trouble error={error} />}
    </>
  );
}

interface FoundProps {
  run: Run;
  level: LogLevel | undefined;
  search: string;
  wrap: boolean;
  picked: number | null;
  onPick: (seq: number) => void;
}

/** The lines that a search or a level leaves, found by the service. */
function Found({ run, level, search, wrap, picked, onPick }: FoundProps) {
  const query = useInfiniteQuery({
    queryKey: ["log", run.id, level, search],
    queryFn: ({ pageParam, signal }) =>
      logPage(run.id, { from: pageParam, limit: FOUND_PAGE_LINES, level, q: search }, signal),
    initialPageParam: 1,
    getNextPageParam: (last) => (last.has_more ? last.next_from : undefined),
    refetchInterval: isOver(run.status) ? false : SEARCH_AGAIN_MS,
  });
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = query;
  const pages = query.data?.pages ?? [];
  const lines: LogEntry[] = pages.flatMap((page) => page.logs);
  // The service looks through so much of a long log for one answer; one without a line says where to go on.
  const isScarce = lines.length < FOUND_LINES_MIN && hasNextPage;
  useEffect(() => {
    if (isScarce && !isFetchingNextPage) void fetchNextPage();
  }, [isScarce, isFetchingNextPage, fetchNextPage]);
  const rows: Rows = {
    length: lines.length,
    seqAt: (index) => lines[index]?.seq ?? 0,
    at: (index) => lines[index],
    want: (_, last) => {
      if (last >= lines.length - 50 && hasNextPage && !isFetchingNextPage) void fetchNextPage();
    },
  };
  if (query.error !== null) return <Trouble error={query.error} again={() => void query.refetch()} />;
  if (query.isPending) return <Waiting />;
  if (lines.length === 0) {
    return (
      <div className="panel">
        {hasNextPage ? (
          <Empty title="Looking…">No line fits up to number {count((pages.at(-1)?.next_from ?? 1) - 1)}.</Empty>
        ) : (
          <Empty title="No line fits">Try another word or all levels.</Empty>
        )}
      </div>
    );
  }
  return (
    <>
      <RowsView
        rows={rows}
        version={query.dataUpdatedAt}
        wrap={wrap}
        follow={false}
        setFollow={() => undefined}
        picked={picked}
        onPick={onPick}
        search={search}
      />
      <Text size="sm" role="status">
        {count(lines.length)}
        {hasNextPage ? " and more" : ""} lines fit
      </Text>
    </>
  );
}
