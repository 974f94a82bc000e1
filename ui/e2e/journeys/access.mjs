// A service that asks for a token.
import assert from "node:assert/strict";

import { checkAccess, open, settled } from "../browser.mjs";
import { Service } from "../service.mjs";

async function signIn(page, token) {
  await page.locator("input[type=password]").fill(token);
  await page.getByRole("button", { name: "Sign in" }).click();
}

export default [
  {
    name: "a token becomes a session, and its role decides what can be pressed",
    async run({ browser }) {
      const service = await Service.start({ CTS_REQUIRE_AUTHENTICATION: "true" });
      const { page, context, wrong } = await open(browser, service.base);
      try {
        const [viewer, admin] = [service.token("viewer"), service.token("admin")];
        await page.goto("/runs");
        await page.getByRole("heading", { name: "Sign in to CTS" }).waitFor();
        await checkAccess(page, "the page to sign in");
        await signIn(page, "cts_wrong");
        await page.getByText("This token was not taken").waitFor();
        await signIn(page, viewer);
        await page.getByRole("heading", { name: "Runs", exact: true }).waitFor();
        const kept = await page.evaluate(() =>
          JSON.stringify({ ...localStorage, ...sessionStorage, c: document.cookie }),
        );
        assert.ok(!kept.includes("cts_"), "the token is kept nowhere that a script reads");

        await page.goto("/tools/script");
        const start = page.getByRole("button", { name: "Start the run" });
        await start.focus();
        await page.getByText("This needs the role operator; you have the role viewer", { exact: false }).waitFor();
        assert.equal(await start.getAttribute("aria-disabled"), "true");
        await page.goto("/system/audit");
        await page.getByText("This needs the role admin", { exact: false }).waitFor();
        await checkAccess(page, "a page that a viewer may not read");

        await page.getByRole("button", { name: /^Signed in as viewer/ }).click();
        await page.getByRole("menuitem", { name: "Sign out" }).click();
        await page.getByRole("heading", { name: "Sign in to CTS" }).waitFor();
        await signIn(page, admin);
        await settled(page);
        await page.goto("/system/access");
        await page.getByLabel("Name").fill("colleague");
        await page.getByLabel("Role", { exact: true }).selectOption("operator");
        await page.getByRole("button", { name: "Make it" }).click();
        const told = page.getByRole("status").filter({ hasText: "The token colleague" });
        const token = await told.locator("code").innerText();
        await service.ask("/v1/runs", {
          method: "POST",
          body: { tool_id: "script", params: { script: "true" } },
          token,
        });
        await page.getByRole("button", { name: "Take back colleague" }).click();
        await page.getByRole("button", { name: "Yes, take colleague back" }).click();
        await page.getByText("Revoked").waitFor();
        await assert.rejects(service.ask("/v1/runs", { token }), /TOKEN_REVOKED/);
        await page.goto("/system/audit");
        await page.getByRole("cell", { name: "POST /v1/tokens" }).first().waitFor();
        await page.goto("/tools/script");
        await page.getByRole("textbox", { name: "script" }).fill("true");
        await page.getByRole("button", { name: "Start the run" }).click();
        await page.getByRole("region", { name: "State" }).getByText("Completed").waitFor();
        assert.deepEqual(wrong, []);
      } finally {
        await context.close();
        await service.end();
      }
    },
  },
];
