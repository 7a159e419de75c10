import { assert, unreachable } from "../runtime/assert.ts";
import type { Env } from "../runtime/env.ts";
import { factsOf, isAbort, toErrorValue } from "../runtime/errors.ts";
import type { Logger } from "../runtime/logger.ts";
import { backOffMs } from "./back-off.ts";
import type { Progress, Task, TaskStatus } from "./task.ts";

/**
 * The tasks of this process, each run until it finishes, is stopped, or meets an error that no repetition mends.
 *
 * Errors of a task: `codes[code].task` decides. `retry` and `inbox` start it again after a growing pause with jitter, which begins anew once the
 * task has advanced; `stop` and `bug` leave it stopped, for a person to look at. Either way `status` tells the last error.
 */
export interface Tasks extends AsyncDisposable {
  /** Begins to run a task. One of the same name must not be running; one that stopped or finished is replaced. */
  start(task: Task): void;
  /** Aborts the task and waits until it has ended. A name that is not known is no error. */
  stop(name: string): Promise<void>;
  /** Every task that was started, in the order of their names. */
  status(): readonly TaskStatus[];
  /** Stops all tasks, waits for their end, and throws the first failure among them that was a bug of ours. */
  [Symbol.asyncDispose](): Promise<void>;
}

export interface TasksOptions {
  readonly env: Env;
  readonly logger: Logger;
  /** Its abort stops every task, as closing does. */
  readonly signal?: AbortSignal | undefined;
}

/** Opens an empty set of tasks. */
export function openTasks({ env, logger, signal }: TasksOptions): Tasks {
  const supervised = new Map<string, Supervised>();
  let closed = false;

  async function stop(one: Supervised): Promise<void> {
    one.abort.abort();
    await one.ended;
  }

  return {
    start(task) {
      assert(!closed, "a task is started only while its supervisor is open");
      const before = supervised.get(task.name)?.status.state;
      assert(before === undefined || before === "stopped" || before === "finished", `only one task named ${task.name} runs at a time`);
      supervised.set(task.name, supervise(task, { env, logger, signal }));
    },
    async stop(name) {
      const one = supervised.get(name);
      if (one !== undefined) await stop(one);
    },
    status: () => [...supervised.values()].map(({ status }) => ({ ...status })).sort((a, b) => (a.name < b.name ? -1 : 1)),
    async [Symbol.asyncDispose]() {
      closed = true;
      await Promise.all([...supervised.values()].map(stop));
      for (const one of supervised.values()) if (one.bug !== undefined) throw one.bug.error;
    },
  };
}

interface Supervised {
  readonly abort: AbortController;
  readonly status: Mutable<TaskStatus>;
  ended: Promise<void>;
  bug: { readonly error: unknown } | undefined;
}
type Mutable<T> = { -readonly [Field in keyof T]: T[Field] };

function supervise(task: Task, options: TasksOptions): Supervised {
  const abort = new AbortController();
  const one: Supervised = { abort, status: { name: task.name, state: "running", restarts: 0 }, ended: Promise.resolve(), bug: undefined };
  one.ended = runUntilItEnds(task, one, options);
  return one;
}

async function runUntilItEnds(task: Task, one: Supervised, { env, logger, signal: outer }: TasksOptions): Promise<void> {
  const { status } = one;
  const signal = outer === undefined ? one.abort.signal : AbortSignal.any([outer, one.abort.signal]);
  let failures = 0;
  const report = (progress: Progress): void => {
    if (progress.position !== status.progress?.position) {
      status.lastAdvance = env.now();
      if (status.progress !== undefined) failures = 0;
    }
    status.progress = progress;
  };
  while (!signal.aborted) {
    try {
      await task.run({ signal, report });
      status.state = signal.aborted ? "stopped" : "finished";
      return;
    } catch (error) {
      if (signal.aborted && (isAbort(error) || error === signal.reason)) break;
      const { code, task: action } = factsOf(error);
      const { message } = toErrorValue(error);
      status.lastError = { code, message, at: env.now() };
      switch (action) {
        case "retry":
        case "inbox": {
          const pauseMs = backOffMs(++failures, env);
          status.state = "backing-off";
          logger.warn("task failed and will run again", { task: task.name, code, message, failures, pauseMs });
          await env.sleep(pauseMs, { signal }).catch(() => undefined);
          if (signal.aborted) break;
          status.restarts++;
          status.state = "running";
          break;
        }
        case "bug":
          one.bug = { error };
          logger.error("task stopped by a bug", { task: task.name, code, message, stack: error instanceof Error ? error.stack : undefined });
          status.state = "stopped";
          return;
        case "stop":
          logger.error("task stopped", { task: task.name, code, message });
          status.state = "stopped";
          return;
        default:
          unreachable(action);
      }
    }
  }
  status.state = "stopped";
}
