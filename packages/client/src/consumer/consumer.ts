import type { DatasetContract } from "@mainstem/contract";
import { BackOff, orAborted, pause, usualBackOff, type BackOffOptions } from "../back-off.ts";
import { ClientError, parseLimit, usage, type OnProblem } from "../client-error.ts";
import { isPassing, openConnection, retryAfterMs, type Connection } from "../connection.ts";
import { merged } from "./merged.ts";
import { readPartition } from "./partition-reader.ts";
import { readCommitted, readPlace, readPredecessor, writeCommitted, type Of, type Place, type ResolvedPlace } from "./place.ts";
import type { ConsumedBatch, ConsumedRecord, Received, UnreadableRecord } from "./received.ts";
import { Stage } from "./stage.ts";

export interface ConsumerOptions {
  /** Such as `http://127.0.0.1:7070`. */
  readonly url: string;
  readonly token?: string | undefined;
  /** Where `commit` keeps how far the application is: letters, digits, dots, hyphens and underscores. */
  readonly group: string;
  /** Where a partition begins that the group has not committed: `start` by default. An offset is one of the dataset that the group begins with. */
  readonly from?: Place;
  /**
   * Only these partitions, of each dataset. The members of a group are not told of one another: two that read the same partition both get its records.
   * They go on to the next dataset together, when the group has committed all of the one before: so each of them has to commit what it reads.
   */
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
 * Reads a dataset for a group; or several, each the successor of the one before: the next begins when the one before is closed and read to its end.
 *
 * Order: that of the log within a partition; none across partitions. No record of a dataset comes before the last one of its predecessor.
 * Repeats: at least once. `commit` says how far the application is; after a restart the records behind that come again. Without a crash each comes once,
 * whatever happens to the server and the network meanwhile. A commit in a dataset says that all of its predecessor is done.
 * Memory: bounded; nothing is read that is not asked for.
 * Errors: what does not pass by itself ends the iteration: `client.datasetClosed` (read to its end, and a dataset continues it that was not given), `log.offsetOutOfRange` (retention took what the group had not read: `seek` says where to go
 * on), `log.topicReplaced`, `registry.datasetUnknown`, `client.unreadable`.
 */
export interface Consumer<Value> extends AsyncIterable<ConsumedRecord<Value>>, AsyncDisposable {
  /** One iteration at a time, of batches or of records. A new one goes on behind the last record that the one before gave out. */
  batches(): AsyncGenerator<ConsumedBatch<Value>>;
  /** Durable when resolved. Everything that was given out up to now counts as done; with a record or batch, its partition up to there. */
  commit(upTo?: ConsumedRecord<Value> | ConsumedBatch<Value>): Promise<void>;
  /** From where the next iteration reads, in the dataset that is read now: a running one ends. Nothing is committed by it. */
  seek(place: Place, options?: { readonly partition?: number }): Promise<void>;
  /** The next offset of each partition, in the dataset that is read now. */
  position(): ReadonlyMap<number, number>;
  close(): Promise<void>;
}

/** What a dataset's records are when they are read, by its contract; by its name alone, anything. */
export type ReceivedOf<Dataset> = Dataset extends DatasetContract<infer Input> ? Received<Input> : Record<string, unknown>;
type Given = DatasetContract<object> | string;

/**
 * Finds the group's place. Waits for a server that is away; an unknown dataset is `registry.datasetUnknown`.
 * Of several datasets each is the successor of the one before (else `client.usage`); `dataset` of a record says which one it is of.
 */
export async function createConsumer<Input extends object>(
  options: ConsumerOptions & { readonly dataset: DatasetContract<Input> },
): Promise<Consumer<Received<Input>>>;
export async function createConsumer<Value extends object = Record<string, unknown>>(
  options: ConsumerOptions & { readonly dataset: string },
): Promise<Consumer<Value>>;
export async function createConsumer<const Datasets extends readonly Given[]>(
  options: ConsumerOptions & { readonly dataset: Datasets },
): Promise<Consumer<ReceivedOf<Datasets[number]>>>;
export async function createConsumer(options: ConsumerOptions & { readonly dataset: Given | readonly Given[] }): Promise<Consumer<unknown>> {
  if (!/^[A-Za-z0-9._-]{1,249}$/.test(options.group)) throw usage("A group's name is 1 to 249 letters, digits, dots, hyphens and underscores.");
  const consumer = new HttpConsumer<unknown>({
    ...options,
    datasets: [options.dataset].flat().map((one) => (typeof one === "string" ? one : one.name)),
    connection: openConnection({ ...options, requestMs: parseLimit("requestMs", options.requestMs, { usual: 60_000, least: 1 }) }),
    batchRecordsMax: parseLimit("batchRecordsMax", options.batchRecordsMax, { usual: 500, least: 1 }),
    silentMs: parseLimit("silentMs", options.silentMs, { usual: 30_000, least: 1 }),
  });
  await consumer.begin();
  return consumer;
}

interface Settings extends ConsumerOptions {
  readonly datasets: readonly string[];
  readonly connection: Connection;
  readonly batchRecordsMax: number;
  readonly silentMs: number;
}

class HttpConsumer<Value> implements Consumer<Value> {
  readonly #settings: Settings;
  readonly #closing = new AbortController();
  readonly #signal: AbortSignal;
  /** Of the datasets, those that the consumer has been in: the last is the present one. */
  readonly #stages: Stage[] = [];
  #isNew = true;
  #committing: Promise<unknown> = Promise.resolve();
  #reading: AbortController | undefined;

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#signal = settings.signal === undefined ? this.#closing.signal : AbortSignal.any([settings.signal, this.#closing.signal]);
  }

