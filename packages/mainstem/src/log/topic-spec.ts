import { MainstemError } from "../runtime/errors.ts";
import { limits } from "../runtime/limits.ts";
import { batchHeaderBytes } from "./batch-header.ts";
import type { GroupName, Instant, Offset, TopicName, TopicSpec } from "./log.ts";
import { timestampTypes } from "./log.ts";
import type { FetchedBatch, RecordBatch } from "./record-batch.ts";
import { isBuilt } from "./record-batch-builder.ts";
import { RecordCursor } from "./record-cursor.ts";

export const partitionsMax = 1_024;
const groupBytesMax = 249;

/** Throws `log.invalid`. Topic names are Kafka's: letters, digits, `.`, `_`, `-`, at most 249 of them. */
export function checkTopicName(name: string): TopicName {
  if (/^[A-Za-z0-9._-]{1,249}$/.test(name) && name !== "." && name !== "..") return name as TopicName;
  throw new MainstemError("log.invalid", `${JSON.stringify(name)} is no topic name: use up to 249 letters, digits, dots, underscores and hyphens.`, { name });
}

/** Throws `log.invalid`. */
export function checkGroupName(name: string): GroupName {
  if (name.length > 0 && Buffer.byteLength(name) <= groupBytesMax && name.isWellFormed()) return name as GroupName;
  throw new MainstemError("log.invalid", `${JSON.stringify(name.slice(0, 100))} is no group name: use 1 to ${groupBytesMax} bytes of text.`);
}

/** Throws `log.invalid` naming the first setting that cannot be. */
export function checkTopicSpec(spec: TopicSpec): void {
  const { name, partitions, timestampType, retention, retainFor } = spec;
  checkTopicName(name);
  for (const group of retainFor) checkGroupName(group);
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > partitionsMax) throw invalid(name, `partitions has to be 1 to ${partitionsMax}`);
  if (!timestampTypes.includes(timestampType)) throw invalid(name, `timestampType has to be ${timestampTypes.join(" or ")}`);
  if (retention.ms !== undefined && !(Number.isSafeInteger(retention.ms) && retention.ms >= 0))
    throw invalid(name, "retention.ms has to be an integer of at least 0");
  if (retention.bytes !== undefined && !(Number.isSafeInteger(retention.bytes) && retention.bytes >= 0)) {
    throw invalid(name, "retention.bytes has to be an integer of at least 0");
  }
}

/** Throws `log.batchTooLarge`, or `log.invalid` where the bytes are not `count` records: what is acknowledged must be readable. */
export function checkBatch(batch: RecordBatch): void {
  const bytes = batchHeaderBytes + batch.records.length;
  if (bytes > limits.batchBytesMax) {
    const sentence = `The batch has ${bytes} bytes with its header; ${limits.batchBytesMax} are allowed.`;
    throw new MainstemError("log.batchTooLarge", sentence, { bytes, bytesMax: limits.batchBytesMax });
  }
  const { count, records, baseTimestamp, maxTimestamp } = batch;
  if (!Number.isSafeInteger(count) || count < 1 || !Number.isSafeInteger(baseTimestamp) || !Number.isSafeInteger(maxTimestamp)) {
    throw new MainstemError("log.invalid", "A batch has at least one record, and times that are integers of milliseconds.", {
      count,
      baseTimestamp,
      maxTimestamp,
    });
  }
  if (isBuilt(batch)) return;
  const seen: FetchedBatch = {
    count,
    records,
    baseTimestamp,
    maxTimestamp,
    baseOffset: 0 as Offset,
    lastOffset: (count - 1) as Offset,
    next: count as Offset,
    timestampType: "create",
    timestamp: maxTimestamp as Instant,
  };
  const cursor = new RecordCursor(seen);
  try {
    while (cursor.next());
  } catch (error) {
    throw new MainstemError("log.invalid", "The bytes of the batch are not its records.", { count, bytes: records.length }, { cause: error });
  }
}

function invalid(topic: TopicName, what: string): MainstemError {
  return new MainstemError("log.invalid", `Topic ${topic} cannot be made: ${what}.`, { topic });
}
