import assert from "node:assert/strict";
import { join } from "node:path";
import { parseContract } from "@mainstem/contract";
import { openEmbeddedLog } from "../../log/embedded/index.ts";
import {
  RecordBatchBuilder,
  RecordCursor,
  type AppendedRange,
  type Log,
  type Offset,
  type Partition,
  type RecordHeader,
  type TopicInfo,
  type TopicPartition,
} from "../../log/index.ts";
import { openDirectoryStore } from "../../objects/directory/store.ts";
import type { ObjectStore } from "../../objects/index.ts";
import { openRegistry, type Dataset, type Registry } from "../../registry/index.ts";
import { systemEnv, type Env } from "../../runtime/env.ts";
import { silentLogger } from "../../runtime/logger.ts";
import { openSqliteState } from "../../state/sqlite/store.ts";
import { createArchiver, type Archiver, type ArchiverOptions } from "../archiver.ts";
import { readChain } from "../chain.ts";
import { parseChunkMessage } from "../chunk-message.ts";
import { openChunk } from "../chunk-reader.ts";
import type { ChainEntry, ChunkMessage } from "../chunk.ts";
import { findOrphans } from "../orphans.ts";
import { parseDataKey, partitionPrefix } from "../paths.ts";
import { allOf } from "./all-of.ts";
import type { TestRecord } from "./batches.ts";

export const datasetName = "shop.orders";

/** A clock that stands still until a test moves it; pauses are short, so that who waits looks often. */
export interface TestClock extends Env {
  ms: number;
}

export function createTestClock(ms: number): TestClock {
  const clock: TestClock = {
    ...systemEnv,
    ms,
    now: () => clock.ms,
    monotonic: () => clock.ms,
    sleep: (_, options) => systemEnv.sleep(1, options),
  };
  return clock;
}

/** The real log, object store and registry in a directory, with one dataset. */
export interface Pipeline extends AsyncDisposable {
  readonly directory: string;
  readonly log: Log;
  readonly objects: ObjectStore;
  readonly registry: Registry;
  readonly dataset: Dataset;
  /** The schema id that wire headers carry. */
  readonly schemaId: number;
  at(partition: number): TopicPartition;
  append(partition: number, records: readonly TestRecord[]): Promise<AppendedRange>;
  /** An archiver of the dataset that closes chunks only when it is asked to, unless the options say otherwise. */
  archiver(options?: Partial<ArchiverOptions>): Archiver;
}

