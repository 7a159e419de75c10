import assert from "node:assert/strict";
import { test } from "node:test";
import { ProgressWindow } from "./progress-window.ts";
import type { Progress, TaskState } from "./task.ts";
import { judgeTask, verdictLimits, type Verdict } from "./verdict.ts";

const periodMs = 10_000;
const unit = "offsets";

interface Moment {
  /** Seconds since the beginning. */
  readonly at: number;
  readonly report?: Omit<Progress, "unit">;
  readonly state?: TaskState;
  readonly failures?: number;
  readonly errorAt?: number;
}

/** Plays a series on a clock of its own and gives the verdict at each moment. */
function play(moments: readonly Moment[]): readonly Verdict[] {
  const window = new ProgressWindow({ windowMs: verdictLimits.windowPeriods * periodMs, now: 0 });
  let progress: Progress | undefined;
  return moments.map(({ at, report, state = "running", failures = 0, errorAt }) => {
    const now = at * 1_000;
    if (report !== undefined) {
      progress = { ...report, unit };
      window.add(progress, now);
    }
    const rate = window.ratePerSecond(now);
    return judgeTask({
      state,
      progress,
      behindMs: window.behindSince === undefined ? undefined : now - window.behindSince,
      silentMs: now - window.lookedAt,
      failures,
      lastError: errorAt === undefined ? undefined : { message: "No space.", ageMs: now - errorAt * 1_000 },
      isLosing: window.isLosing(now),
      remainingMs: rate === undefined || rate <= 0 || progress === undefined ? undefined : ((progress.end - progress.position) * 1_000) / rate,
      periodMs,
    }).verdict;
  });
}

/** Reports every second. */
const series = (seconds: number, report: (second: number) => Omit<Progress, "unit">): readonly Moment[] =>
  Array.from({ length: seconds + 1 }, (_, at) => ({ at, report: report(at) }));
const kinds = (given: readonly Verdict[]): readonly Verdict[] => given.filter((one, index) => one !== given[index - 1]);

test("what advances, however far behind, and what has nothing to do, is ok", () => {
  assert.deepEqual(kinds(play(series(300, (at) => ({ position: at, end: 1_000_000 })))), ["ok"]);
  assert.deepEqual(kinds(play(series(300, () => ({ position: 7, end: 7 })))), ["ok"]);
  assert.deepEqual(kinds(play(series(300, () => ({ position: 0, end: 0 })))), ["ok"]);
});

test("what has work and stands still is slow, then stuck, and ok again with its first advance", () => {
  const given = play([...series(50, () => ({ position: 5, end: 9 })), { at: 51, report: { position: 6, end: 9 } }]);
  assert.deepEqual(kinds(given), ["ok", "slow", "stuck", "ok"]);
  assert.equal(given.indexOf("slow"), 20);
  assert.equal(given.indexOf("stuck"), 40);
});

test("work that comes after a long rest does not make a task stuck at once", () => {
  const given = play(series(3_660, (at) => ({ position: 7, end: at < 3_600 ? 7 : 9 })));
  assert.equal(given.indexOf("slow"), 3_620);
  assert.equal(given.indexOf("stuck"), 3_640);
});

test("what waits on purpose is ok, and what no longer looks is stuck, though it was at its end", () => {
  assert.deepEqual(kinds(play(series(300, () => ({ position: 5, end: 9, deferred: true })))), ["ok"]);
  assert.deepEqual(play([{ at: 0, report: { position: 7, end: 7 } }, { at: 39 }, { at: 40 }]), ["ok", "ok", "stuck"]);
  assert.deepEqual(play([{ at: 39 }, { at: 40 }]), ["ok", "stuck"], "one that never told anything is no better");
});

test("an advance once a period, in jumps, is ok while records keep arriving", () => {
  assert.deepEqual(kinds(play(series(600, (at) => ({ position: Math.floor(at / 10) * 1_000, end: at * 100 })))), ["ok"]);
});

test("what does less than arrives is slow", () => {
  const given = play(series(600, (at) => ({ position: at * 50, end: at * 100 })));
  assert.deepEqual(kinds(given), ["ok", "slow"]);
});

test("what works off a heap is ok again when it gains on it", () => {
  const given = play(series(600, (at) => ({ position: at * 200, end: 100_000 + at * 100 })));
  assert.deepEqual(kinds(given), ["ok"]);
});

test("failing again and again without an advance is stuck, failing once is slow", () => {
  const behind = { position: 5, end: 9 };
  const state = "backing-off";
  assert.deepEqual(play([1, 2, 3].map((failures) => ({ at: failures, report: behind, state, failures, errorAt: failures }))), ["slow", "slow", "stuck"]);
  for (const [failures, verdict] of [
    [1, "slow"],
    [3, "stuck"],
  ] as const) {
    assert.deepEqual(play([{ at: 1, report: behind, failures, errorAt: 1 }]), [verdict], "that it runs again just now proves nothing");
    const done = { position: 9, end: 9 };
    assert.deepEqual(
      play([1, 10, 12].map((at) => ({ at, report: done, failures, errorAt: 1 }))),
      [verdict, verdict, "ok"],
      "without work, a period without a failure is the proof",
    );
  }
});

test("states speak for themselves where nothing runs", () => {
  const of = (state: TaskState, errorAt?: number): Verdict | undefined => play([{ at: 100, state, ...(errorAt === undefined ? {} : { errorAt }) }])[0];
  assert.deepEqual(
    [of("paused"), of("stopped"), of("stopped", 1), of("finished"), of("standby"), of("starting")],
    ["paused", "idle", "failed", "idle", "idle", "idle"],
  );
});

test("the rate is an average over the window that falls while nothing moves, and a step back begins it anew", () => {
  const window = new ProgressWindow({ windowMs: 60_000, now: 0 });
  assert.equal(window.ratePerSecond(0), undefined);
  for (let at = 0; at <= 120_000; at += 10) window.add({ position: at / 10, end: 20_000, unit }, at);
  assert.ok(Math.abs((window.ratePerSecond(120_000) ?? 0) - 100) < 3, `${window.ratePerSecond(120_000)}`);
  assert.ok((window.ratePerSecond(150_000) ?? 0) < 70);
  assert.equal(window.ratePerSecond(1_000_000), 0);
  window.add({ position: 3, end: 20_000, unit }, 1_000_000);
  assert.equal(window.ratePerSecond(1_000_500), undefined);
  window.add({ position: 13, end: 20_000, unit }, 1_010_000);
  assert.equal(window.ratePerSecond(1_010_000), 1);
});
