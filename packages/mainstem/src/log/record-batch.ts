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

/** Collects records into a batch. */
export declare class RecordBatchBuilder {
  constructor(options?: { readonly capacity?: number });
  /** Records so far. */
  get count(): number;
  /** Bytes so far, of the records section. */
  get bytes(): number;
  /** Copies key, value and headers in. `timestamp` (milliseconds) counts in topics that keep the producer's time; 0 by default. */
  add(record: {
    readonly key: Uint8Array | null;
    readonly value: Uint8Array | null;
    readonly headers?: readonly RecordHeader[];
    readonly timestamp?: number;
  }): void;
  /** The batch; the builder is empty afterwards and does not touch the batch's bytes again. */
  finish(): RecordBatch;
}

/**
 * Walks the records of a batch without making objects: after `next()` returned true the fields describe the current record.
 * Positions are indexes into `bytes`; a start of -1 means null. Throws `log.corrupt` where the bytes are not records.
 */
export declare class RecordCursor {
  constructor(batch: FetchedBatch);
  readonly bytes: Uint8Array;
  offset: Offset;
  timestamp: number;
  keyStart: number;
  keyEnd: number;
  valueStart: number;
  valueEnd: number;
  /** The headers' raw bytes, after their count. */
  headersStart: number;
  headersEnd: number;
  headerCount: number;
  next(): boolean;
  /** Views into the batch's bytes. */
  key(): Uint8Array | null;
  value(): Uint8Array | null;
  headers(): readonly RecordHeader[];
}
