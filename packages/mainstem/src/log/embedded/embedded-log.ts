import { join, resolve } from "node:path";
import { MainstemError, messageOf } from "../../runtime/errors.ts";
import { batchHeaderBytes } from "../batch-header.ts";
import type {
  AppendedRange,
  Bounds,
  GroupInfo,
  GroupName,
  Instant,
  Log,
  LogPosition,
  Offset,
  Partition as PartitionNumber,
  ReadOptions,
  SettledBounds,
  TopicId,
  TopicInfo,
  TopicName,
  TopicPartition,
  TopicSpec,
  Waits,
} from "../log.ts";
import type { FetchedBatch, RecordBatch } from "../record-batch.ts";
import { checkBatch, checkGroupName, checkTopicSpec } from "../topic-spec.ts";
import { AppendBudget } from "./append-budget.ts";
import { GroupStore } from "./group-store.ts";
import { LogClock, logClockName } from "./log-clock.ts";
import { toSettings } from "./options.ts";
import type { EmbeddedLogOptions, EmbeddedLogSettings } from "./options.ts";
import { Partition } from "./partition.ts";
import { findTime, readPartition } from "./partition-reader.ts";
import { retain } from "./retention.ts";
import { TopicStore } from "./topic-store.ts";

/**
 * Opens the log that lives in a directory of this machine: segment files in Kafka's own format, one process at a time.
 * Checks what lies beyond each recovery point and cuts torn tails; throws `log.corrupt` where what was durable is damaged, `log.locked` when another process
 * has it open, `log.newer`, `config.invalid`.
 */
export async function openEmbeddedLog(options: EmbeddedLogOptions): Promise<Log> {
  const settings = toSettings({ ...options, directory: resolve(options.directory) });
  const { directory, fileSystem: files } = settings;
  let lock: AsyncDisposable | undefined;
  let clock: LogClock | undefined;
  try {
    await files.makeDirectory(directory);
    lock = await files.lock(directory);
    clock = await LogClock.open({ ...settings, files, path: join(directory, logClockName) });
    const log = new EmbeddedLog(settings, { lock, clock });
    await log.load();
    return log;
  } catch (error) {
    await clock?.close();
    await lock?.[Symbol.asyncDispose]();
    if (error instanceof MainstemError) throw error;
    throw new MainstemError(
      "log.writeFailed",
      `The disk refused what opening the log in ${directory} needs: ${messageOf(error)}.`,
      { directory },
      { cause: error },
    );
  }
}

interface Topic {
  info: TopicInfo;
  readonly partitions: readonly Partition[];
}

class EmbeddedLog implements Log {
  readonly #settings: EmbeddedLogSettings;
  readonly #lock: AsyncDisposable;
  readonly #store: TopicStore;
  readonly #groups: GroupStore;
  readonly #budget: AppendBudget;
  readonly #clock: LogClock;
  readonly #usage = { bytes: 0 };
  readonly #topics = new Map<TopicName, Topic>();
  readonly #closing = new AbortController();
  /** Topics are made, changed and removed one after the other. */
  #topicWork: Promise<unknown> = Promise.resolve();
  #retaining: Promise<void> | undefined;
  #retainAgain = false;
  #background: Promise<void> = Promise.resolve();
  #closed: Promise<void> | undefined;

  constructor(settings: EmbeddedLogSettings, { lock, clock }: { readonly lock: AsyncDisposable; readonly clock: LogClock }) {
    const { directory, env, fileSystem: files } = settings;
    this.#settings = settings;
    this.#lock = lock;
    this.#clock = clock;
    this.#store = new TopicStore({ files, directory: join(directory, "topics"), env });
    this.#groups = new GroupStore({ files, directory: join(directory, "groups"), isLive: (id) => this.#isLive(id) });
    this.#budget = new AppendBudget({ bytesMax: settings.queueBytesMax });
  }

