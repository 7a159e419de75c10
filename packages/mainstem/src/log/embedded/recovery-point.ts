import crc32 from "@node-rs/crc32";
import type { Env } from "../../runtime/env.ts";
import { MainstemError } from "../../runtime/errors.ts";
import type { Offset } from "../log.ts";
import { readInt64, writeInt64 } from "../int64.ts";
import type { FileSystem, LogFile } from "./file-system.ts";

/** What of a partition is known to be durable. Everything below is vouched for: damage there is corruption. Beyond it a torn tail may follow. */
export interface RecoveryPoint {
  /** The first offset that retention has left. Segments wholly below it may be gone. */
  readonly logStart: Offset;
  /** The segment that was written last, and the bytes of it that are durable. */
  readonly segmentBase: Offset;
  readonly position: number;
  /** The offset that follows those bytes. */
  readonly next: Offset;
  /** The last append time: the next one is not before it. */
  readonly lastTimestamp: number;
  /** The greatest batch time in the segment and the last offset of the first batch that has it; -1 in an empty segment. */
  readonly maxTimestamp: number;
  readonly maxTimestampOffset: number;
}

const magic = 0x4d53_5250;
const formatVersion = 1;
const slotBytes = 76;
/** Slots lie in different pages and each within one sector, so that a torn write can spoil only the slot that was being written. */
const slotSpacing = 4_096;
/** What is noted is written so much later: many rounds of a busy partition then cost one write. */
const lagMs = 50;

/**
 * A small file with two slots, written in turn: layout in docs/formats/log.md.
 * A slot is written only after the data that it vouches for was synced, so it never runs ahead of it, whatever order the disk keeps;
 * after a kill it may lag behind by some ten milliseconds, after a loss of power by what the kernel had not yet written: then more is checked on open, nothing
 * is lost.
 */
export class RecoveryPointFile {
  readonly #file: LogFile;
  readonly #env: Env;
  #current: RecoveryPoint;
  #sequence: number;
  #writing: Promise<void> = Promise.resolve();
  /** A write that has not begun and will take in whatever is noted until then. */
  #noting: Promise<void> | undefined;
  readonly #closing = new AbortController();

  private constructor(file: LogFile, { point, sequence, env }: { readonly point: RecoveryPoint; readonly sequence: number; readonly env: Env }) {
    this.#file = file;
    this.#env = env;
    this.#current = point;
    this.#sequence = sequence;
  }

  /** Writes the file of a new partition; the caller syncs its directory. */
  static async create(files: FileSystem, path: string, point: RecoveryPoint): Promise<void> {
    const file = await files.open(path, "create");
    try {
      const bytes = Buffer.alloc(2 * slotSpacing);
      encodeSlot(bytes, 0, point, 0);
      encodeSlot(bytes, slotSpacing, point, 1);
      await file.write([bytes], 0);
      await file.sync();
    } finally {
      await file.close();
    }
  }

  /** Throws `log.corrupt` if neither slot is whole. */
  static async open(files: FileSystem, path: string, env: Env): Promise<RecoveryPointFile> {
    const file = await files.open(path, "write").catch((error: unknown) => {
      throw new MainstemError("log.corrupt", `The recovery point ${path} cannot be opened.`, { file: path }, { cause: error });
    });
    const bytes = Buffer.alloc(2 * slotSpacing);
    await file.read(bytes, 0);
    const newest = newestSlot(bytes, path);
    if (newest !== undefined) return new RecoveryPointFile(file, { ...newest, env });
    await file.close();
    throw new MainstemError("log.corrupt", `The recovery point ${path} is damaged: neither of its two slots is whole.`, { file: path });
  }

  get current(): RecoveryPoint {
    return this.#current;
  }

