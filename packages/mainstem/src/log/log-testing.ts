import type { Env } from "../runtime/env.ts";
import { systemEnv } from "../runtime/env.ts";
import type { GroupName, Instant, Log, LogPosition, Offset, Partition, ReadOptions, TopicInfo, TopicName, TopicPartition, TopicSpec } from "./log.ts";
import { RecordBatchBuilder } from "./record-batch-builder.ts";
import type { FetchedBatch, RecordBatch, RecordHeader } from "./record-batch.ts";
import { RecordCursor } from "./record-cursor.ts";

/** What the tests of the log have in common: records as plain text, and a clock that stands still until it is moved. */

export interface TextRecord {
  readonly offset: number;
  readonly timestamp: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: readonly (readonly [string, string | null])[];
}

/** A batch of records that hold these values, all under one key. */
export function toBatch(
  values: readonly (string | null)[],
  options: { readonly key?: string; readonly headers?: readonly RecordHeader[]; readonly timestamp?: number } = {},
): RecordBatch {
  const builder = new RecordBatchBuilder({ capacity: 256 });
  const { key, headers = [], timestamp = 0 } = options;
  for (const value of values) {
    builder.add({ key: key === undefined ? null : Buffer.from(key), value: value === null ? null : Buffer.from(value), headers, timestamp });
  }
  return builder.finish();
}

export function toTextRecords(batch: FetchedBatch): TextRecord[] {
  const text = (bytes: Uint8Array | null): string | null => (bytes === null ? null : Buffer.from(bytes).toString("utf8"));
  const records: TextRecord[] = [];
  const cursor = new RecordCursor(batch);
  while (cursor.next()) {
    const headers = cursor.headers().map(({ key, value }) => [key, text(value)] as const);
    records.push({ offset: cursor.offset, timestamp: cursor.timestamp, key: text(cursor.key()), value: text(cursor.value()), headers });
  }
  return records;
}

/** The records from the position on, those of the first batch that lie below it left out. */
export async function readRecords(log: Log, from: LogPosition, options: Partial<ReadOptions> = {}): Promise<TextRecord[]> {
  const records: TextRecord[] = [];
  for await (const batch of log.read(from, { until: "end", batchBytesMax: 65_536, ...options })) records.push(...toTextRecords(batch));
  return records.filter(({ offset }) => offset >= from.offset);
}

export async function readValues(log: Log, from: LogPosition, options: Partial<ReadOptions> = {}): Promise<(string | null)[]> {
  return (await readRecords(log, from, options)).map(({ value }) => value);
}

export function toSpec(name: string, spec: Partial<TopicSpec> = {}): TopicSpec {
  return { partitions: 1, timestampType: "append", retention: {}, retainFor: [], ...spec, name: name as TopicName };
}

export function at(topic: TopicInfo, partition = 0): TopicPartition {
  return { topic: topic.name, topicId: topic.id, partition: partition as Partition };
}

export function position(topic: TopicInfo, offset: number, partition = 0): LogPosition {
  return { ...at(topic, partition), offset: offset as Offset };
}

export const instant = (milliseconds: number): Instant => milliseconds as Instant;
export const group = (name: string): GroupName => name as GroupName;

export interface ManualEnv extends Env {
  /** Sets the wall clock. */
  set(now: number): void;
  /** Ends every sleep that is going on. */
  wake(): void;
}

/** An environment whose clock stands still and whose sleeps end only when they are woken. */
export function createManualEnv(start = 1_800_000_000_000): ManualEnv {
  let now = start;
  const sleeping = new Set<() => void>();
  return {
    ...systemEnv,
    now: () => now,
    set: (next) => void (now = next),
    wake: () => {
      const ended = [...sleeping];
      sleeping.clear();
      for (const end of ended) end();
    },
    sleep: (_, { signal } = {}) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        sleeping.add(resolve);
        signal?.addEventListener("abort", () => (sleeping.delete(resolve), reject(signal.reason)), { once: true });
      }),
  };
}

/** A small generator of numbers from 0 to 1 (mulberry32). */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
