// Every page in both themes and both sizes, looked at by axe; and nothing wider than a phone.
import assert from "node:assert/strict";

import { checkAccess, open } from "../browser.mjs";
import { seed, show } from "../pages.mjs";

export default [
  {
    name: "axe finds nothing on any page in either theme, and no page is wider than a phone",
    async run({ browser, service }) {
      const { pages, running } = await seed(service);
      // Contrast follows the theme, sizes follow the window; each is seen once.
      for (const [scheme, phone] of [
        ["light", false],
        ["dark", true],
      ]) {
        const { page, context, wrong } = await open(browser, service.base, { scheme, phone });
        for (const entry of pages) {
          await show(page, entry);
          await checkAccess(page, `${entry[0]}, ${scheme}${phone ? ", phone" : ""}`);
          const beyond = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
          assert.ok(beyond <= 0, `${entry[0]} is ${beyond} pixels wider than its window`);
        }
        assert.deepEqual(wrong, []);
        await context.close();
      }
      await service.ask(`/v1/runs/${running.id}/cancel`, { method: "POST" });
    },
  },
];
