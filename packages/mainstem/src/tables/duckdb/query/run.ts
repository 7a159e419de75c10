import { DuckDBInstance, DuckDBTypeId, type DuckDBConnection, type DuckDBResult } from "@duckdb/node-api";
import { MainstemError } from "../../../runtime/errors.ts";
import type { QueryColumn } from "../../engine.ts";
import { quoteName, quoteText } from "../database.ts";
import { scan } from "../shape.ts";
import { ChunkRows } from "./chunk-rows.ts";
import { checkQuery } from "./guard.ts";
import { toJsonValue } from "./json-values.ts";

/** A dataset as a query sees it: its columns, and the local copies of the files of one snapshot. */
export interface LocalTable {
  readonly namespace: string;
  readonly name: string;
  /** `id`: the field's id in the files; undefined for a column that no file can have yet. */
  readonly columns: readonly { readonly name: string; readonly type: string; readonly id: number | undefined }[];
  readonly files: readonly { readonly path: string; readonly key: string }[];
}

export interface QueryInput {
  readonly sql: string;
  readonly tables: readonly LocalTable[];
  readonly memoryBytesMax: number;
  readonly threads: number;
  readonly directory: string;
}

/** A batch is closed at the first row after which it has about this many bytes of values, or at the first vector (2,048 rows) after which it has this many rows. */
const batchRows = 8_192;
const batchBytes = 1_048_576;

/**
 * One query in a DuckDB of its own, in which nothing exists but views of the given tables, over exactly the given files, and which is then locked:
 * no other file, no network, no extension, no setting. Rows are made as they are asked for.
 */
export class RunningQuery implements AsyncDisposable {
  readonly columns: readonly QueryColumn[];
  readonly #instance: DuckDBInstance;
  readonly #connection: DuckDBConnection;
  readonly #result: DuckDBResult;
  readonly #tables: readonly LocalTable[];
  /** Rows that were fetched and not yet given. */
  #rest: ChunkRows | undefined;

  private constructor({ instance, connection, result, tables }: Running) {
    this.#instance = instance;
    this.#connection = connection;
    this.#result = result;
    this.#tables = tables;
    this.columns = result.columnNames().map((name, index) => ({ name, type: result.columnType(index).toString() }));
  }

  static async open(input: QueryInput, signal: AbortSignal): Promise<RunningQuery> {
    const instance = await DuckDBInstance.create(":memory:", {
      threads: String(input.threads),
      memory_limit: `${Math.max(1, Math.floor(input.memoryBytesMax / 1_048_576))}MiB`,
      temp_directory: input.directory,
      autoinstall_known_extensions: "false",
      autoload_known_extensions: "false",
      allow_community_extensions: "false",
    });
    const connection = await instance.connect();
    try {
      const result = await interruptible(connection, { signal, tables: input.tables }, async () => {
        await checkQuery(connection, input.sql, { known: new Set(input.tables.map(({ namespace, name }) => `${namespace}.${name}`)) });
        await connection.run(preparation(input.tables));
        return await execute(connection, input.sql);
      });
      return new RunningQuery({ instance, connection, result, tables: input.tables });
    } catch (error) {
      connection.closeSync();
      instance.closeSync();
      throw error;
    }
  }

  /** The next rows; fewer than none are left when it is undefined. */
  async next(signal: AbortSignal): Promise<readonly (readonly unknown[])[] | undefined> {
    return await interruptible(this.#connection, { signal, tables: this.#tables }, async () => {
      const rows: unknown[][] = [];
      let bytes = 0;
      while (rows.length < batchRows && bytes < batchBytes) {
        this.#rest ??= await this.#fetch();
        if (this.#rest === undefined) return rows.length === 0 ? undefined : rows;
        const taken = this.#rest.take(batchBytes - bytes);
        for (const row of taken.rows) rows.push(row.map(toJsonValue));
        bytes += taken.bytes;
        if (taken.last) this.#rest = undefined;
      }
      return rows;
    });
  }

  async #fetch(): Promise<ChunkRows | undefined> {
    const chunk = await this.#result.fetchChunk();
    return chunk === null || chunk.rowCount === 0 ? undefined : new ChunkRows(chunk, this.#result.columnTypes());
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#connection.closeSync();
    this.#instance.closeSync();
    return Promise.resolve();
  }
}

