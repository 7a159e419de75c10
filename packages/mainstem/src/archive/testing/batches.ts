import { RecordBatchBuilder, type FetchedBatch, type Instant, type Offset, type RecordHeader, type TimestampType } from "../../log/index.ts";

export interface TestRecord {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers?: readonly RecordHeader[];
  readonly timestamp?: number;
}

/** Records as the log would give them back. */
export function batchOf(
  records: readonly TestRecord[],
  { baseOffset, timestampType = "append", timestamp = 0 }: { readonly baseOffset: number; readonly timestampType?: TimestampType; readonly timestamp?: number },
): FetchedBatch {
  const builder = new RecordBatchBuilder();
  for (const record of records) builder.add(record);
  const next = baseOffset + records.length;
  return {
    ...builder.finish(),
    baseOffset: baseOffset as Offset,
    lastOffset: (next - 1) as Offset,
    next: next as Offset,
    timestampType,
    timestamp: timestamp as Instant,
  };
}
