import type { TaskStatus } from "../../tasks/index.ts";
import { taskStates, verdicts } from "../../tasks/index.ts";
import { toTime } from "../json.ts";
import { anyObject, time } from "./schemas.ts";

const progress = {
  type: "object",
  description: "Where it is and where the end was when it last looked, in the task's own unit.",
  properties: { position: { type: "integer" }, end: { type: "integer" }, unit: { type: "string" }, deferred: { type: "boolean" }, facts: anyObject },
} as const;

const example = {
  name: "archive.shop.orders",
  state: "running",
  verdict: "slow",
  because: "More arrives than it gets done.",
  progress: { position: 41_200, end: 90_000, unit: "offsets", facts: { completeThrough: "2026-11-21T14:04:31.207Z" } },
  ratePerSecond: 812.4,
  remainingSeconds: 60.1,
  lastAdvance: "2026-11-21T14:05:02.113Z",
  lastError: { code: "objects.failed", message: "No space left.", at: "2026-11-21T13:50:11.000Z" },
  restarts: 2,
  failures: 0,
  paused: null,
  heldBy: null,
};

/** A task as the API shows it. */
export const taskSchema = {
  description: "A task",
  type: "object",
  required: ["name", "state", "verdict", "restarts", "failures", "lastAdvance", "lastError", "paused"],
  properties: {
    name: { type: "string" },
    state: { type: "string", enum: taskStates },
    verdict: { type: "string", enum: verdicts, description: "Judged by progress over a window: see docs/operations/tasks.md." },
    because: { type: "string", description: "The verdict in a sentence, where it is not that all is well." },
    progress: { ...progress, type: ["object", "null"] },
    ratePerSecond: { type: ["number", "null"], description: "Units a second, the average over six of its periods." },
    remainingSeconds: { type: ["number", "null"], description: "Until the end as it was last seen, at that rate." },
    lastAdvance: { ...time, type: ["string", "null"] },
    lastError: { type: ["object", "null"], properties: { code: { type: "string" }, message: { type: "string" }, at: time } },
    restarts: { type: "integer", description: "Since the process started." },
    failures: { type: "integer", description: "In a row, without an advance between them." },
    paused: { type: ["object", "null"], properties: { by: { type: "string" }, at: time, reason: { type: "string" } } },
    heldBy: { type: ["string", "null"], description: "Of a task on standby: who runs it." },
  },
  additionalProperties: true,
  examples: [example],
} as const;

/** Times as RFC 3339 text, what is not there as null. */
export function showTask(status: TaskStatus) {
  const { lastAdvance, lastError, paused, remainingMs, progress: place, ratePerSecond, heldBy, ...rest } = status;
  return {
    ...rest,
    progress: place ?? null,
    ratePerSecond: ratePerSecond === undefined ? null : round(ratePerSecond),
    remainingSeconds: remainingMs === undefined ? null : round(remainingMs / 1_000),
    lastAdvance: lastAdvance === undefined ? null : toTime(lastAdvance),
    lastError: lastError === undefined ? null : { ...lastError, at: toTime(lastError.at) },
    paused: paused === undefined ? null : { ...paused, at: toTime(paused.at) },
    heldBy: heldBy ?? null,
  };
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}
