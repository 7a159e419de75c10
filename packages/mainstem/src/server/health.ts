import type { IngestStatus } from "../ingest/index.ts";
import type { TaskStatus } from "../tasks/index.ts";
import { toTime } from "./json.ts";

export interface HealthReason {
  /** `task.stopped`, `task.backingOff`, `task.stalled` or `door.failing`. */
  readonly code: string;
  readonly message: string;
  readonly task?: string;
  /** The code of the error behind it. */
  readonly cause?: string;
}

export interface Health {
  /** `failed`: something stopped on an error and will not go on by itself. `degraded`: something is late, or is tried again. */
  readonly status: "ok" | "degraded" | "failed";
  readonly reasons: readonly HealthReason[];
}

export interface HealthInput {
  readonly tasks: readonly TaskStatus[];
  readonly door: IngestStatus;
  readonly now: number;
  /** A task that is behind and did not advance for so long is stalled. */
  readonly stalledMs: number;
}

/** Judges health by progress: that a process runs says nothing. */
export function judgeHealth({ tasks, door, now, stalledMs }: HealthInput): Health {
  const stopped = tasks.filter(({ state, lastError }) => state === "stopped" && lastError !== undefined);
  const late = tasks.flatMap((task) => lateReason(task, { now, stalledMs }));
  const { failing } = door;
  const reasons: HealthReason[] = [
    ...stopped.map(({ name, lastError }) => ({
      code: "task.stopped",
      message: `Task ${name} stopped: ${lastError?.message}`,
      task: name,
      cause: lastError?.code ?? "",
    })),
    ...late,
    ...(failing === undefined
      ? []
      : [{ code: "door.failing", message: `The door fails since ${toTime(failing.at)}: ${failing.message}`, cause: failing.code }]),
  ];
  return { status: stopped.length > 0 ? "failed" : reasons.length > 0 ? "degraded" : "ok", reasons };
}

function lateReason(task: TaskStatus, { now, stalledMs }: { readonly now: number; readonly stalledMs: number }): readonly HealthReason[] {
  const { name, state, lastError, progress, lastAdvance } = task;
  if (state === "backing-off")
    return [
      {
        code: "task.backingOff",
        message: `Task ${name} failed and will be tried again: ${lastError?.message ?? ""}`,
        task: name,
        cause: lastError?.code ?? "",
      },
    ];
  if (state !== "running" || progress === undefined || progress.position >= progress.end || lastAdvance === undefined) return [];
  if (now - lastAdvance < stalledMs) return [];
  const behind = `${progress.position} of ${progress.end} ${progress.unit}`;
  return [{ code: "task.stalled", message: `Task ${name} stands at ${behind} since ${toTime(lastAdvance)}.`, task: name }];
}
