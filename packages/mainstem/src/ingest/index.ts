export type { Answer, DoorCounts, Format, Ingest, IngestLimits, IngestRequest, IngestStatus } from "./ingest.ts";
export type { Encoding } from "./body.ts";
export { openIngest } from "./open-ingest.ts";
export type { IngestOptions } from "./open-ingest.ts";
export { idempotencyHeader } from "./idempotency-header.ts";
export { inboxHeader } from "./inbox-entry.ts";
export type { InboxCause } from "./inbox-entry.ts";
export { recordCodes } from "./refused-list.ts";
export type { RecordCode, RefusedRecord } from "./refused-list.ts";
