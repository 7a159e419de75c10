import { readdir, rename, rm } from "node:fs/promises";
import { close, constants, fdatasync, fstat, ftruncate, open as openFile, read, writev } from "node:fs";
import { makeDirectory, syncDirectory } from "../../runtime/files.ts";
import { lockDirectory } from "./lock.ts";

/** `read`: must exist; `write`: must exist, read and written; `create`: made empty if it is not there, read and written. */
export type FileMode = "read" | "write" | "create";

export interface OpenOptions {
  /** Each write is durable when it resolves, as after `sync`. Where the system knows such files that is one call instead of two, each of which goes to another thread and back. */
  readonly durable?: boolean;
}

/** An open file. Failures are the file system's own errors (`code` as in Node). */
export interface LogFile {
  /** Writes all bytes of all buffers from `position` on. After a failure any part of them may be there. */
  write(buffers: readonly Uint8Array[], position: number): Promise<void>;
  /** Fills the buffer from `position` on and gives the number of bytes; fewer than asked for only where the file ends. */
  read(into: Uint8Array, position: number): Promise<number>;
  size(): Promise<number>;
  truncate(bytes: number): Promise<void>;
  /** Resolves when the bytes and the size survive a loss of power. A failure may have dropped unwritten bytes: never repeat it to make them durable. */
  sync(): Promise<void>;
  /** After what is under way; closing twice is fine, using it afterwards is refused. */
  close(): Promise<void>;
}

/** What the embedded log takes from a file system: little enough that a simulation can own it and lose power at any moment. */
export interface FileSystem {
  open(path: string, mode: FileMode, options?: OpenOptions): Promise<LogFile>;
  /** Names in a directory, in any order. */
  list(path: string): Promise<readonly string[]>;
  /** Makes the directory and its missing parents, durable when resolved; no error if it is there. */
  makeDirectory(path: string): Promise<void>;
  /** Atomic; replaces what is there. Durable after `syncDirectory` of the parent. */
  rename(from: string, to: string): Promise<void>;
  /** Removes a file or a whole directory; no error if it is not there. */
  remove(path: string): Promise<void>;
  /** Resolves when the names in the directory survive a loss of power. */
  syncDirectory(path: string): Promise<void>;
  /** Holds the directory for this process until disposed of or dead. Throws `log.locked`. */
  lock(path: string): Promise<AsyncDisposable>;
}

const modeFlags = { read: constants.O_RDONLY, write: constants.O_RDWR, create: constants.O_RDWR | constants.O_CREAT } as const;
/** Linux gives `O_DSYNC` what `fdatasync` gives; on macOS the flag does not reach through the drive's own cache, which Node's `fdatasync` does there. */
const durableFlag = process.platform === "linux" ? constants.O_DSYNC : 0;
/** Vectors of one `writev`: IOV_MAX of Linux and macOS. */
const vectorsMax = 1_024;

/** The file system of the machine. */
export const nodeFileSystem: FileSystem = {
  open: (path, mode, { durable = false } = {}) =>
    new Promise((resolve, reject) => {
      const flags = modeFlags[mode] | (durable ? durableFlag : 0);
      openFile(path, flags, (error, fd) => (error === null ? resolve(nodeFile(fd, { syncsWrites: durable && durableFlag === 0 })) : reject(error)));
    }),
  list: (path) => readdir(path),
  makeDirectory,
  rename,
  remove: (path) => rm(path, { recursive: true, force: true }),
  syncDirectory,
  lock: lockDirectory,
};

/**
 * Plain descriptors and callbacks: half the cost of a FileHandle on the append path.
 * Closing waits for what is under way and refuses what comes after: the system gives the number of a closed descriptor to the next file that is opened.
 */
function nodeFile(fd: number, { syncsWrites }: { readonly syncsWrites: boolean }): LogFile {
  let underWay = 0;
  let closing: Promise<void> | undefined;
  let idle: (() => void) | undefined;
  const using = async <T>(operation: () => Promise<T>): Promise<T> => {
    if (closing !== undefined) throw Object.assign(new Error("EBADF: the file was closed"), { code: "EBADF", syscall: "close" });
    underWay++;
    try {
      return await operation();
    } finally {
      if (--underWay === 0) idle?.();
    }
  };
  return {
    write: (buffers, position) =>
      using(async () => {
        await writeAll(fd, buffers, position);
        if (syncsWrites) await syncData(fd);
      }),
    read: (into, position) => using(() => readAll(fd, into, position)),
    size: () => using(() => new Promise((resolve, reject) => fstat(fd, (error, stats) => (error === null ? resolve(stats.size) : reject(error))))),
    truncate: (bytes) => using(() => new Promise((resolve, reject) => ftruncate(fd, bytes, (error) => (error ? reject(error) : resolve())))),
    sync: () => using(() => syncData(fd)),
    close: () =>
      (closing ??= (async () => {
        if (underWay > 0) await new Promise<void>((resolve) => (idle = resolve));
        await new Promise<void>((resolve, reject) => close(fd, (error) => (error ? reject(error) : resolve())));
      })()),
  };
}

async function writeAll(fd: number, buffers: readonly Uint8Array[], position: number): Promise<void> {
  let rest = buffers.slice(0, vectorsMax);
  let taken = rest.length;
  let at = position;
  while (rest.length > 0) {
    const written = await writeSome(fd, rest, at);
    at += written;
    rest = after(rest, written);
    if (rest.length === 0) {
      rest = buffers.slice(taken, taken + vectorsMax);
      taken += rest.length;
    }
  }
}

function writeSome(fd: number, buffers: readonly Uint8Array[], position: number): Promise<number> {
  return new Promise((resolve, reject) => writev(fd, buffers, position, (error, written) => (error === null ? resolve(written) : reject(error))));
}

function syncData(fd: number): Promise<void> {
  return new Promise((resolve, reject) => fdatasync(fd, (error) => (error ? reject(error) : resolve())));
}

/** What is left of the buffers after the first `written` bytes. */
function after(buffers: Uint8Array[], written: number): Uint8Array[] {
  let index = 0;
  let rest = written;
  for (; index < buffers.length && rest >= buffers[index]!.length; index++) rest -= buffers[index]!.length;
  if (index === buffers.length) return [];
  return rest === 0 ? buffers.slice(index) : [buffers[index]!.subarray(rest), ...buffers.slice(index + 1)];
}

async function readAll(fd: number, into: Uint8Array, position: number): Promise<number> {
  let done = 0;
  while (done < into.length) {
    const count = await readSome(fd, into, done, position + done);
    if (count === 0) break;
    done += count;
  }
  return done;
}

function readSome(fd: number, into: Uint8Array, offset: number, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    read(fd, into, offset, into.length - offset, position, (error, count) => (error === null ? resolve(count) : reject(error)));
  });
}
