import type { ObjectKey } from "../objects/index.ts";

/** Iceberg types, as in its specification (format version 2). Primitive: `boolean int long float double date time timestamp timestamptz string uuid binary fixed[L] decimal(P, S)`. */
export type IcebergType = string | IcebergStruct | IcebergList | IcebergMap;
export interface IcebergStruct {
  readonly type: "struct";
  readonly fields: readonly IcebergField[];
}
export interface IcebergList {
  readonly type: "list";
  readonly "element-id": number;
  readonly element: IcebergType;
  readonly "element-required": boolean;
}
export interface IcebergMap {
  readonly type: "map";
  readonly "key-id": number;
  readonly key: IcebergType;
  readonly "value-id": number;
  readonly value: IcebergType;
  readonly "value-required": boolean;
}
export interface IcebergField {
  readonly id: number;
  readonly name: string;
  readonly required: boolean;
  readonly type: IcebergType;
  readonly doc?: string;
}
export interface IcebergSchema extends IcebergStruct {
  readonly "schema-id": number;
  readonly "identifier-field-ids"?: readonly number[];
}
export interface IcebergPartitionField {
  readonly "source-id": number;
  readonly "field-id": number;
  readonly name: string;
  /** `identity year month day hour bucket[N] truncate[W]` */
  readonly transform: string;
}
export interface IcebergPartitionSpec {
  readonly "spec-id": number;
  readonly fields: readonly IcebergPartitionField[];
}

export interface IcebergSortOrder {
  readonly "order-id": number;
  readonly fields: readonly {
    readonly "source-id": number;
    readonly transform: string;
    readonly direction: string;
    readonly "null-order": string;
  }[];
}

/** The value of one partition field, after its transform: int and date as number, long, time and timestamps as bigint, decimal as unscaled bigint, uuid as text, fixed and binary as bytes. */
export type PartitionScalar = number | bigint | string | boolean | Uint8Array | null;

/** One Parquet file of a table with what a manifest keeps of it. Maps are by field id; bounds are in Iceberg's single-value serialisation. */
export interface DataFile {
  readonly key: ObjectKey;
  /** The partition spec that `partition` has values for, field by field. */
  readonly specId: number;
  readonly partition: readonly PartitionScalar[];
  readonly records: number;
  readonly bytes: number;
  readonly columnSizes: ReadonlyMap<number, number>;
  readonly valueCounts: ReadonlyMap<number, number>;
  readonly nullCounts: ReadonlyMap<number, number>;
  readonly lowerBounds: ReadonlyMap<number, Uint8Array>;
  readonly upperBounds: ReadonlyMap<number, Uint8Array>;
  readonly sortOrderId: number;
  /**
   * The schema that the file was written with, as far as its manifest tells (another program that rewrites manifests may have named a later one).
   * Which columns a file really has is told by `columnSizes`: a leaf that is not in it is not in the file.
   */
  readonly schemaId: number;
}

/** One immutable version of a table. Ids have up to 63 bits. */
export interface Snapshot {
  readonly id: bigint;
  readonly parentId: bigint | undefined;
  readonly sequenceNumber: number;
  /** Milliseconds since 1970; grows from snapshot to snapshot. */
  readonly timestamp: number;
  readonly schemaId: number;
  readonly manifestList: ObjectKey;
  readonly summary: Readonly<Record<string, string>>;
}

/** A table at one version of its metadata. */
export interface TableState {
  readonly metadataKey: ObjectKey;
  /** The address of that metadata file for other programs. */
  readonly metadataLocation: string;
  /** The base of the addresses in the metadata; where the data was moved, it is not where the objects are. */
  readonly location: string;
  readonly uuid: string;
  readonly schema: IcebergSchema;
  readonly schemas: readonly IcebergSchema[];
  readonly spec: IcebergPartitionSpec;
  readonly specs: readonly IcebergPartitionSpec[];
  /** What files that are sorted by the table's order say in `sortOrderId`; 0 where the table has none. */
  readonly sortOrderId: number;
  /** Every order that the table has had. */
  readonly sortOrders: readonly IcebergSortOrder[];
  readonly properties: Readonly<Record<string, string>>;
  /** Oldest first. */
  readonly snapshots: readonly Snapshot[];
  readonly current: Snapshot | undefined;
  /** Branches and tags by name: the ids of their snapshots. */
  readonly refs: ReadonlyMap<string, bigint>;
  /** Which snapshot became current when (milliseconds since 1970), oldest first: what time travel goes by. */
  readonly snapshotLog: readonly { readonly timestamp: number; readonly snapshotId: bigint }[];
  readonly lastColumnId: number;
}

