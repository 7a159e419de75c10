import type { Env } from "../runtime/env.ts";

/** A call that waits; without one, nothing happens any more. */
interface Waiting {
  call: (() => void) | undefined;
  readonly due: number;
}

/** One request's call; once disposed it is not made any more. A class: V8 makes an object with a method of a computed name at several times the cost. */
export class LingeringCall implements Disposable {
  readonly #call: () => void;
  readonly #add: (call: () => void) => Waiting;
  #waiting: Waiting | undefined;

  constructor(call: () => void, add: (call: () => void) => Waiting) {
    this.#call = call;
    this.#add = add;
  }

  /** It shall be made when it has waited, counted from the first time that this was said since it was made last. */
  wanted(): void {
    if (this.#waiting?.call === undefined) this.#waiting = this.#add(this.#call);
  }

  [Symbol.dispose](): void {
    // What waits must not hold its request until the time comes.
    if (this.#waiting !== undefined) this.#waiting.call = undefined;
  }
}

/** Calls what has waited for a while: one timer for all requests of a door, as one for each costs more than the smallest of them. */
export class Linger implements AsyncDisposable {
  readonly #env: Env;
  readonly #ms: number;
  /** Ascending, as all wait equally long; what is not wanted any more stays until its time, so there are no more than came within `ms`. */
  readonly #waiting: Waiting[] = [];
  readonly #closing = new AbortController();
  #running: Promise<void> | undefined;

  constructor({ env, ms }: { readonly env: Env; readonly ms: number }) {
    this.#env = env;
    this.#ms = ms;
  }

  of(call: () => void): LingeringCall {
    return new LingeringCall(call, this.#add);
  }

  /** Nothing is called any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  readonly #add = (call: () => void): Waiting => {
    const waiting = { call, due: this.#env.monotonic() + this.#ms };
    this.#waiting.push(waiting);
    this.#running ??= this.#run();
    return waiting;
  };

  /** Never rejects. */
  async #run(): Promise<void> {
    const { signal } = this.#closing;
    // Where the time is over at once, it would end before it is known to run, and be taken for running ever after.
    await Promise.resolve();
    for (let next = this.#waiting.shift(); next !== undefined && !signal.aborted; next = this.#waiting.shift()) {
      while (next.call !== undefined && !signal.aborted) {
        const wait = next.due - this.#env.monotonic();
        if (wait <= 0) break;
        await this.#env.sleep(Math.ceil(wait), { signal }).catch(() => undefined);
      }
      const { call } = next;
      next.call = undefined;
      if (!signal.aborted) call?.();
    }
    this.#running = undefined;
  }
}
