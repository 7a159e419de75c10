import { ContractError } from "../errors.ts";
import { parseExact } from "../exact-json.ts";
import { ByteSink } from "./byte-sink.ts";
import { ByteSource } from "./byte-source.ts";
import { compileReader, emptyItemsMax } from "./reader.ts";
import type { AvroSchema } from "./schema.ts";
import { parseAvroSchema } from "./schema-parser.ts";
import { compileWriter } from "./writer.ts";

/** A compression of blocks. This package does none itself: `node:zlib` and its like are passed in. */
export interface ContainerCodec {
  /** As in the header: `deflate` (raw, RFC 1951), `zstandard`, `snappy` (with the CRC that the specification adds). */
  readonly name: string;
  compress(bytes: Uint8Array): Uint8Array | Promise<Uint8Array>;
  /** Throws on bytes that are not its own, and rather than give more than `bytesMax` bytes. */
  decompress(bytes: Uint8Array, bytesMax: number): Uint8Array | Promise<Uint8Array>;
}

/** No compression. */
export const nullCodec = { name: "null", compress: (bytes: Uint8Array) => bytes, decompress: (bytes: Uint8Array) => bytes } as const satisfies ContainerCodec;

export interface ContainerHeader {
  readonly schema: AvroSchema;
  /** As it stands in the file. */
  readonly schemaText: string;
  readonly codec: string;
  /** Everything in the header's map, `avro.schema` and `avro.codec` included. */
  readonly metadata: ReadonlyMap<string, Uint8Array>;
  /** 16 bytes that end every block. */
  readonly sync: Uint8Array;
}

/** A block as it lies in the file. */
export interface RawContainerBlock {
  readonly count: number;
  /** Still compressed; a view into the file's bytes. */
  readonly data: Uint8Array;
  /** Where the block starts in the file. */
  readonly position: number;
}

/** A block of `count` values in Avro binary, one after the other. */
export interface ContainerBlock {
  readonly count: number;
  readonly bytes: Uint8Array;
}

export const containerLimits = {
  headerBytesMax: 16_777_216,
  /** Of one block, compressed or not, unless the reader says otherwise. */
  blockBytesMax: 134_217_728,
} as const;

const magic = Uint8Array.of(0x4f, 0x62, 0x6a, 0x01);
const syncBytes = 16;
const metadataSchema = parseAvroSchema({ type: "map", values: "bytes" });
const writeMetadata = compileWriter(metadataSchema);
const readMetadata = compileReader(metadataSchema);
const utf8 = new TextEncoder();

/**
 * The header of an Avro object container file. `sync` is 16 random bytes of the file; texts in `metadata` are stored as UTF-8.
 * Source: Apache Avro 1.12 specification, "Object Container Files".
 */
export function encodeContainerHeader(options: {
  readonly schemaText: string;
  readonly codec: string;
  readonly sync: Uint8Array;
  readonly metadata?: Readonly<Record<string, string | Uint8Array>>;
}): Uint8Array<ArrayBuffer> {
  if (options.sync.length !== syncBytes) throw new TypeError("a sync marker has 16 bytes");
  const sink = new ByteSink(options.schemaText.length + 256);
  const metadata = new Map<string, Uint8Array>([
    ["avro.schema", utf8.encode(options.schemaText)],
    ["avro.codec", utf8.encode(options.codec)],
  ]);
  for (const [key, value] of Object.entries(options.metadata ?? {})) metadata.set(key, typeof value === "string" ? utf8.encode(value) : value);
  sink.writeRaw(magic);
  writeMetadata(metadata, sink);
  sink.writeRaw(options.sync);
  return sink.copy();
}

/** One block: `data` holds `count` values, already compressed with the header's codec. */
export function encodeContainerBlock(options: { readonly count: number; readonly data: Uint8Array; readonly sync: Uint8Array }): Uint8Array<ArrayBuffer> {
  const sink = new ByteSink(options.data.length + 36);
  sink.writeLong(options.count);
  sink.writeBytes(options.data);
  sink.writeRaw(options.sync);
  return sink.view();
}

/** The header of a whole file in memory, and where its first block starts. Throws `avro.malformed`, or `avro.schema` for a schema that cannot be used. */
export function decodeContainerHeader(bytes: Uint8Array): { readonly header: ContainerHeader; readonly next: number } {
  const source = new ByteSource(bytes);
  for (const expected of magic) {
    if (source.readByte() !== expected) throw malformed("This is no Avro container file: it does not start with Obj and 1.", 0);
  }
  const metadata = readMetadata(source) as ReadonlyMap<string, Uint8Array>;
  const sync = source.readRaw(syncBytes);
  const schemaBytes = metadata.get("avro.schema");
  if (schemaBytes === undefined) throw malformed("The container file's header has no avro.schema.", source.position);
  const schemaText = textOf(schemaBytes);
  return {
    header: { schema: parseAvroSchema(parseJson(schemaText)), schemaText, codec: textOf(metadata.get("avro.codec") ?? utf8.encode("null")), metadata, sync },
    next: source.position,
  };
}

/** The blocks of a whole file in memory, in order. Throws `avro.malformed` where the file is cut or a sync marker is wrong. */
export function* containerBlocks(bytes: Uint8Array, options: { readonly header: ContainerHeader; readonly next: number }): Generator<RawContainerBlock> {
  const source = new ByteSource(bytes, options.next);
  while (source.remaining > 0) {
    const position = source.position;
    const count = readBlockCount(source);
    const size = source.readLength();
    const start = source.take(size);
    const syncStart = source.take(syncBytes);
    if (!isAt(bytes, syncStart, options.header.sync)) throw wrongSync(syncStart);
    yield { count, data: bytes.subarray(start, start + size), position };
  }
}

