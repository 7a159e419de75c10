import duckdb from "@duckdb/node-bindings";
import { BIGINT, BOOLEAN, DuckDBDataChunk, INTEGER } from "@duckdb/node-api";
import {
  compileCellReader,
  compileColumnDecoder,
  compilePartition,
  createColumnBatch,
  formatExact,
  type AvroRecordSchema,
  type ColumnBatch,
  type ColumnDecoder,
  type Contract,
  type ReadCell,
} from "@mainstem/contract";
import type { Partitions } from "./partitions.ts";
import { rowsMax, type LogPlace, type Stage, type StagedShape } from "./stage.ts";
import { copy, fillVector, pin, type Pinned } from "./vectors.ts";

/** Rows are handed over when they came from so many bytes, though they be few: what they take in columns is a small multiple of it. */
const pendingBytesMax = 1_048_576;
/** Blocks of so many bytes may wait for their rows to be handed over. */
const waitingBytesMax = 4_194_304;

/** A record in the block that is in use. */
export interface RecordPlace {
  readonly start: number;
  readonly end: number;
}

/**
 * Fills the table `incoming` as `Stage` does, from Avro to DuckDB's vectors without an object for each record. What it does not take (`add` gives false)
 * is for the `Stage` itself, which hands to the same appender and counts the records of both.
 */
export class ColumnStage {
  readonly #contract: Contract;
  readonly #stage: Stage;
  readonly #batch: ColumnBatch;
  /** One for all that is handed over: its memory is in the processor's cache by then, and would else wait for the garbage collector, which does not know how much it is. */
  readonly #chunk: DuckDBDataChunk;
  readonly #partOf: (row: number) => number | undefined;
  readonly #src = new Int32Array(rowsMax * 2);
  readonly #part = new Int32Array(rowsMax);
  readonly #generation = new Int32Array(rowsMax);
  readonly #offset = new Int32Array(rowsMax * 2);
  /** A record without a value has no columns. */
  readonly #valueless = new Int8Array(rowsMax);
  readonly #shape: StagedShape;
  /** By the writer's schema as text. */
  readonly #decoders = new Map<string, ColumnDecoder | undefined>();
  /** Constants of the decoders: as long as the stage. */
  readonly #kept: Pinned[] = [];
  /** Blocks that rows point to which are not handed over yet; the last one is in use. */
  #blocks: Pinned[] = [];
  #waitingBytes = 0;
  #rows = 0;
  #pendingBytes = 0;

  private constructor(
    stage: Stage,
    {
      contract,
      batch,
      shape,
      partOf,
    }: {
      readonly contract: Contract;
      readonly batch: ColumnBatch;
      readonly shape: StagedShape;
      readonly partOf: (row: number) => number | undefined;
    },
  ) {
    this.#contract = contract;
    this.#stage = stage;
    this.#batch = batch;
    this.#shape = shape;
    const types = [BIGINT, INTEGER, ...[...shape.columns, ...shape.position].map(({ column }) => column.type), ...(shape.takesValueless ? [BOOLEAN] : [])];
    this.#chunk = new DuckDBDataChunk(duckdb.create_data_chunk(types.map((type) => type.toLogicalType().logical_type)));
    this.#partOf = partOf;
  }

  /** Undefined for a contract whose records are not read in this way. */
  static open(
    stage: Stage,
    { contract, shape, partitions }: { readonly contract: Contract; readonly shape: StagedShape; readonly partitions: Partitions },
  ): ColumnStage | undefined {
    const batch = createColumnBatch(contract.schema, { capacity: rowsMax });
    const partOf = batch === undefined ? undefined : compilePart(contract, batch, partitions);
    return batch === undefined || partOf === undefined ? undefined : new ColumnStage(stage, { contract, batch, shape, partOf });
  }

