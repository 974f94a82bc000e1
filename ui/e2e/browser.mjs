// The system's Chromium, and a page that counts what no page of ours may do: ask another origin, run a foreign script,
// break the policy, throw.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
export const SCREENSHOTS = fileURLToPath(new URL("../screenshots", import.meta.url));
export const PATIENCE_MS = 30_000;

const AXE = readFileSync(fileURLToPath(import.meta.resolve("axe-core/axe.min.js")), "utf8");

export async function launch() {
  const executablePath = process.env.CHROMIUM ?? PLACES.find((path) => existsSync(path));
  if (executablePath === undefined) throw new Error("Chromium is missing: apt-get install chromium");
  mkdirSync(SCREENSHOTS, { recursive: true });
  // In a container of CI there is no other user, and no sandbox for root.
  const sandbox = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  return chromium.launch({ executablePath, args: [...sandbox, "--disable-dev-shm-usage"] });
}

export async function open(browser, base, { scheme = "light", phone = false, reducedMotion = "reduce" } = {}) {
  const context = await browser.newContext({
    baseURL: base,
    colorScheme: scheme,
    reducedMotion,
    viewport: phone ? { width: 390, height: 844 } : { width: 1280, height: 900 },
    hasTouch: phone,
    permissions: ["clipboard-read", "clipboard-write"],
  });
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  const wrong = [];
  page.on("request", (request) => {
    const { origin, protocol } = new URL(request.url());
    if (origin !== new URL(base).origin && !["data:", "blob:"].includes(protocol)) wrong.push(`asked ${request.url()}`);
  });
  page.on("pageerror", (error) => wrong.push(`threw ${error.message}`));
  page.on("dialog", (dialog) => {
    wrong.push(`opened a dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("console", (message) => {
    // What a page was answered is looked at by the journeys.
    const isAnswer = message.text().startsWith("Failed to load resource");
    if (message.type() === "error" && !isAnswer) wrong.push(`complained: ${message.text()}`);
  });
  return { page, context, wrong };
}

/** Asks axe for faults of accessibility (WCAG 2.2 AA and good manners). */
export async function checkAccess(page, what) {
  await page.evaluate((source) => {
    // The policy of the page forbids inline scripts; the debugger may run them.
    // oxlint-disable-next-line no-eval
    if (window.axe === undefined) (0, eval)(source);
  }, AXE);
  const { violations } = await page.evaluate(() =>
    window.axe.run(document, {
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
      iframes: false,
    }),
  );
  const told = violations.map(
    ({ id, help, nodes }) =>
      `${id}: ${help}\n${nodes
        .map((node) => `    ${node.html.slice(0, 200)}\n      ${node.failureSummary?.split("\n")[1] ?? ""}`)
        .slice(0, 4)
        .join("\n")}`,
  );
  assert.equal(violations.length, 0, `axe on ${what}:\n${told.join("\n")}`);
}

/** Waits until a page has nothing left to load. */
export async function settled(page) {
  await page.locator("h1").first().waitFor();
  await page.waitForFunction(() => document.querySelector("[aria-busy=true]") === null);
}

export async function screenshot(page, name) {
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`) });
}
