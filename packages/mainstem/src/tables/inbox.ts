import { inboxHeader } from "../ingest/index.ts";
import { RecordBatchBuilder, type Log, type Partition, type RecordBatch, type TopicInfo, type Waits } from "../log/index.ts";
import { limits } from "../runtime/limits.ts";
import type { UnreadableRecord } from "./engine.ts";

/** Room for what frames a batch. */
const batchBytes = limits.batchBytesMax - 4_096;
/** A key and headers that take more than this are left out of an entry: its position leads to them in the archive. */
const originBytesMax = 65_536;

/**
 * Puts records that no table can hold into the dataset's inbox (docs/formats/inbox.md): the entry's key is an id made from the task and the record's
 * position, so that repeats count once; its value the original bytes; its header the cause. Resolves when the entries are durable.
 */
export async function putUnreadable(
  log: Pick<Log, "append">,
  options: {
    readonly inbox: TopicInfo;
    readonly task: string;
    readonly records: readonly UnreadableRecord[];
    readonly contractVersion: number;
    /** Milliseconds since 1970. */
    readonly now: number;
  } & Waits,
): Promise<void> {
  const { inbox, records, signal } = options;
  const to = { topic: inbox.name, topicId: inbox.id, partition: 0 as Partition };
  for (const batch of batches(records, options)) await log.append(to, batch, { signal });
}

function* batches(records: readonly UnreadableRecord[], options: Parameters<typeof toEntry>[1]): Generator<RecordBatch> {
  let builder = new RecordBatchBuilder();
  for (const record of records) {
    const entry = toEntry(record, options);
    const bytes = (entry.value?.length ?? 0) + entry.headers.reduce((sum, { value }) => sum + (value?.length ?? 0) + 64, 256);
    if (builder.count > 0 && builder.bytes + bytes > batchBytes) {
      yield builder.finish();
      builder = new RecordBatchBuilder();
    }
    builder.add(entry);
  }
  if (builder.count > 0) yield builder.finish();
}

function toEntry(
  record: UnreadableRecord,
  { task, contractVersion, now }: { readonly task: string; readonly contractVersion: number; readonly now: number },
): { readonly key: Uint8Array; readonly value: Uint8Array | null; readonly headers: readonly { readonly key: string; readonly value: Uint8Array | null }[] } {
  const { topicId, partition, offset, timestamp, code, message } = record;
  const id = `${task}/${topicId}/${partition}/${offset}`;
  const origin = { topicId, partition, offset, timestamp };
  const bytesMax = limits.recordBytesMax - 2 * originBytesMax;
  const value = record.value === null || record.value.length <= bytesMax ? record.value : record.value.subarray(0, bytesMax);
  const cut = value === record.value ? {} : { cutFrom: record.value!.length };
  const key = record.key === null || record.key.length > originBytesMax / 2 ? null : Buffer.from(record.key).toString("base64");
  const errors = [{ path: "", expected: "a record of the contract", received: message }];
  const cause = { formatVersion: 1, id, from: task, code, errors, contractVersion, time: new Date(now).toISOString(), origin, key, ...cut };
  const ownBytes = record.headers.reduce((sum, header) => sum + header.key.length + (header.value?.length ?? 0), 0);
  const own = ownBytes <= originBytesMax / 2 ? record.headers : [];
  return { key: Buffer.from(id), value, headers: [{ key: inboxHeader, value: Buffer.from(JSON.stringify(cause)) }, ...own] };
}
