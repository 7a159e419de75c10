import type { Offset, Partition, TopicId } from "../log/index.ts";
import type { ObjectKey } from "../objects/index.ts";

/**
 * One link of a partition's chain: the truth about which offsets the archive holds, and where.
 * Stored as JSON, put if absent (docs/formats/chain.md). `start` is the predecessor's `next`, and `next > start`.
 */
export interface ChainEntry {
  readonly formatVersion: 1;
  /** `gap`: retention removed these offsets before the archive saw them. */
  readonly kind: "data" | "gap";
  readonly start: Offset;
  readonly next: Offset;
  /** The data object; absent for gaps and where the range has no records. */
  readonly path?: ObjectKey;
  /** A fresh random id for each data object: tells whose put won. */
  readonly attempt: string;
  readonly sha256?: string;
  readonly records: number;
  readonly bytes: number;
  /** Append times of the first and the last record, milliseconds since 1970; absent without records. */
  readonly times?: { readonly first: number; readonly last: number };
}

/** A chunk as the table build takes it: which log positions, and where its bytes are. */
export interface ChunkRef {
  readonly topicId: TopicId;
  readonly generation: number;
  readonly partition: Partition;
  readonly entry: ChainEntry;
}

/** The message on `_mainstem.chunks.<dataset>` after a chain entry was put or adopted (docs/formats/chunk-message.md). */
export interface ChunkMessage {
  readonly formatVersion: 1;
  readonly dataset: string;
  readonly topicId: TopicId;
  readonly partition: Partition;
  readonly entry: ChainEntry;
}
