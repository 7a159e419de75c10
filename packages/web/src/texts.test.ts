import assert from "node:assert/strict";
import { test } from "node:test";
import { toRates } from "./charts/arrivals.ts";
import { formatAmount, formatBytes, formatDuration, formatRate, formatTime } from "./numbers.ts";
import { toVisibleText, valueText } from "./visible-text.ts";

test("what cannot be seen, or turns the text around it, is written out", () => {
  assert.equal(toVisibleText("a\u0000b\u001b[31m\u007f\u202Egnp\u2066\u200B\uFEFF"), "a␀b␛[31m⟨U+007F⟩⟨U+202E⟩gnp⟨U+2066⟩⟨U+200B⟩⟨U+FEFF⟩");
  assert.equal(toVisibleText("two\nlines\tand\r"), "two␊lines␉and␍");
  assert.equal(toVisibleText("two\nlines\tand\r", { multiline: true }), "two\nlines\tand␍");
  assert.equal(toVisibleText("<b>é 👩‍👩‍👧 नमस्ते</b>"), "<b>é 👩‍👩‍👧 नमस्ते</b>", "scripts and signs that need joiners stay whole");
  assert.deepEqual([valueText({ a: "\u202E" }), valueText(true), valueText(undefined)], ['{"a":"⟨U+202E⟩"}', "true", ""]);
});

test("numbers are said as people read them", () => {
  assert.deepEqual([formatAmount(1, "record"), formatAmount(1234, "record"), formatAmount(0, "row")], ["1 record", "1,234 records", "0 rows"]);
  assert.deepEqual([formatRate(null), formatRate(0), formatRate(0.1234), formatRate(81_234.6)], ["–", "0 /s", "0.123 /s", "81,235 /s"]);
  assert.deepEqual([0, 999, 1_000, 1_234_567, 5e15].map(formatBytes), ["0 B", "999 B", "1 kB", "1.23 MB", "5,000 TB"]);
  assert.deepEqual([0.2, 61, 3_600, 90_061].map(formatDuration), ["0 s", "1 min 1 s", "1 h", "1 d 1 h"]);
  const today = "2026-11-21T09:00:00.000Z";
  assert.deepEqual([formatTime("2026-11-21T14:05:02.113Z", today), formatTime("2026-11-20T14:05:02.113Z", today)], ["14:05:02", "2026-11-20 14:05:02"]);
});

test("rates are those between two looks, and nothing is said of a time when nobody looked", () => {
  const looks = [
    { at: 0, end: 10 },
    { at: 2, end: 30 },
    { at: 4, end: 30 },
    { at: 60, end: 90 },
    { at: 62, end: 5 },
    { at: 64, end: 6 },
  ];
  assert.deepEqual(toRates(looks), { times: [2, 4, 60, 62, 64], values: [10, 0, null, null, 0.5] });
  assert.deepEqual(toRates([]), { times: [], values: [] });
});
