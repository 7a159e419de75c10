import assert from "node:assert/strict";
import { test } from "node:test";
import { parseTime } from "./parameters.ts";

test("a time has a zone and a day that there is", () => {
  assert.equal(parseTime("2024-02-29T00:00:00Z"), Date.UTC(2024, 1, 29));
  assert.equal(parseTime("2026-11-21t01:00:00.1234567+01:00"), Date.UTC(2026, 10, 21) + 123);
  for (const text of ["2026-02-30T00:00:00Z", "2025-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-11-21T25:00:00Z", "2026-11-21", "2026-11-21T00:00:00", ""])
    assert.equal(parseTime(text), undefined, text);
});
