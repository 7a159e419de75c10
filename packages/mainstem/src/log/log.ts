import type { Brand } from "../runtime/brand.ts";
import type { FetchedBatch, RecordBatch } from "./record-batch.ts";

export type TopicName = Brand<string, "TopicName">;
/** 22 characters, URL-safe base64 of 16 random bytes, as Kafka's. A topic that is deleted and made again has a new one. */
export type TopicId = Brand<string, "TopicId">;
export type Partition = Brand<number, "Partition">;
/** Below 2^53; the embedded driver and Kafka both count from 0. */
export type Offset = Brand<number, "Offset">;
export type GroupName = Brand<string, "GroupName">;
/** Milliseconds since 1970, UTC. */
export type Instant = Brand<number, "Instant">;

export interface Waits {
  readonly signal?: AbortSignal | undefined;
}

export interface TopicPartition {
  readonly topic: TopicName;
  readonly topicId: TopicId;
  readonly partition: Partition;
}
export interface LogPosition extends TopicPartition {
  readonly offset: Offset;
}

/** `append`: the log stamps each batch with max(its clock, the partition's last). `create`: the records' own times are kept. */
export const timestampTypes = ["append", "create"] as const;
export type TimestampType = (typeof timestampTypes)[number];

export interface TopicSpec {
  readonly name: TopicName;
  readonly partitions: number;
  readonly timestampType: TimestampType;
  /**
   * What is older or beyond the size of one partition may be dropped, whole segments at a time. Age goes by append time; in `create` topics by the records' own,
   * as in Kafka: a replay of old records belongs into a topic without `ms`.
   */
  readonly retention: { readonly ms?: number; readonly bytes?: number };
  /** Groups that retention waits for: nothing at or above their committed offset is dropped, nor anything before their first commit. */
  readonly retainFor: readonly GroupName[];
}
export interface TopicInfo extends TopicSpec {
  readonly id: TopicId;
}

export interface AppendedRange {
  readonly first: Offset;
  readonly last: Offset;
  /** The append time of the batch; in `create` topics its greatest record time. */
  readonly timestamp: Instant;
}

export interface Bounds {
  /** The first offset that can still be read. */
  readonly first: Offset;
  /** Everything below is committed and can be read. */
  readonly stable: Offset;
  /**
   * The offset that the next record gets: beyond `stable` while records have their append time already, but are not durable yet, or nobody knows whether they
   * are, as after a write that failed.
   */
  readonly end: Offset;
}

/** Bounds, and what holds beyond them. */
export interface SettledBounds extends Bounds {
  /**
   * Whatever comes at `end` or later has an append time that is not before this one, whatever the clock does, also after a crash. Where `end` is `stable`,
   * everything that was appended before it is below `stable`. At most a second behind the clock, or further where the disk refuses what this promise needs.
   */
  readonly asOf: Instant;
}

export interface GroupInfo {
  readonly group: GroupName;
  readonly positions: readonly LogPosition[];
}

export interface ReadOptions extends Waits {
  /** `end`: up to the stable end at the time of the call; `live`: for ever; an offset: up to it, exclusive, waiting for it if need be. Batches are whole: the last may reach beyond. */
  readonly until: "end" | "live" | Offset;
  /** At least one batch is always given; otherwise batches stay below this many bytes together. */
  readonly batchBytesMax: number;
}

/**
 * An append-only, partitioned log.
 *
 * Order: records of one partition are read in the order of their offsets; across partitions there is none.
 * Durability: `append` resolves when the batch survives a crash of this process and a loss of power (embedded), or is acknowledged by all in-sync replicas (Kafka).
 * Repeats: a caller that never saw `append` resolve must expect the batch to be there, or not; never a part of it.
 * Concurrency: all methods may be called at once; batches of one caller that awaits each append keep their order.
 * Bytes: those of a batch must stay as they are until its `append` resolves; then the log has no use for them. After a rejection they are never free.
 * Cancellation: an aborted `append` that was already handed to the disk or broker is not taken back.
 * Aborted calls, reads that wait included, reject with the signal's reason.
 * Errors: `log.topicUnknown` (also a partition that it does not have), `log.topicReplaced` (another id), `log.offsetOutOfRange`, `log.batchTooLarge`,
 * `log.invalid` (a name, setting, offset or batch that cannot be), `log.full`, `log.corrupt`, `log.readFailed`, `log.writeFailed`, `resource.closed`.
 */
export interface Log extends AsyncDisposable {
  /** Idempotent: an existing topic of the same settings is given back; `retention` and `retainFor` are updated; other partitions or timestamp types are `log.topicConflict`. */
  createTopic(spec: TopicSpec, options?: Waits): Promise<TopicInfo>;
  /** Deletes the topic if it still has that id; otherwise `log.topicReplaced`. Its group offsets no longer count. */
  deleteTopic(topic: TopicName, expected: TopicId, options?: Waits): Promise<void>;
  describeTopic(topic: TopicName, options?: Waits): Promise<TopicInfo | undefined>;
  topics(options?: Waits): Promise<readonly TopicInfo[]>;
  append(to: TopicPartition, batch: RecordBatch, options?: Waits): Promise<AppendedRange>;
  /** Committed batches from the position on. The first batch may begin below the position: use `FetchedBatch.next` and skip by offset. Offsets may be skipped. */
  read(from: LogPosition, options: ReadOptions): AsyncIterable<FetchedBatch>;
  bounds(of: TopicPartition, options?: Waits): Promise<Bounds>;
  /** The bounds, and the time up to which they hold all there will ever be. May cost a sync, shared by all partitions: for whoever tells others. */
  settled(of: TopicPartition, options?: Waits): Promise<SettledBounds>;
  /** The first offset whose batch was appended at or after the time; the stable end if there is none. */
  offsetAt(of: TopicPartition, appendedAt: Instant, options?: Waits): Promise<Offset>;
  /** The group's committed next offsets; none for a group or topic that is not there. Offsets committed under another topic id do not count. */
  committed(group: GroupName, of: { readonly topic: TopicName; readonly topicId: TopicId }, options?: Waits): Promise<ReadonlyMap<Partition, Offset>>;
  /** Durable when resolved. May go backwards (a reset). */
  commit(group: GroupName, next: readonly LogPosition[], options?: Waits): Promise<void>;
  groups(options?: Waits): AsyncIterable<GroupInfo>;
}
