import type { Brand } from "../runtime/brand.ts";
import { MainstemError } from "../runtime/errors.ts";

/** A relative path of `/`-separated parts; no part is empty, `.` or `..`. */
export type ObjectKey = Brand<string, "ObjectKey">;

export interface Waits {
  readonly signal?: AbortSignal | undefined;
}

export type Put = { readonly kind: "stored"; readonly bytes: number } | { readonly kind: "exists" };

export interface ObjectInfo {
  readonly key: ObjectKey;
  readonly bytes: number;
  /** Milliseconds since 1970, by the store's clock. */
  readonly modified: number;
}

/** `start` inclusive, `end` exclusive. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** A local copy that stays until it is released. */
export interface LocalFile extends AsyncDisposable {
  readonly path: string;
}

/**
 * Immutable objects by key.
 *
 * Durability: `put` resolves when the object survives a loss of power; `exists` means that the other object does.
 * Atomicity: a reader sees all of an object or none of it; a failed or aborted put leaves nothing under the key.
 * Conditions: with `ifAbsent`, of any number of concurrent puts exactly one is `stored`; the others are `exists`.
 * Keys: no key may be another key followed by `/…`: a store of files cannot hold both, and refuses the second.
 * Order: `list` goes by the UTF-8 bytes of the key, and shows everything that was stored before the call.
 * Repeats: a put that failed may be repeated; one whose outcome is unknown may have stored its object.
 * Cancellation: an abort rejects with the signal's reason, also while a body hangs; a put that was already publishing may have stored its object.
 * Errors: `objects.keyInvalid` (also for a key that the driver's medium cannot hold), `objects.notFound`, `objects.failed`, `resource.closed`.
 * What a body throws is passed on as it is.
 */
export interface ObjectStore extends AsyncDisposable {
  put(key: ObjectKey, body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, options?: { readonly ifAbsent?: boolean } & Waits): Promise<Put>;
  /** As `put`, from a local file, which the caller keeps but never writes to again (a driver may link it instead of copying). */
  putFile(key: ObjectKey, path: string, options?: { readonly ifAbsent?: boolean } & Waits): Promise<Put>;
  /** The bytes; each part belongs to the caller. A range is clipped to the object: what lies beyond its end gives nothing. */
  read(key: ObjectKey, options?: { readonly range?: ByteRange } & Waits): AsyncIterable<Uint8Array>;
  /** A local copy for engines that read files; it stays until released, even when the object is deleted. It may share its bytes with the object: never write to it. */
  local(key: ObjectKey, options?: Waits): Promise<LocalFile>;
  stat(key: ObjectKey, options?: Waits): Promise<ObjectInfo | undefined>;
  /** Keys that begin with `prefix` (any string), after `after`. */
  list(prefix: string, options?: { readonly after?: ObjectKey } & Waits): AsyncIterable<ObjectInfo>;
  /** Deletes what is there; a key that is not there is no error. Resolves when the deletion survives a loss of power. */
  delete(keys: readonly ObjectKey[], options?: Waits): Promise<void>;
  /** The address under which other programs find the object: `file:///…` or `s3://bucket/…`. Not encoded beyond what a URI needs. */
  uri(key: ObjectKey): string;
}

/** Reads a whole object of at most `bytesMax` bytes; `objects.failed` if it is larger. */
export async function readWhole(store: ObjectStore, key: ObjectKey, options: { readonly bytesMax: number } & Waits): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of store.read(key, options)) {
    bytes += part.length;
    if (bytes > options.bytesMax)
      throw new MainstemError("objects.failed", `Object ${key} is larger than the ${options.bytesMax} bytes that it may have.`, { key });
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** Checks unknown text and makes it a key; `objects.keyInvalid` otherwise. */
export function parseObjectKey(text: string): ObjectKey {
  if (!isObjectKey(text)) throw new MainstemError("objects.keyInvalid", `${JSON.stringify(text.slice(0, 200))} is not an object key.`);
  return text;
}

/** At most 1,000 bytes of UTF-8 (S3 takes 1,024); no control characters, backslashes or lone surrogates (which have no UTF-8); parts as `ObjectKey` says. */
export function isObjectKey(text: string): text is ObjectKey {
  if (text.length > 1_000 || Buffer.byteLength(text) > 1_000 || !text.isWellFormed()) return false;
  return text.split("/").every((part) => part !== "" && part !== "." && part !== ".." && !/[\u0000-\u001f\\]/.test(part));
}
