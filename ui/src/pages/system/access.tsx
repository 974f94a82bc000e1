// Who may do what: the roles explained, the tokens made and taken back.
import { Alert, Code, Group, NativeSelect, Stack, Text, TextInput, Title } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { createToken, revokeToken, tokens as getTokens } from "../../api/calls";
import { newKey } from "../../api/client";
import { useRefusal, useSession } from "../../api/session";
import type { Role, Token } from "../../api/types";
import { Act } from "../../parts/act";
import { Copy } from "../../parts/copy";
import { State } from "../../parts/state";
import { Ago } from "../../parts/time";
import { Empty, Trouble, Waiting } from "../../parts/trouble";

const ROLES: readonly [Role, string][] = [
  ["viewer", "sees runs, logs, files and figures, and changes nothing"],
  ["operator", "also sends files, starts runs, cancels them and runs them again"],
  ["admin", "also makes tokens, takes them back, and reads the audit log"],
];

const LIFETIMES: readonly [string, string][] = [
  ["86400", "a day"],
  ["2592000", "30 days"],
  ["7776000", "90 days"],
  ["31536000", "a year"],
  ["", "without an end"],
];

export function Access() {
  const session = useSession();
  const refused = useRefusal("admin");
  return (
    <Stack>
      <section className="panel" aria-label="You">
        <Title order={2} mb="xs">
          You
        </Title>
        <Text size="sm">
          {session.authentication_required ? (
            <>
              You are <b>{session.actor}</b> with the role <b>{session.role}</b>.
            </>
          ) : (
            <>
              This service asks nobody for a token: whoever reaches it may do everything. The setting{" "}
              <Code>require_authentication</Code> changes that.
            </>
          )}
        </Text>
        <dl className="facts" style={{ marginTop: "0.5rem" }}>
          {ROLES.map(([role, what]) => (
            <div key={role} style={{ display: "contents" }}>
              <dt>{role}</dt>
              <dd>{what}</dd>
            </div>
          ))}
        </dl>
      </section>
      {refused !== null ? (
        <Alert variant="outline" title="Tokens are for admins">
          {refused}
        </Alert>
      ) : (
        <Tokens />
      )}
    </Stack>
  );
}

function Tokens() {
  const client = useQueryClient();
  const { data, error, refetch } = useQuery({ queryKey: ["tokens"], queryFn: ({ signal }) => getTokens(signal) });
  const [asked, setAsked] = useState<string | null>(null);
  const revoke = useMutation({
    mutationFn: revokeToken,
    onSettled: () => {
      setAsked(null);
      void client.invalidateQueries({ queryKey: ["tokens"] });
    },
  });
  return (
    <>
      <NewToken />
      <section className="panel" aria-label="Tokens">
        <Title order={2} mb="xs">
          Tokens
        </Title>
        {error !== null && <Trouble error={error} again={() => void refetch()} />}
        {revoke.error !== null && <Trouble error={revoke.error} />}
        {data === undefined && error === null && <Waiting />}
        {data?.length === 0 && <Empty title="There is no token yet">Make one above for each person and program.</Empty>}
        <ul className="plain">
          {data?.map((token) => (
            <li className="row" key={token.id}>
              <TokenState token={token} />
              <div className="grow break">
                <b>{token.name}</b>, {token.role}
                <Text size="sm" c="dimmed">
                  made <Ago time={token.created_at} /> by {token.created_by}
                  {token.last_used_at !== null ? (
                    <>
                      , used <Ago time={token.last_used_at} />
                    </>
                  ) : (
                    ", never used"
                  )}
                  {token.expires_at !== null && (
                    <>
                      , ends <Ago time={token.expires_at} />
                    </>
                  )}
                </Text>
              </div>
              {token.status === "active" &&
                (asked === token.id ? (
                  <Group gap="xs">
                    <Act needs="admin" size="xs" color="red" onClick={() => revoke.mutate(token.id)}>
                      Yes, take {token.name} back
                    </Act>
                    <Act needs="admin" size="xs" variant="default" onClick={() => setAsked(null)}>
                      Keep it
                    </Act>
                  </Group>
                ) : (
                  <Act
                    needs="admin"
                    size="xs"
                    variant="default"
                    aria-label={`Take back ${token.name}`}
                    onClick={() => setAsked(token.id)}
                  >
                    Take back
                  </Act>
                ))}
            </li>
          ))}
        </ul>
      </section>
    </>
  );
}

function TokenState({ token }: { token: Token }) {
  if (token.status === "active") return <State word="Active" tone="ok" icon="check" />;
  if (token.status === "expired") return <State word="Expired" tone="idle" icon="clock" />;
  return <State word="Revoked" tone="idle" icon="stop" />;
}

function NewToken() {
  const client = useQueryClient();
  const [name, setName] = useState("");
  const [role, setRole] = useState<Role>("viewer");
  const [lifetime, setLifetime] = useState("7776000");
  const make = useMutation({
    mutationFn: () =>
      createToken({ name: name.trim(), role, expires_in_seconds: lifetime === "" ? null : Number(lifetime) }, newKey()),
    onSuccess: () => {
      setName("");
      void client.invalidateQueries({ queryKey: ["tokens"] });
    },
  });
  return (
    <section className="panel" aria-label="New token">
      <Title order={2} mb="xs">
        New token
      </Title>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          make.mutate();
        }}
      >
        <Group align="flex-end" gap="sm">
          <TextInput
            label="Name"
            description="Who or what uses it; stands in runs and in the audit log"
            required
            maxLength={64}
            pattern="[A-Za-z0-9][A-Za-z0-9._@\-]*"
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <NativeSelect
            label="Role"
            data={ROLES.map(([role]) => role)}
            value={role}
            onChange={(event) => setRole(event.currentTarget.value as Role)}
          />
          <NativeSelect
            label="Good for"
            data={LIFETIMES.map(([value, label]) => ({ value, label }))}
            value={lifetime}
            onChange={(event) => setLifetime(event.currentTarget.value)}
          />
          <Act needs="admin" type="submit" loading={make.isPending}>
            Make it
          </Act>
        </Group>
      </form>
      {make.error !== null && <Trouble error={make.error} />}
      {make.data?.token && (
        <Alert mt="sm" variant="outline" title={`The token ${make.data.name}`} role="status">
          <Text size="sm">It is shown this once. Keep it where secrets are kept.</Text>
          <Group gap="xs" mt="xs">
            <Code className="break">{make.data.token}</Code>
            <Copy text={make.data.token} label="Copy the token" />
          </Group>
        </Alert>
      )}
    </section>
  );
}
