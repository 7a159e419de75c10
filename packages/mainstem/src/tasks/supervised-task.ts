import { unreachable } from "../runtime/assert.ts";
import { factsOf, isAbort, MainstemError, toErrorValue } from "../runtime/errors.ts";
import type { Fence } from "../state/index.ts";
import { backOffMs } from "./back-off.ts";
import { acquireLease, renewEveryMs, type Lease } from "./lease.ts";
import { readPause } from "./pauses.ts";
import { ProgressWindow } from "./progress-window.ts";
import type { Pause, Progress, ResetTarget, Task, TaskState, TaskStatus } from "./task.ts";
import type { TasksOptions } from "./tasks.ts";
import { judgeTask, verdictLimits } from "./verdict.ts";

interface PendingReset {
  readonly to: ResetTarget;
  readonly done: PromiseWithResolvers<void>;
}

/** One task with its supervision: it looks whether it may run, takes the lease, runs, backs off, and runs again, until it ends or is stopped. */
export class SupervisedTask {
  readonly task: Task;
  /** The first failure that was a bug of ours. */
  bug: { readonly error: unknown } | undefined;
  readonly #options: TasksOptions;
  readonly #periodMs: number;
  readonly #window: ProgressWindow;
  #state: TaskState = "starting";
  #stopping = new AbortController();
  /** Ends what goes on, be it a run or a rest, so that the loop looks anew. */
  #interrupt = new AbortController();
  #ended: Promise<void> = Promise.resolve();
  #resting: PromiseWithResolvers<void> = Promise.withResolvers();
  #reset: PendingReset | undefined;
  #progress: Progress | undefined;
  #paused: Pause | undefined;
  #heldBy: string | undefined;
  #lastAdvance: number | undefined;
  #lastError: (NonNullable<TaskStatus["lastError"]> & { readonly monotonic: number }) | undefined;
  #failures = 0;
  #restarts = 0;
  /** It stopped by its last error. */
  #failed = false;

  constructor(task: Task, options: TasksOptions) {
    this.task = task;
    this.#options = options;
    this.#periodMs = Math.max(verdictLimits.periodMsMin, task.periodMs ?? verdictLimits.periodMs);
    this.#window = new ProgressWindow({ windowMs: verdictLimits.windowPeriods * this.#periodMs, now: options.env.monotonic() });
    this.#begin();
  }

  get state(): TaskState {
    return this.#state;
  }

  /** Aborts it and waits until it has ended. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#ended;
  }

  /** Looks anew whether it may run: at once, whatever it waits for; after it stopped, it begins again. */
  wake(): void {
    if (this.#state === "stopped") {
      this.bug = undefined;
      this.#begin();
    } else this.#interrupt.abort();
  }

