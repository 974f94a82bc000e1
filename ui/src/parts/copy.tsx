// A text with a button that copies it.
import { Button, Code, CopyButton, Group } from "@mantine/core";

import { Icon } from "./icons";

export function Copy({ text, label = "Copy" }: { text: string; label?: string }) {
  return (
    <CopyButton value={text}>
      {({ copied, copy }) => (
        <Button size="compact-xs" variant="default" leftSection={<Icon name="copy" size={12} />} onClick={copy}>
          <span aria-live="polite">{copied ? "Copied" : label}</span>
        </Button>
      )}
    </CopyButton>
  );
}

export function Command({ title, text }: { title: string; text: string }) {
  return (
    <div>
      <Group justify="space-between" mb={4}>
        <strong>{title}</strong>
        <Copy text={text} label={`Copy ${title}`} />
      </Group>
      <Code block className="break" style={{ whiteSpace: "pre-wrap" }} tabIndex={0} aria-label={`${title} command`}>
        {text}
      </Code>
    </div>
  );
}
