// The one stream of changes of all runs. Each change makes what shows it stale, at most a few times a second however
// many come; nothing is copied from the stream, so that a page shows what the service has.
import { useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from "react";

import { follow, type StreamState } from "./stream";
import type { RunChange } from "./types";

/** How often changes are looked at, at most. */
const REFRESH_MS = 1000;

const LiveContext = createContext<StreamState>("connecting");

export function useLive(): StreamState {
  return useContext(LiveContext);
}

export function LiveProvider({ children }: { children: ReactNode }) {
  const client = useQueryClient();
  const [state, setState] = useState<StreamState>("connecting");

  useEffect(() => {
    const changed = new Set<string>();
    let all = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let last = 0;

    const refresh = (): void => {
      timer = undefined;
      last = performance.now();
      void client.invalidateQueries({ queryKey: ["runs"] });
      void client.invalidateQueries({ queryKey: ["health"] });
      void client.invalidateQueries({ queryKey: ["metrics"] });
      if (all) {
        void client.invalidateQueries({ queryKey: ["run"] });
        void client.invalidateQueries({ queryKey: ["artifacts"] });
      } else {
        for (const id of changed) {
          void client.invalidateQueries({ queryKey: ["run", id] });
          void client.invalidateQueries({ queryKey: ["artifacts", id] });
        }
      }
      changed.clear();
      all = false;
    };
    const soon = (): void => {
      timer ??= setTimeout(refresh, Math.max(50, REFRESH_MS - (performance.now() - last)));
    };

    let wasOffline = false;
    const stop = follow({
      path: "/v1/runs/events",
      onState: (next) => {
        setState(next);
        if (next === "offline" || next === "paused") wasOffline = true;
        // What happened meanwhile comes with the stream only when an event was seen before.
        if (next === "live" && wasOffline) {
          wasOffline = false;
          all = true;
          soon();
        }
      },
      onEvents: (events) => {
        for (const event of events) {
          if (event.name === "reset") {
            all = true;
            continue;
          }
          const change = JSON.parse(event.data) as RunChange;
          if (typeof change.run_id === "string") changed.add(change.run_id);
        }
        soon();
      },
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [client]);

  const value = useMemo(() => state, [state]);
  return <LiveContext.Provider value={value}>{children}</LiveContext.Provider>;
}
