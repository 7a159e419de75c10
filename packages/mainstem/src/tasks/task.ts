import type { Fence } from "../state/index.ts";
import type { Verdict } from "./verdict.ts";

/** How far a task is: positions and counts that a person can read. */
export interface Progress {
  /** Where it is and where the end was when it last looked; the unit is the task's own (offsets, bytes, rows). */
  readonly position: number;
  readonly end: number;
  readonly unit: string;
  /** What is left waits on purpose, such as for enough of it to come together: standing still is then no fault. */
  readonly deferred?: boolean;
  /** Times in it are RFC 3339 text. */
  readonly facts?: Readonly<Record<string, unknown>>;
}

export interface TaskContext {
  /** Aborted when the task is stopped or paused, and when its lease is lost. */
  readonly signal: AbortSignal;
  /** Tells how far it is, after each advance and each look; it costs next to nothing. Who is silent for some periods is taken to be stuck. */
  report(progress: Progress): void;
}

/** What a supervised run gets besides. */
export interface LeasedContext extends TaskContext {
  /** Proof of holding the task's lease: state that is written with it stays as it is when another process has taken over. */
  readonly fence: Fence;
}

/** Where a task is to begin anew. An offset counts in every partition; a time is in milliseconds since 1970. */
export type ResetTarget =
  | { readonly kind: "beginning" }
  | { readonly kind: "chain-end" }
  | { readonly kind: "offset"; readonly offset: number }
  | { readonly kind: "time"; readonly time: number };

/** One supervised unit of long-running work. `run` returning means finished; it throws coded errors. */
export interface Task {
  /** `archive.<dataset>`, `table.<dataset>` … */
  readonly name: string;
  /** Milliseconds within which a run that has work advances, and one that has none looks again; a minute if left out. Verdicts are judged by it. */
  readonly periodMs?: number;
  run(context: LeasedContext): Promise<void>;
  /**
   * Moves the place where the next run begins. It is called under the task's lease while no run is under way, which begins anew afterwards.
   * Errors: `task.resetRefused` with the reason.
   */
  reset?(to: ResetTarget, context: Omit<LeasedContext, "report">): Promise<void>;
  /** Of a task without `reset`: why, and what to do instead. */
  readonly resetRefusal?: string;
}

/**
 * `starting`: it looks whether it may run. `standby`: another process runs it, and this one waits for its lease. `stopped`: on request, or by an error
 * that no repetition mends.
 */
export const taskStates = ["starting", "running", "backing-off", "paused", "standby", "stopped", "finished"] as const;
export type TaskState = (typeof taskStates)[number];

/** Who paused a task, when (milliseconds since 1970), and why. */
export interface Pause {
  readonly by: string;
  readonly at: number;
  readonly reason?: string;
}

/** Times are milliseconds since 1970. */
export interface TaskStatus {
  readonly name: string;
  readonly state: TaskState;
  readonly verdict: Verdict;
  /** The verdict in a sentence, where it is not that all is well. */
  readonly because?: string;
  readonly progress?: Progress;
  /** Units a second, the average over some periods. */
  readonly ratePerSecond?: number;
  /** Until the end as it was last seen, at that rate; absent while it does not advance. */
  readonly remainingMs?: number;
  readonly lastAdvance?: number;
  readonly lastError?: { readonly code: string; readonly message: string; readonly at: number };
  readonly restarts: number;
  /** In a row, without an advance between them. */
  readonly failures: number;
  readonly paused?: Pause;
  /** Of a task on standby: who runs it. */
  readonly heldBy?: string;
}
