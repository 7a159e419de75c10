import { limits } from "../runtime/limits.ts";
import type { Logger } from "../runtime/logger.ts";
import { RecordBatchBuilder, RecordCursor, type Log, type Offset, type Partition, type RecordHeader, type TopicId, type TopicName } from "../log/index.ts";
import type { ObjectStore } from "../objects/index.ts";
import type { Task, TaskContext } from "../tasks/index.ts";
import { findEntryStart, readChain } from "./chain.ts";
import { openChunk } from "./chunk-reader.ts";
import type { ChainEntry } from "./chunk.ts";
import type { EnvelopeCursor } from "./envelope-cursor.ts";
import { originHeader, originOf, type Origin } from "./origin.ts";
import type { ReplaySpec } from "./replay-spec.ts";

/** A batch of the live topic that carried an idempotency key would count as another answer to its request. */
const idempotencyHeader = "mainstem-idempotency";
/** What frames a record and a batch. */
const framingBytes = 512;
/** A batch is closed near this size. */
const batchBytes = 262_144;
const readBytesMax = 1_048_576;

export interface ReplayProgress {
  /** Records in the target, those of earlier runs among them. */
  readonly records: number;
  readonly tooLarge: number;
}

export type WhileOpen = <T>(dataset: string, append: () => Promise<T>) => Promise<T>;

export interface ReplayTaskOptions {
  readonly spec: ReplaySpec;
  readonly log: Log;
  readonly objects: ObjectStore;
  readonly logger: Logger;
  /** Around each append to a live topic: `Ingest.whileOpen`. */
  readonly whileOpen: WhileOpen;
  /** Called once, when every record of the range is in the target. */
  readonly onFinished: (progress: ReplayProgress) => Promise<void>;
}

/**
 * Copies a time range of the archive into a topic: keys, values, headers and, in a shadow topic, timestamps as they were archived, each record with one more
 * header that names its origin.
 *
 * Order: as archived, partition by partition, generation after generation.
 * Repeats: none. How far it got is read from the target itself, so no crash comes between the two.
 * Memory: a chunk's block and a batch for each partition, one after the other.
 */
export function createReplayTask(options: ReplayTaskOptions): Task {
  return { name: `replay.${options.spec.dataset}.${options.spec.id}`, run: (context) => new Replay(options, context).run() };
}

class Replay {
  readonly #options: ReplayTaskOptions;
  readonly #context: TaskContext;
  readonly #end: number;
  #position = 0;
  #records = 0;
  #tooLarge = 0;

  constructor(options: ReplayTaskOptions, context: TaskContext) {
    this.#options = options;
    this.#context = context;
    this.#end = options.spec.sources.reduce((sum, { ends }) => sum + ends.reduce((all, end) => all + end, 0), 0);
  }

