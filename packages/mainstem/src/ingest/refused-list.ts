import type { FieldError } from "@mainstem/contract";

export const recordCodes = ["record.invalid", "record.notJson", "record.notUtf8", "record.tooDeep", "record.tooLarge"] as const;
/** Why a record was refused; each is in `codes` with its remedy. */
export type RecordCode = (typeof recordCodes)[number];

export interface RefusedRecord {
  /** Counts the request's records from 0. */
  readonly index: number;
  readonly code: RecordCode;
  readonly errors: readonly FieldError[];
}

/** The refused records of one request, as many as an answer may name. */
export class RefusedList {
  readonly #countMax: number;
  readonly #bytesMax: number;
  readonly #named: RefusedRecord[] = [];
  #bytes = 0;
  #more = 0;

  constructor({ countMax, bytesMax }: { readonly countMax: number; readonly bytesMax: number }) {
    this.#countMax = countMax;
    this.#bytesMax = bytesMax;
  }

  get named(): readonly RefusedRecord[] {
    return this.#named;
  }
  /** Refused records that are not named. */
  get more(): number {
    return this.#more;
  }
  get count(): number {
    return this.#named.length + this.#more;
  }
  /** About what the named ones take in memory. */
  get bytes(): number {
    return this.#bytes;
  }

  add(record: RefusedRecord): void {
    if (this.#more > 0) {
      this.#more++;
      return;
    }
    const bytes = record.errors.reduce((sum, { path, expected, received }) => sum + path.length + expected.length + received.length + 64, 64);
    if (this.#named.length >= this.#countMax || this.#bytes + bytes > this.#bytesMax) this.#more++;
    else {
      this.#named.push(record);
      this.#bytes += bytes;
    }
  }
}
