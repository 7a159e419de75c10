import type { FieldError } from "@mainstem/contract";
import type { RecordHeader } from "../log/index.ts";
import { limits } from "../runtime/limits.ts";
import type { RecordCode } from "./refused-list.ts";

/** The header that says why a record waits in the inbox (docs/formats/inbox.md). */
export const inboxHeader = "mainstem-inbox";
/** The errors of one entry may take so many bytes of JSON; further ones are left out. */
const errorsBytesMax = 24_576;

/** What an inbox entry's header holds, as JSON; its value is the original bytes, its key the id. */
export interface InboxCause {
  readonly formatVersion: 1;
  /** `door/<request id>/<index>`: a repeat of the request has the same. */
  readonly id: string;
  readonly from: "door";
  readonly code: RecordCode;
  readonly errors: readonly FieldError[];
  /** The contract version that the record was judged by. */
  readonly contractVersion: number;
  /** When it was refused, RFC 3339. */
  readonly time: string;
  /** The length of the original where it was longer than what is kept: `value` is its beginning. */
  readonly cutFrom?: number;
}

export interface InboxEntry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly headers: readonly RecordHeader[];
}

/** Builds the entry of a record that the door refused. `original` is copied by whoever appends the entry. */
export function toInboxEntry(cause: InboxCause, original: Uint8Array): InboxEntry {
  let bytes = 0;
  const errors = cause.errors.filter((error) => (bytes += Buffer.byteLength(JSON.stringify(error))) <= errorsBytesMax);
  return {
    key: Buffer.from(cause.id),
    value: original.length <= limits.recordBytesMax ? original : original.subarray(0, limits.recordBytesMax),
    headers: [{ key: inboxHeader, value: Buffer.from(JSON.stringify({ ...cause, errors })) }],
  };
}