/**
 * Reads a container file from a stream: the header at once, the blocks as they are pulled, decompressed.
 * At most one block and the piece of the stream that ends it are held. Errors as above; `avro.malformed` also for blocks above the limit and for unknown codecs.
 */
export async function openContainer(
  pieces: AsyncIterable<Uint8Array>,
  options: { readonly codecs: readonly ContainerCodec[]; readonly blockBytesMax?: number },
): Promise<{ readonly header: ContainerHeader; readonly blocks: AsyncGenerator<ContainerBlock> }> {
  const bytesMax = options.blockBytesMax ?? containerLimits.blockBytesMax;
  const input = new PieceReader(pieces);
  try {
    const header = await readHeader(input);
    const codec = [nullCodec, ...options.codecs].find((candidate) => candidate.name === header.codec);
    if (codec === undefined)
      throw malformed(`The container file is compressed with ${JSON.stringify(header.codec.slice(0, 40))}, for which there is no codec here.`, 0);
    return { header, blocks: readBlocks(input, { header, codec, bytesMax }) };
  } catch (error) {
    await input.close();
    throw error;
  }
}

async function readHeader(input: PieceReader): Promise<ContainerHeader> {
  for (let wanted = 4096; ; wanted *= 4) {
    const complete = (await input.fill(wanted)) < wanted;
    try {
      const { header, next } = decodeContainerHeader(input.bytes);
      input.skip(next);
      return header;
    } catch (error) {
      if (complete || wanted >= containerLimits.headerBytesMax || !(error instanceof ContractError) || error.code !== "avro.malformed") throw error;
    }
  }
}

async function* readBlocks(
  input: PieceReader,
  options: { readonly header: ContainerHeader; readonly codec: ContainerCodec; readonly bytesMax: number },
): AsyncGenerator<ContainerBlock> {
  try {
    // Two varints of at most ten bytes open a block.
    while ((await input.fill(20)) > 0) {
      const position = input.position;
      const source = new ByteSource(input.bytes);
      source.before = position;
      const count = readBlockCount(source);
      const size = source.readLong();
      if (typeof size === "bigint" || size < 0 || size > options.bytesMax)
        throw malformed(`A block claims ${size} bytes; at most ${options.bytesMax} are read.`, position);
      const whole = source.position + size + syncBytes;
      if ((await input.fill(whole)) < whole) throw malformed("The container file ends within a block.", position);
      const start = source.position;
      if (!isAt(input.bytes, start + size, options.header.sync)) throw wrongSync(position + start + size);
      const data = input.bytes.subarray(start, start + size);
      const bytes = await decompress(options.codec, data, { bytesMax: options.bytesMax, position });
      if (count > Math.max(bytes.length, emptyItemsMax)) throw malformed(`A block claims ${count} values, in ${bytes.length} bytes.`, position);
      input.skip(whole);
      yield { count, bytes };
    }
  } finally {
    await input.close();
  }
}

/** Decompresses a block; what the codec throws becomes `avro.malformed` with the cause. */
async function decompress(codec: ContainerCodec, data: Uint8Array, options: { readonly bytesMax: number; readonly position: number }): Promise<Uint8Array> {
  try {
    return await codec.decompress(data, options.bytesMax);
  } catch (error) {
    if (error instanceof ContractError) throw error;
    throw malformed(`A block could not be decompressed with ${codec.name}.`, options.position, error);
  }
}

function readBlockCount(source: ByteSource): number {
  const count = source.readLong();
  if (typeof count === "bigint" || count < 0) throw source.malformed(`a block claims ${count} values`);
  return count;
}

function isAt(bytes: Uint8Array, position: number, sync: Uint8Array): boolean {
  return sync.every((byte, index) => bytes[position + index] === byte);
}

function wrongSync(position: number): ContractError {
  return malformed("A block of the container file does not end with the file's sync marker.", position);
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw malformed("The container file's header is not UTF-8.", 0, error);
  }
}

function parseJson(text: string): unknown {
  try {
    return parseExact(text);
  } catch (error) {
    throw malformed("The container file's avro.schema is not JSON.", 0, error);
  }
}

function malformed(message: string, position: number, cause?: unknown): ContractError {
  return new ContractError("avro.malformed", message, { position }, { cause });
}

/** A stream of pieces as one row of bytes of which only what is needed is held. */
class PieceReader {
  /** What is held, from `position` on. */
  bytes: Uint8Array = new Uint8Array(0);
  /** Of `bytes[0]` in the stream. */
  position = 0;
  readonly #iterator: AsyncIterator<Uint8Array>;
  #ended = false;

  constructor(pieces: AsyncIterable<Uint8Array>) {
    this.#iterator = pieces[Symbol.asyncIterator]();
  }

  /** Holds at least `count` bytes, or all there are; gives how many it holds. */
  async fill(count: number): Promise<number> {
    const parts: Uint8Array[] = [];
    let held = this.bytes.length;
    while (held < count && !this.#ended) {
      const next = await this.#iterator.next();
      if (next.done === true) {
        this.#ended = true;
      } else {
        parts.push(next.value);
        held += next.value.length;
      }
    }
    if (parts.length > 0) this.bytes = concatenate([this.bytes, ...parts], held);
    return held;
  }

  skip(count: number): void {
    this.bytes = this.bytes.subarray(count);
    this.position += count;
  }

  async close(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    await this.#iterator.return?.();
  }
}

function concatenate(parts: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let position = 0;
  for (const part of parts) {
    whole.set(part, position);
    position += part.length;
  }
  return whole;
}
