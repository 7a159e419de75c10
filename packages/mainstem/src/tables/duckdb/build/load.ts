import { compileDecoder, compilePartition, type AvroRecordSchema, type Contract, type Decode, type NativeRecord } from "@mainstem/contract";
import { openChunkFile, type ChunkRef, type EnvelopeCursor } from "../../../archive/index.ts";
import { factsOf, MainstemError, toErrorValue } from "../../../runtime/errors.ts";
import type { UnreadableRecord } from "../../engine.ts";
import type { Database } from "../database.ts";
import type { TableShape } from "../shape.ts";
import type { Partitions } from "./partitions.ts";
import { Stage } from "./stage.ts";

/** A chunk with its local copy. */
export interface LocalChunk {
  readonly path: string;
  readonly ref: ChunkRef;
}

export interface Loaded {
  /** Records in the chunks. */
  readonly records: number;
  /** Their values in Avro, in bytes. */
  readonly bytes: number;
  readonly unreadable: readonly UnreadableRecord[];
}

/** A value in the Confluent wire format begins with a zero byte and four bytes of schema id. */
const wireHeaderBytes = 5;

/** Fills the table `incoming (src, part, columns…)` with the records of the chunks, in their order. Checks every chunk against its chain entry first. */
export async function loadChunks(
  database: Database,
  options: {
    readonly contract: Contract;
    readonly shape: TableShape;
    readonly chunks: readonly LocalChunk[];
    readonly partitions: Partitions;
    readonly signal: AbortSignal;
  },
): Promise<Loaded> {
  const { contract, shape, chunks, partitions, signal } = options;
  const stage = await Stage.open(database, shape);
  const partition = compilePartition(contract);
  const unreadable: UnreadableRecord[] = [];
  let records = 0;
  let bytes = 0;
  for (const { path, ref } of chunks) {
    using chunk = openChunkFile(path, ref.entry);
    const decoders = new Decoders(contract, chunk.schemas);
    for (const cursor of chunk.blocks()) {
      while (cursor.next()) {
        records += 1;
        try {
          const native = decoders.decode(cursor);
          const size = cursor.valueEnd - cursor.valueStart;
          stage.add(native, { part: partitions.number(partition(native)), bytes: size });
          bytes += size;
        } catch (error) {
          unreadable.push(toUnreadable(error, cursor, ref));
        }
      }
      await breathe(signal);
    }
  }
  stage.finish();
  return { records, bytes, unreadable };
}

/** Lets the thread hear of an abort between two blocks. */
async function breathe(signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve));
  signal.throwIfAborted();
}

/** The decoders of one chunk: each writer's schema resolved to the contract's. */
class Decoders {
  readonly #contract: Contract;
  readonly #schemas: ReadonlyMap<number, AvroRecordSchema>;
  readonly #decoders = new Map<number, Decode>();

  constructor(contract: Contract, schemas: ReadonlyMap<number, AvroRecordSchema>) {
    this.#contract = contract;
    this.#schemas = schemas;
  }

  decode(cursor: EnvelopeCursor): NativeRecord {
    const id = cursor.schemaId();
    const decode = this.#decoders.get(id) ?? this.#compile(id, cursor);
    return decode(cursor.bytes, cursor.valueStart + wireHeaderBytes, cursor.valueEnd);
  }

  #compile(id: number, cursor: EnvelopeCursor): Decode {
    const writer = this.#schemas.get(id);
    if (cursor.valueStart < 0) throw new MainstemError("avro.malformed", "The record has no value.");
    if (id < 0) throw new MainstemError("avro.malformed", "The value does not begin with the wire format's zero byte and schema id.");
    if (writer === undefined) throw new MainstemError("avro.malformed", `Its schema id ${id} was never given out.`, { schemaId: id });
    const decode = compileDecoder({ writer, reader: this.#contract.schema });
    this.#decoders.set(id, decode);
    return decode;
  }
}

/** Only what the record itself is to blame for lets the build go on. */
function toUnreadable(error: unknown, cursor: EnvelopeCursor, ref: ChunkRef): UnreadableRecord {
  if (factsOf(error).task !== "inbox") throw error;
  const { code, message } = toErrorValue(error);
  return {
    topicId: ref.topicId,
    generation: ref.generation,
    partition: ref.partition,
    offset: cursor.offset,
    timestamp: cursor.timestamp,
    key: copyOf(cursor.key()),
    value: copyOf(cursor.value()),
    headers: cursor.headers().map(({ key, value }) => ({ key, value: copyOf(value) })),
    code,
    message,
  };
}

function copyOf(bytes: Uint8Array | null): Uint8Array | null {
  return bytes === null ? null : Uint8Array.from(bytes);
}
