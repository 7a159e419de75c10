import type { IngestStatus } from "../ingest/index.ts";
import type { TaskStatus, Verdict } from "../tasks/index.ts";
import { toTime } from "./json.ts";

export interface HealthReason {
  /** `task.failed`, `task.stuck`, `task.slow`, `task.paused` or `door.failing`. */
  readonly code: string;
  readonly message: string;
  readonly task?: string;
  /** The code of the error behind it. */
  readonly cause?: string;
}

export interface Health {
  /** `failed`: something stopped on an error and will not go on by itself. `degraded`: something is late, is tried again, or is paused. */
  readonly status: "ok" | "degraded" | "failed";
  readonly reasons: readonly HealthReason[];
}

/** The gravest first; what is ok or idle is no reason. */
const grave: readonly Verdict[] = ["failed", "stuck", "slow", "paused"];

/** Judges health by progress: by the verdicts of the tasks, and by what became of the last writes at the door. */
export function judgeHealth({ tasks, door }: { readonly tasks: readonly TaskStatus[]; readonly door: IngestStatus }): Health {
  const { failing } = door;
  const reasons: HealthReason[] = [
    ...grave.flatMap((verdict) => tasks.filter((task) => task.verdict === verdict).map(toReason)),
    ...(failing === undefined
      ? []
      : [{ code: "door.failing", message: `The door fails since ${toTime(failing.at)}: ${failing.message}`, cause: failing.code }]),
  ];
  const failed = tasks.some(({ verdict }) => verdict === "failed");
  return { status: failed ? "failed" : reasons.length > 0 ? "degraded" : "ok", reasons };
}

function toReason({ name, verdict, because = "", state, failures, lastError, paused }: TaskStatus): HealthReason {
  const reason = { code: `task.${verdict}`, task: name };
  if (paused !== undefined) {
    const why = paused.reason === undefined ? "" : `: ${paused.reason}`;
    return { ...reason, message: `Task ${name} is paused since ${toTime(paused.at)} by ${paused.by}${why}.` };
  }
  const cause = lastError !== undefined && (verdict === "failed" || state === "backing-off" || failures > 0) ? { cause: lastError.code } : {};
  return { ...reason, message: `Task ${name} is ${verdict}. ${because}`.trimEnd(), ...cause };
}
