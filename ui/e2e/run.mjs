// `npm run e2e [words]`: the journeys against a real service, or those whose names hold the words.
// `npm run screenshots`: a picture of every page, light and dark, on a desktop and on a phone, in ui/screenshots.
import { launch, open, screenshot } from "./browser.mjs";
import { takeScreenshots } from "./screenshots.mjs";
import { Service } from "./service.mjs";

import access from "./journeys/access.mjs";
import accessibility from "./journeys/accessibility.mjs";
import form from "./journeys/form.mjs";
import hostile from "./journeys/hostile.mjs";
import log from "./journeys/log.mjs";
import navigation from "./journeys/navigation.mjs";
import upload from "./journeys/upload.mjs";

const words = process.argv.slice(2).filter((word) => !word.startsWith("--"));
const browser = await launch();
const service = await Service.start();
let failed = 0;
let passed = 0;
try {
  if (process.argv.includes("--screenshots")) {
    await takeScreenshots(browser, service);
  } else {
    const journeys = [upload, form, log, navigation, hostile, access, accessibility].flat();
    for (const { name, run } of journeys.filter(({ name }) => words.every((word) => name.includes(word)))) {
      const began = performance.now();
      const { page, context, wrong } = await open(browser, service.base);
      try {
        await run({ page, service, browser, wrong });
        if (wrong.length > 0) throw new Error(wrong.join("\n"));
        passed += 1;
        console.log(`ok   ${name} (${((performance.now() - began) / 1000).toFixed(1)} s)`);
      } catch (error) {
        failed += 1;
        await screenshot(page, `failed-${name.replaceAll(/\W+/g, "-").slice(0, 60)}`).catch(() => undefined);
        console.log(`FAIL ${name}\n     at ${page.url()}\n${error.stack}`);
      } finally {
        await context.close();
      }
    }
    console.log(`\n${passed} passed, ${failed} failed`);
    if (passed === 0) failed += 1;
  }
} finally {
  await browser.close();
  await service.end();
}
process.exit(failed === 0 ? 0 : 1);
