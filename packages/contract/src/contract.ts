import type { AvroRecordSchema } from "./avro/schema.ts";

/** Rules that decide which of several records with one key is the row. Both are associative, commutative and idempotent. */
export const mergeKinds = ["latest", "first"] as const;
export type Merge = { readonly kind: (typeof mergeKinds)[number] };

/** Iceberg's partition transforms. `width` belongs to `bucket` (number of buckets) and `truncate` (length). */
export const transforms = ["identity", "year", "month", "day", "hour", "bucket", "truncate"] as const;
export type Transform = (typeof transforms)[number];
export interface PartitionField {
  readonly field: string;
  readonly transform: Transform;
  readonly width?: number;
}

export const compatibilities = ["NONE", "BACKWARD", "BACKWARD_TRANSITIVE", "FORWARD", "FORWARD_TRANSITIVE", "FULL", "FULL_TRANSITIVE"] as const;
export type Compatibility = (typeof compatibilities)[number];

/**
 * What must hold of a dataset. `field` is a field's name, or a path through records (`address.zip`).
 * The door holds every record to `notNull`, `range` (bounds included), `oneOf` and `matches`; the others are about many records.
 */
export type Check =
  | { readonly kind: "sum" | "min" | "max" | "unique"; readonly field: string }
  | { readonly kind: "notNull"; readonly field: string }
  | { readonly kind: "range"; readonly field: string; readonly min?: number | string; readonly max?: number | string }
  | { readonly kind: "oneOf"; readonly field: string; readonly values: readonly (string | number)[] }
  | { readonly kind: "matches"; readonly field: string; readonly pattern: string }
  | { readonly kind: "freshness"; readonly within: string }
  | { readonly kind: "volume"; readonly within: string; readonly min: number; readonly max?: number };

/**
 * A dataset's contract: the parsed JSON form with every default filled in. Plain data: it can be sent to another thread and stored as it is.
 * What a `Contract` says was checked by `parseContract`, the only place that makes one.
 */
export interface Contract {
  readonly formatVersion: 1;
  /** `namespace.name`; the topic has the same name. */
  readonly name: string;
  readonly description?: string;
  readonly owner?: string;
  readonly schema: AvroRecordSchema;
  /** Top-level field names. */
  readonly key: readonly string[];
  readonly order: readonly string[];
  readonly merge: Merge;
  readonly partition: readonly PartitionField[];
  /** Declares that partition fields never change for a key, so that a build need not look. */
  readonly immutable: boolean;
  readonly checks: readonly Check[];
  readonly compatibility: Compatibility;
}

/** Whether a key can move between partitions: `stable` when the partition fields are key fields. */
export type PartitionKind = "none" | "stable" | "movable" | "immutable";
