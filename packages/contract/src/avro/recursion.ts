import { schemaLimits } from "./schema.ts";

/** A record's compiled form, once it is there, and how many levels of types it goes down before it comes back to a record that it is inside of. */
export interface Slot<Compiled> {
  compiled: Compiled | undefined;
  height: number;
}

/** What of a source or sink counts how deep a value is. */
interface Levels {
  levels: number;
}

/**
 * Compiles each record (or pair of records) of a schema once, also those that contain themselves.
 * Where a record is met within itself, `back` makes the way back to it, which is only taken when values are there; it must use `deeper`.
 */
export class Recursion<Compiled> {
  readonly #slots = new Map<object, Map<object, Slot<Compiled>>>();
  #depth = 0;
  #deepest = 0;

  /** Compiles what lies one level further down. */
  within<Result>(compile: () => Result): Result {
    this.#depth++;
    this.#deepest = Math.max(this.#deepest, this.#depth);
    try {
      return compile();
    } finally {
      this.#depth--;
    }
  }

  once(key: object, other: object, compile: () => Compiled, back: (slot: Slot<Compiled>) => Compiled): Compiled {
    const slots = this.#slots.get(key) ?? new Map<object, Slot<Compiled>>();
    this.#slots.set(key, slots);
    const known = slots.get(other);
    if (known !== undefined) {
      this.#deepest = Math.max(this.#deepest, this.#depth + known.height);
      return known.compiled ?? back(known);
    }
    const slot: Slot<Compiled> = { compiled: undefined, height: 0 };
    slots.set(other, slot);
    const outside = this.#deepest;
    this.#deepest = this.#depth;
    slot.compiled = compile();
    slot.height = this.#deepest - this.#depth;
    this.#deepest = Math.max(outside, this.#deepest);
    return slot.compiled;
  }
}

/** Counts the levels that a record within itself adds; false when the value is too deep. Whoever gets true takes them off again. */
export function deeper(holder: Levels, slot: Slot<unknown>): boolean {
  holder.levels += slot.height + 1;
  return holder.levels <= schemaLimits.valueDepthMax;
}
