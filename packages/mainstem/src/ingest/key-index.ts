import { RecordCursor, type FetchedBatch, type Instant, type Log, type Offset, type TopicPartition } from "../log/index.ts";
import type { Dataset } from "../registry/index.ts";
import type { AgeClock } from "../runtime/age-clock.ts";
import type { Env } from "../runtime/env.ts";
import { MainstemError, isAbort, toErrorValue } from "../runtime/errors.ts";
import type { Logger } from "../runtime/logger.ts";
import { overloaded } from "./byte-budget.ts";
import { digestOf, parseIdempotencyMark, type Digest } from "./idempotency-header.ts";
import { KeyTable, type KeyRow } from "./key-table.ts";

/** The lane of the inbox in rows; partitions have their own number. */
export const inboxLane = 0xffff_ffff;
/** Tables cover this much time each, and go as a whole. */
const periodSeconds = 28_800;
/** Batches of one request lie closer together than this. */
const requestSecondsMax = 3_600;
const readBytesMax = 1_048_576;

/** What the log holds of a request with this key. */
export interface Prior {
  readonly body: Digest;
  readonly contractVersion: number;
  /** When it was judged, seconds since 1970; unknown of old marks. */
  readonly judged?: number;
  /** Records by lane. */
  readonly records: ReadonlyMap<number, number>;
}

/** The right to run a request with a key: no other with that key runs meanwhile. */
export interface KeyClaim extends Disposable {
  /** Waits until the keys of the dataset are read. */
  prior(options: { readonly signal?: AbortSignal | undefined }): Promise<Prior | undefined>;
  appended(row: KeyRow): void;
  /** The outcome of an append is unknown: the lane is read again from `from` before the key is used again. */
  unknown(lane: number, from: Offset): void;
}

export interface KeyIndexOptions {
  readonly log: Log;
  readonly env: Env;
  /** By which it is judged how long ago a key was used. */
  readonly ages: AgeClock;
  readonly logger: Logger;
  readonly rememberMs: number;
  readonly batchesMax: number;
  readonly waitMs: number;
}

/** The topic partition of a dataset's lane. */
export function laneTarget(dataset: Dataset, lane: number): TopicPartition {
  const topic = lane === inboxLane ? dataset.topics.inbox : dataset.topics.records;
  return { topic: topic.name, topicId: topic.id, partition: (lane === inboxLane ? 0 : lane) as TopicPartition["partition"] };
}

/**
 * Which requests with an idempotency key are in the log, remembered for a day. The truth is the log: after a start the index is read from its tail
 * (the first record of each batch carries the mark), and after an append of unknown outcome the lane in question is read again.
 */
export class KeyIndex implements AsyncDisposable {
  readonly #options: KeyIndexOptions;
  /** By topic id, then by period. */
  readonly #tables = new Map<string, Map<number, KeyTable>>();
  readonly #running = new Set<string>();
  readonly #unknown = new Map<string, Map<number, Offset>>();
  readonly #reading = new Map<string, Promise<void>>();
  readonly #closing = new AbortController();

  constructor(options: KeyIndexOptions) {
    this.#options = options;
  }

