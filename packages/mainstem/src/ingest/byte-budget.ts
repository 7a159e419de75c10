import type { Env } from "../runtime/env.ts";
import { MainstemError } from "../runtime/errors.ts";

interface Waiting {
  readonly bytes: number;
  resolve(): void;
}

export interface ByteBudgetOptions {
  readonly bytesMax: number;
  readonly waitingMax: number;
  readonly waitMs: number;
  readonly env: Env;
}

/**
 * The memory that all requests at the door share, in bytes. Who finds none left waits in line; who would wait in too long a line, or has waited
 * too long, gets `ingest.overloaded`, which is also what ends a standstill of requests that each hold a part and wait for more.
 * A single request may go beyond the whole budget when nobody else holds any: limits of its own kind bound it.
 */
export class ByteBudget {
  readonly #options: ByteBudgetOptions;
  readonly #line: Waiting[] = [];
  #held = 0;

  constructor(options: ByteBudgetOptions) {
    this.#options = options;
  }

  get heldBytes(): number {
    return this.#held;
  }
  get waiting(): number {
    return this.#line.length;
  }

  /** Takes the bytes if they are there and nobody waits for them. */
  tryTake(bytes: number): boolean {
    if (this.#line.length > 0 || !this.#fits(bytes)) return false;
    this.#held += bytes;
    return true;
  }

  async take(bytes: number, { signal }: { readonly signal?: AbortSignal | undefined } = {}): Promise<void> {
    if (this.tryTake(bytes)) return;
    const { waitingMax, waitMs, env } = this.#options;
    if (this.#line.length >= waitingMax) throw overloaded("Too many requests wait for memory at the door.", { waiting: this.#line.length });
    const done = new AbortController();
    const waiting = Promise.withResolvers<void>();
    const entry: Waiting = { bytes, resolve: waiting.resolve };
    this.#line.push(entry);
    const patience = env.sleep(waitMs, { signal: signal === undefined ? done.signal : AbortSignal.any([signal, done.signal]) });
    try {
      const outcome = await Promise.race([waiting.promise.then(() => "taken" as const), patience.then(() => "late" as const)]);
      if (outcome === "late") throw overloaded("Memory at the door stayed taken for too long.", { waitMs });
    } catch (error) {
      const index = this.#line.indexOf(entry);
      // Not in the line any more: the bytes were given in the same turn in which the wait ended.
      if (index < 0) this.give(bytes);
      else this.#line.splice(index, 1);
      this.#serve();
      throw error;
    } finally {
      done.abort();
      await patience.catch(() => undefined);
    }
  }

  /** Takes without waiting what is held already: the caller learned only afterwards how much it is. */
  force(bytes: number): void {
    this.#held += bytes;
  }

  give(bytes: number): void {
    this.#held -= bytes;
    this.#serve();
  }

  #fits(bytes: number): boolean {
    return this.#held === 0 || this.#held + bytes <= this.#options.bytesMax;
  }

  #serve(): void {
    for (let first = this.#line[0]; first !== undefined && this.#fits(first.bytes); first = this.#line[0]) {
      this.#line.shift();
      this.#held += first.bytes;
      first.resolve();
    }
  }
}

/** One request's part of the budget; disposing gives all of it back. */
export class ByteShare implements Disposable {
  readonly #budget: ByteBudget;
  #held = 0;

  constructor(budget: ByteBudget) {
    this.#budget = budget;
  }

  get heldBytes(): number {
    return this.#held;
  }

  tryReserve(bytes: number): boolean {
    if (!this.#budget.tryTake(bytes)) return false;
    this.#held += bytes;
    return true;
  }

  async reserve(bytes: number, options?: { readonly signal?: AbortSignal | undefined }): Promise<void> {
    await this.#budget.take(bytes, options);
    this.#held += bytes;
  }

  /** Says what is really held. */
  settle(bytes: number): void {
    const more = bytes - this.#held;
    this.#held = bytes;
    if (more > 0) this.#budget.force(more);
    else if (more < 0) this.#budget.give(-more);
  }

  [Symbol.dispose](): void {
    this.settle(0);
  }
}

/** `ingest.overloaded` with the time after which to come again. */
export function overloaded(message: string, facts: Readonly<Record<string, unknown>> = {}): MainstemError {
  return new MainstemError("ingest.overloaded", message, { ...facts, retryAfterSeconds: 2 });
}
