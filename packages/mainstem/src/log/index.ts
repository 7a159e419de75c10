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
  TimestampType,
  TopicId,
  TopicInfo,
  TopicName,
  TopicPartition,
  TopicSpec,
  Waits,
} from "./log.ts";
export { RecordBatchBuilder, RecordCursor } from "./record-batch.ts";
export type { FetchedBatch, RecordBatch, RecordHeader } from "./record-batch.ts";
