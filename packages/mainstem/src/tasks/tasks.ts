import { assert } from "../runtime/assert.ts";
import type { Env } from "../runtime/env.ts";
import { MainstemError } from "../runtime/errors.ts";
import { limits } from "../runtime/limits.ts";
import type { Logger } from "../runtime/logger.ts";
import { perhaps } from "../runtime/nearest-name.ts";
import type { StateStore } from "../state/index.ts";
import { writePause } from "./pauses.ts";
import { SupervisedTask } from "./supervised-task.ts";
import type { ResetTarget, Task, TaskStatus } from "./task.ts";

/**
 * The tasks of this process, each run until it finishes, is stopped, or meets an error that no repetition mends.
 *
 * One process at a time runs a task: who holds its lease in the state. A lost lease aborts the run. What a run does that was under way is kept right by
 * conditional effects, not by the lease.
 * Errors of a task: `codes[code].task` decides. `retry` and `inbox` start it again after a growing pause with jitter, which begins anew once the
 * task has advanced; `stop` and `bug` leave it stopped, for a person to look at. Either way `status` tells the last error.
 */
export interface Tasks extends TaskControl, AsyncDisposable {
  /** Begins to run a task, unless it is paused. One of the same name must not be running; one that stopped or finished is replaced. */
  start(task: Task): void;
  /** Aborts the task and waits until it has ended; one of its name may be started then, and is paused where this one was. A name that is not known is no error. */
  stop(name: string): Promise<void>;
  /** As `stop`, and its pause is forgotten: what it worked for is gone, and the next task of its name is another one. */
  remove(name: string): Promise<void>;
  /** Every task that was started, in the order of their names. */
  status(): readonly TaskStatus[];
  /**
   * Stops all tasks, waits for their end, and throws the first failure among them that was a bug of ours. One that does not end in time is named in the log
   * and left behind.
   */
  [Symbol.asyncDispose](): Promise<void>;
}

/** What a person may ask of a task, by its name. Errors: `task.unknown`, `task.finished`, those of the state. */
export interface TaskControl {
  /**
   * Ends the run and keeps the task from running, in every process and after every restart, until it is resumed. The answer waits a while for the
   * run to end. Pausing what is paused changes nothing: who, when and why stay those of the first.
   */
  pause(name: string, options: { readonly by: string; readonly reason?: string | undefined }): Promise<TaskStatus>;
  /** Lets a paused task go on, begins one again that stopped on an error, and ends the pause of one that backs off. */
  resume(name: string): Promise<TaskStatus>;
  /** Moves the place where the task's next run begins, which follows at once unless it is paused. Errors: `task.resetRefused`, `task.elsewhere`, the task's own. */
  reset(name: string, to: ResetTarget): Promise<TaskStatus>;
}

export interface TasksOptions {
  readonly env: Env;
  readonly logger: Logger;
  readonly state: Pick<StateStore, "definitions" | "leases">;
  /** Holder of the leases: the same after a restart, so that a process need not wait for its own; of no two processes at once. */
  readonly owner: string;
  /** Its abort stops every task, as closing does. */
  readonly signal?: AbortSignal | undefined;
}

/** Opens an empty set of tasks. */
export function openTasks(options: TasksOptions): Tasks {
  const { env, logger, state } = options;
  const supervised = new Map<string, SupervisedTask>();
  let closed = false;

  function require(name: string): SupervisedTask {
    if (closed) throw new MainstemError("resource.closed", "The tasks are closed.");
    const found = supervised.get(name);
    if (found === undefined) throw new MainstemError("task.unknown", `There is no task ${name}${perhaps(name, [...supervised.keys()])}.`, { task: name });
    return found;
  }

  /** What finished will not run again: a pause of it would hold the next task of its name, of which nobody thinks now. */
  function requireUnfinished(name: string): SupervisedTask {
    const one = require(name);
    if (one.state === "finished") throw new MainstemError("task.finished", `The task ${name} has finished: nothing of it is left to run.`, { task: name });
    return one;
  }

  async function stop(name: string): Promise<void> {
    const one = supervised.get(name);
    await one?.stop();
    if (supervised.get(name) === one) supervised.delete(name);
  }

  return {
    start(task) {
      assert(!closed, "a task is started only while its supervisor is open");
      const before = supervised.get(task.name)?.state;
      assert(before === undefined || before === "stopped" || before === "finished", `only one task named ${task.name} runs at a time`);
      supervised.set(task.name, new SupervisedTask(task, options));
    },
    stop,
    async remove(name) {
      await stop(name);
      await writePause(state, { task: name, pause: undefined, now: env.now() });
    },
    status: () => [...supervised.values()].map((one) => one.status()).sort((a, b) => (a.name < b.name ? -1 : 1)),
    async pause(name, { by, reason }) {
      const one = requireUnfinished(name);
      await writePause(state, { task: name, pause: { by, at: env.now(), ...(reason === undefined ? {} : { reason }) }, now: env.now() });
      logger.info("task paused", { task: name, by, reason });
      if (one.state !== "stopped" && one.state !== "finished") one.wake();
      await one.rested(limits.taskEndMs);
      return one.status();
    },
    async resume(name) {
      const one = requireUnfinished(name);
      await writePause(state, { task: name, pause: undefined, now: env.now() });
      logger.info("task resumed", { task: name });
      one.resume();
      return one.status();
    },
    async reset(name, to) {
      const one = requireUnfinished(name);
      const { resetRefusal = "It keeps no place of its own that could be moved." } = one.task;
      if (!("reset" in one.task)) throw new MainstemError("task.resetRefused", `The task ${name} cannot be reset. ${resetRefusal}`, { task: name });
      await one.reset(to);
      return one.status();
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      const waiting = new AbortController();
      const ends = [...supervised].map(async ([name, one]) => {
        const ended = await Promise.race([one.stop().then(() => true), env.sleep(limits.taskEndMs, { signal: waiting.signal }).then(() => false)]);
        if (!ended) logger.error("task did not end in time and is left behind", { task: name, ms: limits.taskEndMs });
      });
      await Promise.all(ends).finally(() => waiting.abort());
      for (const one of supervised.values()) if (one.bug !== undefined) throw one.bug.error;
    },
  };
}
