// The form follows the tool's parameters, and says at the fields what is wrong.
import assert from "node:assert/strict";

export default [
  {
    name: "a form refuses what the service would refuse, at the field",
    async run({ page, service }) {
      await page.goto("/tools/typed");
      const posted = [];
      page.on("request", (request) => request.method() === "POST" && posted.push(request.url()));
      await page.getByRole("button", { name: "Start the run" }).click();
      await page.getByText("parameter count is required").waitFor();
      const count = page.getByRole("textbox", { name: "count" });
      await page.waitForFunction(() => document.activeElement?.getAttribute("name") === "param-count");
      await count.fill("11");
      const asked = { tool_id: "typed", params: { count: 11 } };
      const told = await fetch(`${service.base}/v1/runs`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(asked),
      });
      const [{ message }] = (await told.json()).errors;
      await page.getByText(message, { exact: true }).waitFor();
      await count.fill("3");
      await page.getByRole("textbox", { name: "name", exact: true }).fill("ABC");
      await page.getByText("does not match").waitFor();
      assert.deepEqual(posted, [], "nothing was sent that is wrong");
    },
  },
  {
    name: "every type of parameter reaches the tool as it was written",
    async run({ page, service }) {
      await page.goto("/tools/typed");
      await page.getByRole("textbox", { name: "count" }).fill("3");
      await page.getByRole("textbox", { name: "ratio" }).fill("0.25");
      await page.getByLabel("mode").selectOption("slow");
      await page.getByRole("textbox", { name: "name", exact: true }).fill("abc");
      for (const [field, values] of [
        ["names", ["one", "two words"]],
        ["sizes", ["7", "8"]],
      ]) {
        const input = page.getByRole("combobox", { name: field });
        for (const value of values) {
          await input.fill(value);
          await input.press("Enter");
        }
      }
      await page.getByRole("group", { name: "table" }).getByLabel("Or a path").fill("examples/none");
      await page.getByRole("group", { name: "table" }).getByRole("button", { name: "Add" }).click();
      await page.getByRole("button", { name: "Remove examples/none" }).click();
      await page.getByLabel("loud").selectOption("true");
      await page.getByLabel("token", { exact: true }).fill("hunter2");
      const text = await page.getByRole("region", { name: "The same elsewhere" }).innerText();
      assert.ok(!text.includes("hunter2"), "a secret stands in no command");
      await page.getByRole("button", { name: "Start the run" }).click();
      await page.waitForURL(/\/runs\/[0-9a-f-]{36}$/);
      const id = page.url().split("/runs/")[1];
      const run = await service.finished(id);
      assert.equal(run.status, "completed", run.error);
      const { logs } = await service.ask(`/v1/runs/${id}/logs/list`);
      const lines = logs.map(({ message }) => message);
      for (const line of ["count=3", "ratio=0.25", "mode=slow", "name=abc", "loud"]) {
        assert.ok(lines.includes(line), `${line} in ${lines.join(" | ")}`);
      }
      assert.deepEqual(run.params.names, ["one", "two words"]);
      assert.deepEqual(run.params.sizes, [7, 8]);
      // Again with changes: the form has the values, and not the secret.
      await page.goto(`/tools/typed?from=${id}`);
      assert.equal(await page.getByRole("textbox", { name: "ratio" }).inputValue(), "0.25");
      assert.equal(await page.getByLabel("token", { exact: true }).inputValue(), "");
    },
  },
  {
    name: "what only the service can see is told at the field too",
    async run({ page }) {
      await page.goto("/tools/rlog-to-csv");
      await page.getByLabel("Or a path").fill("/etc/passwd");
      await page.getByRole("button", { name: "Add" }).click();
      await page.getByRole("button", { name: "Start the run" }).click();
      await page.getByRole("alert").filter({ hasText: "/etc/passwd" }).first().waitFor();
    },
  },
];
