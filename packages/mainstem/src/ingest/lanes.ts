import {
  RecordBatchBuilder,
  type AppendedRange,
  type BufferPool,
  type Log,
  type RecordBatch,
  type RecordHeader,
  type RecordSlices,
  type TopicPartition,
} from "../log/index.ts";

/** A lane's builder starts with so many bytes and grows, with more for a large body, up to a limit: that a body is large is only what its sender says. */
const builderBytes = 16_384;
const builderBytesMax = 65_536;
const abandoned = { error: new Error("abandoned") };

export interface LanesOptions {
  readonly log: Log;
  /** Where batches lie until they are durable. */
  readonly pool: BufferPool;
  /** Where records go: a lane each. */
  readonly targets: readonly TopicPartition[];
  /** Of a batch's records section. */
  readonly batchBytesMax: number;
  /** About what each lane will get; 0 where nobody knows. */
  readonly laneBytes: number;
  /** Finished batches wait for `release` instead of being appended. */
  readonly hold: boolean;
  /** On the first record of each batch. */
  readonly batchHeaders?: readonly RecordHeader[];
  /** How many records of each lane are in the log already and are passed over. */
  readonly skip?: ReadonlyMap<number, number>;
  /** After each batch that became durable; its bytes are no longer its own. */
  readonly onAppended?: (lane: number, batch: RecordBatch, range: AppendedRange) => void;
  /** A batch that was not acknowledged. */
  readonly onFailed?: (lane: number, error: unknown) => void;
  /** After what is held in memory became less. */
  readonly onLess?: () => void;
}

interface Lane {
  readonly builder: RecordBatchBuilder;
  readonly waiting: RecordBatch[];
  skip: number;
  appending: boolean;
}

/**
 * One request's batches on their way to the log, a lane a partition.
 *
 * Order: of each lane, one batch is under way at a time, so that records keep their order; lanes go at once.
 * Failure: after the first failed append nothing more is handed to the log; `below` and `finish` throw that failure.
 */
export class Lanes {
  readonly #options: LanesOptions;
  readonly #lanes: (Lane | undefined)[];
  #held: boolean;
  #waitingBytes = 0;
  #underway = 0;
  #failure: { readonly error: unknown } | undefined;
  #wake: (() => void) | undefined;

  constructor(options: LanesOptions) {
    this.#options = options;
    this.#held = options.hold;
    this.#lanes = options.targets.map(() => undefined);
  }

  /** Bytes of records that no batch has been made of yet. */
  get openBytes(): number {
    return this.#lanes.reduce((sum, lane) => sum + (lane?.builder.bytes ?? 0), 0);
  }
  /** Bytes of batches that are not durable yet. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** Copies the record in. It must fit a batch: `recordBytes` says what it takes at most. */
  add(target: number, key: Uint8Array, value: Uint8Array, headers: readonly RecordHeader[]): void {
    const lane = (this.#lanes[target] ??= this.#openLane(target));
    if (lane.skip > 0) {
      lane.skip--;
      return;
    }
    const { batchBytesMax, batchHeaders } = this.#options;
    const { builder } = lane;
    if (builder.count > 0 && builder.bytes + recordBytes(key, value, headers) > batchBytesMax) this.#close(target, lane);
    builder.add({ key, value, headers: builder.count === 0 && batchHeaders !== undefined ? [...batchHeaders, ...headers] : headers });
  }

  /** As `add`, of a record without headers, which lies within a larger array. False where it fits no batch. */
  addSlices(target: number, slices: RecordSlices): boolean {
    const lane = this.#lanes[target];
    const bytes = recordBytesOf(slices);
    if (lane !== undefined && lane.skip === 0 && lane.builder.count > 0 && lane.builder.bytes + bytes <= this.#options.batchBytesMax) {
      lane.builder.addSlices(slices);
      return true;
    }
    if (bytes > this.#options.batchBytesMax) return false;
    const { bytes: source, start, end, keyStart, keyEnd } = slices;
    this.add(target, source.subarray(keyStart, keyEnd), source.subarray(start, end), []);
    return true;
  }

  /** Makes batches of what is open. */
  flush(): void {
    this.#lanes.forEach((lane, target) => {
      if (lane !== undefined && lane.builder.count > 0) this.#close(target, lane);
    });
  }

  /** Ends `hold`. */
  release(): void {
    this.#held = false;
    this.#lanes.forEach((lane, target) => lane !== undefined && this.#start(target, lane));
  }

  /** Waits until at most so many bytes of batches are not durable. */
  async below(bytes: number): Promise<void> {
    while (this.#failure === undefined && this.#waitingBytes > bytes && this.#underway > 0) await this.#change();
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** Resolves when everything is durable. */
  async finish(): Promise<void> {
    this.flush();
    await this.below(0);
  }

  /** Waits for what is under way, gives up the rest, and never throws. */
  async abandon(): Promise<void> {
    this.#failure ??= abandoned;
    while (this.#underway > 0) await this.#change();
  }

  #openLane(target: number): Lane {
    const { pool, skip, laneBytes } = this.#options;
    const capacity = Math.min(Math.max(builderBytes, laneBytes), builderBytesMax);
    return { builder: new RecordBatchBuilder({ capacity, pool }), waiting: [], skip: skip?.get(target) ?? 0, appending: false };
  }

  #close(target: number, lane: Lane): void {
    const batch = lane.builder.finish();
    this.#waitingBytes += batch.records.length;
    lane.waiting.push(batch);
    this.#start(target, lane);
  }

  #start(target: number, lane: Lane): void {
    if (this.#held || lane.appending || this.#failure !== undefined) return;
    const batch = lane.waiting.shift();
    if (batch === undefined) return;
    lane.appending = true;
    this.#underway++;
    // Joined by `below`, `finish` and `abandon`, which wait until nothing is under way.
    void this.#append(target, lane, batch);
  }

  async #append(target: number, lane: Lane, batch: RecordBatch): Promise<void> {
    const { log, targets, pool, onAppended, onFailed, onLess } = this.#options;
    const { length } = batch.records;
    try {
      const range = await log.append(targets[target]!, batch);
      pool.give(batch.records);
      onAppended?.(target, batch, range);
    } catch (error) {
      this.#failure ??= { error };
      onFailed?.(target, error);
    }
    lane.appending = false;
    this.#underway--;
    this.#waitingBytes -= length;
    this.#start(target, lane);
    onLess?.();
    this.#wake?.();
  }

  #change(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    return promise;
  }
}

/** As `recordBytes`, of a record without headers. */
export function recordBytesOf({ start, end, keyStart, keyEnd }: RecordSlices): number {
  return 40 + (keyEnd - keyStart) + (end - start);
}

/** At most what a record takes in a batch's records section: its fields, and their lengths as varints. */
export function recordBytes(key: Uint8Array, value: Uint8Array, headers: readonly RecordHeader[]): number {
  let bytes = 40 + key.length + value.length;
  for (const header of headers) bytes += 20 + header.key.length + (header.value?.length ?? 0);
  return bytes;
}
