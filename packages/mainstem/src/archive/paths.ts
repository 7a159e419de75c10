import { parseObjectKey, type ObjectKey } from "../objects/index.ts";
import type { Offset, TopicPartition } from "../log/index.ts";

const offsetDigits = 20;
/** 9999-12-31T23:59:59.999Z: what a path can say; foreign topics may hold any time. */
const pathTimeMax = 253_402_300_799_999;
const dataName = /^\d{4}-\d\d-\d\d\/\d\d\/(\d{20})-([A-Za-z0-9_-]{22})\.avro$/;
const chainName = /^_chain\/(\d{20})\.json$/;

/** `archive/<topic>/<topic id>/<partition>/`: everything that the archive has of a partition lies below. */
export function partitionPrefix({ topic, topicId, partition }: TopicPartition): string {
  return `archive/${topic}/${topicId}/${partition}/`;
}

/** The prefix of a partition's chain entries. */
export function chainPrefix(of: TopicPartition): string {
  return `${partitionPrefix(of)}_chain/`;
}

/** The key of the chain entry that begins at an offset. */
export function chainKey(of: TopicPartition, start: Offset): ObjectKey {
  return parseObjectKey(`${chainPrefix(of)}${digits(start)}.json`);
}

/** The key of a data object: the hour (UTC) of its first record, the last offset that it covers, the attempt that wrote it. */
export function dataKey(of: TopicPartition, chunk: { readonly firstTime: number; readonly last: Offset; readonly attempt: string }): ObjectKey {
  const hour = new Date(Math.min(Math.max(chunk.firstTime, 0), pathTimeMax)).toISOString();
  return parseObjectKey(`${partitionPrefix(of)}${hour.slice(0, 10)}/${hour.slice(11, 13)}/${digits(chunk.last)}-${chunk.attempt}.avro`);
}

/** What the key of a data object of this partition says; undefined when it is none. */
export function parseDataKey(of: TopicPartition, key: string): { readonly last: Offset; readonly attempt: string } | undefined {
  const prefix = partitionPrefix(of);
  const match = key.startsWith(prefix) ? dataName.exec(key.slice(prefix.length)) : null;
  const last = parseDigits(match?.[1]);
  return match?.[2] === undefined || last === undefined ? undefined : { last, attempt: match[2] };
}

/** The offset in the key of a chain entry of this partition; undefined when it is none. */
export function parseChainKey(of: TopicPartition, key: string): Offset | undefined {
  const prefix = partitionPrefix(of);
  return parseDigits(key.startsWith(prefix) ? chainName.exec(key.slice(prefix.length))?.[1] : undefined);
}

function digits(offset: Offset): string {
  return String(offset).padStart(offsetDigits, "0");
}

function parseDigits(text: string | undefined): Offset | undefined {
  const offset = text === undefined ? undefined : Number(text);
  return offset === undefined || !Number.isSafeInteger(offset) ? undefined : (offset as Offset);
}
