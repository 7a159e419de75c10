import { createHash } from "node:crypto";
import { closeSync, createReadStream, fstatSync, openSync, readSync } from "node:fs";
import { ByteSource, openContainer, type AvroRecordSchema, type ContainerBlock, type ContainerCodec } from "@mainstem/contract";
import { assert } from "../runtime/assert.ts";
import { factsOf } from "../runtime/errors.ts";
import type { Waits } from "../log/index.ts";
import type { LocalFile, ObjectKey, ObjectStore } from "../objects/index.ts";
import { chunkCodec, chunkCorrupt, decodeChunkHeader, readChunkMetadata, syncBytes, toChunkError, type ChunkHeader } from "./chunk-container.ts";
import type { ChainEntry } from "./chunk.ts";
import { blockBytesMax, compressBlock, decompressBlock, decompressBlockSync } from "./compression.ts";
import { EnvelopeCursor } from "./envelope-cursor.ts";

/** Read at once while a file is checked. */
const pieceBytes = 1_048_576;
/** What the header is looked for in at first; more is read where that does not hold it. */
const headerBytesFirst = 65_536;
const headerBytesMax = 16_777_216;
/** A block's head: two varints of at most ten bytes. */
const blockHeadBytesMax = 20;

/** A chunk whose bytes are those that its chain entry vouches for. */
export interface ChunkFile extends Disposable {
  /** The writers' schemas by the id in the values' wire headers (`EnvelopeCursor.schemaId`). */
  readonly schemas: ReadonlyMap<number, AvroRecordSchema>;
  /** Every block, in order. Each has bytes of its own, which stay valid as long as they are held. Throws `archive.corrupt`. */
  blocks(): Generator<EnvelopeCursor, void, undefined>;
}

/** As `ChunkFile`, for threads that must not block. */
export interface Chunk extends AsyncDisposable {
  readonly schemas: ReadonlyMap<number, AvroRecordSchema>;
  /** Every block, once. */
  readonly blocks: AsyncGenerator<EnvelopeCursor, void, undefined>;
}

/**
 * Opens a chunk that lies in a local file, for threads that may block. The whole file is checked against the entry's size and SHA-256 before a byte of it is
 * trusted: `archive.corrupt`, naming the object, when it is another. Memory: one block, whatever the chunk's size.
 */
export function openChunkFile(path: string, entry: ChainEntry): ChunkFile {
  const file = openSync(path, "r");
  let isOpen = true;
  const close = (): void => {
    if (isOpen) closeSync(file);
    isOpen = false;
  };
  try {
    checkWhole(file, entry);
    const header = readHeader(file, entry);
    return { schemas: header.schemas, blocks: () => readBlocks(file, header, entry), [Symbol.dispose]: close };
  } catch (error) {
    close();
    throw error;
  }
}

/** Opens the chunk of an entry from the store. Checks and errors as `openChunkFile`; the object is held locally until the chunk is closed. */
export async function openChunk(objects: ObjectStore, entry: ChainEntry, { signal }: Waits = {}): Promise<Chunk> {
  assert(entry.path !== undefined, "an entry without records has no chunk to open");
  await using stack = new AsyncDisposableStack();
  const local = stack.use(await localCopy(objects, entry, signal));
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const piece of createReadStream(local.path, { highWaterMark: pieceBytes, signal }) as AsyncIterable<Buffer>) {
    hash.update(piece);
    bytes += piece.length;
  }
  checkSum({ bytes, sha256: hash.digest("hex") }, entry);
  try {
    const pieces = createReadStream(local.path, { highWaterMark: pieceBytes, signal }) as AsyncIterable<Buffer>;
    const { header, blocks } = await openContainer(pieces, { codecs: [codec], blockBytesMax });
    stack.defer(async () => void (await blocks.return(undefined)));
    const schemas = readChunkMetadata(header, entry);
    const owned = stack.move();
    return { schemas, blocks: toCursors(blocks, entry), [Symbol.asyncDispose]: () => owned.disposeAsync() };
  } catch (error) {
    throw toChunkError(error, entry);
  }
}

const codec: ContainerCodec = { name: chunkCodec, compress: compressBlock, decompress: decompressBlock };

/** A missing object is damage of the archive: its entry vouches for it. */
async function localCopy(objects: ObjectStore, entry: ChainEntry, signal: AbortSignal | undefined): Promise<LocalFile> {
  try {
    return await objects.local(entry.path as ObjectKey, { signal });
  } catch (error) {
    if (factsOf(error).code === "objects.notFound") throw chunkCorrupt(entry, "it is gone", error);
    throw error;
  }
}

