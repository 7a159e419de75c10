import type { Instant, Offset, TimestampType } from "./log.ts";

/** A header of a record; keys may repeat, as in Kafka. */
export interface RecordHeader {
  readonly key: string;
  readonly value: Uint8Array | null;
}

/**
 * Records to append: bytes plus a count. The bytes are the records section of Kafka's message format v2
 * (each record: length, attributes, timestamp delta, offset delta, key, value, headers; varints are zig-zag),
 * so that the embedded driver writes them as they are and nothing is made an object on the way.
 * Source: Apache Kafka documentation, "Message Format", "Record".
 */
export interface RecordBatch {
  readonly count: number;
  readonly records: Uint8Array;
  /** The time that the records' deltas count from; 0 deltas where the topic stamps append time. */
  readonly baseTimestamp: number;
  readonly maxTimestamp: number;
}

/** A batch as the log gives it back. `records` may be compressed by a foreign producer only in drivers that say so; ours are plain. */
export interface FetchedBatch extends RecordBatch {
  readonly baseOffset: Offset;
  readonly lastOffset: Offset;
  /** Where to read on: `lastOffset + 1`. */
  readonly next: Offset;
  readonly timestampType: TimestampType;
  /** The append time where the topic stamps it, else the greatest record time. */
  readonly timestamp: Instant;
}
