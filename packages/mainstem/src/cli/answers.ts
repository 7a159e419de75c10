// What the server's answers hold, as far as the commands show it; /openapi.json describes them whole.
import type { ContractJson } from "@mainstem/contract";

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

export interface Reason {
  readonly code: string;
  readonly message: string;
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
