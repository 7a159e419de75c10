import { setImmediate as turn } from "node:timers/promises";

interface Timer {
  readonly at: number;
  /** Who fall due at the same time come in any order. */
  readonly order: number;
  readonly wake: () => void;
}

/**
 * The time of a simulated world: it passes only when nothing else can happen, and then at once to the next moment for which somebody waits. What happens in a
 * world that waits for nothing else is decided by its random numbers alone: the same seed gives the same course.
 */
export class VirtualClock {
  readonly #random: () => number;
  #timers: Timer[] = [];
  #ms = 0;
  /** How far the wall clock is ahead of the time that passed; it may jump. */
  wallMs = 1_800_000_000_000;

  constructor({ random }: { readonly random: () => number }) {
    this.#random = random;
  }

  /** Milliseconds that passed in the world: no clock of it jumps them. */
  get ms(): number {
    return this.#ms;
  }

  now(): number {
    return this.wallMs + this.#ms;
  }

  sleep(ms: number, { signal }: { readonly signal?: AbortSignal | undefined } = {}): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error);
      const stop = (): void => {
        this.#timers.splice(this.#timers.indexOf(timer), 1);
        reject(signal?.reason as Error);
      };
      const wake = (): void => {
        signal?.removeEventListener("abort", stop);
        resolve();
      };
      const timer = { at: this.#ms + Math.max(0, Math.ceil(ms)), order: this.#random(), wake };
      this.#timers.push(timer);
      signal?.addEventListener("abort", stop, { once: true });
    });
  }

  /** Lets time pass until the work is done. Throws what it throws, and when it waits for what never comes, or for more than `limitMs`. */
  async run<T>(work: Promise<T>, { limitMs }: { readonly limitMs: number }): Promise<T> {
    const endMs = this.#ms + limitMs;
    let isDone = false;
    const outcome = Promise.allSettled([work]).then(() => (isDone = true));
    for (;;) {
      // Those that follow one another in turns of the event loop, as the log's writers do, come before any time passes.
      await turn();
      await turn();
      if (isDone) return await outcome.then(() => work);
      const next = this.#next();
      if (next === undefined) throw new Error("nothing is left in the world that could happen");
      if (next.at > endMs) throw new Error(`after ${limitMs} ms it is still not done`);
      this.#timers.splice(this.#timers.indexOf(next), 1);
      this.#ms = Math.max(this.#ms, next.at);
      next.wake();
    }
  }

  #next(): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) if (first === undefined || timer.at < first.at || (timer.at === first.at && timer.order < first.order)) first = timer;
    return first;
  }
}