async function* toCursors(blocks: AsyncIterable<ContainerBlock>, entry: ChainEntry): AsyncGenerator<EnvelopeCursor, void, undefined> {
  const progress = new BlockProgress(entry);
  try {
    for await (const { bytes, count } of blocks) yield progress.cursor(bytes, count);
  } catch (error) {
    throw toChunkError(error, entry);
  }
  progress.finish();
}

function* readBlocks(file: number, header: ChunkHeader, entry: ChainEntry): Generator<EnvelopeCursor, void, undefined> {
  const progress = new BlockProgress(entry);
  let compressed = Buffer.allocUnsafeSlow(Math.min(pieceBytes, entry.bytes));
  for (let at = header.blocksStart; at < entry.bytes;) {
    const head = readHead(compressed.subarray(0, readFully(file, compressed.subarray(0, blockHeadBytesMax), at)), entry);
    const size = head.bytes + syncBytes;
    if (head.bytes > blockBytesMax || at + head.headBytes + size > entry.bytes) throw chunkCorrupt(entry, "it ends within a block");
    if (compressed.length < size) compressed = Buffer.allocUnsafeSlow(size);
    const block = compressed.subarray(0, readFully(file, compressed.subarray(0, size), at + head.headBytes));
    if (block.length < size || !block.subarray(head.bytes).equals(header.sync)) throw chunkCorrupt(entry, "a block does not end with the sync marker");
    yield progress.cursor(decompressed(block.subarray(0, head.bytes), entry), head.count);
    at += head.headBytes + size;
  }
  progress.finish();
}

/** Keeps count over the blocks of a chunk, as their offsets ascend and their records add up to what the entry says. */
class BlockProgress {
  readonly #entry: ChainEntry;
  #last: EnvelopeCursor | undefined;
  #records = 0;

  constructor(entry: ChainEntry) {
    this.#entry = entry;
  }

  cursor(bytes: Uint8Array, count: number): EnvelopeCursor {
    const { start, next, path = "" } = this.#entry;
    this.#records += count;
    this.#last = new EnvelopeCursor({ bytes, count, range: { start: this.#last?.least ?? start, next }, key: path });
    return this.#last;
  }

  finish(): void {
    if (this.#records !== this.#entry.records) throw chunkCorrupt(this.#entry, `it holds ${this.#records} records instead of ${this.#entry.records}`);
  }
}

function checkWhole(file: number, entry: ChainEntry): void {
  const hash = createHash("sha256");
  const { size } = fstatSync(file);
  const piece = Buffer.allocUnsafeSlow(Math.min(pieceBytes, Math.max(1, size)));
  let bytes = 0;
  while (bytes < size) {
    const read = readSync(file, piece, 0, piece.length, bytes);
    if (read === 0) break;
    hash.update(piece.subarray(0, read));
    bytes += read;
  }
  checkSum({ bytes, sha256: hash.digest("hex") }, entry);
}

function checkSum(found: { readonly bytes: number; readonly sha256: string }, entry: ChainEntry): void {
  if (found.bytes !== entry.bytes) throw chunkCorrupt(entry, `it has ${found.bytes} bytes instead of ${entry.bytes}`);
  if (found.sha256 !== entry.sha256) throw chunkCorrupt(entry, "its bytes are not those that were stored");
}

function readHeader(file: number, entry: ChainEntry): ChunkHeader {
  for (let wanted = headerBytesFirst; ; wanted *= 8) {
    const bytes = Buffer.allocUnsafeSlow(Math.min(wanted, entry.bytes));
    const read = bytes.subarray(0, readFully(file, bytes, 0));
    try {
      return decodeChunkHeader(read, entry);
    } catch (error) {
      if (wanted >= entry.bytes || wanted >= headerBytesMax) throw error;
    }
  }
}

function readHead(bytes: Uint8Array, entry: ChainEntry): { readonly count: number; readonly bytes: number; readonly headBytes: number } {
  try {
    const source = new ByteSource(bytes);
    const count = source.readLong();
    const size = source.readLong();
    if (typeof count === "bigint" || count < 0 || typeof size === "bigint" || size < 0) throw chunkCorrupt(entry, "a block's head is impossible");
    return { count, bytes: size, headBytes: source.position };
  } catch (error) {
    throw toChunkError(error, entry);
  }
}

function decompressed(block: Uint8Array, entry: ChainEntry): Uint8Array {
  try {
    return decompressBlockSync(block);
  } catch (error) {
    throw chunkCorrupt(entry, "a block cannot be decompressed", error);
  }
}

/** Fills the bytes from a position of the file; fewer where the file ends. */
function readFully(file: number, into: Uint8Array, position: number): number {
  let read = 0;
  while (read < into.length) {
    const more = readSync(file, into, read, into.length - read, position + read);
    if (more === 0) break;
    read += more;
  }
  return read;
}
