// The log of a run: live, long, searched, and over a death of the service.
import assert from "node:assert/strict";

import { Service } from "../service.mjs";
import { open, PATIENCE_MS } from "../browser.mjs";

const lastLine = (page) => page.locator(".log-line").last().locator(".log-text");

export default [
  {
    name: "a log is followed while it is written, and scrolling up stops that",
    async run({ page, service }) {
      const run = await service.script('i=0; while [ $i -lt 3000 ]; do echo "line $i"; i=$((i+1)); sleep 0.005; done');
      await page.goto(`/runs/${run.id}?tab=log`);
      await page.getByLabel("Follow").waitFor();
      assert.ok(await page.getByLabel("Follow").isChecked());
      await page.waitForFunction(() => document.querySelectorAll(".log-line").length > 20);
      const at = () => page.locator(".log-frame").evaluate((frame) => frame.scrollTop);
      await page.waitForFunction(() => (document.querySelector(".log-frame")?.scrollTop ?? 0) > 500);
      await page.locator(".log-frame").hover();
      await page.mouse.wheel(0, -400);
      await page.waitForFunction(() => !document.querySelector("input[type=checkbox]:checked"));
      const stood = await at();
      const lines = page.getByText(/[\d,]+ lines so far, live/);
      const before = await lines.innerText();
      await page.waitForFunction((before) => !document.body.innerText.includes(before), before);
      assert.ok(Math.abs((await at()) - stood) < 500, "the lines that are read stay where they are");
      await page.getByRole("button", { name: "Cancel" }).click();
      await page.getByRole("region", { name: "State" }).getByText("Canceled").waitFor();
    },
  },
  {
    name: "a hundred thousand lines come without a gap, and any of them is reached",
    async run({ page, service }) {
      // More than so many lines a second are left out by the service, so they come in parts.
      const run = await service.script(
        "i=0; while [ $i -lt 20 ]; do seq -f 'row %.0f' $((i*5000+1)) $((i*5000+5000)); i=$((i+1)); sleep 0.4; done",
      );
      await page.goto(`/runs/${run.id}?tab=log`);
      await page.getByText(/^100,000 lines/).waitFor({ timeout: 3 * PATIENCE_MS });
      await page.getByText("row 100000", { exact: true }).waitFor();
      const held = await page.locator(".log-line").count();
      assert.ok(held < 200, `only what is seen is drawn: ${held} rows`);
      await page.locator(".log-frame").evaluate((frame) => {
        frame.scrollTop = 50_000 * 20;
      });
      await page.getByText("row 50001", { exact: true }).waitFor();
      await page.locator(".log-frame").press("Home");
      await page.getByText("row 1", { exact: true }).waitFor();
      await page.getByLabel("Find in the log").fill("row 99999");
      await page.getByText("row 99999", { exact: true }).waitFor();
      await page.getByText("1 lines fit").waitFor();
    },
  },
  {
    name: "lines that are too long for one answer are all shown",
    async run({ page, service }) {
      const run = await service.script(
        "long=$(printf '%4000s' '' | tr ' ' x); for i in $(seq 1 600); do echo \"row $i $long\"; done",
      );
      await service.finished(run.id);
      await page.goto(`/runs/${run.id}?tab=log`);
      for (const row of [1, 480, 600]) {
        await page.locator(".log-frame").evaluate((frame, row) => {
          frame.scrollTop = (row - 1) * 20;
        }, row);
        await page.getByText(`row ${row} xxx`, { exact: false }).first().waitFor();
      }
    },
  },
  {
    name: "levels, wrapped lines and a link to a line",
    async run({ page, service, browser }) {
      const run = await service.script(
        `for i in $(seq 1 400); do echo "plain $i"; done; echo "error: broken" >&2; printf '\\033[31mred\\033[0m end\\n'`,
      );
      await service.finished(run.id);
      await page.goto(`/runs/${run.id}?tab=log`);
      await page.getByLabel("Level").selectOption("ERROR");
      await page.getByText("error: broken").waitFor();
      await page.getByText("1 lines fit").waitFor();
      await page.getByLabel("Level").selectOption("");
      await page.getByLabel("Wrap").check();
      await page.locator(".log-frame[data-wrap] .log-line").first().waitFor();
      await page.getByLabel("Wrap").uncheck();
      await page.locator(".log-number").nth(4).click();
      const address = await page.evaluate(() => navigator.clipboard.readText());
      assert.match(address, /#L5$/);
      const other = await open(browser, service.base);
      const { logs } = await service.ask(`/v1/runs/${run.id}/logs/list?from=300&limit=1`);
      await other.page.goto(address.replace("#L5", "#L300"));
      const marked = other.page.locator(".log-line[data-marked]");
      await marked.getByText(logs[0].message, { exact: true }).waitFor();
      const ground = await marked.evaluate((line) => getComputedStyle(line).backgroundColor);
      assert.notEqual(ground, "rgba(0, 0, 0, 0)", "the mark can be seen");
      await other.context.close();
    },
  },
  {
    name: "the service dies while a log is followed, and the page shows what happened when it is back",
    async run({ browser }) {
      const service = await Service.start();
      const { page, context, wrong } = await open(browser, service.base);
      try {
        const run = await service.script('i=0; while true; do echo "tick $i"; i=$((i+1)); sleep 0.05; done');
        await page.goto(`/runs/${run.id}?tab=log`);
        await page.getByText("tick 10", { exact: true }).waitFor();
        await service.kill();
        await page.getByText("The service cannot be reached").first().waitFor();
        await service.begin();
        await page.getByRole("region", { name: "State" }).getByText("Failed").waitFor();
        await page.getByRole("region", { name: "What went wrong" }).waitFor();
        await page.getByText("Live", { exact: true }).waitFor();
        assert.equal(await page.getByText("The service cannot be reached").count(), 0);
        const { logs, last_seq: last } = await service.ask(`/v1/runs/${run.id}/logs/list?limit=10000`);
        assert.equal(logs.length, last);
        await page.getByText(new RegExp(`^${last.toLocaleString("en-US")} lines`)).waitFor();
        await lastLine(page).waitFor();
        assert.deepEqual(wrong, []);
      } finally {
        await context.close();
        await service.end();
      }
    },
  },
];
