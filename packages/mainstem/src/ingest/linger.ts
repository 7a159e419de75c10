import type { Env } from "../runtime/env.ts";

/** Calls what has waited for a while: one timer for all requests of a door, as one for each costs more than the smallest of them. */
export class Linger implements AsyncDisposable {
  readonly #env: Env;
  readonly #ms: number;
  /** When each call is due; ascending, as all wait equally long. */
  readonly #due = new Map<() => void, number>();
  readonly #closing = new AbortController();
  #running: Promise<void> | undefined;

  constructor({ env, ms }: { readonly env: Env; readonly ms: number }) {
    this.#env = env;
    this.#ms = ms;
  }

  /** Calls it once after `ms`, counted from the first time that it was given. */
  add(call: () => void): void {
    if (this.#due.has(call)) return;
    this.#due.set(call, this.#env.monotonic() + this.#ms);
    this.#running ??= this.#run();
  }

  /** It is not called any more. */
  delete(call: () => void): void {
    this.#due.delete(call);
  }

  /** Nothing is called any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    const { signal } = this.#closing;
    for (const [call, due] of this.#due) {
      for (;;) {
        const wait = due - this.#env.monotonic();
        if (wait <= 0 || signal.aborted) break;
        await this.#env.sleep(Math.ceil(wait), { signal }).catch(() => undefined);
      }
      if (signal.aborted) break;
      if (this.#due.delete(call)) call();
    }
    this.#running = undefined;
  }
}