export async function openPipeline(options: {
  readonly directory: string;
  readonly env?: Env;
  readonly partitions?: number;
  readonly segmentBytesMax?: number;
  readonly retentionBytes?: number;
}): Promise<Pipeline> {
  const { directory, env = systemEnv, partitions = 1, segmentBytesMax, retentionBytes } = options;
  await using stack = new AsyncDisposableStack();
  const log = stack.use(await openEmbeddedLog({ directory: join(directory, "log"), env, logger: silentLogger, segmentBytesMax, retentionEveryMs: 60_000 }));
  const objects = stack.use(await openDirectoryStore({ directory: join(directory, "objects") }));
  const state = stack.use(await openSqliteState({ file: join(directory, "state.sqlite") }));
  const retention = retentionBytes === undefined ? {} : { bytes: retentionBytes };
  const registry = stack.use(await openRegistry({ state, log, objects, env, logger: silentLogger, partitions, retention }));
  const { dataset } = await registry.apply(contract);
  const owned = stack.move();
  const at = (partition: number): TopicPartition => ({
    topic: dataset.topics.records.name,
    topicId: dataset.topics.records.id,
    partition: partition as Partition,
  });
  return {
    directory,
    log,
    objects,
    registry,
    dataset,
    schemaId: dataset.schemaId,
    at,
    append: (partition, records) => appendRecords(log, at(partition), records),
    archiver: (changes = {}) =>
      createArchiver({
        dataset: datasetName,
        registry,
        log,
        objects,
        env,
        logger: silentLogger,
        everyMs: 1e12,
        maxBytes: 1e9,
        scratchDir: join(directory, "scratch"),
        ...changes,
      }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

const contract = parseContract({
  formatVersion: 1,
  name: datasetName,
  schema: {
    type: "record",
    name: "orders",
    namespace: "shop",
    fields: [
      { name: "id", type: "string" },
      { name: "revision", type: "long" },
    ],
  },
  key: ["id"],
  order: ["revision"],
  merge: { kind: "latest" },
});

export async function appendRecords(log: Log, to: TopicPartition, records: readonly TestRecord[]): Promise<AppendedRange> {
  const batch = new RecordBatchBuilder({ capacity: 1_024 });
  for (const record of records) batch.add(record);
  return await log.append(to, batch.finish());
}

/** A record as its bytes, from the log or from the archive. */
export interface SeenRecord {
  readonly offset: number;
  readonly timestamp: number;
  readonly timestampType: string;
  readonly key: string | undefined;
  readonly value: string | undefined;
  readonly headers: string;
}

function seen(record: {
  readonly offset: number;
  readonly timestamp: number;
  key(): Uint8Array | null;
  value(): Uint8Array | null;
  headers(): readonly RecordHeader[];
}): Omit<SeenRecord, "timestampType"> {
  const hex = (bytes: Uint8Array | null): string | undefined => (bytes === null ? undefined : Buffer.from(bytes).toString("hex"));
  const headers = JSON.stringify(record.headers().map(({ key, value }) => [key, hex(value)]));
  return { offset: record.offset, timestamp: record.timestamp, key: hex(record.key()), value: hex(record.value()), headers };
}

export async function readLog(log: Log, of: TopicPartition, from = 0): Promise<readonly SeenRecord[]> {
  const records: SeenRecord[] = [];
  for await (const batch of log.read({ ...of, offset: from as Offset }, { until: "end", batchBytesMax: 1_048_576 })) {
    const cursor = new RecordCursor(batch);
    while (cursor.next()) if (cursor.offset >= from) records.push({ ...seen(cursor), timestampType: batch.timestampType });
  }
  return records;
}

export async function readEntries(objects: ObjectStore, of: TopicPartition): Promise<readonly ChainEntry[]> {
  return await allOf(readChain(objects, { ...of, from: 0 as Offset }));
}

/** Every record of the archive of a partition, through its chain. */
export async function readArchive(objects: ObjectStore, of: TopicPartition): Promise<readonly SeenRecord[]> {
  const records: SeenRecord[] = [];
  for (const entry of await readEntries(objects, of)) {
    if (entry.path === undefined) continue;
    await using chunk = await openChunk(objects, entry);
    for await (const block of chunk.blocks) while (block.next()) records.push({ ...seen(block), timestampType: block.timestampType });
  }
  return records;
}

export async function readMessages(log: Log, topic: TopicInfo): Promise<readonly ChunkMessage[]> {
  const messages: ChunkMessage[] = [];
  const from = { topic: topic.name, topicId: topic.id, partition: 0 as Partition, offset: 0 as Offset };
  for await (const batch of log.read(from, { until: "end", batchBytesMax: 1_048_576 })) {
    const cursor = new RecordCursor(batch);
    while (cursor.next()) {
      const message = parseChunkMessage(cursor.value(), { dataset: datasetName });
      assert.ok(message !== undefined, "a message on the chunk topic is one");
      messages.push(message);
    }
  }
  return messages;
}

/**
 * What must hold whatever happened: the chain has no hole and no overlap, holds every record of the log once and byte for byte, every entry was announced,
 * the group stands at the chain's end, and every data object is named by an entry or found as an orphan.
 */
export async function checkArchive(pipeline: Pipeline, { partitions = 1 }: { readonly partitions?: number } = {}): Promise<void> {
  const { log, objects, dataset } = pipeline;
  const messages = await readMessages(log, dataset.topics.chunks);
  const { records } = dataset.topics;
  const committed = await log.committed(`mainstem.archive.${datasetName}` as never, { topic: records.name, topicId: records.id });
  for (let partition = 0; partition < partitions; partition++) {
    const of = pipeline.at(partition);
    const entries = await readEntries(objects, of);
    const { first, stable } = await log.bounds(of);
    assert.deepEqual(await readArchive(objects, of), await readLog(log, of, first));
    const end = entries.at(-1)?.next ?? 0;
    assert.equal(end, stable);
    assert.equal(committed.get(of.partition), end);
    for (const entry of entries) assert.ok(messages.some((message) => message.partition === partition && message.entry.attempt === entry.attempt));
    const orphans = new Set((await findOrphans(objects, of)).map(({ key }) => key));
    const named = new Set(entries.map(({ path }) => path));
    for await (const { key } of objects.list(partitionPrefix(of)))
      if (parseDataKey(of, key) !== undefined) assert.ok(named.has(key) !== orphans.has(key), `${key} is either named or an orphan`);
  }
}

/** Runs an archiver in the background. */
export function startArchiver(archiver: Archiver): { readonly ended: Promise<unknown>; stop(): Promise<void> } & AsyncDisposable {
  const abort = new AbortController();
  const ended = archiver.run({ signal: abort.signal, report: () => undefined }).catch((error: unknown) => error);
  const stop = async (): Promise<void> => {
    abort.abort();
    await ended;
  };
  return { ended, stop, [Symbol.asyncDispose]: stop };
}

/** Runs a fresh archiver until everything that the log holds is archived. */
export async function archiveAll(pipeline: Pipeline, options: Partial<ArchiverOptions> = {}): Promise<void> {
  const archiver = pipeline.archiver(options);
  await using running = startArchiver(archiver);
  const failed = running.ended.then((error) => Promise.reject(error as Error));
  await Promise.race([archiver.flush({ signal: AbortSignal.timeout(30_000) }), failed]);
}