  /** Looks anew, unless it runs already. */
  resume(): void {
    if (this.#state === "running") return;
    if (this.#state === "paused") this.#state = "starting";
    this.wake();
  }

  /** Resolves when it rests (paused, on standby, ended), or after the time. */
  async rested(withinMs: number): Promise<void> {
    const waiting = new AbortController();
    await Promise.race([this.#resting.promise, this.#options.env.sleep(withinMs, { signal: waiting.signal })]).finally(() => waiting.abort());
  }

  /** Resets it between two runs. Of two resets at once the later one wins. */
  async reset(to: ResetTarget): Promise<void> {
    this.#reset?.done.reject(new MainstemError("task.resetRefused", `Another reset of the task ${this.task.name} came in between.`, { task: this.task.name }));
    const done = Promise.withResolvers<void>();
    this.#reset = { to, done };
    this.wake();
    await done.promise;
  }

  status(): TaskStatus {
    const now = this.#options.env.monotonic();
    const { behindSince, lookedAt } = this.#window;
    const rate = this.#progress === undefined ? undefined : this.#window.ratePerSecond(now);
    const remainingMs = this.#progress === undefined || rate === undefined || rate <= 0 ? undefined : toRemaining(this.#progress, rate);
    const lastError = this.#lastError;
    const counts = lastError !== undefined && (this.#state !== "stopped" || this.#failed);
    const judged = judgeTask({
      state: this.#state,
      progress: this.#progress,
      behindMs: behindSince === undefined ? undefined : now - behindSince,
      silentMs: now - lookedAt,
      failures: this.#failures,
      lastError: !counts ? undefined : { message: lastError.message, ageMs: now - lastError.monotonic },
      isLosing: this.#window.isLosing(now),
      remainingMs,
      periodMs: this.#periodMs,
    });
    return {
      name: this.task.name,
      state: this.#state,
      ...judged,
      ...(this.#progress === undefined ? {} : { progress: this.#progress }),
      ...(rate === undefined ? {} : { ratePerSecond: rate }),
      ...(remainingMs === undefined ? {} : { remainingMs }),
      ...(this.#lastAdvance === undefined ? {} : { lastAdvance: this.#lastAdvance }),
      ...(lastError === undefined ? {} : { lastError: { code: lastError.code, message: lastError.message, at: lastError.at } }),
      restarts: this.#restarts,
      failures: this.#failures,
      ...(this.#paused === undefined || this.#state !== "paused" ? {} : { paused: this.#paused }),
      ...(this.#heldBy === undefined || this.#state !== "standby" ? {} : { heldBy: this.#heldBy }),
    };
  }

  #begin(): void {
    this.#stopping = new AbortController();
    this.#resting = Promise.withResolvers();
    this.#state = "starting";
    this.#failures = 0;
    this.#failed = false;
    this.#ended = this.#supervise().finally(() => {
      this.#resting.resolve();
      this.#refuseReset(new MainstemError("resource.closed", `The task ${this.task.name} ended.`, { task: this.task.name }));
    });
  }

  async #supervise(): Promise<void> {
    const { signal: outer } = this.#options;
    const stopping = outer === undefined ? this.#stopping.signal : AbortSignal.any([outer, this.#stopping.signal]);
    while (!stopping.aborted) {
      this.#interrupt = new AbortController();
      const signal = AbortSignal.any([stopping, this.#interrupt.signal]);
      try {
        this.#paused = await readPause(this.#options.state, this.task.name);
        if (this.#paused !== undefined && this.#reset === undefined) await this.#wait("paused", signal);
        else if ((await this.#runLeased(signal)) === "finished") {
          this.#state = "finished";
          return;
        }
      } catch (error) {
        if (stopping.aborted && (isAbort(error) || error === stopping.reason)) break;
        if (!(await this.#recover(error, signal))) {
          this.#failed = true;
          this.#state = "stopped";
          return;
        }
      }
    }
    this.#state = "stopped";
  }

  /** Resets and runs the task while it holds the lease. */
  async #runLeased(signal: AbortSignal): Promise<"finished" | "again"> {
    const { state, env, logger, owner } = this.#options;
    const { name } = this.task;
    const onRenewed = async (): Promise<void> => {
      // Another process may have been asked to pause it.
      if ((await readPause(state, name)) !== undefined) this.#interrupt.abort();
    };
    const lease = await acquireLease({ leases: state.leases, env, logger, name: `task/${name}`, owner, onRenewed });
    if ("heldBy" in lease) {
      this.#heldBy = lease.heldBy;
      this.#refuseReset(new MainstemError("task.elsewhere", `The task ${name} is run by ${lease.heldBy}.`, { task: name, heldBy: lease.heldBy }));
      await this.#wait("standby", signal);
      return "again";
    }
    await using held = lease;
    await this.#applyReset(held, signal);
    if (this.#paused !== undefined || signal.aborted) return "again";
    return await this.#run(held.fence, AbortSignal.any([signal, held.lost]));
  }

  async #run(fence: Fence, signal: AbortSignal): Promise<"finished" | "again"> {
    // After a rest, what was before says nothing; between failures it goes on.
    if (this.#state !== "backing-off") this.#window.clear(this.#options.env.monotonic());
    else this.#restarts++;
    this.#state = "running";
    try {
      await this.task.run({ signal, fence, report: (progress) => this.#report(progress) });
      return signal.aborted ? "again" : "finished";
    } catch (error) {
      if (signal.aborted && (isAbort(error) || error === signal.reason)) return "again";
      throw error;
    }
  }

  async #applyReset({ fence, lost }: Lease, signal: AbortSignal): Promise<void> {
    const pending = this.#reset;
    if (pending === undefined) return;
    this.#reset = undefined;
    try {
      await this.task.reset?.(pending.to, { fence, signal: AbortSignal.any([signal, lost]) });
      this.#window.clear(this.#options.env.monotonic());
      this.#progress = undefined;
      this.#failures = 0;
      this.#options.logger.info("task reset", { task: this.task.name, to: pending.to });
      pending.done.resolve();
    } catch (error) {
      // It is for who asked; the task goes on as before.
      pending.done.reject(error);
    }
  }

  #report(progress: Progress): void {
    // The first look tells where it is, not that it got there now.
    if (this.#progress !== undefined && progress.position !== this.#progress.position) {
      this.#lastAdvance = this.#options.env.now();
      this.#failures = 0;
    }
    this.#progress = progress;
    this.#window.add(progress, this.#options.env.monotonic());
  }

  /** Rests until it is woken, or it is time to look at the state again. */
  async #wait(state: "paused" | "standby", signal: AbortSignal): Promise<void> {
    this.#state = state;
    this.#failures = 0;
    this.#resting.resolve();
    await this.#options.env.sleep(renewEveryMs, { signal }).catch(() => undefined);
    this.#resting = Promise.withResolvers();
  }

  #refuseReset(error: MainstemError): void {
    this.#reset?.done.reject(error);
    this.#reset = undefined;
  }

  /** Notes the error, and backs off from one that may pass. False: it ends the task. */
  async #recover(failure: unknown, signal: AbortSignal): Promise<boolean> {
    const { env, logger } = this.#options;
    const { code, task: action } = factsOf(failure);
    const { message } = toErrorValue(failure);
    const facts = { task: this.task.name, code, message };
    this.#lastError = { code, message, at: env.now(), monotonic: env.monotonic() };
    switch (action) {
      case "retry":
      case "inbox": {
        const pauseMs = backOffMs(++this.#failures, env);
        this.#state = "backing-off";
        logger.warn("task failed and will run again", { ...facts, failures: this.#failures, pauseMs });
        await env.sleep(pauseMs, { signal }).catch(() => undefined);
        return true;
      }
      case "bug":
        this.bug ??= { error: failure };
        logger.error("task stopped by a bug", { ...facts, stack: failure instanceof Error ? failure.stack : undefined });
        return false;
      case "stop":
        logger.error("task stopped", facts);
        return false;
      default:
        return unreachable(action);
    }
  }
}

function toRemaining({ position, end }: Progress, ratePerSecond: number): number {
  return (Math.max(0, end - position) * 1_000) / ratePerSecond;
}
