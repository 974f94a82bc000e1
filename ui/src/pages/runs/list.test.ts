import { expect, it } from "vitest";

import { filterOf } from "./list";

const now = Date.parse("2026-11-25T12:00:30.000Z");

it("an address becomes a filter, and what is unknown in it is left out", () => {
  const search = new URLSearchParams(
    "status=failed,bogus&tool_id=a,b&label=car%3Doutback&label=nonsense&q=drive&since=hour&sort=created_at&x=1",
  );
  expect(filterOf(search, now)).toEqual({
    status: ["failed"],
    tool_id: ["a", "b"],
    label: ["car=outback"],
    q: "drive",
    since: "2026-11-25T11:00:00.000Z",
    sort: "created_at",
  });
});

it("an empty address is every run, the newest first", () => {
  expect(filterOf(new URLSearchParams(), now)).toEqual({ sort: "-created_at" });
});
