import assert from "node:assert/strict";
import { test } from "node:test";
import { describeCauses, failedChecks, formatReport, type Report } from "./report.ts";

const report = (found: number): Report => ({
  datasets: [{ name: "usgs.earthquakes", causes: [], checks: [{ what: "rows in the table", found, expected: 1_707 }] }],
  queries: [{ title: "By day", sql: "select 1", lines: ["1"], check: { what: "equal to the model", found: "yes", expected: "yes" } }],
});

test("a report that agrees has no failed check", () => {
  assert.deepEqual(failedChecks(report(1_707)), []);
  assert.deepEqual(formatReport(report(1_707)).slice(1, 3), ["usgs.earthquakes", "  ✔ rows in the table                        1,707"]);
});

test("a count that is off is named with what was expected", () => {
  assert.deepEqual(failedChecks(report(1_706)), ["usgs.earthquakes: rows in the table is 1706, expected 1707"]);
  assert.match(formatReport(report(1_706))[2] ?? "", /✘.*1,706 {3}expected 1,707$/);
});

test("refused records are counted by cause, whatever the value was", () => {
  const refused = (index: number, received: string) => ({ index, code: "record.invalid", errors: [{ path: "title", expected: "string", received }] });
  assert.deepEqual(describeCauses([refused(21, "number 1776"), refused(30, "null"), refused(22, "number 1941")]), [
    "2 × record.invalid at title: expected string, received number (records 21, 22)",
    "1 × record.invalid at title: expected string, received null (record 30)",
  ]);
});
