// Who is there, then the frame around the pages, then the page of the address.
import { lazy, Suspense } from "react";
import { Route, Switch } from "wouter";

import { LiveProvider } from "./api/live";
import { SessionProvider, useSessionState } from "./api/session";
import { NotFound } from "./pages/not-found";
import { Shell } from "./shell";
import { Trouble, Waiting } from "./parts/trouble";
import { PAGES } from "./routes";

const SignIn = lazy(() => import("./pages/sign-in"));

export function App() {
  const state = useSessionState();
  switch (state.kind) {
    case "loading":
      return null;
    case "failed":
      return (
        <main style={{ maxWidth: "40rem", margin: "10vh auto", padding: "1rem" }}>
          <Trouble error={state.error} again={state.again} title="The service does not answer" />
        </main>
      );
    case "signed-out":
      return (
        <Suspense fallback={null}>
          <SignIn />
        </Suspense>
      );
    case "ready":
      return (
        <SessionProvider session={state.session}>
          <LiveProvider>
            <Shell>
              <Suspense fallback={<Waiting />}>
                <Switch>
                  {PAGES.map(({ path, component: Page }) => (
                    <Route key={path} path={path}>
                      {(params) => <Page params={params as Record<string, string>} />}
                    </Route>
                  ))}
                  <Route component={NotFound} />
                </Switch>
              </Suspense>
            </Shell>
          </LiveProvider>
        </SessionProvider>
      );
  }
}
