import { BIGINT, BOOLEAN, DuckDBDataChunk, INTEGER, type DuckDBAppender, type DuckDBType, type DuckDBValue } from "@duckdb/node-api";
import { declarations, type LoadedColumn } from "../shape.ts";
import type { Database } from "../database.ts";

/** DuckDB's vector size: a data chunk cannot have more rows. */
export const rowsMax = 2_048;
/** Rows wait in JavaScript until they are this many bytes of Avro. */
const pendingBytesMax = 8_388_608;

/** What is loaded of a table's shape. */
export interface StagedShape {
  readonly columns: readonly LoadedColumn[];
  readonly position: readonly LoadedColumn[];
  readonly takesValueless: boolean;
}

/** Where a record lies in the log, which is its order. */
export interface LogPlace {
  readonly generation: number;
  readonly offset: number;
}

/** What a row has beside its columns. */
export interface StagedRow {
  /** Null where it is not known, of a delete without a value. */
  readonly part: number | null;
  readonly bytes: number;
  /** Where the order is the log's. */
  readonly position?: LogPlace;
  /** A delete of which only the key is known. */
  readonly valueless?: boolean;
}

/**
 * The table `incoming` while it is filled: `src` counts the records from 0 (in any order), `part` is the number of the record's partition, and the columns
 * follow, then `generation, log_offset` and `valueless` where the shape has them. Values are gathered by column and handed over a vector at a time.
 */
export class Stage {
  readonly #shape: StagedShape;
  readonly #appender: DuckDBAppender;
  readonly #types: readonly DuckDBType[];
  readonly #values: DuckDBValue[][];
  readonly #names: readonly string[];
  #rows = 0;
  #pendingBytes = 0;
  #total = 0;

  private constructor(shape: StagedShape, appender: DuckDBAppender) {
    this.#shape = shape;
    this.#appender = appender;
    const beside = [...shape.position.map(({ column }) => column.type), ...(shape.takesValueless ? [BOOLEAN] : [])];
    this.#types = [BIGINT, INTEGER, ...shape.columns.map(({ column }) => column.type), ...beside];
    this.#names = shape.columns.map(({ field }) => field.name);
    this.#values = this.#types.map(() => []);
  }

  static async open(database: Database, shape: StagedShape, table = "incoming"): Promise<Stage> {
    const columns = [declarations([...shape.columns, ...shape.position]), ...(shape.takesValueless ? ["valueless BOOLEAN"] : [])];
    await database.run(`CREATE TABLE ${table} (src BIGINT, part INTEGER, ${columns.join(", ")})`);
    return new Stage(shape, await database.connection.createAppender(table));
  }

  /** What the rows go to. */
  get appender(): DuckDBAppender {
    return this.#appender;
  }

  /** The `src` of a record that reaches the appender on another way. */
  take(): number {
    return this.#total++;
  }

  /** Adds one record. Throws what `toDuckdb` throws, and then the record is not there. */
  add(native: Readonly<Record<string, unknown>>, row: StagedRow): void {
    const { columns, position, takesValueless } = this.#shape;
    const { valueless = false } = row;
    try {
      for (let index = 0; index < columns.length; index++) {
        const value = native[this.#names[index]!];
        this.#values[index + 2]!.push(valueless && value === undefined ? null : columns[index]!.column.toDuckdb(value));
      }
    } catch (error) {
      for (const values of this.#values) values.length = this.#rows;
      throw error;
    }
    this.#values[0]!.push(BigInt(this.#total));
    this.#values[1]!.push(row.part);
    if (position.length > 0) {
      const { generation, offset } = row.position!;
      this.#values[columns.length + 2]!.push(generation);
      this.#values[columns.length + 3]!.push(BigInt(offset));
    }
    if (takesValueless) this.#values.at(-1)!.push(valueless);
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
