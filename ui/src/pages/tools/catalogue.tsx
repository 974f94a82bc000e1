// Every tool, to be found by name, by what it does and by its tags.
import { Badge, Group, SimpleGrid, Text, TextInput, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useSearchParams } from "wouter";
import { Link } from "wouter";

import { capabilities as getCapabilities } from "../../api/calls";
import type { Tool } from "../../api/types";
import { State } from "../../parts/state";
import { PageTitle } from "../../parts/title";
import { Empty, Trouble, Waiting } from "../../parts/trouble";

export function useTools() {
  return useQuery({ queryKey: ["capabilities"], queryFn: ({ signal }) => getCapabilities(signal), staleTime: 30_000 });
}

/** Every word has to stand somewhere in what a tool says of itself. */
export function isFound(tool: Tool, search: string): boolean {
  const said = [tool.id, tool.name, tool.description, tool.category, ...tool.tags, ...tool.outputs]
    .join(" ")
    .toLowerCase();
  return search
    .toLowerCase()
    .split(/\s+/)
    .every((word) => said.includes(word));
}

export default function Catalogue() {
  const { data, error, refetch } = useTools();
  const [search, setSearch] = useSearchParams();
  const q = search.get("q") ?? "";
  const all = data === undefined ? [] : [...data.tools, ...data.monitors];
  const found = all.filter((tool) => isFound(tool, q));
  return (
    <>
      <PageTitle title="Tools" />
      <TextInput
        type="search"
        label="Find a tool"
        placeholder="csv, bits, cruise control…"
        value={q}
        onChange={(event) => {
          const value = event.currentTarget.value;
          setSearch(value === "" ? {} : { q: value }, { replace: true });
        }}
        mb="md"
        maw="30rem"
      />
      {error !== null && <Trouble error={error} again={() => void refetch()} />}
      {data === undefined && error === null && <Waiting rows={3} height={120} />}
      {data !== undefined && found.length === 0 && (
        <div className="panel">
          {all.length === 0 ? (
            <Empty title="There is no tool">
              Put a manifest into the folder of the tools; the guide of command tools shows one.
            </Empty>
          ) : (
            <Empty title={`No tool says “${q}”`}>Try another word; there are {all.length} tools.</Empty>
          )}
        </div>
      )}
      <p role="status" className="unseen">
        {data !== undefined && q !== "" && `${found.length} of ${all.length} tools`}
      </p>
      <SimpleGrid cols={{ base: 1, sm: 2, xl: 3 }}>
        {found.map((tool) => (
          <article className="panel" key={tool.id} aria-labelledby={`tool-${tool.id}`}>
            <Group justify="space-between" wrap="nowrap" align="flex-start">
              <Title order={2} id={`tool-${tool.id}`}>
                <Link href={`/tools/${tool.id}`}>{tool.name}</Link>
              </Title>
              {!tool.available && <State word="Not here" tone="warn" icon="warn" />}
            </Group>
            <Text size="sm" c="dimmed" className="mono">
              {tool.id} {tool.version}
            </Text>
            <Text size="sm" my="xs">
              {tool.description}
            </Text>
            {tool.unavailable_reason && (
              <Text size="sm" c="var(--cts-warn)">
                {tool.unavailable_reason}
              </Text>
            )}
            <dl className="facts">
              <dt>Takes</dt>
              <dd>{takes(tool)}</dd>
              <dt>Makes</dt>
              <dd className="mono">{tool.outputs.join(", ") || "what it likes"}</dd>
            </dl>
            <Group gap={6} mt="xs">
              {tool.tags.map((tag) => (
                <Badge key={tag} variant="default" tt="none" fw={500}>
                  {tag}
                </Badge>
              ))}
            </Group>
          </article>
        ))}
      </SimpleGrid>
    </>
  );
}

function takes({ input }: Tool): string {
  if (!input.required && input.description === "") return "no file";
  return `${input.description || "a file"}${input.extensions.length > 0 ? ` (${input.extensions.join(", ")})` : ""}`;
}
