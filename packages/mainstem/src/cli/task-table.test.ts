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
  const progress = { position: 1_678_039, end: 1_678_039, unit: "offsets" };
  const replay: TaskDetail = { ...task, name: "replay.shop.orders.279dce7b538a91a9", progress, ratePerSecond: null, remainingSeconds: null };
  for (const width of [40, 60, 80, 100, 140]) {
    const lines = formatTasks([task, replay], { width, style });
    for (const line of lines) assert.ok(line.length <= width, `${width}: ${line.length}`);
    if (width < 80) assert.match(lines.join("\n"), /^task +archive\.shop\.orders\nverdict +slow\nprogress +41,200 of 90,000\nleft +1 min\nabout +More/m);
  }
  assert.match(
    formatTasks([task, replay], { width: 84, style })[2] ?? "",
    /^replay\.shop\.orders\.279dce7b538a91a9 {2}slow {5}1,678,039 of 1,678,039 {2,}More a…/,
    "names and counts are whole on a common screen",
  );
  assert.match(
    formatTasks([{ ...task, lastAdvance: new Date(Date.now() - 65_000).toISOString() }], { width: 200, style })[1] ?? "",
    / 1 min \d+ s ago {2}More/,
  );
  assert.match(formatTasks([task], { width: 200, style })[1] ?? "", /███░░░░░ {2}41,200 of 90,000 {2}offsets/);
  assert.match(formatTasks([task], { width: undefined, style })[1] ?? "", /2026-11-21T14:05:02\.113Z  More arrives/);
});

test("a time that is left is told in its two largest units", () => {
  assert.deepEqual([0.2, 59, 60, 75, 3_600, 90_061].map(formatSeconds), ["1 s", "59 s", "1 min", "1 min 15 s", "1 h", "1 d 1 h"]);
});
