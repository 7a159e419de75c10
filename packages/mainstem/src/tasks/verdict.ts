import { unreachable } from "../runtime/assert.ts";
import type { Progress, TaskState } from "./task.ts";

/** `ok`: it advances, or has nothing to do. `idle`: nothing runs here, and nothing is wrong about that. */
export const verdicts = ["ok", "slow", "stuck", "paused", "failed", "idle"] as const;
export type Verdict = (typeof verdicts)[number];

export const verdictLimits = {
  /** A task that has work and does not advance is slow after so many of its periods, and stuck after so many. */
  slowPeriods: 2,
  stuckPeriods: 4,
  /** So many failures in a row, without an advance between them, are stuck too. */
  stuckFailures: 3,
  /** Rates and trends are over so many periods: each half of it sees several advances of a task that advances once a period. */
  windowPeriods: 6,
  /** Of a task that names none; and the least, so that one that looks several times a second is not stuck within a breath. */
  periodMs: 60_000,
  periodMsMin: 10_000,
} as const;

/** What is known of a task at one moment. Ages in milliseconds, by a clock that does not jump. */
export interface Evidence {
  readonly state: TaskState;
  readonly progress: Progress | undefined;
  /** How long it has had work and not advanced; undefined while it has none. */
  readonly behindMs: number | undefined;
  /** Since it last reported, or began. */
  readonly silentMs: number;
  /** In a row, without an advance between them. */
  readonly failures: number;
  readonly lastError: { readonly message: string; readonly ageMs: number } | undefined;
  readonly isLosing: boolean;
  readonly remainingMs: number | undefined;
  readonly periodMs: number;
}

export interface Judgement {
  readonly verdict: Verdict;
  /** A sentence for people, where there is something to say. */
  readonly because?: string;
}

/**
 * Judges a task by its progress over a window: that it runs says nothing.
 *
 * What has nothing to do is ok as long as it keeps looking. What has work is slow, then stuck, when it does not advance for some of its periods; stuck
 * as well when it fails again and again without an advance; slow when it loses against what arrives.
 */
export function judgeTask(evidence: Evidence): Judgement {
  const { state, lastError } = evidence;
  switch (state) {
    case "paused":
      return { verdict: "paused" };
    case "stopped":
      return lastError === undefined ? { verdict: "idle" } : { verdict: "failed", because: `It stopped: ${lastError.message}` };
    case "finished":
      return { verdict: "idle", because: "It has finished." };
    case "standby":
    case "starting":
      return { verdict: "idle" };
    case "running":
    case "backing-off":
      return judgeProgress(evidence);
    default:
      return unreachable(state);
  }
}

function judgeProgress({ state, progress, behindMs, silentMs, failures, lastError, isLosing, remainingMs, periodMs }: Evidence): Judgement {
  const { slowPeriods, stuckPeriods, stuckFailures } = verdictLimits;
  const failed = lastError === undefined ? "" : `: ${lastError.message}`;
  // Without work nothing can advance: then a period without a failure is proof enough.
  const recovered = state === "running" && behindMs === undefined && lastError !== undefined && lastError.ageMs > periodMs;
  if (failures >= stuckFailures && !recovered) return { verdict: "stuck", because: `It failed ${failures} times in a row without advancing${failed}` };
  if (behindMs !== undefined && behindMs >= stuckPeriods * periodMs) return { verdict: "stuck", because: standing(progress, behindMs) };
  if (state === "running" && silentMs >= stuckPeriods * periodMs)
    return { verdict: "stuck", because: `It has not told where it is for ${toDuration(silentMs)}.` };
  // A run after a failure has yet to prove itself: the verdict is the same before each try and during it.
  if (failures > 0 && !recovered) return { verdict: "slow", because: `It failed and ${state === "running" ? "is being" : "will be"} tried again${failed}` };
  if (behindMs !== undefined && behindMs >= slowPeriods * periodMs) return { verdict: "slow", because: standing(progress, behindMs) };
  if (isLosing && (remainingMs ?? Infinity) > periodMs) return { verdict: "slow", because: "More arrives than it gets done." };
  return { verdict: "ok" };
}

function standing(progress: Progress | undefined, ms: number): string {
  return `It has stood at ${progress?.position} of ${progress?.end} ${progress?.unit ?? ""} for ${toDuration(ms)}.`;
}

function toDuration(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7_200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3_600)} h`;
}
