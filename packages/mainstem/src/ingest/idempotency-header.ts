import { createHash } from "node:crypto";
import type { RecordHeader } from "../log/index.ts";

/** The header on the first record of every batch of a request with an idempotency key (docs/formats/idempotency.md). */
export const idempotencyHeader = "mainstem-idempotency";
/** Larger ones are not ours. */
const headerBytesMax = 4_096;

/** What the header holds, as JSON. */
export interface IdempotencyMark {
  readonly formatVersion: 1;
  readonly key: string;
  /** Of the decompressed body, in hex. */
  readonly sha256: string;
  /** What else decides the answer: the body's form, and whether refused records go to the inbox. */
  readonly mode: string;
  readonly contractVersion: number;
  /** When the request was judged, seconds since 1970. Absent in marks that were made before it was kept. */
  readonly judged?: number;
}

export function toIdempotencyHeader(mark: IdempotencyMark): RecordHeader {
  return { key: idempotencyHeader, value: Buffer.from(JSON.stringify(mark)) };
}

/** The mark among a record's headers; undefined if there is none, or none that is ours. */
export function parseIdempotencyMark(headers: readonly RecordHeader[]): IdempotencyMark | undefined {
  const value = headers.find(({ key }) => key === idempotencyHeader)?.value;
  if (value === undefined || value === null || value.length > headerBytesMax) return undefined;
  try {
    const mark: unknown = JSON.parse(Buffer.from(value).toString("utf8"));
    return isMark(mark) ? mark : undefined;
  } catch {
    return undefined;
  }
}

/** A digest of 12 bytes as three words: what the index of keys holds of a key or a body. */
export type Digest = readonly [number, number, number];

export function digestOf(...parts: readonly string[]): Digest {
  const hash = createHash("sha256").update(JSON.stringify(parts)).digest();
  return [hash.readUInt32LE(0), hash.readUInt32LE(4), hash.readUInt32LE(8)];
}

function isMark(value: unknown): value is IdempotencyMark {
  if (typeof value !== "object" || value === null) return false;
  const mark = value as Record<string, unknown>;
  return (
    mark["formatVersion"] === 1 &&
    typeof mark["key"] === "string" &&
    typeof mark["sha256"] === "string" &&
    typeof mark["mode"] === "string" &&
    Number.isInteger(mark["contractVersion"]) &&
    (mark["judged"] === undefined || Number.isInteger(mark["judged"]))
  );
}
