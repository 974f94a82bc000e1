// A real `cts-lite` with a data directory of its own, on a free port, with the tools of this folder beside the compiled ones.
import { execFileSync, spawn } from "node:child_process";
import { cpSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
export const EXAMPLES = join(ROOT, "examples");
const BINARY = process.env.CTS_LITE ?? join(ROOT, "target/debug/cts-lite");
const READY_MS = 30_000;

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export class Service {
  static async start(settings = {}) {
    const service = new Service();
    service.folder = mkdtempSync(join(tmpdir(), "cts-ui-"));
    cpSync(fileURLToPath(new URL("tools", import.meta.url)), join(service.folder, "tools.d"), { recursive: true });
    service.port = await freePort();
    service.base = `http://127.0.0.1:${service.port}`;
    service.environment = {
      PATH: process.env.PATH,
      CTS_HOST: "127.0.0.1",
      CTS_PORT: String(service.port),
      CTS_BASE_STORAGE_PATH: join(service.folder, "data"),
      CTS_TEMP_DIRECTORY: join(service.folder, "tmp"),
      CTS_LOG_DIRECTORY: join(service.folder, "log"),
      CTS_TOOLS_DIRECTORY: join(service.folder, "tools.d"),
      CTS_ALLOWED_INPUT_ROOTS: EXAMPLES,
      CTS_LOG_LEVEL: "WARNING",
      ...settings,
    };
    await service.begin();
    return service;
  }

  /** Starts the process, again after it was killed. */
  async begin() {
    const log = openSync(join(this.folder, "service.log"), "a");
    this.child = spawn(BINARY, [], { env: this.environment, stdio: ["ignore", log, log] });
    const ended = new Promise((resolve) => this.child.once("exit", resolve));
    this.ended = ended;
    const until = Date.now() + READY_MS;
    for (;;) {
      const answer = await fetch(`${this.base}/health/live`).catch(() => null);
      if (answer?.ok) return;
      if (this.child.exitCode !== null || Date.now() > until) {
        throw new Error(`cts-lite does not answer\n${readFileSync(join(this.folder, "service.log"), "utf8")}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async kill() {
    this.child.kill("SIGKILL");
    await this.ended;
  }

  async end() {
    this.child.kill("SIGTERM");
    await this.ended;
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Makes a token on the data directory, as an operator does. */
  token(role, name = role) {
    const words = ["token", "create", "--role", role, "--name", name, "--expires", "1h"];
    return execFileSync(BINARY, words, {
      env: this.environment,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  }

  async ask(path, { method = "GET", body, token } = {}) {
    const headers = {};
    if (body !== undefined) headers["Content-Type"] = "application/json";
    if (token !== undefined) headers.Authorization = `Bearer ${token}`;
    const answer = await fetch(this.base + path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const value = await answer.json();
    if (!answer.ok) throw new Error(`${method} ${path}: ${JSON.stringify(value)}`);
    return value;
  }

  /** Starts a run of the tool that runs a script. */
  script(script, rest = {}) {
    return this.ask("/v1/runs", { method: "POST", body: { tool_id: "script", params: { script }, ...rest } });
  }

  /** Waits for the end of a run. */
  async finished(id) {
    for (;;) {
      const run = await this.ask(`/v1/runs/${id}?wait=30s`);
      if (["completed", "failed", "canceled"].includes(run.status)) return run;
    }
  }
}
