import { constants, copyFile, link, lstat, open, realpath, rm, unlink, type FileHandle } from "node:fs/promises";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { assert } from "../../runtime/assert.ts";
import { systemEnv, type Env } from "../../runtime/env.ts";
import { MainstemError } from "../../runtime/errors.ts";
import { errnoOf, makeDirectory, syncDirectory } from "../../runtime/files.ts";
import type { ByteRange, LocalFile, ObjectInfo, ObjectKey, ObjectStore, Put, Waits } from "../objects.ts";
import { writeBody } from "./body.ts";
import { createDurableFolders, type DurableFolders } from "./durable.ts";
import { listObjects } from "./list.ts";
import { failed, folderExists, io, isMissing, linkRefused, pathOf } from "./paths.ts";
import { publish, pruneFolders } from "./publish.ts";
import { openTempFiles, type TempFiles } from "./temp.ts";

const readBytes = 262_144;

export interface DirectoryStoreOptions {
  /** Made if missing. Several processes of one host may use it at once. */
  readonly directory: string;
  readonly env?: Env;
}

/**
 * Objects as files of a directory: the key is the path (docs/formats/objects.md).
 *
 * An object is written to a temporary file, synced, and then given its name by `link` (put if absent) or `rename`; the folders are synced after it.
 * Symbolic links inside the directory are refused, the directory itself may be one.
 * Closing ends running reads and puts with `resource.closed`, and waits for the puts. Errors: `objects.failed` when the directory cannot be used.
 */
export async function openDirectoryStore({ directory, env = systemEnv }: DirectoryStoreOptions): Promise<ObjectStore> {
  try {
    await makeDirectory(directory);
    const root = await realpath(resolve(directory));
    return new DirectoryStore(root, await openTempFiles(root, env));
  } catch (error) {
    throw failed(directory, error);
  }
}

class DirectoryStore implements ObjectStore {
  readonly #root: string;
  readonly #temp: TempFiles;
  readonly #folders: DurableFolders;
  readonly #closing = new AbortController();
  readonly #running = new Set<Promise<unknown>>();
  readonly #pins = new Set<string>();

  constructor(root: string, temp: TempFiles) {
    this.#root = root;
    this.#temp = temp;
    this.#folders = createDurableFolders(root);
  }

