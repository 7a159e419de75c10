/** Every limit of the platform that is no setting, in one place. Sizes in bytes, times in milliseconds. */
export const limits = {
  /** One record on the wire (an NDJSON line, one element of an array) and in the log. */
  recordBytesMax: 1_048_576,
  /** One batch of the log: Kafka's default of message.max.bytes. */
  batchBytesMax: 1_048_576,
  /** How deeply JSON and Avro values may be nested. */
  depthMax: 64,
  /** How many faults of one record are named. */
  faultsPerRecordMax: 32,
  /** How many refused records one answer names; the rest is only counted. */
  refusedNamedMax: 1_000,
  /** Idempotency keys are remembered this long. */
  idempotencyMs: 86_400_000,
} as const;
