/** How far a task is: positions and counts that a person can read. */
export interface Progress {
  /** Where it is and where the end was when it last looked; the unit is the task's own (offsets, bytes, rows). */
  readonly position: number;
  readonly end: number;
  readonly unit: string;
  readonly facts?: Readonly<Record<string, unknown>>;
}

export interface TaskContext {
  readonly signal: AbortSignal;
  report(progress: Progress): void;
}

/** One supervised unit of long-running work. `run` returning means finished; it throws coded errors. */
export interface Task {
  /** `archive.<dataset>`, `table.<dataset>` … */
  readonly name: string;
  run(context: TaskContext): Promise<void>;
}

export const taskStates = ["running", "backing-off", "stopped", "finished"] as const;
export interface TaskStatus {
  readonly name: string;
  readonly state: (typeof taskStates)[number];
  readonly progress?: Progress;
  /** Milliseconds since 1970. */
  readonly lastAdvance?: number;
  readonly lastError?: { readonly code: string; readonly message: string; readonly at: number };
  readonly restarts: number;
}
