import type { Digest } from "./idempotency-header.ts";

/** Words of a row: the key's digest (3), the body's digest (3), contract version, lane, records, second, when it was judged. */
const stride = 11;
const capacityFirst = 64;

/** How many records of a key's request are in one lane. */
export interface KeyRow {
  readonly body: Digest;
  readonly contractVersion: number;
  /** A partition, or `inboxLane`. */
  readonly lane: number;
  readonly records: number;
  /** Of the last append, seconds since 1970. */
  readonly second: number;
  /** When the request was judged, seconds since 1970. */
  readonly judged?: number;
}

/**
 * Rows by key digest in one typed array (open addressing, linear probing), some 60 bytes a row: a day of keys is millions of rows,
 * which as objects would take several times as much and slow every garbage collection. Rows are never deleted; whole tables are.
 */
export class KeyTable {
  #words = new Uint32Array(capacityFirst * stride);
  #rows = 0;

  get rows(): number {
    return this.#rows;
  }

  /** Adds the records to the row of this key and lane. */
  add(key: Digest, row: KeyRow): void {
    if ((this.#rows + 1) * stride > this.#words.length * 0.6) this.#grow();
    const words = this.#words;
    const at = this.#probe(words, key, row.lane);
    if (words[at + 8] === 0) {
      words.set([...key, ...row.body, row.contractVersion, row.lane, row.records, row.second, row.judged ?? 0], at);
      this.#rows++;
      return;
    }
    words[at + 8]! += row.records;
    words[at + 9] = Math.max(words[at + 9]!, row.second);
  }

  /** Every row of the key. */
  find(key: Digest): readonly KeyRow[] {
    const words = this.#words;
    const found: KeyRow[] = [];
    for (let at = this.#home(words, key); words[at + 8] !== 0; at = (at + stride) % words.length) {
      if (!sameKey(words, at, key)) continue;
      const body: Digest = [words[at + 3]!, words[at + 4]!, words[at + 5]!];
      const judged = words[at + 10] === 0 ? {} : { judged: words[at + 10]! };
      found.push({ body, contractVersion: words[at + 6]!, lane: words[at + 7]!, records: words[at + 8]!, second: words[at + 9]!, ...judged });
    }
    return found;
  }

  /** The row of the key and lane, or the empty place where it belongs. A row is empty while its number of records is 0. */
  #probe(words: Uint32Array, key: Digest, lane: number): number {
    let at = this.#home(words, key);
    while (words[at + 8] !== 0 && !(sameKey(words, at, key) && words[at + 7] === lane)) at = (at + stride) % words.length;
    return at;
  }

  #home(words: Uint32Array, key: Digest): number {
    return (key[0] % (words.length / stride)) * stride;
  }

  #grow(): void {
    const before = this.#words;
    const words = (this.#words = new Uint32Array(before.length * 2));
    for (let at = 0; at < before.length; at += stride) {
      if (before[at + 8] === 0) continue;
      const to = this.#probe(words, [before[at]!, before[at + 1]!, before[at + 2]!], before[at + 7]!);
      words.set(before.subarray(at, at + stride), to);
    }
  }
}

function sameKey(words: Uint32Array, at: number, key: Digest): boolean {
  return words[at] === key[0] && words[at + 1] === key[1] && words[at + 2] === key[2];
}
