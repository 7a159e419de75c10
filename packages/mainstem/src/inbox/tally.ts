import type { FieldError } from "@mainstem/contract";

/** How many samples an outcome shows of each kind. */
const samplesMax = 5;
/** Reasons beyond this many are counted together: what a record says of itself would otherwise fill the answer. */
const reasonsMax = 1_000;

/** What became of one entry. */
export interface Attempt {
  readonly id: string;
  /** The record as it would be sent; absent where nothing could be made of the original. */
  readonly record?: unknown;
  readonly code?: string;
  readonly errors?: readonly FieldError[];
}
export interface Outcome {
  readonly selected: number;
  /** Preview: records that would be accepted. Retry: records that were, and have left the inbox. */
  readonly accepted: number;
  /** They stay in the inbox. */
  readonly refused: number;
  readonly samples: readonly Attempt[];
  /** Reasons by code and path, the most frequent first. */
  readonly reasons: readonly Reason[];
}
export interface Reason {
  readonly code: string;
  readonly path: string;
  readonly expected: string;
  /** What was there instead, in the first record of this reason; all that is known where nothing is `expected`. */
  readonly received: string;
  readonly count: number;
}

/** Counts attempts by what became of them. */
export class Tally {
  readonly #good: Attempt[] = [];
  readonly #bad: Attempt[] = [];
  readonly #reasons = new Map<string, Reason>();
  #accepted = 0;
  #refused = 0;

  add(attempt: Attempt): void {
    const { code, errors } = attempt;
    if (code === undefined) {
      this.#accepted++;
      if (this.#good.length < samplesMax) this.#good.push(attempt);
      return;
    }
    this.#refused++;
    if (this.#bad.length < samplesMax) this.#bad.push(attempt);
    const { path = "", expected = "", received = "" } = errors?.[0] ?? {};
    // Where nothing is expected, what was received says why.
    const cause = JSON.stringify([code, path, expected === "" ? received : expected]);
    const named = this.#reasons.has(cause) || this.#reasons.size < reasonsMax;
    const reason = named ? { code, path, expected, received } : { code: "(other reasons)", path: "", expected: "", received: "" };
    const key = named ? cause : "";
    this.#reasons.set(key, { ...(this.#reasons.get(key) ?? reason), count: (this.#reasons.get(key)?.count ?? 0) + 1 });
  }

  outcome(): Outcome {
    const reasons = [...this.#reasons.values()].sort((a, b) => b.count - a.count);
    const [accepted, refused] = [this.#accepted, this.#refused];
    return { selected: accepted + refused, accepted, refused, samples: [...this.#good, ...this.#bad], reasons };
  }
}
