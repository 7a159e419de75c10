import { DuckDBInstance, type DuckDBConnection, type DuckDBValue } from "@duckdb/node-api";
import { MainstemError } from "../../runtime/errors.ts";

export interface DatabaseOptions {
  /** What DuckDB may hold in memory; beyond it, it spills. */
  readonly memoryBytesMax: number;
  readonly threads: number;
  /** Where it spills. */
  readonly directory: string;
}

/** A DuckDB of its own in memory, in UTC, that loads and installs nothing. One statement at a time. */
export interface Database extends AsyncDisposable {
  readonly connection: DuckDBConnection;
  run(sql: string): Promise<void>;
  rows(sql: string): Promise<readonly (readonly DuckDBValue[])[]>;
  /** The first column of the first row as a number. */
  number(sql: string): Promise<number>;
  /** Does some work; an abort interrupts its statement, and lets no further one begin. `doing` is for the error of a failed statement. */
  during<T>(signal: AbortSignal, doing: string, work: () => Promise<T>): Promise<T>;
}

export async function openDatabase({ memoryBytesMax, threads, directory }: DatabaseOptions): Promise<Database> {
  const instance = await DuckDBInstance.create(":memory:", {
    threads: String(threads),
    memory_limit: `${Math.max(1, Math.floor(memoryBytesMax / 1_048_576))}MiB`,
    temp_directory: directory,
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
    allow_community_extensions: "false",
  });
  const connection = await instance.connect();
  await connection.run("SET TimeZone = 'UTC'");
  let until: AbortSignal | undefined;
  const database: Database = {
    connection,
    async run(sql) {
      until?.throwIfAborted();
      await connection.run(sql);
    },
    async rows(sql) {
      until?.throwIfAborted();
      return (await connection.runAndReadAll(sql)).getRows();
    },
    async number(sql) {
      return Number((await database.rows(sql))[0]?.[0]);
    },
    async during(signal, doing, work) {
      const interrupt = (): void => connection.interrupt();
      signal.throwIfAborted();
      signal.addEventListener("abort", interrupt, { once: true });
      until = signal;
      try {
        return await work();
      } catch (error) {
        signal.throwIfAborted();
        throw toEngineError(error, doing);
      } finally {
        until = undefined;
        signal.removeEventListener("abort", interrupt);
      }
    },
    [Symbol.asyncDispose]() {
      connection.closeSync();
      instance.closeSync();
      return Promise.resolve();
    },
  };
  return database;
}

/** An SQL name that means exactly this text. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** An SQL string with exactly this text. */
export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** What the system says of a disk or of a file that is not there, as strerror(3) words it: no file's fault. */
const systemReasons =
  /: (?:Read-only file system|No space left on device|Disk quota exceeded|Permission denied|Operation not permitted|Input\/output error|Too many open files(?: in system)?|No such file or directory)\b/;

/**
 * A failure of the engine in our own statements as a coded error. What was written and checked by us cannot be wrong, so what is left is a machine
 * without memory or disk, or a file of another writer that no checksum vouches for.
 */
function toEngineError(error: unknown, doing: string): unknown {
  if (!(error instanceof Error) || "code" in error) return error;
  const message = error.message.split("\n")[0] ?? "";
  if (!systemReasons.test(error.message) && /^(Invalid|IO) .*(Parquet|parquet|magic|TProtocol|ZSTD|Snappy)/.test(error.message)) {
    return new MainstemError("table.corrupt", `A data file cannot be read while ${doing}: ${message}`, {}, { cause: error });
  }
  return new MainstemError("table.failed", `The table engine failed while ${doing}: ${message}`, {}, { cause: error });
}