  async run(): Promise<void> {
    const { spec, onFinished, logger } = this.#options;
    for (const partition of spec.start.keys()) await this.#replay(partition as Partition);
    await onFinished({ records: this.#records, tooLarge: this.#tooLarge });
    logger.info("replay finished", { dataset: spec.dataset, replay: spec.id, records: this.#records, tooLarge: this.#tooLarge });
  }

  async #replay(partition: Partition): Promise<void> {
    const { spec, objects } = this.#options;
    const { signal } = this.#context;
    const last = await this.#lastWritten(partition);
    let reached = last === undefined;
    for (const { topicId, ends } of spec.sources) {
      const end = ends[partition] ?? 0;
      const resumed = last?.topicId === topicId;
      const from = resumed ? last.offset + 1 : 0;
      if (!reached && !resumed) {
        this.#advance(end);
        continue;
      }
      reached = true;
      this.#advance(Math.min(from, end));
      if (from >= end) continue;
      const of = { topic: spec.dataset as TopicName, topicId, partition };
      // What was written ends with a batch of the target, mostly within a chunk.
      const start = (await findEntryStart(objects, of, from as Offset, { signal })) ?? (0 as Offset);
      for await (const entry of readChain(objects, { ...of, from: start, signal })) {
        if (entry.start >= end) break;
        if (entry.next <= from) continue;
        if (this.#overlaps(entry)) await this.#copy(entry, { topicId, partition, from });
        this.#advance(Math.min(entry.next, end) - Math.max(entry.start, from));
      }
    }
  }

  /** Whether a chunk can hold a record of the range. */
  #overlaps({ path, times }: ChainEntry): boolean {
    const { from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY } = this.#options.spec;
    // Where producers gave the times, those of the first and the last record bound nothing: the chunk is read.
    return path !== undefined && (times === undefined || times.first > times.last || (times.last >= from && times.first < to));
  }

  async #copy(entry: ChainEntry, place: { readonly topicId: TopicId; readonly partition: Partition; readonly from: number }): Promise<void> {
    const { spec, objects, logger } = this.#options;
    const { signal } = this.#context;
    await using chunk = await openChunk(objects, entry, { signal });
    const builder = new RecordBatchBuilder();
    for await (const block of chunk.blocks) {
      while (block.next()) {
        if (block.offset < place.from || !isWithin(block.timestamp, spec)) continue;
        const headers = this.#headersOf(block, place);
        const bytes = sizeOf(block, headers);
        if (bytes > limits.batchBytesMax) {
          this.#tooLarge++;
          logger.warn("a record is too large to be replayed", { dataset: spec.dataset, replay: spec.id, partition: place.partition, offset: block.offset });
          continue;
        }
        if (builder.count > 0 && builder.bytes + bytes > batchBytes) await this.#append(builder, place.partition);
        builder.add({ key: block.key(), value: block.value(), headers, ...(spec.target === "shadow" ? { timestamp: block.timestamp } : {}) });
      }
    }
    if (builder.count > 0) await this.#append(builder, place.partition);
  }

  #headersOf(block: EnvelopeCursor, { topicId, partition }: { readonly topicId: TopicId; readonly partition: Partition }): readonly RecordHeader[] {
    const { id, target } = this.#options.spec;
    const origin = { replay: id, topicId, partition, offset: block.offset, timestamp: block.timestamp };
    const own = target === "live" ? block.headers().filter(({ key }) => key !== idempotencyHeader) : block.headers();
    return [...own, { key: originHeader, value: Buffer.from(JSON.stringify(origin)) }];
  }

  async #append(builder: RecordBatchBuilder, partition: Partition): Promise<void> {
    const { log, spec, whileOpen } = this.#options;
    const batch = builder.finish();
    const append = () => log.append({ topic: spec.topic, topicId: spec.topicId, partition }, batch, { signal: this.#context.signal });
    await (spec.target === "live" ? whileOpen(spec.dataset, append) : append());
    this.#records += batch.count;
    this.#advance(0);
  }

  /** The origin of the last record that an earlier run put into a partition of the target. */
  async #lastWritten(partition: Partition): Promise<Origin | undefined> {
    const { log, spec } = this.#options;
    const to = { topic: spec.topic, topicId: spec.topicId, partition };
    // Retention may have dropped what an earlier run put into the live topic.
    const offset = Math.max(spec.start[partition] ?? 0, (await log.bounds(to)).first) as Offset;
    let last: Origin | undefined;
    for await (const batch of log.read({ ...to, offset }, { until: "end", batchBytesMax: readBytesMax, signal: this.#context.signal })) {
      const cursor = new RecordCursor(batch);
      while (cursor.next()) {
        const origin = originOf(cursor.headers(), spec.id);
        if (origin === undefined) continue;
        last = origin;
        this.#records++;
      }
    }
    return last;
  }

  #advance(offsets: number): void {
    this.#position += offsets;
    this.#context.report({
      position: this.#position,
      end: this.#end,
      unit: "offsets",
      facts: { records: this.#records, tooLarge: this.#tooLarge, topic: this.#options.spec.topic },
    });
  }
}

function isWithin(timestamp: number, { from, to }: ReplaySpec): boolean {
  return (from === undefined || timestamp >= from) && (to === undefined || timestamp < to);
}

function sizeOf(block: EnvelopeCursor, headers: readonly RecordHeader[]): number {
  const content = Math.max(0, block.keyEnd - block.keyStart) + Math.max(0, block.valueEnd - block.valueStart);
  return framingBytes + content + headers.reduce((sum, { key, value }) => sum + Buffer.byteLength(key) + (value?.length ?? 0) + 10, 0);
}
