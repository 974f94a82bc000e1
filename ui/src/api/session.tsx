// Who uses the page and what they may do. Without authentication everybody may do everything.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect } from "react";

import { session as getSession } from "./calls";
import { ApiError, setCsrfToken } from "./client";
import type { Role, Session } from "./types";

const ROLES: readonly Role[] = ["viewer", "operator", "admin"];

const SessionContext = createContext<Session | null>(null);

export type SessionState =
  | { kind: "loading" }
  | { kind: "signed-out" }
  | { kind: "failed"; error: Error; again: () => void }
  | { kind: "ready"; session: Session };

/** Asks who we are, and again when the service says that it does not know us any more. */
export function useSessionState(): SessionState {
  const client = useQueryClient();
  const { data, error, refetch } = useQuery({
    queryKey: ["session"],
    queryFn: async ({ signal }) => {
      const session = await getSession(signal);
      setCsrfToken(session.csrf_token);
      return session;
    },
    retry: (count, error) => !(error instanceof ApiError && error.status > 0 && error.status < 500) && count < 3,
    staleTime: Infinity,
  });
  useEffect(
    () =>
      client.getQueryCache().subscribe((event) => {
        const failed = event.type === "updated" && event.action.type === "error" ? event.action.error : null;
        if (event.query.queryKey[0] !== "session" && failed instanceof ApiError && failed.status === 401) {
          void client.invalidateQueries({ queryKey: ["session"] });
        }
      }),
    [client],
  );
  if (error instanceof ApiError && error.status === 401) return { kind: "signed-out" };
  if (data !== undefined) return { kind: "ready", session: data };
  if (error !== null) return { kind: "failed", error, again: () => void refetch() };
  return { kind: "loading" };
}

export function SessionProvider({ session, children }: { session: Session; children: ReactNode }) {
  return <SessionContext.Provider value={session}>{children}</SessionContext.Provider>;
}

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (session === null) throw new Error("a page stands outside of the session");
  return session;
}

/** Returns why somebody may not do what needs this role; null when they may. */
export function refusal(role: Role, needed: Role): string | null {
  if (ROLES.indexOf(role) >= ROLES.indexOf(needed)) return null;
  return `This needs the role ${needed}; you have the role ${role}. An admin can make you a token that may.`;
}

export function useRefusal(needed: Role): string | null {
  return refusal(useSession().role, needed);
}
