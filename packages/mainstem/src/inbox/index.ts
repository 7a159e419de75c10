export { createInbox } from "./inbox.ts";
export type { Attempt, Fix, Inbox, InboxGroup, InboxOptions, Outcome, Selection } from "./inbox.ts";
export type { WaitingEntry } from "./entries.ts";
