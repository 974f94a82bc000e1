// The heading of a page, also in the window's title, and where the keyboard stands when the page changes.
import { Group, Title } from "@mantine/core";
import { type ReactNode, useEffect } from "react";

export function PageTitle({ title, children }: { title: string; children?: ReactNode }) {
  useEffect(() => {
    document.title = title === "CTS" ? title : `${title} · CTS`;
  }, [title]);
  return (
    <Group justify="space-between" mb="md" gap="sm">
      <Title order={1} className="break">
        {title}
      </Title>
      {children}
    </Group>
  );
}
