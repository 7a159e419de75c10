export type {
  AppendedRange,
  Bounds,
  GroupInfo,
  GroupName,
  Instant,
  Log,
  LogPosition,
  Offset,
  Partition,
  ReadOptions,
  SettledBounds,
  TimestampType,
  TopicId,
  TopicInfo,
  TopicName,
  TopicPartition,
  TopicSpec,
  Waits,
} from "./log.ts";
export { BufferPool } from "./buffer-pool.ts";
export { RecordBatchBuilder, type RecordSlices } from "./record-batch-builder.ts";
export { RecordCursor } from "./record-cursor.ts";
export { batchHeaderBytes } from "./batch-header.ts";
export type { FetchedBatch, RecordBatch, RecordHeader } from "./record-batch.ts";