  /** The decoder of a writer's records; undefined where there is none. Chunks of one writer share it. */
  decoderOf(writer: AvroRecordSchema): ColumnDecoder | undefined {
    const text = formatExact(writer);
    if (!this.#decoders.has(text)) this.#decoders.set(text, this.#compile(writer));
    return this.#decoders.get(text);
  }

  /** The next records lie in this block. */
  use(block: Uint8Array): void {
    if (this.#waitingBytes + block.length > waitingBytesMax) this.hand();
    if (this.#rows === 0) this.#blocks = [];
    const pinned = pin(block);
    this.#blocks.push(pinned);
    this.#waitingBytes += block.length;
    this.#batch.use(block, pinned.address);
  }

  /** Adds one record, with its position where the shape has it; false, and nothing added, for one that is damaged or unusual. */
  add(decoder: ColumnDecoder, { start, end }: RecordPlace, position?: LogPlace): boolean {
    const row = this.#rows;
    if (!(start >= 0 && start <= end && end <= this.#batch.bytes.length)) return false;
    if (!decoder.decode(start, end, row)) return false;
    const part = this.#partOf(row);
    if (part === undefined) return false;
    putLong(this.#src, row, this.#stage.take());
    this.#part[row] = part;
    if (position !== undefined) {
      this.#generation[row] = position.generation;
      putLong(this.#offset, row, position.offset);
    }
    this.#rows = row + 1;
    this.#pendingBytes += end - start;
    if (this.#rows === rowsMax || this.#pendingBytes >= pendingBytesMax) this.hand();
    return true;
  }

  /** Hands over the rows that wait. */
  hand(): void {
    const rows = this.#rows;
    if (rows > 0) {
      const { chunk } = this.#chunk;
      duckdb.data_chunk_reset(chunk);
      duckdb.data_chunk_set_size(chunk, rows);
      copy(duckdb.data_chunk_get_vector(chunk, 0), this.#src, rows * 8);
      copy(duckdb.data_chunk_get_vector(chunk, 1), this.#part, rows * 4);
      const { columns } = this.#batch;
      for (const [index, column] of columns.entries()) fillVector(duckdb.data_chunk_get_vector(chunk, index + 2), column, rows);
      const { position, takesValueless } = this.#shape;
      if (position.length > 0) {
        copy(duckdb.data_chunk_get_vector(chunk, columns.length + 2), this.#generation, rows * 4);
        copy(duckdb.data_chunk_get_vector(chunk, columns.length + 3), this.#offset, rows * 8);
      }
      if (takesValueless) copy(duckdb.data_chunk_get_vector(chunk, this.#chunk.columnCount - 1), this.#valueless, rows);
      // The appender copies texts; the blocks must last until then.
      this.#stage.appender.appendDataChunk(this.#chunk);
    }
    this.#batch.clear();
    this.#blocks = this.#blocks.slice(-1);
    this.#rows = 0;
    this.#pendingBytes = 0;
    this.#waitingBytes = 0;
  }

  #compile(writer: AvroRecordSchema): ColumnDecoder | undefined {
    const decoder = compileColumnDecoder({ writer, reader: this.#contract.schema, batch: this.#batch });
    if (decoder !== undefined && decoder.constants.length > 0) {
      const pinned = pin(decoder.constants);
      this.#kept.push(pinned);
      decoder.place(pinned.address);
    }
    return decoder;
  }
}

/** A whole number from 0 on as 64 bits. */
function putLong(words: Int32Array, row: number, value: number): void {
  words[row * 2] = value;
  words[row * 2 + 1] = Math.floor(value / 4_294_967_296);
}

/** The partition's number of the record in a row; undefined where the columns do not tell. */
function compilePart(contract: Contract, batch: ColumnBatch, partitions: Partitions): ((row: number) => number | undefined) | undefined {
  const partition = compilePartition(contract);
  const names = [...new Set(contract.partition.map(({ field }) => field))];
  const cells: (readonly [string, ReadCell])[] = [];
  for (const name of names) {
    const index = contract.schema.fields.findIndex((field) => field.name === name);
    const read = compileCellReader(batch, batch.columns[index]!);
    if (read === undefined) return undefined;
    cells.push([name, read]);
  }
  if (names.length === 0) {
    const whole = partitions.number(partition({}));
    return () => whole;
  }
  const native: Record<string, unknown> = {};
  return (row) => {
    for (const [name, read] of cells) {
      const value = read(row);
      if (value === undefined) return undefined;
      native[name] = value;
    }
    return partitions.number(partition(native));
  };
}
