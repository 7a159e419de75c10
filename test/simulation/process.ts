import type { Env } from "../../packages/mainstem/src/runtime/env.ts";
import { MainstemError, type Code } from "../../packages/mainstem/src/runtime/errors.ts";
import type { VirtualClock } from "./virtual-clock.ts";

export interface ProcessOptions {
  readonly clock: VirtualClock;
  readonly random: () => number;
  /** How often a call to a store fails, from 0 to 1: half of them before they had any effect, half after all of it. */
  readonly faults: number;
  /** How often a call takes up to two seconds. */
  readonly slowness: number;
}

/**
 * A process of a simulated world: what it calls may be slow or fail, it may stand still as if it were suspended, and it may die at any moment.
 * A call that was on its way when it died may still take effect, or not.
 */
export class Process {
  readonly env: Env;
  /** Until then every call to a store fails. */
  outageUntilMs = 0;
  readonly #options: ProcessOptions;
  #dead = false;
  #frozenUntilMs = 0;

  constructor(options: ProcessOptions) {
    const { clock, random } = (this.#options = options);
    this.env = {
      now: () => clock.now(),
      monotonic: () => clock.ms,
      random: (bytes) => Uint8Array.from({ length: bytes }, () => Math.floor(random() * 256)),
      sleep: async (ms, waits) => {
        try {
          await clock.sleep(ms, waits);
        } finally {
          await this.#awake();
        }
      },
    };
  }

  kill(): void {
    this.#dead = true;
  }

  /** It stands still for a while, and then goes on as if no time had passed. */
  freeze(ms: number): void {
    this.#frozenUntilMs = this.#options.clock.ms + ms;
  }

  /** Calls a store; its errors have this code. */
  gate(code: Code): { around<T>(what: string, work: () => Promise<T>): Promise<T>; along<T>(what: string, items: AsyncIterable<T>): AsyncGenerator<T> } {
    return {
      around: async (what, work) => {
        const fault = this.#fault();
        if (!(await this.#travel())) return await this.#tooLate(work);
        if (fault === "before") throw new MainstemError(code, `injected fault: ${what}`);
        const result = await work();
        if (!(await this.#travel())) return await never();
        if (fault === "after") throw new MainstemError(code, `injected fault: ${what}`);
        return result;
      },
      along: async function* (this: Process, what: string, items: AsyncIterable<unknown>): AsyncGenerator<never> {
        const fault = this.#fault();
        if (!(await this.#travel())) await never();
        if (fault === "before") throw new MainstemError(code, `injected fault: ${what}`);
        for await (const item of items) {
          if (this.#dead) await never();
          yield item as never;
        }
        if (fault === "after") throw new MainstemError(code, `injected fault: ${what}`);
      }.bind(this),
    };
  }

  #fault(): "before" | "after" | undefined {
    const { clock, random, faults } = this.#options;
    if (clock.ms < this.outageUntilMs) return random() < 0.8 ? "before" : "after";
    return random() >= faults ? undefined : random() < 0.5 ? "before" : "after";
  }

  /** The way of a call, or of its answer. False: the process is dead by then. */
  async #travel(): Promise<boolean> {
    const { clock, random, slowness } = this.#options;
    for (let turns = Math.floor(random() * 3); turns > 0; turns--) await Promise.resolve();
    if (random() < slowness) await clock.sleep(random() ** 3 * 2_000);
    if (!this.#dead) await this.#awake();
    return !this.#dead;
  }

  async #tooLate<T>(work: () => Promise<T>): Promise<T> {
    if (this.#options.random() < 0.5) await work().catch(() => undefined);
    return await never();
  }

  /** Resolves when the process is no longer suspended, and never when it is dead. */
  async #awake(): Promise<void> {
    const { clock } = this.#options;
    while (clock.ms < this.#frozenUntilMs && !this.#dead) await clock.sleep(this.#frozenUntilMs - clock.ms);
    if (this.#dead) await never();
  }
}

function never<T>(): Promise<T> {
  return new Promise(() => undefined);
}
