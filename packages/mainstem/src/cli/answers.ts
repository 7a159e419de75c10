// What the server's answers hold, as far as the commands show it; /openapi.json describes them whole.
import type { ContractJson, FieldChanges } from "@mainstem/contract";

export interface DatasetSummary {
  readonly name: string;
  readonly version: number;
  readonly description?: string;
  readonly owner?: string;
  /** Records in the log that can be read. */
  readonly records: number;
  /** Of the table's current snapshot. */
  readonly rows: number | null;
  /** RFC 3339: everything appended up to then is in the table. */
  readonly completeThrough: string | null;
  /** Why the table cannot be looked at. */
  readonly error?: { readonly code: string; readonly message: string };
}

/** Has a schema in the registry and waits for the rest of its contract. */
export interface WaitingDataset {
  readonly name: string;
  readonly subject: string;
  /** Of the newest schema, within the subject. */
  readonly version: number;
  readonly schemaId: number;
}

export interface Reason {
  readonly code: string;
  readonly message: string;
}

/** Where a dataset's topic ends, and how far its readers are. */
export interface EndDetail {
  readonly closedAt: string | null;
  readonly partitions: readonly { readonly partition: number; readonly end: number }[];
  readonly groups: readonly ReaderDetail[];
}

export interface ReaderDetail {
  readonly group: string;
  readonly behind: number;
  readonly moved: boolean;
}

export interface NeighbourDetail extends EndDetail {
  readonly name: string;
}

export interface ClosedDetail extends EndDetail {
  readonly dataset: string;
  readonly successor: string;
}

export interface DatasetDetail extends DatasetSummary {
  readonly status: "ok" | "degraded" | "failed";
  readonly reasons?: readonly Reason[];
  readonly metadataLocation: string | null;
  readonly appliedAt: string;
  readonly contract: ContractJson;
  readonly topics: { readonly inbox: TopicDetail };
  readonly archive: { readonly partitions: readonly { readonly next: number }[]; readonly completeThrough: string | null };
  readonly table: { readonly snapshot: { readonly id: string; readonly committedAt: string } | null } | null;
  readonly rebuildPending: readonly string[];
  readonly rebuild: {
    readonly state: "needed" | "building" | "ready";
    readonly rewritten: { readonly files: number; readonly rows: number; readonly bytes: number };
  } | null;
  readonly predecessor: NeighbourDetail | null;
  readonly successor: NeighbourDetail | null;
}

interface TopicDetail {
  readonly partitions: readonly { readonly first: number; readonly end: number }[];
}

export interface SnapshotDetail {
  /** Up to 63 bits: text. */
  readonly id: string;
  readonly committedAt: string;
  readonly rows: number;
  readonly operation?: string;
}

export interface Health {
  readonly status: "ok" | "degraded" | "failed";
  readonly reasons: readonly Reason[];
}

export interface VersionDetail {
  readonly version: number;
  readonly appliedAt: string;
  readonly schemaId: number;
  /** What it has other than the version before, in words. */
  readonly changes: readonly string[];
  readonly provenance?: string;
  readonly closed?: boolean;
}

export interface PlanDetail {
  readonly name: string;
  readonly kind: "created" | "changed" | "unchanged" | "refused" | "invalid";
  readonly compatible: boolean;
  readonly refused: readonly { readonly path: string; readonly reason: string; readonly remedy: string }[];
  readonly version?: number;
  readonly changes?: readonly string[];
  readonly fields?: FieldChanges;
  readonly consent?: readonly string[];
  readonly owner?: { readonly now: string | null; readonly next: string | null };
  readonly archive?: "created" | "unchanged";
  readonly table?: {
    readonly effect: "created" | "unchanged" | "metadata" | "rewrite" | "rebuild";
    readonly rebuilt?: readonly string[];
    readonly rewritten: { readonly files: number; readonly rows: number; readonly bytes: number };
    readonly filled: Readonly<Record<string, unknown>>;
    readonly null: readonly string[];
  };
  readonly consumers?: readonly { readonly group: string; readonly platform: boolean; readonly lag: number }[];
  readonly consumersLeftOut?: number;
  readonly predecessor?: NeighbourDetail;
  readonly successor?: NeighbourDetail;
}

export interface TaskDetail {
  readonly name: string;
  readonly state: string;
  readonly verdict: "ok" | "slow" | "stuck" | "paused" | "failed" | "idle";
  readonly because?: string;
  readonly progress: { readonly position: number; readonly end: number; readonly unit: string } | null;
  readonly ratePerSecond: number | null;
  readonly remainingSeconds: number | null;
  readonly lastAdvance: string | null;
  readonly lastError: { readonly code: string; readonly message: string; readonly at: string } | null;
  readonly restarts: number;
  readonly paused: { readonly by: string; readonly at: string; readonly reason?: string } | null;
  readonly heldBy: string | null;
}
