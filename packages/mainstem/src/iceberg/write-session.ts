import { parseObjectKey, type ObjectKey, type ObjectStore } from "../objects/index.ts";
import { assert } from "../runtime/assert.ts";
import type { Logger } from "../runtime/logger.ts";
import { contentUuid } from "./content-name.ts";

/** The metadata objects that one change writes, so that they can be taken back when it is not published. */
export class WriteSession {
  readonly #objects: ObjectStore;
  readonly #logger: Logger;
  readonly #prefix: ObjectKey;
  readonly #written: ObjectKey[] = [];
  #manifests = 0;

  constructor({ objects, logger, prefix }: { readonly objects: ObjectStore; readonly logger: Logger; readonly prefix: ObjectKey }) {
    this.#objects = objects;
    this.#logger = logger;
    this.#prefix = prefix;
  }

  get manifests(): number {
    return this.#manifests;
  }

  async putManifest(bytes: Uint8Array): Promise<ObjectKey> {
    const key = this.#key(`${contentUuid(bytes)}-m${this.#manifests}.avro`);
    this.#manifests += 1;
    this.#written.push(key);
    await this.#put(key, bytes);
    return key;
  }

  /** The `1` is the attempt: another attempt is another snapshot here. */
  async putManifestList(bytes: Uint8Array, { snapshotId }: { readonly snapshotId: bigint }): Promise<ObjectKey> {
    const key = this.#key(`snap-${snapshotId}-1-${contentUuid(bytes)}.avro`);
    this.#written.push(key);
    await this.#put(key, bytes);
    return key;
  }

  /**
   * A metadata file is taken back only once it was stored: two processes that make the same change write the same object,
   * and one whose put failed must not delete what the other publishes.
   */
  async putMetadata(text: string, { version }: { readonly version: number }): Promise<ObjectKey> {
    const bytes = Buffer.from(text);
    const key = this.#key(`${String(version).padStart(5, "0")}-${contentUuid(bytes)}.metadata.json`);
    await this.#put(key, bytes);
    this.#written.push(key);
    return key;
  }

  /** Deletes what was written. What cannot be deleted stays as objects that nothing names. */
  async takeBack(): Promise<void> {
    await deleteQuietly(this.#written, { objects: this.#objects, logger: this.#logger });
  }

  #key(name: string): ObjectKey {
    return parseObjectKey(`${this.#prefix}/metadata/${name}`);
  }

  async #put(key: ObjectKey, bytes: Uint8Array): Promise<void> {
    const put = await this.#objects.put(key, [bytes], { ifAbsent: true });
    // The name is made from the content: what is there already has the same bytes.
    assert(put.kind === "exists" || put.bytes === bytes.length, "an object is stored whole");
  }
}

/** Deletes objects that nothing names any more; a failure costs only their space. */
export async function deleteQuietly(
  keys: readonly ObjectKey[],
  { objects, logger }: { readonly objects: ObjectStore; readonly logger: Logger },
): Promise<void> {
  if (keys.length === 0) return;
  try {
    await objects.delete(keys);
  } catch (error) {
    logger.warn("table metadata objects could not be deleted; they only take space", { keys, error: String(error) });
  }
}
