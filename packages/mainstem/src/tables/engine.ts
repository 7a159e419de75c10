import type { Contract } from "@mainstem/contract";
import type { ChunkRef } from "../archive/index.ts";
import type { DataFile, IcebergPartitionSpec, IcebergSchema, TableState, Snapshot } from "../iceberg/index.ts";
import type { ObjectKey } from "../objects/index.ts";

export interface Waits {
  readonly signal?: AbortSignal | undefined;
}

/** One build: the records of `chunks` merged into the files of the table's current snapshot. */
export interface BuildJob {
  readonly contract: Contract;
  readonly schema: IcebergSchema;
  readonly partition: IcebergPartitionSpec;
  /** In the order of the chain; resolved to the contract's schema by the writer's schema in each chunk. */
  readonly chunks: readonly ChunkRef[];
  readonly existing: readonly DataFile[];
  /** New files are put under this prefix, `<prefix>/<uuid>.parquet`. */
  readonly into: string;
  readonly memoryBytesMax: number;
}

/** A record that could not be read with its writer's schema: it waits in the inbox, the build goes on. */
export interface UnreadableRecord {
  readonly chunk: ObjectKey;
  readonly offset: number;
  readonly code: string;
  readonly message: string;
}

export interface BuiltFiles {
  readonly added: readonly DataFile[];
  readonly removed: readonly ObjectKey[];
  readonly counts: {
    /** Records in the chunks. */
    readonly records: number;
    /** Keys that were not in the table before. */
    readonly inserted: number;
    readonly updated: number;
    /** Records that lost against another with the same key. */
    readonly superseded: number;
    /** Ties of order with different content. */
    readonly conflicts: number;
    /** Keys whose row changed its partition. */
    readonly moved: number;
  };
  readonly unreadable: readonly UnreadableRecord[];
}

/**
 * Writes files, never commits. The caller commits what `build` returns, or deletes it.
 *
 * Determinism: the rows depend only on the multiset of records and the contract, not on their order or on how they were cut into builds.
 * Memory: bounded by `memoryBytesMax`, larger work spills to disk.
 * Cancellation: an aborted build leaves at most objects that nothing names.
 */
export interface TableEngine extends AsyncDisposable {
  build(job: BuildJob, options?: Waits): Promise<BuiltFiles>;
}

/** What a query reads for one dataset: a snapshot of its table, or nothing but its columns. */
export interface QueryTable {
  readonly contract: Contract;
  readonly version: { readonly state: TableState; readonly snapshot: Snapshot; readonly files: readonly DataFile[] } | undefined;
}

export interface QueryColumn {
  readonly name: string;
  /** The engine's name of the type, such as `BIGINT` or `TIMESTAMP WITH TIME ZONE`. */
  readonly type: string;
}
/** Rows as JSON values (DESIGN: JSON values of records). */
export interface RowBatch {
  readonly columns: readonly QueryColumn[];
  readonly rows: readonly (readonly unknown[])[];
}

/**
 * Reads tables with SQL.
 *
 * Safety: one SELECT statement; it sees nothing but the tables that were given: no files, no network, no settings.
 * Errors: `query.invalid` (with the engine's message), `query.forbidden`, `query.timeout`, `query.tooLarge`.
 */
export interface QueryEngine extends AsyncDisposable {
  /** The datasets (`namespace.name`) that the statement names. */
  tablesOf(sql: string, options?: Waits): Promise<readonly string[]>;
  /** The first batch comes at once and carries the columns even when there are no rows. Rows are pulled: a slow reader holds the query, not memory. */
  query(sql: string, options: { readonly tables: ReadonlyMap<string, QueryTable>; readonly timeoutMs: number } & Waits): AsyncIterable<RowBatch>;
}
