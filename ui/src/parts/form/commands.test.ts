import { expect, it } from "vitest";

import type { ToolParameter } from "../../api/types";
import { ctsCommand, curlCommand } from "./commands";

const secret = { secret: true } as ToolParameter;

const asked = {
  origin: "http://127.0.0.1:8080",
  authenticated: true,
  parameters: { token: secret },
  uploads: new Map([["id-1", "my drive.zst"]]),
  request: {
    tool_id: "rlog-to-csv",
    params: { window_start: 20, buses: [0, 1], words: ["a,b"], text: "it's $HOME", token: "hunter2" },
    inputs: [
      { type: "path" as const, value: "/data/*--rlog.zst" },
      { type: "upload" as const, value: "id-1" },
      { type: "artifact" as const, value: "id-2" },
    ],
    labels: { car: "outback" },
  },
};

it("the same request stands there for the command line, quoted for a shell", () => {
  expect(ctsCommand(asked)).toBe(
    "cts --url http://127.0.0.1:8080 run rlog-to-csv --path '/data/*--rlog.zst' --path 'my drive.zst' --artifact id-2 " +
      `--upload -p window_start=20 -p buses=0,1 -p 'words=["a,b"]' -p 'text=it'\\''s $HOME' --param-file token=- ` +
      "--label car=outback --wait",
  );
});

it("the same request stands there for curl", () => {
  const command = curlCommand(asked);
  expect(command).toContain("curl http://127.0.0.1:8080/v1/runs");
  expect(command).toContain('-H "Authorization: Bearer $CTS_API_KEY"');
  expect(command).toContain(`'{"tool_id":"rlog-to-csv",`);
  expect(curlCommand({ ...asked, authenticated: false })).not.toContain("Authorization");
});

it("a secret stands in neither", () => {
  expect(ctsCommand(asked) + curlCommand(asked)).not.toContain("hunter2");
});
