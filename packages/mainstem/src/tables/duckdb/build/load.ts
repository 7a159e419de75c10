import {
  compileDecoder,
  compileKeyDecoder,
  compilePartition,
  partitionKind,
  wireHeaderBytes,
  type AvroRecordSchema,
  type ColumnDecoder,
  type Contract,
  type Decode,
  type NativeRecord,
  type SlowDecoding,
} from "@mainstem/contract";
import { firstOrigin, openChunkFile, type ChunkRef, type EnvelopeCursor } from "../../../archive/index.ts";
import type { TopicId } from "../../../log/index.ts";
import { factsOf, MainstemError, toErrorValue } from "../../../runtime/errors.ts";
import type { UnreadableRecord } from "../../engine.ts";
import type { Database } from "../database.ts";
import type { TableShape } from "../shape.ts";
import type { Partitions } from "./partitions.ts";
import { ColumnStage } from "./column-stage.ts";
import { Stage, type LogPlace, type StagedRow } from "./stage.ts";
import { vectorFault } from "./vector-trial.ts";

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
  /** What kept the quick ways from being taken that should have been; mostly nothing. */
  readonly slowBecause: readonly string[];
}

/** Fewer records are loaded value by value: code for columns takes some milliseconds to make, and the first time to try. */
const columnRecordsMin = 500;

/** Fills the table `incoming (src, part, columns…)` with the records of the chunks. Checks every chunk against its chain entry first. */
export async function loadChunks(
  database: Database,
  options: {
    readonly contract: Contract;
    readonly shape: TableShape;
    readonly chunks: readonly LocalChunk[];
    readonly generations: Generations;
    readonly partitions: Partitions;
    readonly signal: AbortSignal;
  },
): Promise<Loaded> {
  const { contract, shape, chunks, generations, partitions, signal } = options;
  const stage = await Stage.open(database, shape);
  const isMany = chunks.reduce((sum, { ref }) => sum + ref.entry.records, 0) >= columnRecordsMin;
  const fault = isMany ? await vectorFault(database) : undefined;
  const slowBecause = new Set(fault === undefined ? [] : [`columns cannot be written as memory: ${fault}`]);
  const columns = isMany && fault === undefined ? ColumnStage.open(stage, { contract, shape, partitions }) : undefined;
  const read = compileReading(options);
  const unreadable: UnreadableRecord[] = [];
  let records = 0;
  let bytes = 0;
  for (const { path, ref } of chunks) {
    using chunk = openChunkFile(path, ref.entry);
    const decoders = new Decoders({ contract, schemas: chunk.schemas, stage: columns, onSlow: (why) => slowBecause.add(why) });
    for (const cursor of chunk.blocks()) {
      columns?.use(cursor.bytes);
      while (cursor.next()) {
        records += 1;
        try {
          const place = shape.position.length === 0 ? undefined : positionOf(cursor, ref, generations);
          if (decoders.addColumns(cursor, place)) {
            bytes += cursor.valueEnd - cursor.valueStart;
            continue;
          }
          const { native, row } = read(cursor, decoders);
          stage.add(native, place === undefined ? row : { ...row, position: place });
          bytes += row.bytes;
        } catch (error) {
          unreadable.push(toUnreadable(error, cursor, ref));
        }
      }
      await breathe(signal);
    }
  }
  columns?.hand();
  stage.finish();
  return { records, bytes, unreadable, slowBecause: [...slowBecause] };
}

/** By topic id, those of a dataset's topics. */
export type Generations = ReadonlyMap<TopicId, number>;

type ReadRow = (cursor: EnvelopeCursor, decoders: Decoders) => { readonly native: NativeRecord; readonly row: StagedRow };

