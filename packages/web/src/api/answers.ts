/** What the API answers, as far as the page shows it; `/openapi.json` describes the whole. Times are RFC 3339 text. */
export interface DatasetSummary {
  readonly name: string;
  readonly version: number;
  readonly description?: string;
  readonly owner?: string;
  /** In the log, readable. */
  readonly records: number;
  /** Null before the first snapshot. */
  readonly rows: number | null;
  readonly completeThrough: string | null;
  /** Why its table cannot be read. */
  readonly error?: CodedFault;
}

/** Has a schema in the registry and waits for the rest of its contract. */
export interface WaitingDataset {
  readonly name: string;
  readonly subject: string;
  /** Of the newest schema, within the subject. */
  readonly version: number;
}

export interface CodedFault {
  readonly code: string;
  readonly message: string;
}

export const verdicts = ["failed", "stuck", "slow", "paused", "idle", "ok"] as const;
export type Verdict = (typeof verdicts)[number];

export interface Task {
  readonly name: string;
  readonly state: string;
  readonly verdict: Verdict;
  readonly because?: string;
  readonly progress: { readonly position: number; readonly end: number; readonly unit: string; readonly deferred?: boolean } | null;
  readonly ratePerSecond: number | null;
  readonly remainingSeconds: number | null;
  readonly lastAdvance: string | null;
  readonly lastError: (CodedFault & { readonly at: string }) | null;
  readonly restarts: number;
  readonly paused: { readonly by: string; readonly at: string; readonly reason?: string } | null;
  readonly heldBy: string | null;
}

export interface TopicPlaces {
  readonly name: string;
  readonly id: string;
  readonly partitions: readonly { readonly partition: number; readonly first: number; readonly end: number }[];
}

export interface Snapshot {
  readonly id: string;
  readonly parentId: string | null;
  readonly committedAt: string;
  readonly rows: number;
  readonly operation?: string;
  readonly contractVersion?: number;
  readonly summary: Readonly<Record<string, string>>;
}

export type AvroType = string | { readonly type: AvroType; readonly [member: string]: unknown } | readonly AvroType[];
export interface AvroField {
  readonly name: string;
  readonly type: AvroType;
  readonly doc?: string;
  readonly default?: unknown;
  readonly aliases?: readonly string[];
  readonly [member: string]: unknown;
}
export interface Contract {
  readonly name: string;
  readonly schema: { readonly fields: readonly AvroField[] };
  readonly key?: readonly string[];
  readonly order?: readonly string[] | string;
  readonly merge?: { readonly kind: string; readonly fields?: Readonly<Record<string, string>> };
  readonly partition?: readonly { readonly field: string; readonly transform: string; readonly width?: number }[];
  readonly compatibility?: string;
  readonly deletes?: { readonly field: string; readonly values?: readonly string[]; readonly horizon?: string };
  readonly checks?: readonly Readonly<Record<string, unknown>>[];
  readonly [member: string]: unknown;
}

export interface PartitionPlace {
  readonly partition: number;
  /** The first offset that is not there. */
  readonly next: number;
}

/** What became of records at the door since the server started. */
export interface DoorCounts {
  readonly accepted: number;
  readonly quarantined: number;
  readonly refused: number;
}

/** A dataset before or after another. */
export interface Neighbour {
  readonly name: string;
  /** Since then the older one takes no more records; null while it is open. */
  readonly closedAt: string | null;
  /** Who reads the older one; `moved` once nothing is left there for them and they have committed in the newer one. */
  readonly groups: readonly { readonly group: string; readonly behind: number; readonly moved: boolean }[];
}

export interface Dataset extends DatasetSummary {
  readonly status: "ok" | "degraded" | "failed";
  readonly reasons?: readonly { readonly code: string; readonly message: string }[];
  readonly appliedAt: string;
  readonly contract: Contract;
  readonly generations: readonly { readonly generation: number; readonly topicId: string }[];
  readonly topics: { readonly records: TopicPlaces; readonly inbox: TopicPlaces };
  readonly door: DoorCounts;
  /** Without partitions while the archive has not looked yet. */
  readonly archive: { readonly partitions: readonly PartitionPlace[]; readonly completeThrough: string | null };
  readonly table: { readonly snapshot: Snapshot | null; readonly partitions: readonly PartitionPlace[]; readonly completeThrough: string | null } | null;
  readonly rebuildPending: readonly string[];
  readonly predecessor: Neighbour | null;
  readonly successor: Neighbour | null;
  readonly tasks: readonly Task[];
}

export interface ContractVersion {
  readonly version: number;
  readonly appliedAt: string;
  readonly provenance?: string;
  readonly spec: Contract;
}

export interface QueryAnswer {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly (readonly unknown[])[];
}

export interface InboxGroup {
  readonly group: string;
  readonly from: string;
  readonly code: string;
  readonly path?: string;
  readonly expected?: string;
  readonly count: number;
  readonly first: string;
  readonly last: string;
  /** The id of one of its entries. */
  readonly example: string;
}

export interface InboxEntry {
  readonly id: string;
  /** `door`, or the name of a task. */
  readonly from: string;
  readonly errors: readonly { readonly path: string; readonly expected: string; readonly received: string }[];
  /** The original bytes in base64. */
  readonly original: string | null;
  readonly record?: unknown;
}
