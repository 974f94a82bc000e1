// A button for a change. Who may not press it can still reach it and is told why.
import { Button, type ButtonProps, Tooltip } from "@mantine/core";
import type { MouseEventHandler, ReactNode } from "react";

import { useRefusal } from "../api/session";
import type { Role } from "../api/types";

interface Act extends ButtonProps {
  needs: Role;
  /** Why it cannot be pressed, whoever asks. */
  blocked?: string | null;
  onClick?: MouseEventHandler<HTMLButtonElement>;
  type?: "button" | "submit";
  children: ReactNode;
}

export function Act({ needs, blocked = null, onClick, children, ...rest }: Act) {
  const refused = useRefusal(needs) ?? blocked;
  if (refused === null) {
    return (
      <Button {...rest} onClick={onClick}>
        {children}
      </Button>
    );
  }
  return (
    <Tooltip label={refused} multiline w={260} events={{ hover: true, focus: true, touch: true }}>
      <Button
        {...rest}
        data-disabled
        aria-disabled="true"
        onClick={(event: { preventDefault: () => void }) => event.preventDefault()}
      >
        {children}
      </Button>
    </Tooltip>
  );
}
