import assert from "node:assert/strict";
import { test } from "node:test";
import type { TaskDetail } from "./answers.ts";
import { formatTask, formatTasks } from "./task-table.ts";
import { formatSeconds } from "./text-table.ts";

const task: TaskDetail = {
  name: "archive.shop.orders",
  state: "running",
  verdict: "slow",
  because: "More arrives than it gets done.",
  progress: { position: 41_200, end: 90_000, unit: "offsets" },
  ratePerSecond: 812.4,
  remainingSeconds: 60.1,
  lastAdvance: "2026-11-21T14:05:02.113Z",
  lastError: null,
  restarts: 0,
  paused: null,
  heldBy: null,
};

const style = (_style: string, text: string): string => text;

test("a task in one line says what is known, and nothing of what is not", () => {
  assert.equal(formatTask(task), "archive.shop.orders  slow  running  41,200 of 90,000 offsets  812.4/s  1 min left  More arrives than it gets done.");
  const paused = { by: "ana@desk", at: "2026-11-21T14:00:00.000Z", reason: "the disk moves" };
  const idle: TaskDetail = { ...task, state: "paused", verdict: "paused", progress: null, ratePerSecond: null, remainingSeconds: null, paused };
  assert.equal(formatTask(idle), "archive.shop.orders  paused  paused  by ana@desk at 2026-11-21T14:00:00.000Z: the disk moves");
});

test("the table fits the width that there is", () => {
  for (const width of [80, 100, 140]) for (const line of formatTasks([task], { width, style })) assert.ok(line.length <= width, `${width}: ${line.length}`);
  const narrow = formatTasks([task], { width: 90, style })[1] ?? "";
  assert.match(narrow, /^archive\.shop\.orders {2}slow {2}.*…/, "a name has to be typed again: other columns give way");
  assert.match(
    formatTasks([{ ...task, lastAdvance: new Date(Date.now() - 65_000).toISOString() }], { width: 200, style })[1] ?? "",
    / 1 min \d+ s ago {2}More/,
  );
  assert.match(formatTasks([task], { width: 200, style })[1] ?? "", /███░░░░░ 41,200 of 90,000 offsets/);
  assert.match(formatTasks([task], { width: undefined, style })[1] ?? "", /2026-11-21T14:05:02\.113Z  More arrives/);
});

test("a time that is left is told in its two largest units", () => {
  assert.deepEqual([0.2, 59, 60, 75, 3_600, 90_061].map(formatSeconds), ["1 s", "59 s", "1 min", "1 min 15 s", "1 h", "1 d 1 h"]);
});