  /** Takes the change in, and writes it soon, at the latest on `close`: not each of many. Rejects when the write failed. */
  note(change: Partial<RecoveryPoint>): Promise<void> {
    this.#current = { ...this.#current, ...change };
    return (this.#noting ??= this.#writeSoon());
  }

  /** Writes the change after those before it. With `sync` it is durable when resolved. */
  update(change: Partial<RecoveryPoint>, { sync }: { readonly sync: boolean }): Promise<void> {
    this.#current = { ...this.#current, ...change };
    return this.#write({ sync });
  }

  /** Writes the change to both slots, durable when resolved: whichever of them a later opener finds whole knows it. */
  async affirm(change: Partial<RecoveryPoint>): Promise<void> {
    await this.update(change, { sync: false });
    await this.update(change, { sync: true });
  }

  /** `sync`: makes the last point durable first. */
  async close({ sync }: { readonly sync: boolean }): Promise<void> {
    this.#closing.abort();
    await this.#noting?.catch(() => undefined); // its failure was told to who noted
    await this.#writing;
    try {
      if (sync) await this.#file.sync();
    } finally {
      await this.#file.close();
    }
  }

  async #writeSoon(): Promise<void> {
    await this.#env.sleep(lagMs, this.#closing).catch(() => undefined);
    this.#noting = undefined;
    await this.#write({ sync: false });
  }

  #write({ sync }: { readonly sync: boolean }): Promise<void> {
    const before = this.#writing;
    const written = (async () => {
      await before;
      // A slot that could not be written is written again: the other one may be the only whole one.
      const sequence = this.#sequence + 1;
      const bytes = Buffer.allocUnsafe(slotBytes);
      encodeSlot(bytes, 0, this.#current, sequence);
      await this.#file.write([bytes], (sequence % 2) * slotSpacing);
      this.#sequence = sequence;
      if (sync) await this.#file.sync();
    })();
    // A failed write is the failure of its caller; those behind it go on.
    this.#writing = written.catch(() => undefined);
    return written;
  }
}

/** What the bytes of such a file say; undefined if neither slot is whole. Throws `log.newer`. */
export function decodeRecoveryPoint(bytes: Buffer, path: string): RecoveryPoint | undefined {
  return bytes.length < slotSpacing + slotBytes ? undefined : newestSlot(bytes, path)?.point;
}

function newestSlot(bytes: Buffer, path: string): ReturnType<typeof decodeSlot> {
  const slots = [decodeSlot(bytes, 0, path), decodeSlot(bytes, slotSpacing, path)].filter((slot) => slot !== undefined);
  return slots.sort((one, other) => other.sequence - one.sequence)[0];
}

function encodeSlot(bytes: Buffer, at: number, point: RecoveryPoint, sequence: number): void {
  bytes.writeUInt32BE(magic, at);
  bytes.writeUInt32BE(formatVersion, at + 4);
  const numbers = [sequence, point.logStart, point.segmentBase, point.position, point.next, point.lastTimestamp, point.maxTimestamp, point.maxTimestampOffset];
  for (const [index, value] of numbers.entries()) writeInt64(bytes, at + 8 + index * 8, value);
  bytes.writeUInt32BE(crc32.crc32c(bytes.subarray(at, at + slotBytes - 4)), at + slotBytes - 4);
}

function decodeSlot(bytes: Buffer, at: number, path: string): { readonly point: RecoveryPoint; readonly sequence: number } | undefined {
  if (bytes.readUInt32BE(at) !== magic || crc32.crc32c(bytes.subarray(at, at + slotBytes - 4)) !== bytes.readUInt32BE(at + slotBytes - 4)) return undefined;
  const version = bytes.readUInt32BE(at + 4);
  if (version > formatVersion) throw new MainstemError("log.newer", `The file ${path} was written in format version ${version}.`, { file: path, version });
  const number = (index: number): number => readInt64(bytes, at + 8 + index * 8);
  return {
    sequence: number(0),
    point: {
      logStart: number(1) as Offset,
      segmentBase: number(2) as Offset,
      position: number(3),
      next: number(4) as Offset,
      lastTimestamp: number(5),
      maxTimestamp: number(6),
      maxTimestampOffset: number(7),
    },
  };
}
