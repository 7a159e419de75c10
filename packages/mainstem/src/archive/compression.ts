import { promisify } from "node:util";
import { constants, createZstdCompress, zstdCompressSync, zstdDecompress, zstdDecompressSync, type ZstdCompress } from "node:zlib";

/** Uncompressed bytes at which a block is closed; a larger record makes a larger block. */
export const blockBytes = 262_144;
/** What a block may become when it is decompressed: more than any record of the log needs. */
export const blockBytesMax = 67_108_864;
/** Zstandard's fastest of its regular levels: the archive is written more often than it is read. */
const level = 1;
/** How many blocks of this process are compressed at once: Node's thread pool has four threads, and the log's syncs need some of them. */
const compressorsMax = 2;
/** What a compressor makes room for at once: several blocks, as each allocation costs as much as some compression. */
const outputBytes = 1_048_576;
/** In one piece, for the usual block: pieces cost a round trip to the thread pool each. */
const pieceBytes = blockBytes + 65_536;
/** Smaller blocks are compressed at once: that costs no more than the way to the thread pool and back, which the log's syncs need. */
const smallBytes = 4_096;

const decompress = promisify(zstdDecompress);

let compressors = 0;
const idle: Compressor[] = [];
const waiting: ((compressor: Compressor) => void)[] = [];

/** Compresses a block, off the main thread unless it is small, as one zstandard frame that names its size; `block` must not change meanwhile. */
export async function compressBlock(block: Uint8Array): Promise<Uint8Array> {
  if (block.length <= smallBytes) return compressSmall(block);
  const compressor = await acquire();
  try {
    return await compressor.compress(block);
  } finally {
    release(compressor);
  }
}

/** Decompresses a block off the main thread. Throws when it is damaged or larger than `blockBytesMax`. */
export function decompressBlock(block: Uint8Array): Promise<Uint8Array> {
  return decompress(block, { chunkSize: pieceFor(block), maxOutputLength: blockBytesMax });
}

/** As `decompressBlock`, at once: for threads that have nothing else to do. */
export function decompressBlockSync(block: Uint8Array): Uint8Array {
  return zstdDecompressSync(block, { chunkSize: pieceFor(block), maxOutputLength: blockBytesMax });
}

/** A small block mostly becomes a small one. */
function pieceFor({ length }: Uint8Array): number {
  return Math.min(pieceBytes, Math.max(4_096, 8 * length));
}

function compressSmall(block: Uint8Array): Uint8Array {
  const params = { [constants.ZSTD_c_compressionLevel]: level };
  return zstdCompressSync(block, { params, pledgedSrcSize: block.length, chunkSize: 2 * smallBytes });
}

/**
 * One zstandard context that is used again and again: a new one for each block takes a third more CPU.
 * With `flush: ZSTD_e_end` every write ends its frame, and the next begins another. Source: Node.js documentation, "zlib", "Zstd constants".
 */
class Compressor {
  readonly #stream: ZstdCompress;
  #output: Buffer[] = [];

  constructor() {
    const { ZSTD_c_compressionLevel: levelParameter, ZSTD_e_end: endFrame } = constants;
    this.#stream = createZstdCompress({ params: { [levelParameter]: level }, flush: endFrame, chunkSize: outputBytes });
    this.#stream.on("data", (part: Buffer) => this.#output.push(part));
    // It reaches the write's callback as well.
    this.#stream.on("error", () => undefined);
  }

  get usable(): boolean {
    return !this.#stream.destroyed;
  }

  compress(block: Uint8Array): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      this.#stream.write(block, (error) => {
        const output = this.#output;
        this.#output = [];
        if (error) return reject(error);
        resolve(output.length === 1 ? output[0]! : Buffer.concat(output));
      });
    });
  }
}

async function acquire(): Promise<Compressor> {
  const free = idle.pop();
  if (free !== undefined) return free;
  if (compressors === compressorsMax) return await new Promise((resolve) => waiting.push(resolve));
  compressors++;
  return new Compressor();
}

/** Hands the compressor to who waits longest; one that failed is replaced. */
function release(used: Compressor): void {
  const compressor = used.usable ? used : new Compressor();
  const next = waiting.shift();
  if (next === undefined) idle.push(compressor);
  else next(compressor);
}
