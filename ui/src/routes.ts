// Every page on one list; `crates/cts-server/src/ui.rs` has the same addresses. Pages are loaded when they are needed.
import { type ComponentType, lazy } from "react";

import Overview from "./pages/overview/page";

export interface Page {
  path: string;
  component: ComponentType<{ params: Record<string, string> }>;
}

export const PAGES: readonly Page[] = [
  { path: "/", component: Overview },
  { path: "/tools", component: lazy(() => import("./pages/tools/catalogue")) },
  { path: "/tools/:id", component: lazy(() => import("./pages/tools/tool")) },
  { path: "/runs", component: lazy(() => import("./pages/runs/list")) },
  // Before the runs themselves, whose ids are no words.
  { path: "/runs/compare", component: lazy(() => import("./pages/runs/compare")) },
  { path: "/runs/:id", component: lazy(() => import("./pages/runs/run")) },
  { path: "/system", component: lazy(() => import("./pages/system/page")) },
  { path: "/system/:part", component: lazy(() => import("./pages/system/page")) },
];

export interface Place {
  label: string;
  path: string;
  /** The letter that follows `g`. */
  key: string;
}

/** What the navigation shows. */
export const PLACES: readonly Place[] = [
  { label: "Overview", path: "/", key: "o" },
  { label: "Tools", path: "/tools", key: "t" },
  { label: "Runs", path: "/runs", key: "r" },
  { label: "System", path: "/system", key: "s" },
];
