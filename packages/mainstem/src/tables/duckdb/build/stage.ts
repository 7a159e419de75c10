import { BIGINT, DuckDBDataChunk, INTEGER, type DuckDBAppender, type DuckDBType, type DuckDBValue } from "@duckdb/node-api";
import { declarations, type TableShape } from "../shape.ts";
import type { Database } from "../database.ts";

/** DuckDB's vector size: a data chunk cannot have more rows. */
const rowsMax = 2_048;
/** Rows wait in JavaScript until they are this many bytes of Avro. */
const pendingBytesMax = 8_388_608;

/**
 * The table `incoming` while it is filled: `src` counts the records from 0, `part` is the number of the record's partition, and the columns follow.
 * Values are gathered by column and handed over a vector at a time.
 */
export class Stage {
  readonly #shape: TableShape;
  readonly #appender: DuckDBAppender;
  readonly #types: readonly DuckDBType[];
  readonly #values: DuckDBValue[][];
  readonly #names: readonly string[];
  #rows = 0;
  #pendingBytes = 0;
  #total = 0;

  private constructor(shape: TableShape, appender: DuckDBAppender) {
    this.#shape = shape;
    this.#appender = appender;
    this.#types = [BIGINT, INTEGER, ...shape.columns.map(({ column }) => column.type)];
    this.#names = shape.columns.map(({ field }) => field.name);
    this.#values = this.#types.map(() => []);
  }

  static async open(database: Database, shape: TableShape): Promise<Stage> {
    await database.run(`CREATE TABLE incoming (src BIGINT, part INTEGER, ${declarations(shape.columns)})`);
    return new Stage(shape, await database.connection.createAppender("incoming"));
  }

  /** Rows so far. */
  get rows(): number {
    return this.#total;
  }

  /** Adds one record. Throws what `toDuckdb` throws, and then the record is not there. */
  add(native: Readonly<Record<string, unknown>>, row: { readonly part: number; readonly bytes: number }): void {
    const { columns } = this.#shape;
    try {
      for (let index = 0; index < columns.length; index++) {
        this.#values[index + 2]!.push(columns[index]!.column.toDuckdb(native[this.#names[index]!]));
      }
    } catch (error) {
      for (const values of this.#values) values.length = this.#rows;
      throw error;
    }
    this.#values[0]!.push(BigInt(this.#total));
    this.#values[1]!.push(row.part);
    this.#total += 1;
    this.#rows += 1;
    this.#pendingBytes += row.bytes;
    if (this.#rows === rowsMax || this.#pendingBytes >= pendingBytesMax) this.#hand();
  }

  /** Hands over what is left; nothing can be added afterwards. */
  finish(): void {
    this.#hand();
    this.#appender.flushSync();
    this.#appender.closeSync();
  }

  #hand(): void {
    if (this.#rows === 0) return;
    const chunk = DuckDBDataChunk.create(this.#types, this.#rows);
    chunk.setColumns(this.#values);
    this.#appender.appendDataChunk(chunk);
    for (const values of this.#values) values.length = 0;
    this.#rows = 0;
    this.#pendingBytes = 0;
  }
}
