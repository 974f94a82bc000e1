// States in one word with a shape and a color.
import type { RunStatus } from "../api/types";
import { Icon, type IconName } from "./icons";

export type Tone = "ok" | "bad" | "warn" | "busy" | "idle";

interface Look {
  word: string;
  tone: Tone;
  icon: IconName;
}

const RUNS: Record<RunStatus, Look> = {
  queued: { word: "Queued", tone: "idle", icon: "clock" },
  running: { word: "Running", tone: "busy", icon: "turn" },
  completed: { word: "Completed", tone: "ok", icon: "check" },
  failed: { word: "Failed", tone: "bad", icon: "cross" },
  canceled: { word: "Canceled", tone: "idle", icon: "stop" },
};

const CHECKS: Record<string, Look> = {
  healthy: { word: "Healthy", tone: "ok", icon: "check" },
  degraded: { word: "Degraded", tone: "warn", icon: "warn" },
  unhealthy: { word: "Unhealthy", tone: "bad", icon: "cross" },
  unknown: { word: "Unknown", tone: "idle", icon: "question" },
};

export function State({ word, tone, icon }: Look) {
  return (
    <span className="state" data-tone={tone}>
      <Icon name={icon} size={14} turning={icon === "turn"} />
      {word}
    </span>
  );
}

export function RunState({ status }: { status: RunStatus }) {
  return <State {...RUNS[status]} />;
}

export function HealthState({ status }: { status: string }) {
  return <State {...(CHECKS[status] ?? { word: status, tone: "idle", icon: "question" })} />;
}

export function isOver(status: RunStatus): boolean {
  return status === "completed" || status === "failed" || status === "canceled";
}
