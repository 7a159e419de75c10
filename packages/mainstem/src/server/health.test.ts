import assert from "node:assert/strict";
import { test } from "node:test";
import type { TaskStatus } from "../tasks/index.ts";
import { judgeHealth } from "./health.ts";

const now = 1_763_700_000_000;
const door = { heldBytes: 0, waiting: 0, failing: undefined };
const judge = (tasks: readonly TaskStatus[], failing?: { readonly code: string; readonly message: string; readonly at: number }) =>
  judgeHealth({ tasks, door: { ...door, failing }, now, stalledMs: 60_000 });
const task = (more: Partial<TaskStatus>): TaskStatus => ({ name: "archive.shop.orders", state: "running", restarts: 0, ...more });
const lastError = { code: "objects.failed", message: "No space.", at: now - 1_000 };
const progress = { position: 5, end: 9, unit: "records" };

test("is ok while tasks advance, are at their end, or have only just begun", () => {
  const tasks = [
    task({}),
    task({ progress, lastAdvance: now - 59_000 }),
    task({ progress: { ...progress, position: 9 }, lastAdvance: now - 1_000_000 }),
    task({ state: "finished", progress, lastAdvance: now - 1_000_000 }),
    task({ lastError, progress, lastAdvance: now }),
  ];
  assert.deepEqual(judge(tasks), { status: "ok", reasons: [] });
});

test("is degraded while a task is tried again, or stands still behind its end", () => {
  const { status, reasons } = judge([task({ state: "backing-off", lastError }), task({ name: "table.shop.orders", progress, lastAdvance: now - 61_000 })]);
  assert.equal(status, "degraded");
  assert.deepEqual(
    reasons.map(({ code, task: name, cause }) => [code, name, cause]),
    [
      ["task.backingOff", "archive.shop.orders", "objects.failed"],
      ["task.stalled", "table.shop.orders", undefined],
    ],
  );
  assert.match(reasons[1]?.message ?? "", /5 of 9 records/);
});

test("has failed when a task stopped on an error, and only then", () => {
  assert.equal(judge([task({ state: "stopped" })]).status, "ok");
  const { status, reasons } = judge([task({ state: "stopped", lastError })]);
  assert.equal(status, "failed");
  assert.deepEqual(reasons, [
    { code: "task.stopped", message: "Task archive.shop.orders stopped: No space.", task: "archive.shop.orders", cause: "objects.failed" },
  ]);
});

test("is degraded while the door fails", () => {
  assert.deepEqual(
    judge([], { code: "log.full", message: "The disk is full.", at: now }).reasons.map(({ code, cause }) => [code, cause]),
    [["door.failing", "log.full"]],
  );
});