/** What a build adds and removes. */
export interface TableChange {
  /** The snapshot that the build started from; undefined for a table without one. Another current snapshot is a conflict. */
  readonly base: bigint | undefined;
  /** The current schema must still have this id. */
  readonly schemaId: number;
  readonly added: readonly DataFile[];
  readonly removed: ReadonlySet<ObjectKey>;
  /** Extra keys of the snapshot summary, such as the checkpoint. */
  readonly summary: Readonly<Record<string, string>>;
  /** The branch that the change is for; by default `main`, what readers see. */
  readonly branch?: string;
}
export type TableCommit =
  | { readonly kind: "committed"; readonly state: TableState; readonly snapshot: Snapshot }
  | { readonly kind: "conflict"; readonly state: TableState };

/**
 * The tables of the platform in Iceberg's format, version 2.
 *
 * Atomicity: a commit swaps one pointer; readers see all of a snapshot or none of it. A crash before the swap leaves objects that nothing names.
 * Concurrency: of commits from one base exactly one succeeds; the others are `conflict` with the winner's state.
 * Unknown outcomes: a swap that failed without an answer is looked up before `commit` returns or throws; nothing that it may have published is deleted.
 * Order: sequence numbers and timestamps of snapshots grow strictly, whatever the clock does.
 * Errors: `table.corrupt` names the object; `table.unsupported` for what this version cannot read (delete files, other format versions);
 * those of objects and state.
 */
export interface IcebergTables {
  load(dataset: string): Promise<TableState | undefined>;
  /** Makes the table with this schema and partition spec if it is not there, or never had a snapshot and is another; gives what is there otherwise. */
  create(dataset: string, spec: NewTable): Promise<TableState>;
  /**
   * Makes a schema the current one that the table's may become (columns added, renamed, widened, removed), with the sort order of its rows from now
   * on and properties of columns, in one change; no snapshot. `conflict` when the current schema is no longer `expected`.
   */
  changeColumns(
    dataset: string,
    change: { readonly expected: number; readonly schema: IcebergSchema } & Partial<Pick<NewTable, "sort" | "properties">>,
  ): Promise<{ readonly kind: "committed" | "conflict"; readonly state: TableState }>;
  /** Makes an order the table's, under the id that it had before if it ever was; no snapshot. Nothing happens where it is. */
  sortBy(dataset: string, sort: NewTable["sort"]): Promise<BranchChange>;
  commit(dataset: string, change: TableChange): Promise<TableCommit>;
  /** Branches beside `main`: versions of the table that no reader sees until one becomes `main`. */
  readonly branches: IcebergBranches;
  /** The end of snapshots, so that metadata does not grow for ever. */
  readonly expiry: IcebergExpiry;
  /** The live files of a snapshot of this state. Manifests that were read before come from memory. */
  files(dataset: string, state: TableState, snapshot: Snapshot): Promise<readonly DataFile[]>;
}

/** The outcome of a change that makes no snapshot of `main`: on a conflict nothing happened. */
export interface BranchChange {
  readonly kind: "committed" | "conflict";
  readonly state: TableState;
}

/**
 * Branches of a table, each begun empty, with a schema and a partition spec of its own. What `main` and other programs see does not change by them.
 * Guarantees as for `IcebergTables`: each change is one swap of the table's pointer.
 */
