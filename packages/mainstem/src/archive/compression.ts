import { promisify } from "node:util";
import { constants, zstdCompress, zstdDecompress, zstdDecompressSync } from "node:zlib";

/** Uncompressed bytes at which a block is closed; a larger record makes a larger block. */
export const blockBytes = 262_144;
/** What a block may become when it is decompressed: more than any record of the log needs. */
export const blockBytesMax = 67_108_864;
/** Zstandard's fastest of its regular levels: the archive is written more often than it is read. */
const level = 1;
/** How many blocks of this process are compressed at once: Node's thread pool has four threads, and the log's syncs need some of them. */
const compressionsMax = 2;

const params = { [constants.ZSTD_c_compressionLevel]: level };
const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);
/** In one piece, for the usual block: pieces cost a round trip to the thread pool each. */
const pieceBytes = blockBytes + 65_536;

let running = 0;
const waiting: (() => void)[] = [];

/** Compresses a block off the main thread; `block` must not change meanwhile. */
export async function compressBlock(block: Uint8Array): Promise<Uint8Array> {
  if (running === compressionsMax) await new Promise<void>((resolve) => waiting.push(resolve));
  else running++;
  try {
    return await compress(block, { params, chunkSize: pieceBytes, pledgedSrcSize: block.length });
  } finally {
    const next = waiting.shift();
    // The place is handed on, so that nobody slips in between.
    if (next === undefined) running--;
    else next();
  }
}

/** Decompresses a block off the main thread. Throws when it is damaged or larger than `blockBytesMax`. */
export function decompressBlock(block: Uint8Array): Promise<Uint8Array> {
  return decompress(block, { chunkSize: pieceBytes, maxOutputLength: blockBytesMax });
}

/** As `decompressBlock`, at once: for threads that have nothing else to do. */
export function decompressBlockSync(block: Uint8Array): Uint8Array {
  return zstdDecompressSync(block, { chunkSize: pieceBytes, maxOutputLength: blockBytesMax });
}
