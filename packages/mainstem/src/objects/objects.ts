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
 * Durability: `put` resolves when the object survives a loss of power.
 * Atomicity: a reader sees all of an object or none of it; a failed or aborted put leaves nothing under the key.
 * Conditions: with `ifAbsent`, of any number of concurrent puts exactly one is `stored`; the others are `exists`.
 * Order: `list` goes by the bytes of the key, and shows everything that was stored before the call.
 * Repeats: a put that failed may be repeated; one whose outcome is unknown may have stored its object.
 * Errors: `objects.keyInvalid`, `objects.notFound`, `objects.failed`, `resource.closed`.
 */
export interface ObjectStore extends AsyncDisposable {
  put(key: ObjectKey, body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, options?: { readonly ifAbsent?: boolean } & Waits): Promise<Put>;
  /** As `put`, from a local file, which the caller keeps (a driver may link it instead of copying). */
  putFile(key: ObjectKey, path: string, options?: { readonly ifAbsent?: boolean } & Waits): Promise<Put>;
  read(key: ObjectKey, options?: { readonly range?: ByteRange } & Waits): AsyncIterable<Uint8Array>;
  /** A local copy for engines that read files. The directory driver gives the object itself: never write to it. */
  local(key: ObjectKey, options?: Waits): Promise<LocalFile>;
  stat(key: ObjectKey, options?: Waits): Promise<ObjectInfo | undefined>;
  /** Keys that begin with `prefix` (any string), after `after`. */
  list(prefix: string, options?: { readonly after?: ObjectKey } & Waits): AsyncIterable<ObjectInfo>;
  /** Deletes what is there; a key that is not there is no error. */
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

/** Checks unknown text and makes it a key. */
export function parseObjectKey(text: string): ObjectKey {
  const parts = text.split("/");
  const bad = text.length > 1_000 || parts.some((part) => part === "" || part === "." || part === ".." || /[\u0000-\u001f\\]/.test(part));
  if (bad) throw new MainstemError("objects.keyInvalid", `${JSON.stringify(text.slice(0, 200))} is not an object key.`);
  return text as ObjectKey;
}