  async begin(): Promise<void> {
    const { datasets, group } = this.#settings;
    if (datasets.length === 0) throw usage("Name at least one dataset.");
    let first: string | undefined;
    for (const [index, dataset] of datasets.entries()) {
      const before = datasets[index - 1];
      if (before !== undefined && (await this.#persist(dataset, readPredecessor)) !== before)
        throw usage(`${dataset} is not the successor of ${before}.`, { dataset });
      const { offsets } = await this.#persist(dataset, (of) => readCommitted(group, of));
      // A commit in a later one says that those before are done, unless the group has more to read in one that it did commit.
      if (offsets.size > 0) first ??= dataset;
    }
    this.#isNew = first === undefined;
    await this.#enter(first ?? datasets[0]!);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ConsumedRecord<Value>> {
    for await (const { records } of this.#read()) {
      for (const record of records) {
        if (this.#reading === undefined) return;
        this.#stage.give(record.partition, record.offset + 1);
        yield record;
      }
    }
  }

  async *batches(): AsyncGenerator<ConsumedBatch<Value>> {
    for await (const batch of this.#read()) {
      this.#stage.give(batch.partition, (batch.records.at(-1)?.offset ?? 0) + 1);
      yield batch;
    }
  }

  commit(upTo?: ConsumedRecord<Value> | ConsumedBatch<Value>): Promise<void> {
    // One after the other: two that overtake one another would leave the earlier place.
    const committing = this.#committing.then(() => this.#commit(upTo));
    this.#committing = committing.catch(() => undefined);
    return committing;
  }

  async seek(place: Place, { partition }: { readonly partition?: number } = {}): Promise<void> {
    const stage = this.#stage;
    const wanted = partition === undefined ? [...stage.next.keys()] : [partition];
    const found: ResolvedPlace =
      typeof place === "number"
        ? { topicId: stage.topicId, offsets: new Map(wanted.map((one) => [one, place])) }
        : await this.#persist(stage.dataset, (of) => readPlace(place, of));
    this.#stop();
    stage.seek(found, wanted);
  }

  position(): ReadonlyMap<number, number> {
    return new Map(this.#stage.next);
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
    const signal = AbortSignal.any([this.#signal, reading.signal]);
    try {
      do {
        for await (const batch of this.#readStage(signal)) {
          if (reading.signal.aborted) return;
          yield batch;
        }
      } while (!reading.signal.aborted && this.#stage.isOver && (await this.#move(signal)));
    } catch (error) {
      // A seek, or the end that the caller wanted, is no failure.
      if (!signal.aborted) throw error;
      if (this.#settings.signal?.aborted === true) throw error;
    } finally {
      if (this.#reading === reading) this.#reading = undefined;
      reading.abort();
    }
  }

  async *#readStage(signal: AbortSignal): AsyncGenerator<ConsumedBatch<Value>> {
    const { url, connection, follow = true, batchRecordsMax, silentMs, onUnreadable, backOff = usualBackOff, onProblem = () => undefined } = this.#settings;
    const stage = this.#stage;
    const { dataset, topicId } = stage;
    const common = { connection, url, dataset, topicId, follow, batchRecordsMax, silentMs, onUnreadable, onProblem, signal };
    const sources = [...stage.next].map(([partition, offset]) =>
      readPartition<Value>({ ...common, partition, offset, backOff: new BackOff(backOff), onEnd: (end) => stage.end(partition, end) }),
    );
    for await (const records of merged(sources)) {
      const [first] = records;
      if (first !== undefined) yield { dataset, partition: first.partition, records };
    }
  }

  /** From the end of a dataset to the next one. False: there is none, and nobody waits for more. */
  async #move(signal: AbortSignal): Promise<boolean> {
    const { datasets, group, follow = true } = this.#settings;
    const stage = this.#stage;
    const { dataset } = stage;
    const settled = stage.leave();
    if (settled !== undefined) await this.#settle(stage, settled);
    const next = datasets[datasets.indexOf(dataset) + 1];
    if (next === undefined && !follow) return false;
    for (const backOff = this.#backOff(); ;) {
      const { closed } = await this.#persist(dataset, (of) => readPlace("end", of));
      if (closed === undefined) {
        stage.reopen();
        return true;
      }
      if (next === undefined) {
        const message = `${dataset} is closed, and all of it was read: ${closed.successor} continues it.`;
        throw new ClientError("client.datasetClosed", message, { dataset, successor: closed.successor });
      }
      const { offsets } = await this.#persist(dataset, (of) => readCommitted(group, of));
      // Those that this consumer read itself are known to be at their end.
      const behind = [...closed.ends].filter(([partition, end]) => !stage.next.has(partition) && (offsets.get(partition) ?? 0) < end);
      if (behind.length === 0) break;
      const retryInMs = backOff.next();
      const partitions = behind.map(([partition]) => partition);
      const message = `Group ${group} has not committed all of ${dataset} yet, in partition ${partitions.join(", ")}: ${next} begins when it has.`;
      this.#settings.onProblem?.(new ClientError("client.groupBehind", message, { dataset, partitions }), { retryInMs });
      await pause(retryInMs, { signal });
    }
    await this.#enter(next);
    return true;
  }

  async #enter(dataset: string): Promise<void> {
    const { group, from = "start", partitions } = this.#settings;
    const committed = await this.#persist(dataset, (of) => readCommitted(group, of));
    // A new group that begins at the end begins at the end of all.
    const asked =
      this.#stages.length === 0 || typeof from === "object" || (from === "end" && this.#isNew && this.#stages.every(({ isUntouched }) => isUntouched));
    const start = await this.#persist(dataset, (of) => readPlace(asked ? from : "start", of));
    this.#stages.push(new Stage({ dataset, start, committed, partitions }));
  }

  async #commit(upTo: ConsumedRecord<Value> | ConsumedBatch<Value> | undefined): Promise<void> {
    const last = upTo !== undefined && "records" in upTo ? upTo.records.at(-1) : upTo;
    const of = upTo === undefined ? this.#stage : this.#stages.find(({ dataset }) => dataset === upTo.dataset);
    if (of === undefined) throw usage(`This consumer has not read ${upTo?.dataset ?? ""}.`);
    for (const stage of this.#stages) {
      if (stage === of) break;
      if (!stage.isSettled) await this.#settle(stage, stage.placeOf(undefined));
    }
    // What comes late of a dataset that is done must not take it back.
    if (of === this.#stage || !of.isSettled) await this.#settle(of, of.placeOf(last));
  }

  async #settle(stage: Stage, place: ResolvedPlace): Promise<void> {
    await this.#persist(stage.dataset, (of) => writeCommitted(this.#settings.group, place, of));
    stage.settle(place);
  }

  get #stage(): Stage {
    return this.#stages.at(-1)!;
  }

  #stop(): void {
    this.#reading?.abort();
    this.#reading = undefined;
  }

  #backOff(): BackOff {
    return new BackOff(this.#settings.backOff ?? usualBackOff);
  }

  /** Asks until the server answers. */
  async #persist<T>(dataset: string, ask: (of: Of) => Promise<T>): Promise<T> {
    const { connection, onProblem } = this.#settings;
    const signal = this.#signal;
    for (const backOff = this.#backOff(); ;) {
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