  async load(): Promise<void> {
    try {
      for (const info of await this.#store.load()) this.#topics.set(info.name, await this.#open(info));
      await this.#groups.load();
    } catch (error) {
      await Promise.allSettled([...this.#topics.values()].flatMap(({ partitions }) => partitions.map((partition) => partition.close())));
      throw error;
    }
    this.#background = this.#retainRegularly();
  }

  createTopic(spec: TopicSpec, { signal }: Waits = {}): Promise<TopicInfo> {
    return this.#onTopics(async () => {
      signal?.throwIfAborted();
      checkTopicSpec(spec);
      const known = this.#topics.get(spec.name);
      if (known !== undefined) return this.#update(known, spec);
      const topic = await this.#storing(spec.name, async () => this.#open(await this.#store.create(spec)));
      this.#topics.set(spec.name, topic);
      return topic.info;
    });
  }

  deleteTopic(name: TopicName, expected: TopicId, { signal }: Waits = {}): Promise<void> {
    return this.#onTopics(async () => {
      signal?.throwIfAborted();
      const topic = this.#topic({ topic: name, topicId: expected });
      // First of all nobody finds it any more, then those who have it are turned away, then it goes.
      this.#topics.delete(name);
      const gone = new MainstemError("log.topicUnknown", `Topic ${name} was deleted.`, { topic: name });
      await Promise.allSettled(topic.partitions.map((partition) => partition.abandon(gone)));
      await this.#storing(name, () => this.#store.remove(topic.info));
    });
  }

  async describeTopic(name: TopicName, { signal }: Waits = {}): Promise<TopicInfo | undefined> {
    this.#check(signal);
    return this.#topics.get(name)?.info;
  }

  async topics({ signal }: Waits = {}): Promise<readonly TopicInfo[]> {
    this.#check(signal);
    return [...this.#topics.values()].map(({ info }) => info);
  }

  /** No promise but the one that is given back on the way that is usual. */
  append(to: TopicPartition, batch: RecordBatch, { signal }: Waits = {}): Promise<AppendedRange> {
    try {
      this.#check(signal);
      const partition = this.#partition(to);
      checkBatch(batch);
      const bytes = batchHeaderBytes + batch.records.length;
      if (this.#isFull(bytes)) return this.#appendWhenRetained(to, batch, signal);
      return partition.append(batch, signal);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  read(from: LogPosition, { until, batchBytesMax, signal }: ReadOptions): AsyncIterable<FetchedBatch> {
    let partition: Partition;
    try {
      this.#check(signal);
      partition = this.#partition(from);
    } catch (error) {
      return failing(error);
    }
    const end = until === "live" ? undefined : until === "end" ? partition.bounds.stable : until;
    return readPartition(partition, { from: from.offset, until: end, batchBytesMax, signal });
  }

  async bounds(of: TopicPartition, { signal }: Waits = {}): Promise<Bounds> {
    this.#check(signal);
    return this.#partition(of).bounds;
  }

  async settled(of: TopicPartition, { signal }: Waits = {}): Promise<SettledBounds> {
    this.#check(signal);
    return this.#partition(of).settled();
  }

  async offsetAt(of: TopicPartition, appendedAt: Instant, { signal }: Waits = {}): Promise<Offset> {
    this.#check(signal);
    return findTime(this.#partition(of), appendedAt);
  }

  async committed(
    group: GroupName,
    { topicId }: { readonly topic: TopicName; readonly topicId: TopicId },
    { signal }: Waits = {},
  ): Promise<ReadonlyMap<PartitionNumber, Offset>> {
    this.#check(signal);
    const positions = this.#isLive(topicId) ? this.#groups.positionsOf(group, topicId) : [];
    return new Map(positions.map(({ partition, offset }) => [partition, offset]));
  }

  async commit(group: GroupName, next: readonly LogPosition[], { signal }: Waits = {}): Promise<void> {
    this.#check(signal);
    checkGroupName(group);
    for (const position of next) {
      this.#partition(position);
      if (Number.isSafeInteger(position.offset) && position.offset >= 0) continue;
      throw new MainstemError("log.invalid", `${position.offset} is no offset.`, { group, topic: position.topic, offset: position.offset });
    }
    if (next.length > 0) await this.#groups.commit(group, next);
  }

  async *groups({ signal }: Waits = {}): AsyncIterable<GroupInfo> {
    this.#check(signal);
    for (const { group, positions } of this.#groups.entries()) yield { group, positions };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return (this.#closed ??= this.#close());
  }

  async #close(): Promise<void> {
    this.#closing.abort();
    await this.#background;
    await this.#topicWork;
    await this.#retaining;
    const partitions = [...this.#topics.values()].flatMap((topic) => topic.partitions);
    const ends = await Promise.allSettled([...partitions.map((partition) => partition.close()), this.#groups.close(), this.#clock.close()]);
    await this.#lock[Symbol.asyncDispose]();
    const failed = ends.find((end) => end.status === "rejected");
    if (failed === undefined) return;
    throw new MainstemError(
      "log.writeFailed",
      `The disk refused what closing the log needs (${messageOf(failed.reason)}); what was acknowledged is safe.`,
      {},
      { cause: failed.reason },
    );
  }

  #check(signal: AbortSignal | undefined): void {
    signal?.throwIfAborted();
    if (this.#closed !== undefined) throw new MainstemError("resource.closed", "The log is closed.");
  }

  #topic({ topic: name, topicId }: { readonly topic: TopicName; readonly topicId: TopicId }): Topic {
    const topic = this.#topics.get(name);
    if (topic === undefined) throw new MainstemError("log.topicUnknown", `There is no topic ${name}.`, { topic: name });
    if (topic.info.id === topicId) return topic;
    throw new MainstemError("log.topicReplaced", `Topic ${name} was deleted and made again.`, { topic: name, expected: topicId, found: topic.info.id });
  }

  #partition(at: TopicPartition): Partition {
    const partition = this.#topic(at).partitions[at.partition];
    if (partition !== undefined) return partition;
    throw new MainstemError("log.topicUnknown", `Topic ${at.topic} has no partition ${at.partition}.`, { topic: at.topic, partition: at.partition });
  }

  #isLive(id: TopicId): boolean {
    for (const { info } of this.#topics.values()) if (info.id === id) return true;
    return false;
  }

  #onTopics<T>(work: () => Promise<T>): Promise<T> {
    const done = (async () => {
      await this.#topicWork;
      this.#check(undefined);
      return work();
    })();
    // A failure is that of its caller; the next one goes on.
    this.#topicWork = done.catch(() => undefined);
    return done;
  }

  async #storing<T>(topic: TopicName, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw new MainstemError("log.writeFailed", `Topic ${topic} could not be stored: ${messageOf(error)}.`, { topic }, { cause: error });
    }
  }

  async #update(topic: Topic, spec: TopicSpec): Promise<TopicInfo> {
    const { info } = topic;
    if (spec.partitions !== info.partitions || spec.timestampType !== info.timestampType) {
      const sentence = `Topic ${spec.name} exists with ${info.partitions} partitions and timestamp type ${info.timestampType}; these cannot be changed.`;
      throw new MainstemError("log.topicConflict", sentence, { topic: spec.name, partitions: info.partitions, timestampType: info.timestampType });
    }
    const next: TopicInfo = { ...info, retention: spec.retention, retainFor: spec.retainFor };
    if (JSON.stringify(next) !== JSON.stringify(info)) {
      await this.#storing(spec.name, () => this.#store.update(next));
      topic.info = next;
    }
    return next;
  }

  async #open(info: TopicInfo): Promise<Topic> {
    const { segmentBytesMax, segmentMsMax, fileSystem: files, env, logger } = this.#settings;
    const opened = await Promise.allSettled(
      Array.from({ length: info.partitions }, (_, partition) =>
        Partition.open({
          at: { topic: info.name, topicId: info.id, partition: partition as PartitionNumber },
          directory: this.#store.partitionDirectory(info, partition),
          timestampType: info.timestampType,
          segmentBytesMax,
          segmentMsMax,
          files,
          env,
          logger,
          budget: this.#budget,
          clock: this.#clock,
          usage: this.#usage,
          onRoll: () => void this.#retain(),
        }),
      ),
    );
    const partitions = opened.filter((one) => one.status === "fulfilled").map(({ value }) => value);
    const failed = opened.find((one) => one.status === "rejected");
    if (failed === undefined) return { info, partitions };
    await Promise.allSettled(partitions.map((partition) => partition.close()));
    throw failed.reason;
  }

  #isFull(bytes: number): boolean {
    return this.#usage.bytes + this.#budget.used + bytes > this.#settings.diskBytesMax;
  }

  async #appendWhenRetained(to: TopicPartition, batch: RecordBatch, signal: AbortSignal | undefined): Promise<AppendedRange> {
    await this.#retain();
    this.#check(signal);
    if (this.#isFull(batchHeaderBytes + batch.records.length)) throw this.#full(to);
    return this.#partition(to).append(batch, signal);
  }

  #full({ topic }: TopicPartition): MainstemError {
    const { diskBytesMax } = this.#settings;
    const waitsFor = [...new Set([...this.#topics.values()].flatMap(({ info }) => info.retainFor))];
    const sentence = `The log has reached its limit of ${diskBytesMax} bytes, and retention can drop nothing now.`;
    return new MainstemError("log.full", sentence, { topic, bytes: this.#usage.bytes, diskBytesMax, waitsFor });
  }

  async #retainRegularly(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        await this.#settings.env.sleep(this.#settings.retentionEveryMs, { signal });
      } catch {
        return;
      }
      await this.#retain();
    }
  }

  /** Runs retention over everything, once more if it was running already. Never rejects. */
  #retain(): Promise<void> {
    this.#retainAgain = true;
    return (this.#retaining ??= (async () => {
      // Where there is no topic it would end before it is known to run, and be taken for running ever after.
      await Promise.resolve();
      while (this.#retainAgain && this.#closed === undefined) {
        this.#retainAgain = false;
        for (const topic of this.#topics.values()) await this.#retainTopic(topic);
      }
      this.#retaining = undefined;
    })());
  }

  async #retainTopic({ info, partitions }: Topic): Promise<void> {
    const { ages, logger } = this.#settings;
    for (const [number, partition] of partitions.entries()) {
      const at = { topicId: info.id, partition: number as PartitionNumber };
      const keepFrom = Math.min(Number.POSITIVE_INFINITY, ...info.retainFor.map((group) => this.#groups.committed(group, at) ?? 0)) as Offset;
      try {
        await retain(partition, { retention: info.retention, keepFrom, now: ages.now(), logger });
      } catch (error) {
        // A topic that was deleted, or a log that was closed, while it was looked at.
        if (error instanceof MainstemError && (error.code === "log.topicUnknown" || error.code === "resource.closed")) continue;
        logger.error("retention failed", { topic: info.name, partition: number, cause: String(error) });
      }
    }
  }
}

// oxlint-disable-next-line require-yield -- an iteration whose only step is its failure
async function* failing(error: unknown): AsyncGenerator<FetchedBatch, void, undefined> {
  throw error;
}
