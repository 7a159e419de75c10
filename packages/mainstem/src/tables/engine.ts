import type { Contract } from "@mainstem/contract";
import type { ChunkRef } from "../archive/index.ts";
import type { DataFile, IcebergPartitionSpec, IcebergSchema, Snapshot, TableState } from "../iceberg/index.ts";
import type { Offset, Partition, RecordHeader, TopicId } from "../log/index.ts";
import type { ObjectKey } from "../objects/index.ts";

export interface Waits {
  readonly signal?: AbortSignal | undefined;
}

/**
 * A file of remembered deletes: one row of key and order for each, and when it was built (docs/formats/table.md). It lies outside of the table, where no
 * reader of the table sees it.
 */
export interface TombstoneFile {
  readonly key: ObjectKey;
  readonly records: number;
  readonly bytes: number;
  /** Milliseconds since 1970: when the newest of its deletes was built. */
  readonly builtAt: number;
}

/** One build: the records of `chunks` merged into the files of the table's current snapshot. */
export interface BuildJob {
  readonly contract: Contract;
  /** The table's current schema: it has a column for every field of the contract. */
  readonly schema: IcebergSchema;
  readonly partition: IcebergPartitionSpec;
  /** What new files say of their order: they are sorted by the contract's sort fields, nulls first, and then by the key. */
  readonly sortOrderId: number;
  /** In any order; resolved to the contract's schema by the writer's schemas in each chunk. */
  readonly chunks: readonly ChunkRef[];
  /** Of the dataset's topic ids: under `order: log` a replayed record has the position that it had in one of them. */
  readonly generations: ReadonlyMap<TopicId, number>;
  /** Every live file of the snapshot. */
  readonly existing: readonly DataFile[];
  /** New files are put under this prefix, `<prefix>/<name>.parquet`. */
  readonly into: string;
  /** Used where the contract has deletes. */
  readonly tombstones: {
    /** Every file of the snapshot. */
    readonly existing: readonly TombstoneFile[];
    /** As the other `into`, for new ones. */
    readonly into: string;
    /** Milliseconds since 1970: new deletes are as old as this. */
    readonly now: number;
    /** What is older than this by more than the contract's horizon is forgotten: behind `now` while a clock that leapt ahead is not believed. */
    readonly judgedAt: number;
  };
  readonly memoryBytesMax: number;
}

/** A record that is no record of the contract: it waits in the inbox, the build goes on. */
export interface UnreadableRecord {
  readonly topicId: TopicId;
  readonly generation: number;
  readonly partition: Partition;
  readonly offset: Offset;
  readonly timestamp: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly RecordHeader[];
  readonly code: string;
  readonly message: string;
}

export interface BuiltFiles {
  readonly added: readonly DataFile[];
  /** Their rows are in `added`, but for those that were replaced. */
  readonly removed: readonly ObjectKey[];
  /** Files of deletes that the next snapshot has, and has no more. */
  readonly tombstones: { readonly added: readonly TombstoneFile[]; readonly removed: readonly ObjectKey[] };
  readonly counts: {
    /** Records in the chunks. */
    readonly records: number;
    /** Keys that were not in the table before. */
    readonly inserted: number;
    readonly updated: number;
    /** Rows that a delete took from the table. */
    readonly deleted: number;
    /** Records that lost against another with the same key, repeats among them. */
    readonly superseded: number;
    /** Records and rows that lost a tie of order although their content was different. */
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
 * Deletes: one that is built is remembered, whether its key was there or not, and beats every older record that a later build meets, in whatever
 * partition, until the contract's horizon.
 * Schema: a column that a file lacks has its field's default there; where that is not null, the build writes the file anew.
 * Damage: chunks are checked against their chain entries, data files against the checksums in their names, before anything of them is used:
 * `archive.corrupt`, `table.corrupt`, with the object's key.
 * Memory: bounded by `memoryBytesMax` and what is unreadable; larger work spills to disk.
 * Concurrency: builds of one engine may wait for one another.
 * Failure, cancellation: a build that failed deletes what it had stored; at most objects that nothing names are left.
 * Errors: besides these `table.failed`, `table.unsupported`, those of objects, `worker.failed`, `resource.closed`.
 */
export interface TableEngine extends AsyncDisposable {
  build(job: BuildJob, options?: Waits): Promise<BuiltFiles>;
}

/** What a query reads for one dataset: a snapshot of its table, or nothing but its columns. */
export interface QueryTable {
  readonly contract: Contract;
  /**
   * Whose columns the query sees: the contract's, which has today's names, or the snapshot's, as readers saw it then, and behind them what the contract
   * has beyond.
   */
  readonly columns?: "contract" | "snapshot";
  readonly version: { readonly state: TableState; readonly snapshot: Snapshot; readonly files: readonly DataFile[] } | undefined;
}

export interface QueryColumn {
  readonly name: string;
  /** The engine's name of the type, such as `BIGINT` or `TIMESTAMP WITH TIME ZONE`. */
  readonly type: string;
}
/** Rows as JSON values, as the door takes records. */
export interface RowBatch {
  readonly columns: readonly QueryColumn[];
  readonly rows: readonly (readonly unknown[])[];
}

/**
 * Reads tables with SQL.
 *
 * Safety: one SELECT statement; it sees nothing but the tables that were given: no files, no network, no settings.
 * Memory: a row with more than `limits.queryRowBytesMax` is refused, and of others about a megabyte is made at a time; what the engine needs for its own work
 * on one value is in addition to that.
 * Errors: `query.invalid` (with the engine's message), `query.forbidden`, `query.timeout`, `query.tooLarge`.
 */
export interface QueryEngine extends AsyncDisposable {
  /** The datasets (`namespace.name`) that the statement names. */
  tablesOf(sql: string, options?: Waits): Promise<readonly string[]>;
  /** The first batch comes at once and carries the columns even when there are no rows. Rows are pulled: a slow reader holds the query, not memory. */
  query(sql: string, options: { readonly tables: ReadonlyMap<string, QueryTable>; readonly timeoutMs: number } & Waits): AsyncIterable<RowBatch>;
}
