import { RefusedError, type Refusal } from "../client-error.ts";

/** Refusals that nobody asked for are kept for `flush` and `close` to throw; of more, the count. */
const untoldMax = 1_000;

/** Refusals of records that no `deliver` waits for. */
export class Refusals {
  readonly #onRefused: ((refusal: Refusal) => void) | undefined;
  readonly #untold: Refusal[] = [];
  #count = 0;

  constructor(onRefused: ((refusal: Refusal) => void) | undefined) {
    this.#onRefused = onRefused;
  }

  get untold(): readonly Refusal[] {
    return this.#untold;
  }

  tell(refusal: Refusal): void {
    if (this.#onRefused === undefined) {
      this.#count++;
      if (this.#untold.length < untoldMax) this.#untold.push(refusal);
      return;
    }
    try {
      this.#onRefused(refusal);
    } catch (error) {
      // What a caller's function throws is the caller's: it must not hold up the sending.
      void Promise.reject(error);
    }
  }

  /** Throws `RefusedError` with what nobody was told of, once. */
  throwUntold(): void {
    const count = this.#count;
    if (count === 0) return;
    this.#count = 0;
    throw new RefusedError(this.#untold.splice(0), { count });
  }
}
