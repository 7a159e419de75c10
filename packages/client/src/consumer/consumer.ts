import type { DatasetContract } from "@mainstem/contract";
import { BackOff, orAborted, pause, usualBackOff, type BackOffOptions } from "../back-off.ts";
import { ClientError, parseLimit, usage, type OnProblem } from "../client-error.ts";
import { isPassing, openConnection, retryAfterMs, type Connection } from "../connection.ts";
import { merged } from "./merged.ts";
import { readPartition } from "./partition-reader.ts";
import { readCommitted, readPlace, writeCommitted, type Place, type ResolvedPlace } from "./place.ts";
import type { ConsumedBatch, ConsumedRecord, Received, UnreadableRecord } from "./received.ts";

export interface ConsumerOptions {
  /** Such as `http://127.0.0.1:7070`. */
  readonly url: string;
  readonly token?: string | undefined;
  /** Where `commit` keeps how far the application is: letters, digits, dots, hyphens and underscores. */
  readonly group: string;
  /** Where a partition begins that the group has not committed: `start` by default. */
  readonly from?: Place;
  /** Only these partitions. The members of a group are not told of one another: two that read the same partition both get its records. */
  readonly partitions?: readonly number[];
  /** Wait for new records (the default), or end at the end of the log. */
  readonly follow?: boolean;
  /** Records of a batch: 500. Of each partition one batch waits in memory, beside what the connection holds. */
  readonly batchRecordsMax?: number;
  /** Told of a record that the server cannot read, which is then passed over. Without it the iteration throws `client.unreadable`. */
  readonly onUnreadable?: (record: UnreadableRecord) => void;
  readonly onProblem?: OnProblem;
  readonly requestMs?: number;
  /** A connection that is silent for so long is made anew: 30 s. */
  readonly silentMs?: number;
  readonly backOff?: BackOffOptions;
  readonly signal?: AbortSignal;
}

/**
 * Reads a dataset for a group.
 *
 * Order: that of the log within a partition; none across partitions.
 * Repeats: at least once. `commit` says how far the application is; after a restart the records behind that come again. Without a crash each comes once,
 * whatever happens to the server and the network meanwhile.
 * Memory: bounded; nothing is read that is not asked for.
 * Errors: what does not pass by itself ends the iteration: `log.offsetOutOfRange` (retention took what the group had not read: `seek` says where to go
 * on), `log.topicReplaced`, `registry.datasetUnknown`, `client.unreadable`.
 */
export interface Consumer<Value> extends AsyncIterable<ConsumedRecord<Value>>, AsyncDisposable {
  /** One iteration at a time, of batches or of records. A new one goes on behind the last record that the one before gave out. */
  batches(): AsyncGenerator<ConsumedBatch<Value>>;
  /** Durable when resolved. Everything that was given out up to now counts as done; with a record or batch, its partition up to there. */
  commit(upTo?: ConsumedRecord<Value> | ConsumedBatch<Value>): Promise<void>;
  /** From where the next iteration reads: a running one ends. Nothing is committed by it. */
  seek(place: Place, options?: { readonly partition?: number }): Promise<void>;
  /** The next offset of each partition. */
  position(): ReadonlyMap<number, number>;
  close(): Promise<void>;
}

/** Finds the group's place. Waits for a server that is away; an unknown dataset is `registry.datasetUnknown`. */
export async function createConsumer<Input extends object>(
  options: ConsumerOptions & { readonly dataset: DatasetContract<Input> },
): Promise<Consumer<Received<Input>>>;
export async function createConsumer<Value extends object = Record<string, unknown>>(
  options: ConsumerOptions & { readonly dataset: string },
): Promise<Consumer<Value>>;
export async function createConsumer(options: ConsumerOptions & { readonly dataset: DatasetContract<object> | string }): Promise<Consumer<unknown>> {
  if (!/^[A-Za-z0-9._-]{1,249}$/.test(options.group)) throw usage("A group's name is 1 to 249 letters, digits, dots, hyphens and underscores.");
  const consumer = new HttpConsumer<unknown>({
    ...options,
    dataset: typeof options.dataset === "string" ? options.dataset : options.dataset.name,
    connection: openConnection({ ...options, requestMs: parseLimit("requestMs", options.requestMs, { usual: 60_000, least: 1 }) }),
    batchRecordsMax: parseLimit("batchRecordsMax", options.batchRecordsMax, { usual: 500, least: 1 }),
    silentMs: parseLimit("silentMs", options.silentMs, { usual: 30_000, least: 1 }),
  });
  await consumer.begin();
  return consumer;
}

interface Settings extends ConsumerOptions {
  readonly dataset: string;
  readonly connection: Connection;
  readonly batchRecordsMax: number;
  readonly silentMs: number;
}

