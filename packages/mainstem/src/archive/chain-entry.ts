import { createHash } from "node:crypto";
import { z } from "zod";
import { MainstemError } from "../runtime/errors.ts";
import { refuseNewer } from "../runtime/formats.ts";
import type { Offset, TopicPartition } from "../log/index.ts";
import { parseObjectKey, type ObjectKey } from "../objects/index.ts";
import type { ChainEntry } from "./chunk.ts";
import { parseDataKey } from "./paths.ts";

/** An entry is a few hundred bytes; what is larger is not one. */
export const chainEntryBytesMax = 16_384;

const checkOpening = ',"check":"';
/** `,"check":"<64 hexadecimal digits>"}` and a line feed. */
const checkBytes = checkOpening.length + 64 + 3;

/** The entry as it is stored: JSON whose last field is the SHA-256 of every byte before that field, so that any changed byte is found (docs/formats/chain.md). */
export function formatChainEntry(entry: ChainEntry): Uint8Array {
  const { formatVersion, kind, start, next, path, attempt, sha256, records, bytes, times } = entry;
  const text = JSON.stringify({ formatVersion, kind, start, next, path, attempt, sha256, records, bytes, times });
  const body = Buffer.from(text.slice(0, -1));
  return Buffer.concat([body, Buffer.from(`${checkOpening}${sha256Of(body)}"}\n`)]);
}

/** Reads what is stored under the chain key of `start`. Throws `archive.corrupt`, naming the key, when a byte was changed, cut or added, or when it is no entry of this place; `archive.newer`. */
export function parseChainEntry(stored: Uint8Array, place: { readonly of: TopicPartition; readonly start: Offset; readonly key: ObjectKey }): ChainEntry {
  const bytes = Buffer.from(stored.buffer, stored.byteOffset, stored.length);
  const body = bytes.subarray(0, Math.max(0, bytes.length - checkBytes));
  if (bytes.toString("latin1", body.length) !== `${checkOpening}${sha256Of(body)}"}\n`) throw corrupt(place.key, "its bytes are not those that were stored");
  const json = parseJson(`${body.toString("utf8")}}`);
  refuseNewer(json, { code: "archive.newer", what: `Chain entry ${place.key}`, known: 1 });
  const entry = toChainEntry(json, place.of);
  if (typeof entry === "string") throw corrupt(place.key, entry);
  if (entry.start !== place.start) throw corrupt(place.key, `it begins at offset ${entry.start}`);
  return entry;
}

/** Checks unknown JSON as an entry of a partition, and says what is wrong with it otherwise. Used for stored entries and for chunk messages. */
export function toChainEntry(json: unknown, of: TopicPartition): ChainEntry | string {
  const parsed = shape.safeParse(json);
  if (!parsed.success) return `${parsed.error.issues[0]?.path.join(".") || "it"}: ${parsed.error.issues[0]?.message ?? "not a chain entry"}`;
  const { path, sha256, times, ...entry } = parsed.data;
  if (entry.next <= entry.start) return `its next offset ${entry.next} is not above its start ${entry.start}`;
  const offsets = { start: entry.start as Offset, next: entry.next as Offset };
  const hasData = entry.records > 0;
  if (hasData !== (path !== undefined) || hasData !== (sha256 !== undefined) || hasData !== (times !== undefined) || hasData !== entry.bytes > 0)
    return "path, sha256, bytes and times belong to records, and records need them";
  if (!hasData || path === undefined || sha256 === undefined || times === undefined) return { ...entry, ...offsets };
  if (entry.kind === "gap") return "a gap has no records";
  if (entry.records > entry.next - entry.start) return "it has more records than offsets";
  const named = parseDataKey(of, path);
  if (named === undefined || named.last !== entry.next - 1 || named.attempt !== entry.attempt) return `its path ${path} is not that of its data object`;
  return { ...entry, ...offsets, path: parseObjectKey(path), sha256, times };
}

const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const time = z.number().int().min(Number.MIN_SAFE_INTEGER).max(Number.MAX_SAFE_INTEGER);
const shape = z.strictObject({
  formatVersion: z.literal(1),
  kind: z.enum(["data", "gap"]),
  start: count,
  next: count,
  path: z.string().max(1_000).optional(),
  attempt: z.string().regex(/^[A-Za-z0-9_-]{22}$/),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
  records: count,
  bytes: count,
  times: z.strictObject({ first: time, last: time }).optional(),
});

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function sha256Of(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function corrupt(key: ObjectKey, what: string): MainstemError {
  return new MainstemError("archive.corrupt", `Chain entry ${key} is damaged: ${what}.`, { key });
}