function compileReading({
  contract,
  shape,
  partitions,
}: {
  readonly contract: Contract;
  readonly shape: TableShape;
  readonly partitions: Partitions;
}): ReadRow {
  const partition = compilePartition(contract);
  const partOf = (native: NativeRecord): number => partitions.number(partition(native));
  const keyOf = shape.takesValueless ? compileKeyDecoder(contract) : undefined;
  const keyTellsPart = ["none", "stable"].includes(partitionKind(contract));
  return (cursor, decoders) => {
    if (keyOf !== undefined && cursor.valueStart < 0) {
      const key = cursor.key();
      if (key === null) throw new MainstemError("avro.malformed", "The record has neither a value nor a key.");
      const native = keyOf(key);
      return { native, row: { part: keyTellsPart ? partOf(native) : null, bytes: key.length, valueless: true } };
    }
    const native = decoders.decode(cursor);
    return { native, row: { part: partOf(native), bytes: cursor.valueEnd - cursor.valueStart } };
  };
}

/** Where a record lies, or lay before it was replayed: an origin in a topic that is none of the dataset's says nothing. */
function positionOf(cursor: EnvelopeCursor, ref: ChunkRef, generations: Generations): LogPlace {
  const origin = cursor.headerCount === 0 ? undefined : firstOrigin(cursor.headers());
  const generation = origin === undefined ? undefined : generations.get(origin.topicId);
  return origin === undefined || generation === undefined ? { generation: ref.generation, offset: cursor.offset } : { generation, offset: origin.offset };
}

/** Lets the thread hear of an abort between two blocks. */
async function breathe(signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve));
  signal.throwIfAborted();
}

const slowDecoding: Readonly<Record<SlowDecoding, string>> = {
  forbidden: "code that decodes records may not be generated here",
  mismatch: "the generated code that decodes records failed its self-check",
};

/** The decoders of one chunk: each writer's schema resolved to the contract's. */
class Decoders {
  readonly #contract: Contract;
  readonly #schemas: ReadonlyMap<number, AvroRecordSchema>;
  readonly #stage: ColumnStage | undefined;
  readonly #decoders = new Map<number, Decode>();
  readonly #columns = new Map<number, ColumnDecoder | undefined>();
  readonly #onSlow: (why: string) => void;

  constructor({
    contract,
    schemas,
    stage,
    onSlow,
  }: {
    readonly contract: Contract;
    readonly schemas: ReadonlyMap<number, AvroRecordSchema>;
    readonly stage: ColumnStage | undefined;
    readonly onSlow: (why: string) => void;
  }) {
    this.#contract = contract;
    this.#schemas = schemas;
    this.#stage = stage;
    this.#onSlow = onSlow;
  }

  /** Puts the record into columns. False for one that has to be decoded: then nothing has happened. */
  addColumns(cursor: EnvelopeCursor, position: LogPlace | undefined): boolean {
    if (this.#stage === undefined) return false;
    const id = cursor.schemaId();
    if (!this.#columns.has(id)) this.#columns.set(id, this.#columnsOf(id, this.#stage));
    const decoder = this.#columns.get(id);
    return decoder !== undefined && this.#stage.add(decoder, { start: cursor.valueStart + wireHeaderBytes, end: cursor.valueEnd }, position);
  }

  decode(cursor: EnvelopeCursor): NativeRecord {
    const id = cursor.schemaId();
    const decode = this.#decoders.get(id) ?? this.#compile(id, cursor);
    return decode(cursor.bytes, cursor.valueStart + wireHeaderBytes, cursor.valueEnd);
  }

  #columnsOf(id: number, stage: ColumnStage): ColumnDecoder | undefined {
    const writer = this.#schemas.get(id);
    return writer === undefined ? undefined : stage.decoderOf(writer);
  }

  #compile(id: number, cursor: EnvelopeCursor): Decode {
    const writer = this.#schemas.get(id);
    if (cursor.valueStart < 0) throw new MainstemError("avro.malformed", "The record has no value.");
    if (id < 0) throw new MainstemError("avro.malformed", "The value does not begin with the wire format's zero byte and schema id.");
    if (writer === undefined) throw new MainstemError("avro.malformed", `Its schema id ${id} was never given out.`, { schemaId: id });
    const onSlow = (reason: SlowDecoding): void => this.#onSlow(slowDecoding[reason]);
    const decode = compileDecoder({ writer, reader: this.#contract.schema, onSlow });
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
