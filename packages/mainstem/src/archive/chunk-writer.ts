import { open, rm, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { ByteSink } from "@mainstem/contract";
import { MainstemError } from "../runtime/errors.ts";
import type { RecordCursor, TimestampType } from "../log/index.ts";
import { assert } from "../runtime/assert.ts";
import { makeDirectory } from "../runtime/files.ts";
import { blockBytes, compressBlock } from "./compression.ts";
import { EnvelopeWriter } from "./envelope-writer.ts";

/** What a block's buffer begins with; it grows with what comes, so that a quiet partition holds little. */
const capacityFirst = 8_192;
/** Pieces in which the finished blocks are read back. */
const pieceBytes = 262_144;
/** Finished blocks that stay in memory: most chunks of quiet partitions never need a file. */
const keptBytesMax = 65_536;

export interface ChunkWriterOptions {
  /** A file that does not exist yet, for the blocks; it is made when they are more than memory keeps, and removed on closing. */
  readonly path: string;
  readonly sync: Uint8Array;
  readonly timestampType: TimestampType;
  /** Uncompressed bytes at which a block is full. */
  readonly blockBytes?: number;
}

/**
 * The records of one chunk on their way into a container file: at most one block is being filled and one compressed and written, whatever the chunk's size.
 * The container's header names the schemas that occur, so it comes last; `body` puts it in front of the blocks.
 */
export class ChunkWriter implements AsyncDisposable {
  readonly schemaIds = new Set<number>();
  /** Records so far. */
  records = 0;
  firstTime = 0;
  lastTime = 0;
  readonly #options: ChunkWriterOptions;
  readonly #blockBytes: number;
  readonly #envelopes: EnvelopeWriter;
  #spare: Buffer | undefined;
  /** Finished blocks that are in memory only: all of them until there is a file, none afterwards. */
  #kept: Uint8Array[] = [];
  #keptBytes = 0;
  #file: FileHandle | undefined;
  #fileBytes = 0;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: ChunkWriterOptions) {
    this.#options = options;
    this.#blockBytes = options.blockBytes ?? blockBytes;
    this.#envelopes = new EnvelopeWriter({ capacity: capacityFirst, schemaIds: this.schemaIds });
  }

  /** Copies the record at which the cursor stands. Afterwards `flush` must be called where `full` says so. */
  add(record: RecordCursor): void {
    if (this.records++ === 0) this.firstTime = record.timestamp;
    this.lastTime = record.timestamp;
    this.#envelopes.add(record, this.#options.timestampType);
  }

  get full(): boolean {
    return this.#envelopes.bytes >= this.#blockBytes;
  }

  /** No less than what the blocks of the chunk would take if it ended here. Exact after `flush`, but for the block that is being compressed. */
  get bytes(): number {
    return this.#keptBytes + this.#fileBytes + this.#pending + this.#envelopes.bytes;
  }
  #pending = 0;

  /** Hands the block over to be compressed and written; resolves when the one before it was. */
  async flush(): Promise<void> {
    await this.#writing;
    if (this.#envelopes.count === 0) return;
    const { buffer, bytes, count } = this.#envelopes.take(this.#spare);
    this.#spare = undefined;
    this.#pending = bytes;
    this.#writing = this.#write(buffer, bytes, count);
    // A failure is thrown by the next flush; without this it would count as unhandled until then.
    this.#writing.catch(() => undefined);
  }

  /** Writes what is left. No record may be added afterwards. */
  async finish(): Promise<void> {
    await this.flush();
    await this.#writing;
  }

  /** The bytes of the container file: the header, then the blocks of the finished chunk. */
  async *body(header: Uint8Array): AsyncGenerator<Uint8Array> {
    yield header;
    yield* this.#kept;
    const file = this.#file;
    assert(file !== undefined || this.#keptBytes > 0, "a chunk's body is read after it was finished");
    if (file === undefined) return;
    for (let at = 0; at < this.#fileBytes;) {
      const piece = Buffer.allocUnsafeSlow(Math.min(pieceBytes, this.#fileBytes - at));
      const { bytesRead } = await scratch(this.#options.path, file.read(piece, 0, piece.length, at));
      if (bytesRead === 0) throw failed(this.#options.path, "it became shorter");
      at += bytesRead;
      yield piece.subarray(0, bytesRead);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writing.catch(() => undefined);
    this.#kept = [];
    const file = this.#file;
    this.#file = undefined;
    if (file === undefined) return;
    await file.close();
    await rm(this.#options.path, { force: true });
  }

  async #write(buffer: Buffer, bytes: number, count: number): Promise<void> {
    const compressed = await compressBlock(buffer.subarray(0, bytes));
    this.#spare = buffer;
    const head = new ByteSink(32);
    head.writeLong(count);
    head.writeLong(compressed.length);
    await this.#store([head.view(), compressed, this.#options.sync]);
    this.#pending = 0;
  }

  async #store(block: readonly Uint8Array[]): Promise<void> {
    const { path } = this.#options;
    const bytes = block.reduce((sum, part) => sum + part.length, 0);
    if (this.#file === undefined && this.#keptBytes + bytes <= keptBytesMax) {
      // A copy: what the compressor gave may be a small part of a large buffer.
      this.#kept.push(Buffer.concat(block));
      this.#keptBytes += bytes;
      return;
    }
    this.#file ??= await scratch(path, openNew(path));
    this.#fileBytes += await scratch(path, writeAll(this.#file, [Buffer.concat(this.#kept), ...block]));
    this.#kept = [];
    this.#keptBytes = 0;
  }
}

async function openNew(path: string): Promise<FileHandle> {
  await makeDirectory(dirname(path));
  return await open(path, "wx+");
}

/** Appends the parts; gives their bytes. */
async function writeAll(file: FileHandle, parts: readonly Uint8Array[]): Promise<number> {
  const { bytesWritten: first } = await file.writev(parts as Uint8Array[]);
  const all = parts.reduce((bytes, part) => bytes + part.length, 0);
  // A disk that is nearly full takes a part of it.
  if (first < all) {
    const rest = Buffer.concat(parts).subarray(first);
    for (let at = 0; at < rest.length;) at += (await file.write(rest, at)).bytesWritten;
  }
  return all;
}

async function scratch<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw failed(path, error instanceof Error ? error.message : String(error), error);
  }
}

function failed(path: string, why: string, cause?: unknown): MainstemError {
  return new MainstemError("archive.scratch", `The scratch file ${path} of a chunk could not be used: ${why}.`, { path }, { cause });
}
