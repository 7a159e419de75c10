import { basename, dirname } from "node:path";
import { MainstemError } from "../../runtime/errors.ts";
import type { FileMode, FileSystem, LogFile, OpenOptions } from "./file-system.ts";

/** What a disk writes whole or not at all. */
const sectorBytes = 512;

interface FileNode {
  readonly kind: "file";
  /** What readers see: the page cache. */
  content: Buffer;
  /** What surely survives a loss of power. */
  durable: Buffer;
  /** What may survive or not: writes and cuts since the last sync, in order. */
  pending: ({ readonly position: number; readonly bytes: Buffer } | { readonly size: number })[];
}

interface DirectoryNode {
  readonly kind: "directory";
  entries: Map<string, Node>;
  durable: Map<string, Node>;
  /** States of the directory since its last sync: a loss of power leaves one of them. */
  pending: Map<string, Node>[];
}

type Node = FileNode | DirectoryNode;

export interface SimulatedFileSystemOptions {
  /** A number of 0 or more, below 1: decides what of the unsynced survives. Always 0: all of it; always close to 1: nothing. */
  readonly random: () => number;
}

/**
 * A disk in memory that loses what was not synced: after `losePower` any sectors of unsynced writes are there, in part or not at all, and a directory has any
 * of the states that it had since its last sync. Syncs can be made to fail as Linux does it: the error comes once, the pages count as clean, and are lost.
 */
export class SimulatedFileSystem implements FileSystem {
  readonly #random: () => number;
  #root: DirectoryNode = directory(new Map());
  #operations = 0;
  #locked = false;
  /** Whoever still runs on it is gone: nothing that it does happens any more. */
  #dead = false;
  /** The number of the operation at which power is lost; what is under way then never ends. */
  losePowerAt = Number.POSITIVE_INFINITY;
  #lost: (() => void) | undefined;
  /** Asked before each write, sync and truncate of a file: an error code fails it, a write after a part of it was done. */
  refuse: ((operation: "write" | "sync" | "truncate", path: string) => string | undefined) | undefined;

  constructor({ random }: SimulatedFileSystemOptions) {
    this.#random = random;
  }

  get operations(): number {
    return this.#operations;
  }

