// What went wrong, why, and what to do next; places that have nothing to show yet; places that wait.
import { Alert, Button, List, Skeleton, Stack, Text } from "@mantine/core";
import type { ReactNode } from "react";

import { ApiError } from "../api/client";

export function Trouble({ error, again, title }: { error: unknown; again?: () => void; title?: string }) {
  const problem = error instanceof ApiError ? error.problem : {};
  const message = error instanceof Error ? error.message : String(error);
  const actions = problem.suggested_actions ?? [];
  return (
    <Alert color="red" variant="outline" role="alert" title={title ?? problem.title ?? "That did not work"}>
      <Text size="sm" className="break">
        {message}
      </Text>
      <Actions actions={actions} />
      {problem.request_id !== undefined && (
        <Text size="xs" c="dimmed" mt="xs" className="break">
          {problem.error_code} · request {problem.request_id}
        </Text>
      )}
      {again !== undefined && (
        <Button size="xs" variant="default" mt="sm" onClick={again}>
          Try again
        </Button>
      )}
    </Alert>
  );
}

export function Actions({ actions }: { actions: readonly string[] }) {
  if (actions.length === 0) return null;
  return (
    <>
      <Text size="sm" fw={600} mt="xs">
        What to do
      </Text>
      <List size="sm">
        {actions.map((action) => (
          <List.Item key={action} className="break">
            {action}
          </List.Item>
        ))}
      </List>
    </>
  );
}

export function Empty({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Stack align="center" gap="xs" py="xl" px="md" ta="center">
      <Text fw={600}>{title}</Text>
      <Text size="sm" c="dimmed" component="div">
        {children}
      </Text>
    </Stack>
  );
}

export function Waiting({ rows = 4, height = 20 }: { rows?: number; height?: number }) {
  return (
    <Stack gap="sm" aria-busy="true" role="status" aria-label="Loading">
      {Array.from({ length: rows }, (_, index) => (
        <Skeleton key={index} height={height} />
      ))}
    </Stack>
  );
}
