import { usage } from "../client-error.ts";
import type { ResolvedPlace } from "./place.ts";

export interface StageOptions {
  readonly dataset: string;
  /** Where its partitions begin that the group has not committed. */
  readonly start: ResolvedPlace;
  readonly committed: ResolvedPlace;
  /** Only these; all by default. */
  readonly partitions: readonly number[] | undefined;
}

/** One of a consumer's datasets: how far the consumer is in it, where it ends once it is closed, and what of that the group has committed. */
export class Stage {
  readonly dataset: string;
  #topicId: string;
  /** Behind the last record that was given out. */
  readonly #next = new Map<number, number>();
  /** What the group committed. */
  readonly #settled: Map<number, number>;
  readonly #start: ReadonlyMap<number, number>;
  readonly #ends = new Map<number, number>();
  /** Behind the last records, once all of them were given out. */
  #given: ReadonlyMap<number, number> | undefined;

  constructor({ dataset, start, committed, partitions = [...start.offsets.keys()] }: StageOptions) {
    this.dataset = dataset;
    this.#topicId = start.topicId;
    this.#settled = new Map(committed.topicId === start.topicId ? committed.offsets : []);
    for (const partition of partitions) {
      const offset = this.#settled.get(partition) ?? start.offsets.get(partition);
      if (offset === undefined) throw usage(`${dataset} has no partition ${partition}.`, { partition });
      this.#next.set(partition, offset);
    }
    this.#start = new Map(this.#next);
  }

  get topicId(): string {
    return this.#topicId;
  }

  /** The next offset of each partition. */
  get next(): ReadonlyMap<number, number> {
    return this.#next;
  }

  /** Nothing is left of it, and nothing will come. */
  get isOver(): boolean {
    return this.#ends.size === this.#next.size;
  }

  /** Nothing of it was given out. */
  get isUntouched(): boolean {
    return this.#given !== undefined && [...this.#given].every(([partition, next]) => this.#start.get(partition) === next);
  }

  /** The group has committed all of it. */
  get isSettled(): boolean {
    return this.isOver && [...this.#ends].every(([partition, end]) => this.#settled.get(partition) === end);
  }

  give(partition: number, next: number): void {
    this.#next.set(partition, next);
  }

  /** Every record of a partition was given out, of a dataset that is closed. */
  end(partition: number, end: number): void {
    this.#ends.set(partition, end);
  }

  /** It was opened again. */
  reopen(): void {
    this.#ends.clear();
  }

  seek({ topicId, offsets }: ResolvedPlace, partitions: readonly number[]): void {
    for (const partition of partitions)
      if (!offsets.has(partition) || !this.#next.has(partition)) throw usage(`This consumer does not read partition ${partition}.`, { partition });
    this.#topicId = topicId;
    for (const partition of partitions) this.#next.set(partition, offsets.get(partition)!);
    this.#given = undefined;
    this.#ends.clear();
  }

  /** Goes on to its end, behind what no record stands for. What of that may be committed at once: of a group that commits, where nothing is left to say. */
  leave(): ResolvedPlace | undefined {
    const given = (this.#given ??= new Map(this.#next));
    for (const [partition, end] of this.#ends) this.#next.set(partition, end);
    const settled = [...this.#ends].filter(([partition]) => (this.#settled.get(partition) ?? this.#start.get(partition)) === given.get(partition));
    return this.#settled.size > 0 && settled.length > 0 ? { topicId: this.#topicId, offsets: new Map(settled) } : undefined;
  }

  /** What a commit says: all that was given out, or one partition up to a record. */
  placeOf(last: { readonly partition: number; readonly offset: number } | undefined): ResolvedPlace {
    if (last === undefined) return { topicId: this.#topicId, offsets: new Map(this.#next) };
    const next = last.offset + 1;
    const offset = this.#given?.get(last.partition) === next ? (this.#ends.get(last.partition) ?? next) : next;
    return { topicId: this.#topicId, offsets: new Map([[last.partition, offset]]) };
  }

  settle({ topicId, offsets }: ResolvedPlace): void {
    if (topicId !== this.#topicId) return;
    for (const [partition, offset] of offsets) this.#settled.set(partition, offset);
  }
}
