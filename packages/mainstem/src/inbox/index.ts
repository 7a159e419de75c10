export { createInbox } from "./inbox.ts";
export type { Fix, Inbox, InboxGroup, InboxOptions, MendedRecord, RefusedRecord, Selection } from "./inbox.ts";
export type { WaitingEntry } from "./entries.ts";
export type { Attempt, Outcome } from "./tally.ts";
export type { InboxTransform, RefusedEntry } from "./transform.ts";
