/** What `UnderWay.add` gives, to take the thing out again. */
export interface Entry<T> {
  readonly value: T;
  /** In the list; -1 once it was taken out. */
  place: number;
}

/**
 * Things that come and go all the time, as requests do; in no order. Not a `Set`: the tables that one outgrows on the way still point to what was in them, and
 * each to the next, so that V8 takes all that ever came for alive until it collects the whole heap.
 */
export class UnderWay<T> implements Iterable<T> {
  readonly #entries: Entry<T>[] = [];

  add(value: T): Entry<T> {
    const entry = { value, place: this.#entries.length };
    this.#entries.push(entry);
    return entry;
  }

  /** Nothing happens the second time. */
  delete(entry: Entry<T>): void {
    if (entry.place < 0) return;
    const last = this.#entries.pop();
    if (last !== undefined && last !== entry) {
      this.#entries[entry.place] = last;
      last.place = entry.place;
    }
    entry.place = -1;
  }

  /** What is in it now; it may change meanwhile. */
  [Symbol.iterator](): Iterator<T> {
    return this.#entries.map(({ value }) => value).values();
  }
}
