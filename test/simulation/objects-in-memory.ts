import { readFileSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { isObjectKey, parseObjectKey, type ObjectInfo, type ObjectKey, type ObjectStore, type Put } from "../../packages/mainstem/src/objects/index.ts";
import { MainstemError } from "../../packages/mainstem/src/runtime/errors.ts";

interface Stored {
  readonly bytes: Buffer;
  readonly modified: number;
}

const pieceBytes = 65_536;

/** Objects in memory: what a simulated world keeps when a process of it dies. Any number of stores can be opened on them. */
export class ObjectsInMemory {
  readonly #objects = new Map<ObjectKey, Stored>();
  readonly #directory: string;
  readonly #now: () => number;
  #copies = 0;

  /** `directory` is for local copies, which are real files. */
  constructor({ directory, now = Date.now }: { readonly directory: string; readonly now?: () => number }) {
    this.#directory = directory;
    this.#now = now;
  }

  open(): ObjectStore {
    const objects = this.#objects;
    const closing = new AbortController();
    const until = (signal: AbortSignal | undefined): AbortSignal => (signal === undefined ? closing.signal : AbortSignal.any([closing.signal, signal]));
    const require = (key: ObjectKey): Stored => {
      const found = objects.get(checked(key));
      if (found === undefined) throw new MainstemError("objects.notFound", `There is no object ${key}.`, { key });
      return found;
    };
    const put = (key: ObjectKey, bytes: Buffer, ifAbsent: boolean): Put => {
      for (const other of objects.keys())
        if (other.startsWith(`${key}/`) || key.startsWith(`${other}/`))
          throw new MainstemError("objects.keyInvalid", `${key} and ${other} exclude one another.`);
      if (ifAbsent && objects.has(key)) return { kind: "exists" };
      objects.set(key, { bytes, modified: this.#now() });
      return { kind: "stored", bytes: bytes.length };
    };
    const store: ObjectStore = {
      async put(key, body, { ifAbsent = false, signal } = {}) {
        checked(key);
        return put(key, await gather(body, until(signal)), ifAbsent);
      },
      async putFile(key, path, { ifAbsent = false, signal } = {}) {
        checked(key);
        until(signal).throwIfAborted();
        return put(key, readLocal(key, path), ifAbsent);
      },
      async *read(key, { range, signal } = {}) {
        until(signal).throwIfAborted();
        const { bytes } = require(key);
        const end = Math.min(range?.end ?? bytes.length, bytes.length);
        for (let at = range?.start ?? 0; at < end; at += pieceBytes) {
          until(signal).throwIfAborted();
          yield Buffer.from(bytes.subarray(at, Math.min(end, at + pieceBytes)));
        }
      },
      local: async (key, { signal } = {}) => {
        until(signal).throwIfAborted();
        const path = join(this.#directory, `${this.#copies++}-${key.slice(key.lastIndexOf("/") + 1).slice(-100)}`);
        let there = true;
        writeFileSync(path, require(key).bytes);
        return {
          path,
          async [Symbol.asyncDispose]() {
            if (there) unlinkSync(path);
            there = false;
          },
        };
      },
      async stat(key, { signal } = {}) {
        until(signal).throwIfAborted();
        const found = objects.get(checked(key));
        return found === undefined ? undefined : infoOf(key, found);
      },
      async *list(prefix, { after, signal } = {}) {
        until(signal).throwIfAborted();
        // Who lists or deletes again and again lets others have their turn, as with any real store.
        await setImmediate();
        const keys = [...objects.keys()].filter((key) => key.startsWith(prefix) && (after === undefined || byBytes(key, after) > 0)).sort(byBytes);
        for (const key of keys) {
          until(signal).throwIfAborted();
          const found = objects.get(key);
          if (found !== undefined) yield infoOf(key, found);
        }
      },
      async delete(keys, { signal } = {}) {
        until(signal).throwIfAborted();
        for (const key of keys.map(checked)) objects.delete(key);
        await setImmediate();
      },
      uri: (key) => `memory:///${checked(key)}`,
      async [Symbol.asyncDispose]() {
        closing.abort(new MainstemError("resource.closed", "The object store is closed."));
      },
    };
    return store;
  }
}

/** The whole body; an abort ends the wait for a body that hangs, and releases it. */
async function gather(body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, signal: AbortSignal): Promise<Buffer> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason as Error);
  aborted.promise.catch(() => undefined);
  signal.addEventListener("abort", abort, { once: true });
  const parts: Uint8Array[] = [];
  const items = Symbol.asyncIterator in body ? body[Symbol.asyncIterator]() : body[Symbol.iterator]();
  let ended = false;
  try {
    for (;;) {
      const next = await Promise.race([items.next(), aborted.promise]);
      signal.throwIfAborted();
      if (next.done === true) break;
      parts.push(Buffer.from(next.value));
    }
    ended = true;
    return Buffer.concat(parts);
  } finally {
    signal.removeEventListener("abort", abort);
    // A body that hangs never answers.
    if (!ended) void items.return?.();
  }
}

function readLocal(key: ObjectKey, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new MainstemError("objects.failed", `Object ${key} could not be stored: ${path} cannot be read.`, { key }, { cause });
  }
}

function checked(key: ObjectKey): ObjectKey {
  return isObjectKey(key) ? key : parseObjectKey(key);
}

function infoOf(key: ObjectKey, { bytes, modified }: Stored): ObjectInfo {
  return { key, bytes: bytes.length, modified };
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
