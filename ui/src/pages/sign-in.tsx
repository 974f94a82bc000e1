// A token becomes a session: the token is sent once and kept nowhere; the cookie is out of the reach of scripts.
import { Anchor, Button, Code, Paper, PasswordInput, Stack, Text, Title } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";

import { signIn } from "../api/calls";
import { setCsrfToken } from "../api/client";
import { Trouble } from "../parts/trouble";

export default function SignIn() {
  const client = useQueryClient();
  const [token, setToken] = useState("");
  const enter = useMutation({
    mutationFn: signIn,
    onSuccess: (session) => {
      setCsrfToken(session.csrf_token);
      // What was asked for without a session is asked for again.
      client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== "session" });
      client.setQueryData(["session"], session);
    },
  });
  useEffect(() => {
    document.title = "Sign in · CTS";
  }, []);
  return (
    <main style={{ maxWidth: "26rem", margin: "12vh auto", padding: "1rem" }}>
      <Paper withBorder p="lg">
        <form
          onSubmit={(event) => {
            event.preventDefault();
            if (token.trim() !== "") enter.mutate(token.trim());
          }}
        >
          <Stack>
            <Title order={1}>Sign in to CTS</Title>
            <Text size="sm">
              This service asks for a token. It becomes a session of this browser and is kept nowhere else.
            </Text>
            <PasswordInput
              label="Token"
              placeholder="cts_…"
              autoComplete="current-password"
              value={token}
              onChange={(event) => setToken(event.currentTarget.value)}
              visibilityToggleButtonProps={{ "aria-label": "Show or hide the token" }}
              data-autofocus
              required
            />
            {enter.error !== null && <Trouble error={enter.error} title="This token was not taken" />}
            <Button type="submit" loading={enter.isPending}>
              Sign in
            </Button>
            <Text size="sm" c="dimmed">
              No token? An admin makes one with <Code>cts token create</Code>, or on the page System. A <b>viewer</b>{" "}
              reads, an <b>operator</b> also starts and cancels runs, an <b>admin</b> also makes tokens.
            </Text>
            <Anchor href="/docs" size="sm">
              The page of the API
            </Anchor>
          </Stack>
        </form>
      </Paper>
    </main>
  );
}
