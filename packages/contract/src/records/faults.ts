/**
 * A field of a record that is not as its contract says. `path` is like `items[3].price`; the record itself is `""`.
 * Keys of maps that are marked pii are not told: `phones{}`.
 */
export interface FieldError {
  readonly path: string;
  readonly expected: string;
  /** A short description: `string "abc"`, `string "2026-02-30" (no such day)`, `number 7`, `null`, `missing`. Of fields marked pii only the kind. */
  readonly received: string;
}

/** How many faults of one record are named; the rest is not looked at further. */
export const faultsPerRecordMax = 32;
const receivedLengthMax = 60;
const plainName = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * Collects the faults of one record. A fault is reported where it is found, without a path; on the way out every level puts its own step in front
 * (`prefix`), so that a record without faults pays nothing for paths.
 */
export class Faults {
  readonly #list: { path: string; expected: string; received: string }[] = [];

  get count(): number {
    return this.#list.length;
  }

  /** Reports a fault, with what is wrong with the value where that is known; gives false, so that a check can end with it. */
  fail(expected: string, value: unknown, wrong?: string): false {
    return this.#list.length < faultsPerRecordMax && this.failAs(expected, wrong === undefined ? describe(value) : `${describe(value)} (${wrong})`);
  }

  failAs(expected: string, received: string, path = ""): false {
    if (this.#list.length < faultsPerRecordMax) this.#list.push({ path, expected, received });
    return false;
  }

  /** Puts a step in front of the paths of all faults since there were `mark`; undefined is a key that is not told. */
  prefix(mark: number, step: string | number | undefined): void {
    for (let index = mark; index < this.#list.length; index++) {
      const fault = this.#list[index] as { path: string };
      fault.path = joinPath(step, fault.path);
    }
  }

  /** Takes values out of the faults since there were `mark`. */
  hide(mark: number): void {
    for (let index = mark; index < this.#list.length; index++) {
      const fault = this.#list[index] as { received: string };
      fault.received = fault.received.split(" ", 1)[0] as string;
    }
  }

  /** The faults; the collection is empty afterwards. */
  take(): readonly FieldError[] {
    return this.#list.splice(0);
  }
}

function joinPath(step: string | number | undefined, rest: string): string {
  const separator = rest === "" || rest.startsWith("[") || rest.startsWith("{") ? "" : ".";
  return stepText(step) + separator + rest;
}

function stepText(step: string | number | undefined): string {
  if (step === undefined) return "{}";
  if (typeof step === "number") return `[${step}]`;
  return step.length <= receivedLengthMax && plainName.test(step) ? step : `[${JSON.stringify(cut(step))}]`;
}

/** A value in a few words. */
export function describe(value: unknown): string {
  if (value === null) return "null";
  if (value === undefined) return "missing";
  if (Array.isArray(value)) return "array";
  if (typeof value === "string") return `string ${JSON.stringify(cut(value))}`;
  if (typeof value === "number" || typeof value === "boolean" || typeof value === "bigint") return `${typeof value} ${cut(String(value))}`;
  return typeof value;
}

/** At most 60 characters, never half of a surrogate pair. */
export function cut(text: string): string {
  return text.length <= receivedLengthMax ? text : `${text.slice(0, receivedLengthMax - 1).replace(/[\ud800-\udbff]$/, "")}…`;
}
