// Every page with something to show, for pictures and for the look at accessibility.
import { join } from "node:path";

import { EXAMPLES } from "./service.mjs";

const example = (name) => [{ type: "path", value: join(EXAMPLES, name) }];

/** Starts runs that fill the pages and returns the addresses, each with what to wait for. */
export async function seed(service) {
  const make = (tool_id, name, rest = {}) =>
    service.ask("/v1/runs", { method: "POST", body: { tool_id, inputs: example(name), ...rest } });
  const table = await make("rlog-to-csv", "toyota-5s.rlog.zst", { name: "morning drive", labels: { car: "corolla" } });
  const report = await make("cruise-control-analyzer", "made-subaru-60s.rlog.zst", {
    name: "cruise control of the outback",
  });
  await make("can-summary", "toyota-60s.rlog.zst");
  const failed = await service.script(
    "for i in 1 2 3; do echo reading part $i; done; echo 'error: part 4 is not there' >&2; exit 2",
    { name: "evening drive" },
  );
  const log = await service.script(
    "for i in $(seq 1 200); do echo \"read block $i\"; done; echo 'warning: 3 frames were left out' >&2; printf '\\033[32mdone\\033[0m\\n'",
  );
  const again = await make("rlog-to-csv", "toyota-5s.rlog.zst", {
    name: "again with a window",
    params: { window_start: 2 },
  });
  for (const run of [table, again, report, failed, log]) await service.finished(run.id);
  const running = await service.script(
    'i=0; while [ $i -lt 900 ]; do echo "watching $i"; i=$((i+1)); sleep 0.2; done',
    {
      name: "watching a drive",
    },
  );
  const { artifacts } = await service.ask(`/v1/runs/${table.id}`);
  const files = await service.ask(`/v1/runs/${table.id}/artifacts`);
  const csv = files.find(({ filename }) => filename.endsWith(".csv"))?.id ?? artifacts[0];
  return {
    running,
    pages: [
      ["overview", "/", "Ended lately"],
      ["tools", "/tools", "CAN summary"],
      ["tool", "/tools/rlog-to-csv", "window_start"],
      ["tool-faults", "/tools/typed", "count"],
      ["runs", "/runs", "morning drive"],
      ["runs-empty", "/runs?q=nothing-like-this", "No run fits"],
      ["run-report", `/runs/${report.id}`, "analysis_report.html"],
      ["run-table", `/runs/${table.id}?artifact=${csv}`, "data_hex"],
      ["run-json", `/runs/${table.id}`, "summary.json"],
      ["run-failed", `/runs/${failed.id}`, "What went wrong"],
      ["run-log", `/runs/${log.id}?tab=log`, "read block 1"],
      ["run-live", `/runs/${running.id}`, "watching"],
      ["run-details", `/runs/${report.id}?tab=details`, "Timeline"],
      ["compare", `/runs/compare?left=${table.id}&right=${again.id}`, "Differs"],
      ["system", "/system", "Checks"],
      ["system-configuration", "/system/configuration", "max_concurrent_runs"],
      ["system-figures", "/system/figures", "Requests a second"],
      ["system-access", "/system/access", "New token"],
      ["system-audit", "/system/audit", "POST /v1/runs"],
      ["not-found", "/tools/none", "There is nothing here"],
    ],
  };
}

/** Opens a page and waits until it shows what it has. */
export async function show(page, [name, address, text]) {
  await page.goto(address);
  await page.locator("h1").first().waitFor();
  if (text !== "Checks") await page.getByText(text, { exact: false }).first().waitFor({ state: "attached" });
  await page.waitForFunction(() => document.querySelector("[aria-busy=true]") === null);
  if (text === "analysis_report.html") {
    await page.frameLocator("iframe").getByRole("heading", { name: "Cruise control report" }).waitFor();
  }
  if (address.includes("tab=log") || ["run-failed", "run-live"].includes(name)) {
    await page.locator(".log-level").first().waitFor();
  }
  if (name === "tool-faults") {
    await page.getByRole("textbox", { name: "ratio" }).fill("7");
    await page.getByRole("button", { name: "Start the run" }).click();
    await page.getByText("parameter count is required").waitFor();
  }
}
