import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { MainstemError } from "../runtime/errors.ts";
import type { ByteShare } from "./byte-budget.ts";

const chunkBytes = 65_536;
/** Of smaller chunks there would have to be very many before the next sweep. */
const releasedBytesMin = 1_024;

export const encodings = ["identity", "gzip"] as const;
export type Encoding = (typeof encodings)[number];

export interface DecodeOptions {
  readonly encoding: Encoding;
  /** Ends the body with its reason, however long the source is silent. */
  readonly signal: AbortSignal;
  /** Of each chunk, decoded. */
  readonly onBytes: (bytes: number) => void;
}

/** The decoded body, in chunks of at most 64 KiB, each of which has to be read before the next is asked for. `ingest.encoding` where it is not what the encoding says. Memory does not depend on how far it expands. */
export async function* decodeBody(source: AsyncIterable<Uint8Array>, { encoding, signal, onBytes }: DecodeOptions): AsyncGenerator<Uint8Array> {
  const body = until(source, signal);
  for await (const chunk of encoding === "gzip" ? gunzip(body) : body) {
    onBytes(chunk.length);
    if (chunk.length <= chunkBytes) {
      yield chunk;
      continue;
    }
    for (let start = 0; start < chunk.length; start += chunkBytes) yield chunk.subarray(start, start + chunkBytes);
    // What gathered while nobody read comes as one chunk; who asks for the next part has read the last.
    release(chunk);
  }
}

/** The whole body. Its bytes count three times in the share: as they arrive, put together, and encoded. `ingest.tooLarge` beyond `bytesMax`. */
export async function takeWhole(
  body: AsyncIterable<Uint8Array>,
  { bytesMax, share, signal }: { readonly bytesMax: number; readonly share: ByteShare; readonly signal: AbortSignal | undefined },
): Promise<Buffer> {
  // One growing buffer: a list of chunks would cost a client one byte a chunk, and us a hundred.
  let whole: Buffer = Buffer.alloc(0);
  let length = 0;
  for await (const chunk of body) {
    const needed = length + chunk.length;
    if (needed > bytesMax) throw tooLarge(bytesMax);
    if (!share.tryReserve(chunk.length * 3)) await share.reserve(chunk.length * 3, { signal });
    if (needed > whole.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, Math.min(whole.length * 2, bytesMax)));
      whole.copy(larger, 0, 0, length);
      release(whole);
      whole = larger;
    }
    whole.set(chunk, length);
    length = needed;
    release(chunk);
  }
  return whole.subarray(0, length);
}

/**
 * Gives a chunk's memory back, if it has one of its own. Left to the garbage collector, it would count as pressure on it until the small object around it is swept,
 * which made the door collect the whole heap for each 64 MB of bodies: up to a third of its CPU time.
 */
export function release({ buffer, byteLength }: Uint8Array): void {
  if (byteLength >= releasedBytesMin && byteLength === buffer.byteLength && buffer instanceof ArrayBuffer) buffer.transfer(0);
}

export function tooLarge(bytesMax: number): MainstemError {
  return new MainstemError("ingest.tooLarge", `The body is larger than the ${bytesMax} bytes that it may have when it is taken whole.`, { bytesMax });
}

/** Not a generator: each of those costs a chunk several turns of the microtask queue. The signal is the request's own and goes with it, so nobody stops listening. */
function until<Chunk>(source: AsyncIterable<Chunk>, signal: AbortSignal): AsyncIterable<Chunk> {
  const chunks = source[Symbol.asyncIterator]();
  // Not waited for: a source that is silent ends only when its connection does.
  const end = (): void => void Promise.resolve(chunks.return?.()).catch(() => undefined);
  let stop = end;
  signal.addEventListener("abort", () => stop(), { once: true });
  const next = (): Promise<IteratorResult<Chunk>> =>
    new Promise((resolve, reject) => {
      stop = () => {
        end();
        reject(signal.reason as Error);
      };
      if (signal.aborted) stop();
      else chunks.next().then(resolve, reject);
    });
  return {
    [Symbol.asyncIterator]: () => ({
      next,
      async return() {
        end();
        return { done: true, value: undefined };
      },
    }),
  };
}

async function* gunzip(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const unzip = createGunzip({ chunkSize: chunkBytes });
  const feeding = pipeline(body, unzip).catch(() => undefined); // its failure surfaces where the output is read
  try {
    yield* unzip;
  } catch (error) {
    if (error instanceof Error && "code" in error && typeof error.code === "string" && error.code.startsWith("Z_"))
      throw new MainstemError("ingest.encoding", `The body is not whole gzip: ${error.message}.`, {}, { cause: error });
    throw error;
  } finally {
    unzip.destroy();
    await feeding;
  }
}
