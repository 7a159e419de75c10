import type { QueryColumn, Rebuilds, RowBatch } from "../tables/index.ts";
import type { Replays } from "../archive/index.ts";
import type { TaskControl, TaskStatus } from "../tasks/index.ts";

/**
 * What the server shows of the rooms behind the log. The composer makes it of archive, tables and tasks, so that the server knows none of them.
 * Every method may be called at once and often; each is cheap enough for a page that is asked for every few seconds.
 */
export interface PlatformView {
  /** How far archive and table of a dataset are. Errors: those of objects and tables. */
  status(dataset: string, options?: Waits): Promise<DatasetStatus>;
  /** Oldest first. */
  snapshots(dataset: string, options?: Waits): Promise<readonly SnapshotStatus[]>;
  /**
   * Runs one SELECT. The first batch comes at once and carries the columns. Rows are pulled; ending the iteration ends the query.
   * Errors: `query.*`, `registry.datasetUnknown`, `table.snapshotUnknown`.
   */
  query(query: ViewQuery, options?: Waits): AsyncIterable<RowBatch>;
  /** Copies of time ranges of the archive. */
  readonly replays: Replays;
  /** Tables built again from the archive, beside those that readers see. */
  readonly rebuilds: Rebuilds;
  /** Every task, ordered by name. */
  tasks(): readonly TaskStatus[];
  /** Pauses, resumes and resets one of them. */
  readonly taskControl: TaskControl;
}

export interface Waits {
  readonly signal?: AbortSignal | undefined;
}

export interface ViewQuery {
  readonly sql: string;
  readonly at?: QueryAt;
}
/** The snapshots that a query reads: those current at a time (milliseconds since 1970), or named ones by dataset. */
export type QueryAt = { readonly kind: "time"; readonly time: number } | { readonly kind: "snapshots"; readonly ids: ReadonlyMap<string, bigint> };

export interface DatasetStatus {
  readonly archive: ArchiveStatus;
  /** Undefined before the first build has made it. */
  readonly table: TableStatus | undefined;
}
export interface ArchiveStatus {
  readonly partitions: readonly {
    readonly partition: number;
    /** The first offset that the archive does not hold yet. */
    readonly next: number;
  }[];
  /** Everything appended up to then is in the archive; milliseconds since 1970. */
  readonly completeThrough?: number;
}
export interface TableStatus {
  /** The address of the current metadata file for other programs. */
  readonly metadataLocation: string;
  /** Undefined while the table has none. */
  readonly snapshot: SnapshotStatus | undefined;
  readonly partitions: readonly {
    readonly partition: number;
    /** The first offset that the current snapshot does not hold. */
    readonly next: number;
  }[];
  /** How many its metadata holds. */
  readonly snapshots: number;
  /** What expiry did since the start: snapshots that were forgotten, objects that were deleted, and those that wait for the end of their grace. */
  readonly expired: { readonly snapshots: number; readonly deleted: number; readonly waiting: number };
  /** Everything appended up to then is in the current snapshot; milliseconds since 1970. */
  readonly completeThrough?: number;
}
export interface SnapshotStatus {
  readonly id: bigint;
  readonly parentId?: bigint | undefined;
  /** Milliseconds since 1970. */
  readonly committedAt: number;
  readonly rows: number;
  readonly operation?: string;
  /** The contract version that it was built with. */
  readonly contractVersion?: number;
  readonly summary: Readonly<Record<string, string>>;
}

export type { QueryColumn, RowBatch };
