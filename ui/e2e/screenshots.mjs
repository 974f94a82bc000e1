// A picture of every page, light and dark, on a desktop and on a phone.
import { open, screenshot } from "./browser.mjs";
import { seed, show } from "./pages.mjs";

export async function takeScreenshots(browser, service) {
  const { pages } = await seed(service);
  for (const scheme of ["light", "dark"]) {
    for (const phone of [false, true]) {
      const { page, context } = await open(browser, service.base, { scheme, phone });
      for (const entry of pages) {
        await show(page, entry);
        await screenshot(page, `${entry[0]}-${scheme}-${phone ? "phone" : "desktop"}`);
      }
      await context.close();
    }
  }
  console.log(`${pages.length * 4} pictures in ui/screenshots`);
}