  get batches(): number {
    let batches = this.#unknown.size;
    for (const tables of this.#tables.values()) for (const table of tables.values()) batches += table.rows;
    return batches;
  }

  /** Begins to read the keys of the dataset, if that was not begun before. A failure is logged, and told to who needs the keys. */
  read(dataset: Dataset): Promise<void> {
    const { id } = dataset.topics.records;
    let reading = this.#reading.get(id);
    if (reading === undefined) {
      reading = this.#readDataset(dataset).catch((error: unknown) => {
        // What was read is read again next time: kept, it would count twice.
        this.#reading.delete(id);
        this.#tables.delete(id);
        if (!isAbort(error)) this.#options.logger.error("idempotency keys could not be read", { dataset: dataset.contract.name, ...toErrorValue(error) });
        throw error;
      });
      reading.catch(() => undefined);
      this.#reading.set(id, reading);
    }
    return reading;
  }

  /** `ingest.keyBusy` while another request with the key runs; `ingest.overloaded` when no more keys can be remembered. */
  claim(dataset: Dataset, key: string): KeyClaim {
    const topicId = dataset.topics.records.id;
    const name = JSON.stringify([topicId, key]);
    const digest = digestOf(key);
    if (this.#running.has(name)) throw new MainstemError("ingest.keyBusy", "The first request with this Idempotency-Key is still running.", { key });
    this.#running.add(name);
    return {
      prior: async ({ signal }) => {
        await this.#ready(dataset, signal);
        await this.#resolveUnknown(dataset, name, key);
        const prior = this.#find(topicId, digest);
        if (prior === undefined && this.batches >= this.#options.batchesMax)
          throw overloaded("So many idempotency keys were used in the last day that no further one can be remembered.", { batches: this.batches });
        return prior;
      },
      appended: (row) => this.#add(topicId, digest, row),
      unknown: (lane, from) => {
        const lanes = this.#unknown.get(name) ?? new Map<number, Offset>();
        this.#unknown.set(name, lanes.set(lane, from));
      },
      [Symbol.dispose]: () => this.#running.delete(name),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled(this.#reading.values());
  }

  async #ready(dataset: Dataset, signal: AbortSignal | undefined): Promise<void> {
    const { env, waitMs } = this.#options;
    const done = new AbortController();
    const late = env.sleep(waitMs, { signal: AbortSignal.any([done.signal, this.#closing.signal, ...(signal === undefined ? [] : [signal])]) }).then(() => {
      throw overloaded("The idempotency keys of this dataset are still being read from the log.", { dataset: dataset.contract.name });
    });
    late.catch(() => undefined);
    try {
      await Promise.race([this.read(dataset), late]);
    } finally {
      done.abort();
    }
  }

  async #readDataset(dataset: Dataset): Promise<void> {
    const { log, ages, rememberMs } = this.#options;
    const signal = this.#closing.signal;
    const since = (ages.now() - rememberMs) as Instant;
    const lanes = [...Array.from({ length: dataset.topics.records.partitions }, (_, lane) => lane), inboxLane];
    for (const lane of lanes) {
      const target = laneTarget(dataset, lane);
      const [from, { first }] = await Promise.all([log.offsetAt(target, since, { signal }), log.bounds(target, { signal })]);
      for await (const { key, row } of this.#marks(dataset, lane, Math.max(from, first) as Offset)) this.#add(dataset.topics.records.id, digestOf(key), row);
    }
  }

  /** The marks of one lane from an offset on. */
  async *#marks(dataset: Dataset, lane: number, from: Offset): AsyncGenerator<{ readonly key: string; readonly row: KeyRow }> {
    const position = { ...laneTarget(dataset, lane), offset: from };
    const signal = this.#closing.signal;
    for await (const batch of this.#options.log.read(position, { until: "end", batchBytesMax: readBytesMax, signal })) {
      const mark = batch.baseOffset < from ? undefined : markOf(batch);
      if (mark === undefined) continue;
      const { key, sha256, mode, contractVersion, judged } = mark;
      const told = { contractVersion, ...(judged === undefined ? {} : { judged }) };
      yield { key, row: { body: digestOf(sha256, mode), ...told, lane, records: batch.count, second: Math.floor(batch.timestamp / 1_000) } };
    }
  }

  async #resolveUnknown(dataset: Dataset, name: string, key: string): Promise<void> {
    const lanes = this.#unknown.get(name);
    if (lanes === undefined) return;
    for (const [lane, from] of lanes) {
      const found: KeyRow[] = [];
      for await (const mark of this.#marks(dataset, lane, from)) if (mark.key === key) found.push(mark.row);
      for (const row of found) this.#add(dataset.topics.records.id, digestOf(key), row);
      lanes.delete(lane);
    }
    this.#unknown.delete(name);
  }

  #add(topicId: string, key: Digest, row: KeyRow): void {
    let tables = this.#tables.get(topicId);
    if (tables === undefined) this.#tables.set(topicId, (tables = new Map()));
    const period = Math.floor(row.second / periodSeconds);
    let table = tables.get(period);
    if (table === undefined) {
      const oldest = (this.#options.ages.now() - this.#options.rememberMs) / 1_000 - requestSecondsMax;
      for (const other of tables.keys()) if ((other + 1) * periodSeconds < oldest) tables.delete(other);
      tables.set(period, (table = new KeyTable()));
    }
    table.add(key, row);
  }

  #find(topicId: string, key: Digest): Prior | undefined {
    const rows = [...(this.#tables.get(topicId)?.values() ?? [])].flatMap((table) => table.find(key));
    const last = rows.reduce<KeyRow | undefined>((newest, row) => (newest === undefined || row.second > newest.second ? row : newest), undefined);
    if (last === undefined || last.second * 1_000 < this.#options.ages.now() - this.#options.rememberMs) return undefined;
    const records = new Map<number, number>();
    for (const row of rows) if (row.second > last.second - requestSecondsMax) records.set(row.lane, (records.get(row.lane) ?? 0) + row.records);
    const { body, contractVersion, judged } = last;
    return { body, contractVersion, ...(judged === undefined ? {} : { judged }), records };
  }
}

function markOf(batch: FetchedBatch): ReturnType<typeof parseIdempotencyMark> {
  const cursor = new RecordCursor(batch);
  return cursor.next() && cursor.headerCount > 0 ? parseIdempotencyMark(cursor.headers()) : undefined;
}
