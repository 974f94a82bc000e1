// `npm run figures`: how fast the pages are, as a browser tells it, against a real service on this machine.
import { launch, open } from "./browser.mjs";
import { Service } from "./service.mjs";

const REPEATS = 5;

/** Adds up what a page spends, in seconds since it was opened. */
async function spent(session) {
  const { metrics } = await session.send("Performance.getMetrics");
  const of = Object.fromEntries(metrics.map(({ name, value }) => [name, value]));
  return {
    at: of.Timestamp,
    busy: of.ScriptDuration + of.LayoutDuration + of.RecalcStyleDuration,
    heap: of.JSHeapUsedSize,
  };
}

/** Counts what blocks the page for longer than 50 ms. */
const watchLongTasks = () => {
  window.longTasks = [];
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) window.longTasks.push(Math.round(entry.duration));
  }).observe({ type: "longtask" });
};

async function firstPage(browser, service) {
  const times = [];
  let bytes = 0;
  for (let repeat = 0; repeat < REPEATS; repeat += 1) {
    const { page, context } = await open(browser, service.base);
    const session = await context.newCDPSession(page);
    await session.send("Network.enable");
    bytes = 0;
    session.on("Network.loadingFinished", ({ encodedDataLength }) => {
      bytes += encodedDataLength;
    });
    await page.goto("/");
    await page.getByText("Live", { exact: true }).waitFor();
    const paint = await page.evaluate(
      () =>
        new Promise((resolve) => {
          new PerformanceObserver((list) => resolve(list.getEntries().at(-1).startTime)).observe({
            type: "largest-contentful-paint",
            buffered: true,
          });
        }),
    );
    times.push(paint);
    await context.close();
  }
  const median = times.toSorted((left, right) => left - right)[Math.floor(REPEATS / 2)];
  console.log(`first page, cold: largest paint after ${Math.round(median)} ms (median of ${REPEATS}), ${bytes} bytes`);
}

async function followedLog(browser, service) {
  const seconds = 15;
  const { page, context } = await open(browser, service.base);
  await page.addInitScript(watchLongTasks);
  const session = await context.newCDPSession(page);
  await session.send("Performance.enable");
  const run = await service.script(
    `i=0; while [ $i -lt ${seconds * 10} ]; do seq -f 'frame %.0f of a drive with some text behind it' $((i*1000+1)) $((i*1000+1000)); i=$((i+1)); sleep 0.09; done`,
  );
  await page.goto(`/runs/${run.id}?tab=log`);
  await page.locator(".log-line").first().waitFor();
  await page.evaluate(() => {
    window.longTasks.length = 0;
  });
  const before = await spent(session);
  await service.finished(run.id);
  const { last_seq: last } = await service.ask(`/v1/runs/${run.id}/logs/list?limit=1`);
  await page.getByText(new RegExp(`^${last.toLocaleString("en-US")} lines`)).waitFor();
  const after = await spent(session);
  const tasks = await page.evaluate(() => window.longTasks);
  const wall = after.at - before.at;
  console.log(
    `following a log: ${last} lines in ${wall.toFixed(1)} s (${Math.round(last / wall)} a second), all of them here; ` +
      `${tasks.length} tasks over 50 ms${tasks.length > 0 ? `, the longest ${Math.max(...tasks)} ms` : ""}; ` +
      `busy ${Math.round(((after.busy - before.busy) / wall) * 100)} %; heap ${Math.round(after.heap / 1e6)} MB`,
  );
  await context.close();
}

async function busyOverview(browser, service) {
  const seconds = 15;
  const { page, context } = await open(browser, service.base);
  const session = await context.newCDPSession(page);
  await session.send("Performance.enable");
  await page.goto("/");
  await page.getByText("Live", { exact: true }).waitFor();
  const until = Date.now() + seconds * 1000;
  const before = await spent(session);
  while (Date.now() < until) {
    const pause = new Promise((resolve) => setTimeout(resolve, 60));
    await service.script("true");
    await pause;
  }
  const after = await spent(session);
  const wall = after.at - before.at;
  const { execution_metrics: runs } = await service.ask("/v1/metrics");
  console.log(
    `overview: busy ${(((after.busy - before.busy) / wall) * 100).toFixed(1)} % of ${wall.toFixed(0)} s, while ${runs.runs_total} ` +
      `runs ended, ${Math.round((runs.runs_total * 3) / wall)} events a second`,
  );
  await context.close();
}

const browser = await launch();
const service = await Service.start();
try {
  await firstPage(browser, service);
  await followedLog(browser, service);
} finally {
  await service.end();
}
const second = await Service.start();
try {
  await busyOverview(browser, second);
} finally {
  await browser.close();
  await second.end();
}