  put(
    key: ObjectKey,
    body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    { ifAbsent = false, signal }: { readonly ifAbsent?: boolean } & Waits = {},
  ): Promise<Put> {
    return this.#run(signal, async (until) => {
      const to = pathOf(this.#root, key);
      const temp = await io(key, this.#temp.create());
      try {
        const bytes = await writeSynced(temp.handle, body, { key, signal: until });
        return await this.#publish({ key, from: temp.path, to, ifAbsent, bytes, signal: until });
      } finally {
        await io(key, this.#temp.remove(temp.path));
      }
    });
  }

  putFile(key: ObjectKey, path: string, { ifAbsent = false, signal }: { readonly ifAbsent?: boolean } & Waits = {}): Promise<Put> {
    return this.#run(signal, async (until) => {
      const to = pathOf(this.#root, key);
      const from = this.#temp.name("put");
      try {
        const bytes = await io(key, linkOrCopy(path, from));
        return await this.#publish({ key, from, to, ifAbsent, bytes, signal: until });
      } finally {
        await io(key, this.#temp.remove(from));
      }
    });
  }

  async *read(key: ObjectKey, { range, signal }: { readonly range?: ByteRange } & Waits = {}): AsyncGenerator<Uint8Array> {
    assert(range === undefined || (Number.isSafeInteger(range.start) && range.start >= 0 && range.end >= range.start), "a byte range runs backwards");
    const until = this.#until(signal);
    until.throwIfAborted();
    await using object = await this.#open(key);
    const size = (await io(key, object.handle.stat())).size;
    const end = Math.min(range?.end ?? size, size);
    for (let at = range?.start ?? 0; at < end;) {
      until.throwIfAborted();
      const part = Buffer.allocUnsafeSlow(Math.min(readBytes, end - at));
      const { bytesRead } = await io(key, object.handle.read(part, 0, part.length, at));
      if (bytesRead === 0) throw new MainstemError("objects.failed", `Object ${key} became shorter while it was read.`, { key });
      at += bytesRead;
      until.throwIfAborted();
      yield part.subarray(0, bytesRead);
    }
  }

  local(key: ObjectKey, { signal }: Waits = {}): Promise<LocalFile> {
    return this.#run(signal, async () => {
      const path = pathOf(this.#root, key);
      if ((await this.#stat(key, path)) === undefined) throw notFound(key);
      // A second name keeps the bytes when the object is deleted meanwhile.
      const pin = this.#temp.name("pin", path);
      try {
        await link(path, pin);
      } catch (error) {
        throw isMissing(error) ? notFound(key) : failed(key, error);
      }
      this.#pins.add(pin);
      return { path: pin, [Symbol.asyncDispose]: () => this.#unpin(pin) };
    });
  }

  stat(key: ObjectKey, { signal }: Waits = {}): Promise<ObjectInfo | undefined> {
    return this.#run(signal, () => this.#stat(key, pathOf(this.#root, key)));
  }

  async *list(prefix: string, { after, signal }: { readonly after?: ObjectKey } & Waits = {}): AsyncGenerator<ObjectInfo> {
    const until = this.#until(signal);
    until.throwIfAborted();
    yield* listObjects(this.#root, { prefix, after, signal: until });
  }

  delete(keys: readonly ObjectKey[], { signal }: Waits = {}): Promise<void> {
    return this.#run(signal, async (until) => {
      const paths = keys.map((key) => [key, pathOf(this.#root, key)] as const);
      const folders = new Map<string, ObjectKey>();
      for (const [key, path] of paths) {
        until.throwIfAborted();
        if (await removeFile(key, path)) folders.set(await pruneFolders(this.#root, path), key);
      }
      for (const [folder, key] of folders) await syncRemaining(this.#root, folder, key);
    });
  }

  uri(key: ObjectKey): string {
    return pathToFileURL(pathOf(this.#root, key)).href;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#closing.signal.aborted) this.#closing.abort(new MainstemError("resource.closed", "The object store is closed."));
    await Promise.allSettled(this.#running);
    await Promise.all([...this.#pins].map((pin) => this.#unpin(pin)));
  }

  #until(signal: AbortSignal | undefined): AbortSignal {
    return signal === undefined ? this.#closing.signal : AbortSignal.any([this.#closing.signal, signal]);
  }

  /** Runs one operation that closing waits for. */
  async #run<T>(signal: AbortSignal | undefined, work: (until: AbortSignal) => Promise<T>): Promise<T> {
    const until = this.#until(signal);
    until.throwIfAborted();
    const running = work(until);
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  async #publish(object: { key: ObjectKey; from: string; to: string; ifAbsent: boolean; bytes: number; signal: AbortSignal }): Promise<Put> {
    const { key, from, to, ifAbsent, bytes, signal } = object;
    signal.throwIfAborted();
    const kind = await publish({ root: this.#root, key, from, to, ifAbsent, folders: this.#folders });
    return kind === "exists" ? { kind } : { kind, bytes };
  }

  async #stat(key: ObjectKey, path: string): Promise<ObjectInfo | undefined> {
    if (!(await folderExists(key, resolve(path, "..")))) return undefined;
    try {
      const found = await lstat(path);
      if (found.isSymbolicLink()) throw linkRefused(key);
      return found.isFile() ? { key, bytes: found.size, modified: Math.floor(found.mtimeMs) } : undefined;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw failed(key, error);
    }
  }

  async #open(key: ObjectKey): Promise<{ readonly handle: FileHandle } & AsyncDisposable> {
    const path = pathOf(this.#root, key);
    if ((await this.#stat(key, path)) === undefined) throw notFound(key);
    try {
      const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
      return { handle, [Symbol.asyncDispose]: () => io(key, handle.close()) };
    } catch (error) {
      throw isMissing(error) ? notFound(key) : failed(key, error);
    }
  }

  async #unpin(pin: string): Promise<void> {
    if (this.#pins.delete(pin)) await io(pin, this.#temp.remove(pin));
  }
}

function notFound(key: ObjectKey): MainstemError {
  return new MainstemError("objects.notFound", `There is no object ${JSON.stringify(key)}.`, { key });
}

async function writeSynced(
  handle: FileHandle,
  body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: { readonly key: string; readonly signal: AbortSignal },
): Promise<number> {
  try {
    const bytes = await writeBody(handle, body, options);
    await io(options.key, handle.sync());
    return bytes;
  } finally {
    await io(options.key, handle.close());
  }
}

/** Brings a caller's file into the store's file system under a temporary name, synced; returns its bytes. */
async function linkOrCopy(source: string, to: string): Promise<number> {
  // `link` would take a symbolic link itself, not the file that it names.
  const path = await realpath(source);
  if (!(await lstat(path)).isFile()) throw new MainstemError("objects.failed", `${source} is not a file.`, { path: source });
  try {
    await link(path, to);
    return await touchAndSync(to);
  } catch (error) {
    // Another file system, another owner's file, or a file with too many names.
    if (!["EXDEV", "EPERM", "EACCES", "EMLINK", "ENOTSUP"].includes(errnoOf(error) ?? "")) throw error;
  }
  await rm(to, { force: true });
  await copyFile(path, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  return await touchAndSync(to);
}

/** `modified` is the time of storing, by which orphans are judged. */
async function touchAndSync(path: string): Promise<number> {
  const handle = await open(path, "r");
  try {
    const now = new Date();
    await handle.utimes(now, now);
    await handle.sync();
    return (await handle.stat()).size;
  } finally {
    await handle.close();
  }
}

/** True when there was a file and it is gone. */
async function removeFile(key: ObjectKey, path: string): Promise<boolean> {
  if (!(await folderExists(key, resolve(path, "..")))) return false;
  try {
    await unlink(path);
    return true;
  } catch (error) {
    // A folder is no object: macOS says EPERM.
    if (isMissing(error) || errnoOf(error) === "EISDIR") return false;
    if (errnoOf(error) === "EPERM" && (await lstat(path)).isDirectory()) return false;
    throw failed(key, error);
  }
}

/** Syncs the folder that remains after a deletion; if another deletion removed it meanwhile, the one above. */
async function syncRemaining(root: string, folder: string, key: ObjectKey): Promise<void> {
  for (let remaining = folder; ; remaining = resolve(remaining, "..")) {
    try {
      return await syncDirectory(remaining);
    } catch (error) {
      if (!isMissing(error) || remaining === root) throw failed(key, error);
    }
  }
}