export interface IcebergBranches {
  /**
   * Begins a branch with a snapshot without rows. `schema` is as `icebergSchemaOf` makes it of `of`; the spec's field ids are given out here.
   * `conflict` when the table is no longer `of`, or has a branch of this name.
   */
  start(
    dataset: string,
    branch: {
      readonly branch: string;
      readonly of: TableState;
      readonly schema: IcebergSchema;
      readonly partition: IcebergPartitionSpec;
      readonly summary: Readonly<Record<string, string>>;
    },
  ): Promise<BranchChange>;
  /** The table as it is on a branch: its snapshot, schema and spec. Undefined when there is no such branch. */
  view(state: TableState, branch: string): TableState | undefined;
  /** Makes a schema that of a branch, as `changeColumns` of tables does; the current schema of the table stays. The answer's state is the branch's view with the new schema. */
  changeColumns(dataset: string, change: { readonly branch: string; readonly schema: IcebergSchema }): Promise<BranchChange>;
  /** Adds an order for files of a branch; the table's own stays. The answer's state is the branch's view with this order. */
  sortBy(dataset: string, change: { readonly branch: string; readonly sort: NewTable["sort"] }): Promise<BranchChange>;
  /** Makes the branch `main`, with its schema and spec, and ends the branch. `conflict` when `main` is not at `base` or the branch not at `head`. */
  becomeMain(dataset: string, change: { readonly branch: string; readonly head: bigint; readonly base: bigint | undefined }): Promise<BranchChange>;
  /** Ends the branch, forgets the snapshots that only it has, and deletes their files. Nothing happens when there is no such branch. */
  drop(dataset: string, branch: string): Promise<BranchChange>;
}

/** Which versions of a table are kept. */
export interface SnapshotRetention {
  /** Milliseconds: a version that was current within so long is kept, as long as there are no more than `most`. */
  readonly keepMs: number;
  /** So many of the newest versions are kept at any age. */
  readonly least: number;
  /** Never more than so many versions are kept, but for those that something else keeps. At least 1. */
  readonly most: number;
  /** Milliseconds that objects stay when the last snapshot that named them is gone: readers in other processes may still be at them. */
  readonly graceMs: number;
}

/** What a round of expiry did. */
export interface Expired {
  /** `conflict`: another writer was first, and nothing happened. */
  readonly kind: "done" | "conflict";
  /** Snapshots that the table has forgotten. */
  readonly snapshots: number;
  /** Objects that were deleted. */
  readonly deleted: number;
  /** Objects that wait for the end of their grace, or for a reader. */
  readonly waiting: number;
}

/** What snapshots name that lies outside of their table, under a prefix of its own. */
export interface OutsideObjects {
  readonly prefix: ObjectKey;
  readonly keysOf: (state: TableState, snapshot: Snapshot) => readonly ObjectKey[];
}

/**
 * Forgets old snapshots, and later deletes what only they named; sweeps up what crashes left.
 *
 * Safety: branches, tags, the current snapshot, what is held here, and what one of these needs of its ancestors stay. Before an object is deleted it is
 * looked for in every snapshot that the table has then; a file of a build that can still be committed is never touched.
 * Crash: what is to be deleted is stored before the snapshots are forgotten, so no crash leaves objects behind for good.
 * Errors: as for `IcebergTables`; a snapshot that stays and cannot be read ends the round before anything is deleted.
 */
export interface IcebergExpiry {
  /** Keeps a snapshot and its objects until the answer is disposed of, as far as this process decides. */
  hold(dataset: string, snapshotId: bigint): Disposable;
  run(
    dataset: string,
    options: {
      readonly retention: SnapshotRetention;
      readonly outside?: OutsideObjects;
      readonly signal?: AbortSignal | undefined;
    },
  ): Promise<Expired>;
  /**
   * Deletes objects under names that we give which nothing names and nobody can publish any more: those of a writer that died, or that could not delete
   * them. Resolves to how many. Objects newer than the newest snapshot of any branch stay, and those of the `marginMs` milliseconds before it, by which
   * the clocks of platform and object store may differ.
   */
  sweep(dataset: string, options: { readonly marginMs: number; readonly outside?: OutsideObjects; readonly signal?: AbortSignal | undefined }): Promise<number>;
}

export interface NewTable {
  readonly schema: IcebergSchema;
  readonly partition: IcebergPartitionSpec;
  /** Ascending, nulls first; empty for a table that is not sorted. */
  readonly sort: readonly { readonly sourceId: number }[];
  readonly properties?: Readonly<Record<string, string>>;
}
