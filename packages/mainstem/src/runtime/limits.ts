/** Every limit of the platform that is no setting, in one place. Sizes in bytes, times in milliseconds. */
export const limits = {
  /** One record on the wire (an NDJSON line, one element of an array). Below a batch by what an inbox entry needs around the original bytes. */
  recordBytesMax: 1_000_000,
  /** One batch of the log: Kafka's default of message.max.bytes. */
  batchBytesMax: 1_048_576,
  /** How deeply JSON and Avro values may be nested. */
  depthMax: 64,
  /** How many faults of one record are named. */
  faultsPerRecordMax: 32,
  /** How many refused records one answer names, and with how many bytes; the rest is only counted. */
  refusedNamedMax: 10_000,
  refusedBytesMax: 8_388_608,
  /** Idempotency keys are remembered this long. */
  idempotencyMs: 86_400_000,
  /** An unfinished object or a pinned copy in the directory store that is older was left by a process that died. */
  tempFileMs: 86_400_000,
  /** How often a put starts over because another process removed its empty folder. */
  directoryRacesMax: 32,
  /** How long an operation waits while other processes have the state's database. */
  stateBusyMs: 30_000,
  /** How often a change of a definition starts over because another one was faster. */
  registryConflictsMax: 100,
  /** One version of a definition as an object. */
  definitionBytesMax: 16_777_216,
  /** A subject's name, percent-encoded: it is the name of a folder among the objects. */
  subjectNameMax: 240,
  /** References of one schema. */
  schemaReferencesMax: 100,
  /** How long the announcements of chunks are kept. */
  chunksRetentionMs: 604_800_000,
  /** Batches with an idempotency key that are remembered (40 to 70 bytes each); beyond it requests with new keys are told to come later. */
  idempotencyBatchesMax: 2_000_000,
  /** How long a request waits for the keys of its dataset to be read from the log after a start. */
  idempotencyWaitMs: 30_000,
  /** What all requests together hold in memory at the door: bodies, unfinished lines, batches that are not durable yet. */
  ingestBytesMax: 268_435_456,
  /** How many requests may wait for that memory, and how long, before they are told to come later. */
  ingestWaitingMax: 1_000,
  ingestWaitMs: 10_000,
  /** What one request may have under way to the log before its body is read on. */
  ingestWindowBytes: 4_194_304,
  /** Records of a body that trickles in are appended after this time at the latest. */
  ingestLingerMs: 200,
  /** HTTP: the headers of a request, and how long they may take. */
  headersBytesMax: 16_384,
  headersMs: 15_000,
  /** How long a client may pause within a body, or leave an answer unread. */
  idleMs: 30_000,
  /** How long a body that is taken whole may take. */
  wholeBodyMs: 120_000,
  connectionsMax: 1_024,
  /** How long requests that run may go on after the server was told to close. */
  closeMs: 10_000,
  /** How long clients are answered after that, where there are any, each with the news that the server closes. */
  lingerMs: 500,
  /** The body of a request that is no record: a definition, a query. */
  requestBytesMax: 1_048_576,
  /** How deeply it may be nested: a schema as deep as may be takes some 200 levels, and what parses and writes JSON overflows at some 2,000. */
  requestDepthMax: 500,
  /** A task's lease: it is renewed three times as often, and a process that died holds up another one for so long. */
  leaseMs: 30_000,
  /** How long a request to pause waits for the run under way to end, and how long closing waits for all tasks. */
  taskEndMs: 10_000,
  /** A query's answer as one JSON value; NDJSON has no such limit. */
  queryAnswerBytesMax: 33_554_432,
  /** A row of a query's answer, in any form: it is made whole in memory. */
  queryRowBytesMax: 33_554_432,
} as const;
