// Who changed what, from where, and how it was answered; the newest first.
import { Alert, Button, Group, Text, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";

import { audit as getAudit } from "../../api/calls";
import { useRefusal } from "../../api/session";
import { shortId } from "../../format";
import { Ago } from "../../parts/time";
import { Empty, Trouble, Waiting } from "../../parts/trouble";

const PAGE_ROWS = 50;

export function Audit() {
  const refused = useRefusal("admin");
  if (refused !== null) {
    return (
      <Alert variant="outline" title="The audit log is for admins">
        {refused}
      </Alert>
    );
  }
  return <Entries />;
}

function Entries() {
  const [actor, setActor] = useState("");
  const [action, setAction] = useState("");
  const [filter] = useDebouncedValue({ actor: actor.trim(), action: action.trim() }, 300);
  const query = useInfiniteQuery({
    queryKey: ["audit", filter.actor, filter.action],
    queryFn: ({ pageParam, signal }) => getAudit(filter, PAGE_ROWS, pageParam, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next,
  });
  const rows = query.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <>
      <Group mb="sm" align="flex-end">
        <TextInput
          type="search"
          label="Who"
          placeholder="name of a token"
          value={actor}
          onChange={(event) => setActor(event.currentTarget.value)}
        />
        <TextInput
          type="search"
          label="What"
          placeholder="POST /v1/runs"
          value={action}
          onChange={(event) => setAction(event.currentTarget.value)}
        />
      </Group>
      {query.error !== null && <Trouble error={query.error} again={() => void query.refetch()} />}
      {query.isPending && <Waiting rows={8} />}
      {query.data !== undefined && rows.length === 0 && (
        <div className="panel">
          <Empty title="Nothing to tell">Every change that somebody asks for stands here.</Empty>
        </div>
      )}
      {rows.length > 0 && (
        <div className="table-frame" tabIndex={0} role="region" aria-label="Audit log">
          <table style={{ minWidth: "48rem" }}>
            <thead>
              <tr>
                <th scope="col">When</th>
                <th scope="col">Who</th>
                <th scope="col">What</th>
                <th scope="col">Of</th>
                <th scope="col" className="number">
                  Answer
                </th>
                <th scope="col">From</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((entry) => (
                <tr key={entry.seq}>
                  <td style={{ whiteSpace: "nowrap" }}>
                    <Ago time={entry.timestamp} />
                  </td>
                  <td className="break">{entry.actor}</td>
                  <td className="mono">{entry.action}</td>
                  <td className="mono">
                    {Object.entries(entry.target).map(([name, id]) => (
                      <div key={name} title={id}>
                        {name} {shortId(id)}
                      </div>
                    ))}
                  </td>
                  <td className="number" style={{ color: entry.status >= 400 ? "var(--cts-bad)" : undefined }}>
                    {entry.status}
                  </td>
                  <td>{entry.address ?? "this machine"}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {query.hasNextPage && (
        <Button variant="default" mt="sm" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
          Older entries
        </Button>
      )}
      {rows.length > 0 && !query.hasNextPage && (
        <Text size="sm" c="dimmed" mt="xs">
          That is all of it.
        </Text>
      )}
    </>
  );
}