  /** Resolves when `losePowerAt` is reached. */
  untilLost(): Promise<void> {
    return new Promise((resolve) => (this.#lost = resolve));
  }

  /** The disk as it is found when power comes back, on a new machine; this one must not be used any more. */
  losePower(): SimulatedFileSystem {
    this.#dead = true;
    const next = new SimulatedFileSystem({ random: this.#random });
    next.#root = this.#survivor(this.#root, new Map()) as DirectoryNode;
    return next;
  }

  /** The same disk for another process, after this one was killed: the page cache stays, what is under way never ends. */
  kill(): SimulatedFileSystem {
    this.#dead = true;
    const next = new SimulatedFileSystem({ random: this.#random });
    next.#root = this.#root;
    return next;
  }

  /** A copy of what readers see, all of it durable. */
  clone(): SimulatedFileSystem {
    const next = new SimulatedFileSystem({ random: this.#random });
    next.#root = copy(this.#root) as DirectoryNode;
    return next;
  }

  /** Paths of all files. */
  files(): string[] {
    const walk = (node: DirectoryNode, path: string): string[] =>
      [...node.entries].flatMap(([name, child]) => (child.kind === "file" ? [`${path}/${name}`] : walk(child, `${path}/${name}`)));
    return walk(this.#root, "").sort();
  }

  /** Reads or replaces a file's bytes behind everybody's back, durably. */
  peek(path: string): Buffer {
    return Buffer.from(this.#file(path).content);
  }
  poke(path: string, bytes: Buffer): void {
    const node = this.#file(path);
    node.content = Buffer.from(bytes);
    node.durable = Buffer.from(bytes);
    node.pending = [];
  }
  async unlink(path: string): Promise<void> {
    await this.remove(path);
    await this.syncDirectory(dirname(path));
  }

  async open(path: string, mode: FileMode, { durable = false }: OpenOptions = {}): Promise<LogFile> {
    await this.#step();
    const parent = this.#directory(dirname(path));
    let node = parent.entries.get(basename(path));
    if (node === undefined && mode === "create") {
      node = { kind: "file", content: Buffer.alloc(0), durable: Buffer.alloc(0), pending: [] };
      this.#change(parent, (entries) => entries.set(basename(path), node!));
    }
    if (node?.kind !== "file") throw failure("ENOENT", "open", path);
    return this.#handle(node, path, { durable });
  }

  async list(path: string): Promise<readonly string[]> {
    await this.#step();
    return [...this.#directory(path).entries.keys()];
  }

  async makeDirectory(path: string): Promise<void> {
    await this.#step();
    let node = this.#root;
    for (const part of path.split("/").filter((name) => name !== "")) {
      let child = node.entries.get(part);
      if (child === undefined) {
        child = directory(new Map());
        const made = child;
        this.#change(node, (entries) => entries.set(part, made));
        settle(node);
      }
      if (child.kind !== "directory") throw failure("ENOTDIR", "mkdir", path);
      node = child;
    }
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#step();
    if (dirname(from) !== dirname(to)) throw failure("EXDEV", "rename", from);
    const parent = this.#directory(dirname(from));
    const node = parent.entries.get(basename(from));
    if (node === undefined) throw failure("ENOENT", "rename", from);
    this.#change(parent, (entries) => entries.set(basename(to), node).delete(basename(from)));
  }

  async remove(path: string): Promise<void> {
    await this.#step();
    const parent = this.#directory(dirname(path));
    const node = parent.entries.get(basename(path));
    if (node === undefined) return;
    // As rm -r does it: from the leaves up, each name a change of its own directory.
    if (node.kind === "directory") for (const name of node.entries.keys()) await this.remove(`${path}/${name}`);
    this.#change(parent, (entries) => entries.delete(basename(path)));
  }

  async syncDirectory(path: string): Promise<void> {
    await this.#step();
    settle(this.#directory(path));
  }

  async lock(path: string): Promise<AsyncDisposable> {
    if (this.#locked) throw new MainstemError("log.locked", `${path} is locked.`);
    this.#locked = true;
    return { [Symbol.asyncDispose]: async () => void (this.#locked = false) };
  }

  #handle(node: FileNode, path: string, { durable }: { readonly durable: boolean }): LogFile {
    const sync = async (only?: FileNode["pending"][number]): Promise<void> => {
      await this.#step();
      const refused = this.refuse?.("sync", path);
      // The kernel tells of the failure once and takes the pages for clean: what did not reach the disk never will.
      // So a later sync does not bring it there either: only what was written since.
      // A durable write brings its own bytes and the size to the disk, as Linux's O_DSYNC does, and nothing that waits elsewhere in the file.
      const within = only === undefined ? node.pending : node.pending.filter((one) => "size" in one || one === only);
      node.durable = this.#survived({ ...node, pending: within }, { all: refused === undefined });
      node.pending = node.pending.filter((one) => !within.includes(one));
      if (refused !== undefined) throw failure(refused, "fdatasync", path);
    };
    return {
      write: async (buffers, position) => {
        await this.#alive();
        const refused = this.refuse?.("write", path);
        const bytes = Buffer.concat(buffers);
        const done = refused === undefined ? bytes : bytes.subarray(0, Math.floor(this.#random() * bytes.length));
        // Power may go while it is written: then it counts as unsynced.
        const mine = write(node, done, position);
        await this.#step();
        if (refused !== undefined) throw failure(refused, "write", path);
        if (durable) await sync(mine);
      },
      read: async (into, position) => {
        await this.#step();
        return node.content.copy(into, 0, position, position + into.length);
      },
      size: async () => {
        await this.#step();
        return node.content.length;
      },
      truncate: async (bytes) => {
        await this.#alive();
        const refused = this.refuse?.("truncate", path);
        if (refused === undefined) {
          resize(node, bytes);
          node.pending.push({ size: bytes });
        }
        await this.#step();
        if (refused !== undefined) throw failure(refused, "ftruncate", path);
      },
      sync: () => sync(),
      close: () => this.#step(),
    };
  }

  /** Every operation passes here: a turn for the others, and the moment at which power may go. */
  async #step(): Promise<void> {
    this.#operations++;
    if (this.#operations >= this.losePowerAt) {
      this.#dead = true;
      this.#lost?.();
    }
    for (let turns = Math.floor(this.#random() * 4); turns > 0; turns--) await Promise.resolve();
    await this.#alive();
  }

  #alive(): Promise<void> {
    return this.#dead ? new Promise(() => undefined) : Promise.resolve();
  }

  #directory(path: string): DirectoryNode {
    let node: Node | undefined = this.#root;
    for (const part of path.split("/").filter((name) => name !== "")) node = node?.kind === "directory" ? node.entries.get(part) : undefined;
    if (node?.kind !== "directory") throw failure("ENOENT", "scandir", path);
    return node;
  }

  #file(path: string): FileNode {
    const node = this.#directory(dirname(path)).entries.get(basename(path));
    if (node?.kind !== "file") throw failure("ENOENT", "open", path);
    return node;
  }

  #change(node: DirectoryNode, change: (entries: Map<string, Node>) => unknown): void {
    node.entries = new Map(node.entries);
    change(node.entries);
    node.pending.push(node.entries);
  }

  #survivor(node: Node, known: Map<Node, Node>): Node {
    const before = known.get(node);
    if (before !== undefined) return before;
    if (node.kind === "file") {
      const content = this.#survived(node);
      const file: FileNode = { kind: "file", content, durable: Buffer.from(content), pending: [] };
      known.set(node, file);
      return file;
    }
    const states = [node.durable, ...node.pending];
    const state = states[Math.min(states.length - 1, Math.floor((1 - this.#random()) * states.length))]!;
    const next = directory(new Map([...state].map(([name, child]) => [name, this.#survivor(child, known)])));
    known.set(node, next);
    return next;
  }

  #survived({ durable, pending }: FileNode, { all = false }: { readonly all?: boolean } = {}): Buffer {
    const node: FileNode = { kind: "file", content: Buffer.from(durable), durable, pending: [] };
    for (const one of pending) {
      if ("size" in one) {
        if (all || this.#random() < 0.5) resize(node, one.size);
        continue;
      }
      const fate = all ? 0 : this.#random();
      for (let start = 0; start < one.bytes.length;) {
        const end = Math.min(one.bytes.length, start + sectorBytes - ((one.position + start) % sectorBytes));
        if (fate < 0.3 || (fate < 0.8 && this.#random() < 0.7)) write(node, one.bytes.subarray(start, end), one.position + start);
        start = end;
      }
    }
    return node.content;
  }
}

function directory(entries: Map<string, Node>): DirectoryNode {
  return { kind: "directory", entries, durable: entries, pending: [] };
}

function settle(node: DirectoryNode): void {
  node.durable = node.entries;
  node.pending = [];
}

function write(node: FileNode, bytes: Buffer, position: number): FileNode["pending"][number] {
  if (position + bytes.length > node.content.length) resize(node, position + bytes.length);
  bytes.copy(node.content, position);
  const made = { position, bytes: Buffer.from(bytes) };
  node.pending.push(made);
  return made;
}

function resize(node: FileNode, bytes: number): void {
  const content = Buffer.alloc(bytes);
  node.content.copy(content, 0, 0, bytes);
  node.content = content;
}

function copy(node: Node): Node {
  if (node.kind === "file") return { kind: "file", content: Buffer.from(node.content), durable: Buffer.from(node.content), pending: [] };
  return directory(new Map([...node.entries].map(([name, child]) => [name, copy(child)])));
}

function failure(code: string, syscall: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${syscall} '${path}'`), { code, syscall, path });
}
