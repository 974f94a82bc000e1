// How the service is: checks with what to do, figures, who may do what, who did what.
import { Tabs } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense } from "react";
import { useLocation } from "wouter";

import { version as getVersion } from "../../api/calls";
import { PageTitle } from "../../parts/title";
import { Waiting } from "../../parts/trouble";
import { Checks } from "./checks";

const Figures = lazy(async () => ({ default: (await import("./figures")).Figures }));
const Access = lazy(async () => ({ default: (await import("./access")).Access }));
const Configuration = lazy(async () => ({ default: (await import("./configuration")).Configuration }));
const Audit = lazy(async () => ({ default: (await import("./audit")).Audit }));

const PARTS = [
  ["health", "Health", Checks],
  ["figures", "Figures", Figures],
  ["configuration", "Configuration", Configuration],
  ["access", "Access", Access],
  ["audit", "Audit log", Audit],
] as const;

export default function System({ params }: { params: Record<string, string> }) {
  const [, go] = useLocation();
  const { data } = useQuery({
    queryKey: ["version"],
    queryFn: ({ signal }) => getVersion(signal),
    staleTime: Infinity,
  });
  const part = PARTS.find(([name]) => name === params["part"])?.[0] ?? "health";
  return (
    <>
      <PageTitle title="System">
        {data !== undefined && (
          <span>
            CTS {data.version}, API {data.api_version}
            {data.git_sha !== null && <span className="mono"> {data.git_sha.slice(0, 8)}</span>} ·{" "}
            <a href="/docs">API page</a> · <a href="/openapi.json">OpenAPI</a> ·{" "}
            <a href="/assets/licences.txt">Licences</a>
          </span>
        )}
      </PageTitle>
      <Tabs
        value={part}
        onChange={(value) => go(value === "health" ? "/system" : `/system/${value}`)}
        keepMounted={false}
      >
        <Tabs.List mb="sm">
          {PARTS.map(([name, label]) => (
            <Tabs.Tab key={name} value={name}>
              {label}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {PARTS.map(([name, , Part]) => (
          <Tabs.Panel key={name} value={name}>
            <Suspense fallback={<Waiting />}>
              <Part />
            </Suspense>
          </Tabs.Panel>
        ))}
      </Tabs>
    </>
  );
}