interface Running {
  readonly instance: DuckDBInstance;
  readonly connection: DuckDBConnection;
  readonly result: DuckDBResult;
  readonly tables: readonly LocalTable[];
}

/** Views of the tables, and then the locks. Schemas and views go by names that were checked when the dataset was declared, and are quoted. */
function preparation(tables: readonly LocalTable[]): string {
  const paths = tables.flatMap(({ files }) => files.map(({ path }) => path));
  return [
    "SET TimeZone = 'UTC'",
    ...new Set(tables.map(({ namespace }) => `CREATE SCHEMA IF NOT EXISTS ${quoteName(namespace)}`)),
    // The paths come first: a view is bound when it is made, and reads the first file then.
    ...(paths.length === 0 ? [] : [`SET allowed_paths = [${paths.map(quoteText).join(", ")}]`]),
    ...tables.map((table) => `CREATE VIEW ${quoteName(table.namespace)}.${quoteName(table.name)} AS ${viewOf(table)}`),
    "SET enable_external_access = false",
    "SET lock_configuration = true",
  ].join(";\n");
}

function viewOf({ columns, files }: LocalTable): string {
  const paths = files.map(({ path }) => path);
  const known = columns.filter(({ id }) => id !== undefined).map(({ name, type, id }) => ({ name, type, id: id ?? 0 }));
  if (paths.length === 0 || known.length === 0) {
    return `SELECT ${columns.map(({ name, type }) => `NULL::${type} AS ${quoteName(name)}`).join(", ")} WHERE false`;
  }
  const values = columns.map(({ name, type, id }) => (id === undefined ? `NULL::${type} AS ${quoteName(name)}` : quoteName(name)));
  return `SELECT ${values.join(", ")} FROM ${scan(paths, known)}`;
}

async function execute(connection: DuckDBConnection, sql: string): Promise<DuckDBResult> {
  const extracted = await connection.extractStatements(sql);
  if (extracted.count !== 1) throw new MainstemError("query.forbidden", `One statement is allowed, and this is ${extracted.count}.`);
  const statement = await extracted.prepare(0);
  const result = await statement.stream();
  for (let index = 0; index < result.columnCount; index++) {
    if (result.columnTypeId(index) === DuckDBTypeId.INVALID) throw new MainstemError("query.invalid", `The type of column ${index + 1} cannot be told.`);
  }
  return result;
}

/** Runs one step; an abort interrupts it. DuckDB's errors become coded ones. */
async function interruptible<T>(
  connection: DuckDBConnection,
  { signal, tables }: { readonly signal: AbortSignal; readonly tables: readonly LocalTable[] },
  work: () => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const interrupt = (): void => connection.interrupt();
  signal.addEventListener("abort", interrupt, { once: true });
  try {
    return await work();
  } catch (error) {
    signal.throwIfAborted();
    throw toQueryError(error, tables);
  } finally {
    signal.removeEventListener("abort", interrupt);
  }
}

/** Paths of local copies mean nothing to who asked, and are nobody's business. */
function toQueryError(error: unknown, tables: readonly LocalTable[]): unknown {
  if (!(error instanceof Error) || error instanceof MainstemError) return error;
  const damaged = tables.flatMap(({ files }) => files).find(({ path }) => error.message.includes(path));
  if (damaged !== undefined && !/^(Binder|Catalog|Parser) Error/.test(error.message)) {
    return new MainstemError("table.corrupt", `The data file ${damaged.key} cannot be read.`, { key: damaged.key }, { cause: error });
  }
  const message = error.message.replace(/(["'])\/[^"']*\1/g, "a data file");
  const first = message.split("\n\n")[0] ?? message;
  if (message.startsWith("Permission Error")) return new MainstemError("query.forbidden", "The statement reaches beyond the datasets.", {}, { cause: error });
  if (message.startsWith("Out of Memory Error")) {
    return new MainstemError("query.tooLarge", "The query needs more memory than a query may have.", {}, { cause: error });
  }
  if (
    /^(Binder|Catalog|Parser|Syntax|Conversion|Invalid Input|Out of Range|Not implemented|Mismatch Type|Constraint|Type|Invalid Type) Error|^Invalid unicode/.test(
      message,
    )
  ) {
    return new MainstemError("query.invalid", first, { engine: message }, { cause: error });
  }
  return new MainstemError("table.failed", `The query engine failed: ${first}`, {}, { cause: error });
}
