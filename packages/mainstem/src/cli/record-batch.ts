/** NDJSON that makes one request. */
export interface RecordBatch {
  readonly bytes: Buffer;
  readonly records: number;
  /** How much of the input it stands for. */
  readonly sourceBytes: number;
  /** Where the record with this index in the batch is in the input, as people count there. */
  readonly placeOf: (index: number) => number;
}
