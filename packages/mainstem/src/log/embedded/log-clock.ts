import crc32 from "@node-rs/crc32";
import { readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Env } from "../../runtime/env.ts";
import { MainstemError } from "../../runtime/errors.ts";
import type { Logger } from "../../runtime/logger.ts";
import { readInt64, writeInt64 } from "../int64.ts";
import type { FileSystem, LogFile } from "./file-system.ts";

/** Beside `topics` and `groups`. */
export const logClockName = "clock";

const magic = 0x4d53_434b;
const formatVersion = 1;
const slotBytes = 20;
/** Slots lie in different pages, so that a torn write can spoil only the one that was being written. */
const slotSpacing = 4_096;
/** How far what is durable may lie behind the clock before it is moved: one sync a second at most, for all partitions together. */
const behindMsMax = 1_000;

export interface LogClockOptions {
  readonly files: FileSystem;
  /** Made if it is not there. Layout in docs/formats/log.md. */
  readonly path: string;
  readonly env: Env;
  readonly logger: Logger;
}

/**
 * The time that the log stamps: the clock's, but never before a time of which somebody was told that everything up to it is there. That floor is a file of its
 * own: a clock that jumps back finds it, also over a restart and a loss of power.
 */
export class LogClock {
  readonly #options: LogClockOptions;
  readonly #file: LogFile;
  /** Nothing is stamped before it. */
  #floor: number;
  /** Of that, what is on the disk. */
  #durable: number;
  /** The slot that is written next: not the one that holds what is durable. */
  #slot: 0 | 1;
  #moving: Promise<void> | undefined;
  /** Whether the last write failed. */
  #isStuck = false;

  private constructor(options: LogClockOptions, { file, floor, slot }: { readonly file: LogFile; readonly floor: number; readonly slot: 0 | 1 }) {
    this.#options = options;
    this.#file = file;
    this.#floor = this.#durable = floor;
    this.#slot = slot;
  }

  /** Throws `log.corrupt` if neither slot is whole, `log.newer`. */
  static async open(options: LogClockOptions): Promise<LogClock> {
    const { files, path } = options;
    if (!(await files.list(dirname(path))).includes(basename(path))) await create(files, path);
    const file = await files.open(path, "write");
    try {
      const bytes = Buffer.alloc(slotSpacing + slotBytes);
      const floor = decodeFloor(bytes.subarray(0, await file.read(bytes, 0)), path);
      if (floor === undefined)
        throw new MainstemError("log.corrupt", `The file ${path} is damaged: neither of its two slots is whole, or it was cut.`, { file: path });
      const found = decodeSlot(bytes, 0, path) === floor ? 0 : 1;
      // It may be in the page cache alone, after a process that was killed or a sync that failed: until it is durable the other slot must stay as it is.
      await file.write([encodeSlot(floor)], found * slotSpacing);
      await file.sync();
      return new LogClock(options, { file, floor, slot: found === 0 ? 1 : 0 });
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Milliseconds since 1970. Runs back only with the clock, and never below the floor. */
  now(): number {
    return Math.max(Math.floor(this.#options.env.now()), this.#floor);
  }

  /**
   * A time before which nothing is stamped that is not laid out yet, whatever the clock does from now on: at most a second behind the clock. Where the disk refuses
   * what that needs, it stays where it is.
   */
  async floor(): Promise<number> {
    if (this.#options.env.now() - this.#durable >= behindMsMax) await (this.#moving ??= this.#move());
    return this.#durable;
  }

  /** After what is under way. */
  async close(): Promise<void> {
    await this.#moving;
    await this.#file.close();
  }

  /** Never rejects. */
  async #move(): Promise<void> {
    const { path, logger } = this.#options;
    // Before the write: what is stamped while it is under way may be asked about right after it.
    const floor = (this.#floor = this.now());
    try {
      await this.#file.write([encodeSlot(floor)], this.#slot * slotSpacing);
      await this.#file.sync();
      this.#durable = floor;
      this.#slot = this.#slot === 0 ? 1 : 0;
      this.#isStuck = false;
    } catch (error) {
      if (!this.#isStuck) logger.warn("the log's clock was not written: nothing is said to be complete until it is", { file: path, cause: String(error) });
      this.#isStuck = true;
    } finally {
      this.#moving = undefined;
    }
  }
}

/** What the bytes of such a file say; undefined if neither slot is whole. Throws `log.newer`. */
function decodeFloor(bytes: Buffer, path: string): number | undefined {
  if (bytes.length < slotSpacing + slotBytes) return undefined;
  const slots = [decodeSlot(bytes, 0, path), decodeSlot(bytes, slotSpacing, path)].filter((slot) => slot !== undefined);
  return slots.length === 0 ? undefined : Math.max(...slots);
}

/** The floor of a log that nobody has open, milliseconds since 1970; undefined where there is none, or none that can be read: opening the log will tell. */
export async function readLogTime(directory: string): Promise<number | undefined> {
  const path = join(directory, logClockName);
  const floor = decodeFloor(await readFile(path).catch(() => Buffer.alloc(0)), path);
  return floor === 0 ? undefined : floor;
}

async function create(files: FileSystem, path: string): Promise<void> {
  const temporary = `${path}.tmp`;
  const file = await files.open(temporary, "create");
  try {
    await file.write([encodeSlot(0)], 0);
    await file.write([encodeSlot(0)], slotSpacing);
    await file.sync();
  } finally {
    await file.close();
  }
  await files.rename(temporary, path);
  await files.syncDirectory(dirname(path));
}

function encodeSlot(floor: number): Buffer {
  const bytes = Buffer.alloc(slotBytes);
  bytes.writeUInt32BE(magic, 0);
  bytes.writeUInt32BE(formatVersion, 4);
  writeInt64(bytes, 8, floor);
  bytes.writeUInt32BE(crc32.crc32c(bytes.subarray(0, slotBytes - 4)), slotBytes - 4);
  return bytes;
}

function decodeSlot(bytes: Buffer, at: number, path: string): number | undefined {
  const crc = bytes.readUInt32BE(at + slotBytes - 4);
  if (bytes.readUInt32BE(at) !== magic || crc32.crc32c(bytes.subarray(at, at + slotBytes - 4)) !== crc) return undefined;
  const version = bytes.readUInt32BE(at + 4);
  if (version > formatVersion) throw new MainstemError("log.newer", `The file ${path} was written in format version ${version}.`, { file: path, version });
  return readInt64(bytes, at + 8);
}