class HttpConsumer<Value> implements Consumer<Value> {
  readonly #settings: Settings;
  readonly #closing = new AbortController();
  readonly #signal: AbortSignal;
  #topicId = "";
  /** Behind the last record that was given out. */
  #next = new Map<number, number>();
  #reading: AbortController | undefined;

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#signal = settings.signal === undefined ? this.#closing.signal : AbortSignal.any([settings.signal, this.#closing.signal]);
  }

  async begin(): Promise<void> {
    const { group, from = "start", partitions } = this.#settings;
    const committed = await this.#persist((of) => readCommitted(group, of));
    const start = await this.#persist((of) => readPlace(from, of));
    this.#topicId = start.topicId;
    for (const partition of partitions ?? start.offsets.keys()) {
      const offset = (committed.topicId === start.topicId ? committed.offsets.get(partition) : undefined) ?? start.offsets.get(partition);
      if (offset === undefined) throw usage(`${this.#settings.dataset} has no partition ${partition}.`, { partition });
      this.#next.set(partition, offset);
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ConsumedRecord<Value>> {
    for await (const { records } of this.#read()) {
      for (const record of records) {
        if (this.#reading === undefined) return;
        this.#next.set(record.partition, record.offset + 1);
        yield record;
      }
    }
  }

  async *batches(): AsyncGenerator<ConsumedBatch<Value>> {
    for await (const batch of this.#read()) {
      this.#next.set(batch.partition, (batch.records.at(-1)?.offset ?? 0) + 1);
      yield batch;
    }
  }

  async commit(upTo?: ConsumedRecord<Value> | ConsumedBatch<Value>): Promise<void> {
    const last = upTo !== undefined && "records" in upTo ? upTo.records.at(-1) : upTo;
    const offsets = last === undefined ? new Map(this.#next) : new Map([[last.partition, last.offset + 1]]);
    await this.#persist((of) => writeCommitted(this.#settings.group, { topicId: this.#topicId, offsets }, of));
  }

  async seek(place: Place, { partition }: { readonly partition?: number } = {}): Promise<void> {
    const wanted = partition === undefined ? [...this.#next.keys()] : [partition];
    const found: ResolvedPlace =
      typeof place === "number"
        ? { topicId: this.#topicId, offsets: new Map(wanted.map((one) => [one, place])) }
        : await this.#persist((of) => readPlace(place, of));
    this.#topicId = found.topicId;
    this.#stop();
    for (const one of wanted) {
      const offset = found.offsets.get(one);
      if (offset === undefined || !this.#next.has(one)) throw usage(`This consumer does not read partition ${one}.`, { partition: one });
      this.#next.set(one, offset);
    }
  }

  position(): ReadonlyMap<number, number> {
    return new Map(this.#next);
  }

  async close(): Promise<void> {
    this.#stop();
    this.#closing.abort(new ClientError("client.closed", "The consumer was closed."));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async *#read(): AsyncGenerator<ConsumedBatch<Value>> {
    if (this.#signal.aborted) throw this.#signal.reason;
    if (this.#reading !== undefined) throw usage("An iteration of this consumer runs already: end it first.");
    const reading = new AbortController();
    this.#reading = reading;
    const {
      dataset,
      url,
      connection,
      follow = true,
      batchRecordsMax,
      silentMs,
      onUnreadable,
      backOff = usualBackOff,
      onProblem = () => undefined,
    } = this.#settings;
    const signal = AbortSignal.any([this.#signal, reading.signal]);
    const common = { connection, url, dataset, follow, batchRecordsMax, silentMs, onUnreadable, onProblem };
    const sources = [...this.#next].map(([partition, offset]) =>
      readPartition<Value>({ ...common, topicId: this.#topicId, partition, offset, backOff: new BackOff(backOff), signal }),
    );
    try {
      for await (const records of merged(sources)) {
        if (reading.signal.aborted) return;
        const [first] = records;
        if (first !== undefined) yield { dataset, partition: first.partition, records };
      }
    } catch (error) {
      // A seek, or the end that the caller wanted, is no failure.
      if (!signal.aborted) throw error;
      if (this.#settings.signal?.aborted === true) throw error;
    } finally {
      if (this.#reading === reading) this.#reading = undefined;
      reading.abort();
    }
  }

  #stop(): void {
    this.#reading?.abort();
    this.#reading = undefined;
  }

  /** Asks until the server answers. */
  async #persist<T>(ask: (of: { readonly connection: Connection; readonly dataset: string; readonly signal: AbortSignal }) => Promise<T>): Promise<T> {
    const { connection, dataset, onProblem } = this.#settings;
    const signal = this.#signal;
    for (const backOff = new BackOff(this.#settings.backOff ?? usualBackOff); ;) {
      try {
        return await orAborted(ask({ connection, dataset, signal }), { signal });
      } catch (error) {
        if (signal.aborted || !(error instanceof ClientError) || !isPassing(error)) throw error;
        const retryInMs = backOff.next({ atLeastMs: retryAfterMs(error) });
        onProblem?.(error, { retryInMs });
        await pause(retryInMs, { signal });
      }
    }
  }
}
