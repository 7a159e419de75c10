import { MainstemError } from "../../runtime/errors.ts";
import { limits } from "../../runtime/limits.ts";
import { batchHeaderBytes, checkBatchCrc, decodeBatchHeader } from "../batch-header.ts";
import type { BatchHeader } from "../batch-header.ts";
import type { Offset } from "../log.ts";
import type { LogFile } from "./file-system.ts";

/** No batch in a segment is larger, so that a damaged length asks for no more memory than this; above `limits.batchBytesMax`, which may change. */
export const frameBytesMax = 16 * limits.batchBytesMax;

/** One batch as it lies in a segment. */
export interface Frame {
  readonly kind: "frame";
  readonly header: BatchHeader;
  /** Where it begins in the file, and its length. */
  readonly position: number;
  readonly bytes: number;
  /** It begins at `start` of `buffer`, which is never written to again. */
  readonly buffer: Buffer;
  readonly start: number;
}

/** Bytes that are no batch, or not the one that had to come. */
export interface Damage {
  readonly kind: "damage";
  readonly position: number;
  readonly what: string;
}

interface FrameReaderOptions {
  readonly file: LogFile;
  /** For messages. */
  readonly path: string;
  /** Where the first batch begins, and its base offset if that is known. */
  readonly position: number;
  readonly expected: Offset | undefined;
  /** How much is read at once, unless a batch is larger. */
  readonly windowBytes: number;
}

/** Walks the batches of a segment file. Each must begin with the offset after the one before it. */
export class FrameReader {
  readonly #file: LogFile;
  readonly #path: string;
  readonly #windowBytes: number;
  #buffer: Buffer = Buffer.alloc(0);
  /** Where in the file the buffer begins. */
  #bufferPosition: number;
  #position: number;
  #expected: Offset | undefined;
  /** Bytes that the next batch needs, as far as its header is known. */
  #needed = batchHeaderBytes;

  constructor({ file, path, position, expected, windowBytes }: FrameReaderOptions) {
    this.#file = file;
    this.#path = path;
    this.#windowBytes = windowBytes;
    this.#position = this.#bufferPosition = position;
    this.#expected = expected;
  }

  /** Where the next batch begins. */
  get position(): number {
    return this.#position;
  }

  /** The next batch among those that end at or before `end`; undefined when it has to be read first: `fill`, then ask again. Asked at `position === end` there is none. */
  take(end: number, { checkCrc }: { readonly checkCrc: boolean }): Frame | Damage | undefined {
    const position = this.#position;
    const start = position - this.#bufferPosition;
    const there = this.#buffer.length - start;
    if (end - position < batchHeaderBytes) return this.#damage("it is cut within its header");
    if (there < this.#needed) return undefined;
    const header = decodeBatchHeader(this.#buffer, start, { bytesMax: frameBytesMax });
    if (typeof header === "string") return this.#damage(header);
    const bytes = batchHeaderBytes + header.recordsBytes;
    if (bytes > end - position) return this.#damage("it is cut, or its length was changed");
    if (this.#expected !== undefined && header.baseOffset !== this.#expected)
      return this.#damage(`offset ${this.#expected} has to come, not ${header.baseOffset}`);
    if (checkCrc) {
      this.#needed = bytes;
      if (there < bytes) return undefined;
      if (!checkBatchCrc(this.#buffer, start, header)) return this.#damage("its bytes do not fit its checksum");
    }
    this.#position = position + bytes;
    this.#expected = (header.baseOffset + header.count) as Offset;
    this.#needed = batchHeaderBytes;
    return { kind: "frame", header, position, bytes, buffer: this.#buffer, start };
  }

  /** Reads what comes at the position, of what lies before `end`. Throws `log.readFailed`. */
  async fill(end: number): Promise<void> {
    const bytes = Math.min(end - this.#position, Math.max(this.#windowBytes, this.#needed));
    const buffer = Buffer.allocUnsafeSlow(bytes);
    const read = await this.#file.read(buffer, this.#position).catch((error: unknown) => {
      const facts = { file: this.#path, position: this.#position };
      throw new MainstemError("log.readFailed", `The disk refused to read ${this.#path}.`, facts, { cause: error });
    });
    if (read < Math.min(bytes, this.#needed)) throw damaged(this.#path, this.#damage("the file ends before it"));
    this.#buffer = buffer.subarray(0, read);
    this.#bufferPosition = this.#position;
  }

  /** `take` and `fill` in one, for walks that need not be fast. */
  async next(end: number, { checkCrc }: { readonly checkCrc: boolean }): Promise<Frame | Damage | undefined> {
    while (this.#position < end) {
      const taken = this.take(end, { checkCrc });
      if (taken !== undefined) return taken;
      await this.fill(end);
    }
    return undefined;
  }

  #damage(what: string): Damage {
    return { kind: "damage", position: this.#position, what };
  }
}

/** The error for damage in what was vouched for. */
export function damaged(path: string, { position, what }: { readonly position: number; readonly what: string }): MainstemError {
  return new MainstemError("log.corrupt", `The segment ${path} is damaged at byte ${position}: the batch there is not whole, ${what}.`, {
    file: path,
    position,
  });
}
