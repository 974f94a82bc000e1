// From a file to a result.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";

import { EXAMPLES } from "../service.mjs";

export default [
  {
    name: "a driving log is chosen on the form of a tool, and its table is read in the page",
    async run({ page, service }) {
      await page.goto("/tools");
      await page.getByLabel("Find a tool").fill("csv parquet");
      await page.getByRole("link", { name: "rlog to CSV" }).click();
      await page.locator("input[type=file]").setInputFiles(join(EXAMPLES, "toyota-5s.rlog.zst"));
      await page.getByRole("button", { name: "Remove toyota-5s.rlog.zst" }).waitFor();
      const command = await page.getByLabel("cts command").innerText();
      assert.match(command, /^cts --url \S+ run rlog-to-csv --path toyota-5s\.rlog\.zst --upload --wait$/);
      await page.getByRole("button", { name: "Start the run" }).click();
      await page.waitForURL(/\/runs\/[0-9a-f-]{36}$/);
      await page.getByRole("region", { name: "State" }).getByText("Completed").waitFor();
      await page.getByRole("button", { name: "toyota-5s.csv", exact: true }).click();
      const table = page.getByRole("region", { name: "Table of toyota-5s.csv" });
      await table.getByRole("columnheader", { name: "address" }).waitFor();
      const first = () => table.locator("tbody tr[aria-rowindex='2'] td").nth(3).innerText();
      await table.getByRole("button", { name: "address" }).click();
      const least = await first();
      await table.getByRole("button", { name: "address" }).click();
      assert.notEqual(await first(), least, "sorting the other way shows another row first");
      const [download] = await Promise.all([
        page.waitForEvent("download"),
        page.getByRole("link", { name: "Download toyota-5s.csv" }).click(),
      ]);
      assert.equal(download.suggestedFilename(), "toyota-5s.csv");
      const id = page.url().split("/runs/")[1].split("?")[0];
      const run = await service.ask(`/v1/runs/${id}`);
      assert.equal(run.inputs[0].type, "upload");
    },
  },
  {
    name: "an upload that is cut in the middle goes on where it was",
    async run({ page, service }) {
      const bytes = Buffer.alloc(9 * 1024 * 1024, 0);
      for (let at = 0; at < bytes.length; at += 997) bytes[at] = at % 251;
      const offsets = [];
      await page.route("**/v1/uploads/*", async (route) => {
        if (route.request().method() !== "PUT") return route.continue();
        offsets.push(route.request().headers()["upload-offset"]);
        return offsets.length === 2 ? route.abort("connectionreset") : route.continue();
      });
      await page.goto("/tools/script");
      await page.getByLabel("script", { exact: false }).first().waitFor();
      await page.locator("input[type=file]").setInputFiles({ name: "big.bin", mimeType: "", buffer: bytes });
      await page.getByRole("button", { name: "Remove big.bin" }).waitFor();
      assert.deepEqual(offsets, ["0", "4194304", "4194304", "8388608"]);
      await page.getByRole("textbox", { name: "script" }).fill('sha256sum < "$1"');
      await page.getByRole("button", { name: "Start the run" }).click();
      await page.waitForURL(/\/runs\/[0-9a-f-]{36}$/);
      const id = page.url().split("/runs/")[1];
      await service.finished(id);
      const { logs } = await service.ask(`/v1/runs/${id}/logs/list`);
      assert.equal(logs[0].message.split(" ")[0], createHash("sha256").update(bytes).digest("hex"));
    },
  },
  {
    name: "a report is shown in a frame of its own, and its file can be the input of another tool",
    async run({ page, service }) {
      const inputs = [{ type: "path", value: join(EXAMPLES, "made-subaru-60s.rlog.zst") }];
      const run = await service.ask("/v1/runs", {
        method: "POST",
        body: { tool_id: "cruise-control-analyzer", inputs },
      });
      await service.finished(run.id);
      await page.goto(`/runs/${run.id}`);
      const frame = page.frameLocator("iframe[title='analysis_report.html']");
      await frame.getByRole("heading", { name: "Cruise control report" }).waitFor();
      assert.equal(await page.locator("iframe").getAttribute("sandbox"), "allow-scripts");
      await page.getByRole("button", { name: "summary.json" }).click();
      await page.locator(".tree summary").first().waitFor();
    },
  },
];
