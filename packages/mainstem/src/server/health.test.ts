import assert from "node:assert/strict";
import { test } from "node:test";
import type { TaskStatus } from "../tasks/index.ts";
import { judgeHealth } from "./health.ts";

const now = 1_763_700_000_000;
const door = { heldBytes: 0, waiting: 0, failing: undefined };
const judge = (tasks: readonly TaskStatus[], failing?: { readonly code: string; readonly message: string; readonly at: number }) =>
  judgeHealth({ tasks, door: { ...door, failing } });
const task = (more: Partial<TaskStatus>): TaskStatus => ({ name: "archive.shop.orders", state: "running", verdict: "ok", restarts: 0, failures: 0, ...more });
const lastError = { code: "objects.failed", message: "No space.", at: now - 1_000 };

test("is ok while every verdict is, whatever went wrong before", () => {
  assert.deepEqual(judge([task({}), task({ verdict: "idle", state: "finished" }), task({ lastError })]), { status: "ok", reasons: [] });
});

test("is degraded while a task is slow, stuck or paused, and says why, the gravest first", () => {
  const { status, reasons } = judge([
    task({ verdict: "paused", state: "paused", paused: { by: "ana@desk", at: now, reason: "the disk moves" } }),
    task({ verdict: "slow", state: "backing-off", failures: 1, because: "It failed and will be tried again: No space.", lastError }),
    task({ name: "table.shop.orders", verdict: "stuck", because: "It has stood at 5 of 9 offsets for 240 s.", lastError }),
  ]);
  assert.equal(status, "degraded");
  assert.deepEqual(reasons, [
    { code: "task.stuck", task: "table.shop.orders", message: "Task table.shop.orders is stuck. It has stood at 5 of 9 offsets for 240 s." },
    {
      code: "task.slow",
      task: "archive.shop.orders",
      message: "Task archive.shop.orders is slow. It failed and will be tried again: No space.",
      cause: "objects.failed",
    },
    {
      code: "task.paused",
      task: "archive.shop.orders",
      message: "Task archive.shop.orders is paused since 2025-11-21T04:40:00.000Z by ana@desk: the disk moves.",
    },
  ]);
});

test("has failed when a task stopped on an error, and only then", () => {
  const { status, reasons } = judge([task({ state: "stopped", verdict: "failed", because: "It stopped: No space.", lastError })]);
  assert.equal(status, "failed");
  assert.deepEqual(
    reasons.map(({ code, task: name, cause }) => [code, name, cause]),
    [["task.failed", "archive.shop.orders", "objects.failed"]],
  );
});

test("is degraded while the door fails", () => {
  assert.deepEqual(
    judge([], { code: "log.full", message: "The disk is full.", at: now }).reasons.map(({ code, cause }) => [code, cause]),
    [["door.failing", "log.full"]],
  );
});
