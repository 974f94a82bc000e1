// Log lines, names, labels, parameters, file names and artifacts that would be scripts if anybody let them.
import assert from "node:assert/strict";

import { settled } from "../browser.mjs";

const MARK = "window.top.hostileMark=1";
const IMG = `<img src=x onerror="${MARK}">`;
const SCRIPT = `<script>${MARK}</script>`;

const WRITE = `
echo '${SCRIPT}'; echo '${IMG}'; echo '{"message":"${"<b onmouseover=alert(1)>x</b>"}"}'
printf '\\033]8;;javascript:alert(1)\\033\\\\link\\033]8;;\\033\\\\\\n'
echo '${SCRIPT}${IMG}' > 'page.html'
echo '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40" onload="${MARK}"><script>${MARK}</script><rect width="40" height="40"/></svg>' > 'drawing.svg'
printf '%s\\n' '${IMG},<b>x</b>' '=HYPERLINK("javascript:alert(1)"),${SCRIPT}' > 'table.csv'
echo '{"${IMG.replaceAll('"', '\\"')}": "${SCRIPT.replaceAll('"', '\\"')}", "__proto__": {"polluted": true}}' > 'tree.json'
echo '${IMG}' > '<img src=x onerror=alert(1)>.txt'
echo '${SCRIPT}' >&2
exit 1
`;

/** Waits until the frame or the picture of a preview is there, or cannot be. */
async function loaded(page) {
  const frame = await page
    .locator("iframe")
    .first()
    .elementHandle({ timeout: 1 })
    .catch(() => null);
  await (await frame?.contentFrame())?.waitForLoadState("load");
  await page.evaluate(() => Promise.allSettled([...document.images].map((image) => image.decode())));
}

export default [
  {
    name: "nothing that a tool writes or somebody asks for becomes a script",
    async run({ page, service, wrong }) {
      const run = await service.script(WRITE, { name: `name ${IMG}`, labels: { [`l${IMG}`]: SCRIPT } }).catch(() =>
        // Labels may be limited to plain names; then the value alone is hostile.
        service.script(WRITE, { name: `name ${IMG}`, labels: { label: SCRIPT } }),
      );
      const { artifacts } = await service.finished(run.id);
      assert.ok(artifacts.length >= 4, `${artifacts.length} files`);
      for (const address of ["/", "/runs", `/runs/${run.id}?tab=log`, `/runs/${run.id}?tab=details`]) {
        await page.goto(address);
        await settled(page);
        await page.getByText("<img src=x", { exact: false }).first().waitFor();
      }
      await page.goto(`/tools/script?from=${run.id}`);
      await page.getByRole("textbox", { name: "script" }).waitFor();
      for (const artifact of artifacts) {
        await page.goto(`/runs/${run.id}?tab=files&artifact=${artifact}`);
        await settled(page);
        await page.getByRole("region", { name: /^Preview of/ }).waitFor();
        await loaded(page);
      }
      const marked = await page.evaluate(() => [window.hostileMark, {}.polluted]);
      assert.deepEqual(marked, [undefined, undefined]);
      // The report's own script may run in its frame, where it reaches nothing; what it tried is told by the browser.
      const own = wrong.filter((text) => !/sandbox|cross-origin|Content Security Policy|Blocked a frame/i.test(text));
      assert.deepEqual(own, []);
      wrong.length = 0;
    },
  },
  {
    name: "an artifact that is opened by its own address has no rights here",
    async run({ page, service, wrong }) {
      const run = await service.script(
        `echo '<script>try { document.title = document.cookie } catch { document.title = "no cookie" } fetch("/v1/runs").then(() => document.title = "reached", () => document.title = "kept out")</script>' > r.html`,
      );
      const { artifacts } = await service.finished(run.id);
      await page.goto(`/v1/artifacts/${artifacts[0]}/content`);
      await page.waitForFunction(() => document.title === "kept out" || document.title === "reached");
      assert.equal(await page.title(), "kept out");
      wrong.length = 0;
    },
  },
];
