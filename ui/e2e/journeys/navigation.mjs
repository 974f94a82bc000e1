// Addresses, filters, keys.
import assert from "node:assert/strict";

export default [
  {
    name: "the overview shows a run from its start to its failure without a press",
    async run({ page, service }) {
      await page.goto("/");
      await page.getByText("Live", { exact: true }).waitFor();
      const run = await service.script("sleep 2; echo no >&2; exit 4", { name: "a run to watch" });
      const now = page.getByRole("region", { name: "Running and queued" });
      await now.getByRole("link", { name: "a run to watch" }).waitFor();
      const failures = page.getByRole("region", { name: "Last failures" });
      await failures.getByRole("link", { name: "a run to watch" }).waitFor();
      const { suggested_actions: actions } = await service.ask(`/v1/runs/${run.id}`);
      await failures.getByText(actions[0], { exact: false }).first().waitFor();
      await now.getByRole("link", { name: "a run to watch" }).waitFor({ state: "detached" });
    },
  },
  {
    name: "filters stand in the address, and a reload shows the same",
    async run({ page, service }) {
      const label = { batch: "filters" };
      const runs = [];
      for (const script of ["true", "exit 1", "sleep 60"]) runs.push(await service.script(script, { labels: label }));
      await service.finished(runs[0].id);
      await service.finished(runs[1].id);
      await page.goto("/runs?label=batch%3Dfilters");
      await page.getByText("3 runs", { exact: true }).waitFor();
      await page.getByRole("combobox", { name: "State" }).click();
      await page.getByRole("option", { name: "failed" }).click();
      await page.getByText("1 runs", { exact: true }).waitFor();
      assert.equal(new URL(page.url()).searchParams.get("status"), "failed");
      await page.reload();
      await page.getByText("1 runs", { exact: true }).waitFor();
      await page.getByRole("button", { name: "Clear filters" }).click();
      await page.waitForURL((url) => url.search === "");
      await page.goto("/runs?label=batch%3Dfilters&status=running,queued");
      await page.getByLabel("Choose all rows").check();
      await page.getByRole("button", { name: "Cancel 1" }).click();
      await page.getByText("No run fits these filters").waitFor();
      assert.equal((await service.finished(runs[2].id)).status, "canceled");
      await page.goto("/runs?label=batch%3Dfilters&status=failed");
      await page.getByLabel("Choose all rows").check();
      await page.getByRole("button", { name: "Run 1 again" }).click();
      await page.getByText("2 runs", { exact: true }).waitFor();
    },
  },
  {
    name: "two runs are compared: parameters, and files by their checksums",
    async run({ page, service }) {
      const labels = { batch: "compare" };
      for (const script of ["echo a > same.txt; echo b > other.txt", "echo a > same.txt; echo c > other.txt"]) {
        const { id } = await service.script(script, { labels });
        await service.finished(id);
      }
      await page.goto("/runs?label=batch%3Dcompare");
      await page.getByLabel("Choose all rows").check();
      await page.getByRole("link", { name: "Compare" }).click();
      const files = page.getByRole("region", { name: "Table: Files" });
      await files.getByRole("row", { name: /same\.txt.*Same/ }).waitFor();
      await files.getByRole("row", { name: /other\.txt.*Differs/ }).waitFor();
      await page.getByRole("region", { name: "Table: Parameters" }).getByText("echo c > other.txt").waitFor();
    },
  },
  {
    name: "the configuration is told with its origins, and found by a word",
    async run({ page, service }) {
      await page.goto("/system/configuration");
      await page.getByRole("switch", { name: "Only what somebody set" }).press("Space");
      await page.getByText("tools_directory", { exact: true }).waitFor();
      const { settings } = await service.ask("/v1/config/status");
      const port = settings.find(({ name }) => name === "port");
      await page.getByLabel("Find a setting").fill("CTS_PORT");
      await page.getByText(String(port.value), { exact: true }).waitFor();
      assert.equal(await page.getByText("tools_directory", { exact: true }).count(), 0);
    },
  },
  {
    name: "the level of the service's log is changed for a while, and taken back",
    async run({ page, service }) {
      await page.goto("/system/configuration");
      const panel = page.getByRole("region", { name: "The service's own log" });
      await panel.getByLabel("Level").selectOption("ERROR");
      await panel.getByRole("button", { name: "Set the levels" }).click();
      await panel.getByText("Lines of ERROR and graver are written, until 2", { exact: false }).waitFor();
      assert.equal((await service.ask("/v1/log-level")).level, "ERROR");
      await panel.getByRole("button", { name: "As configured" }).click();
      await panel.getByText("Lines of WARNING and graver are written, as configured.").waitFor();
    },
  },
  {
    name: "keys go to pages, show what they are, and can be switched off",
    async run({ page }) {
      await page.goto("/");
      await page.getByRole("heading", { name: "Overview" }).waitFor();
      await page.keyboard.press("g");
      await page.keyboard.press("r");
      await page.getByRole("heading", { name: "Runs", exact: true }).waitFor();
      await page.keyboard.press("/");
      assert.equal(await page.evaluate(() => document.activeElement?.getAttribute("type")), "search");
      await page.keyboard.press("Escape");
      await page.locator("body").click({ position: { x: 600, y: 5 } });
      await page.keyboard.press("?");
      await page.getByRole("dialog", { name: "Keyboard shortcuts" }).waitFor();
      await page.getByRole("switch", { name: "Use these shortcuts" }).press("Space");
      await page.keyboard.press("Escape");
      await page.getByRole("dialog").waitFor({ state: "detached" });
      await page.keyboard.press("g");
      await page.keyboard.press("o");
      await page.keyboard.press("?");
      assert.equal(await page.getByRole("dialog").count(), 0);
      assert.match(page.url(), /\/runs$/);
      await page.reload();
      await page.getByRole("heading", { name: "Runs", exact: true }).waitFor();
      await page.keyboard.press("Tab");
      assert.equal(await page.evaluate(() => document.activeElement?.textContent), "Skip to the page");
    },
  },
  {
    name: "an address that is none says so, and an unknown run too",
    async run({ page, service }) {
      await page.goto("/runs/0193a5c0-7b1e-7c3a-9f00-2b7d1e5a4c11");
      await page.getByText("This run is not here").waitFor();
      await page.goto("/tools/none");
      await page.getByText("This address is none of the interface").waitFor();
      const answer = await fetch(`${service.base}/v1/none`);
      assert.equal(answer.headers.get("content-type"), "application/problem+json");
    },
  },
  {
    name: "the theme follows the system until another one is picked, which stays",
    async run({ page }) {
      await page.goto("/");
      const scheme = () => page.evaluate(() => document.documentElement.dataset.mantineColorScheme);
      assert.equal(await scheme(), "light");
      await page.emulateMedia({ colorScheme: "dark" });
      await page.waitForFunction(() => document.documentElement.dataset.mantineColorScheme === "dark");
      await page.getByRole("button", { name: "Use the light theme" }).click();
      await page.reload();
      await page.getByRole("heading", { name: "Overview" }).waitFor();
      assert.equal(await scheme(), "light");
    },
  },
];
