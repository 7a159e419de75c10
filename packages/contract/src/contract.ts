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
 * The door holds every record to `notNull`, `range`, `length`, `oneOf` and `matches`, of values that are not null; the others are about many records.
 */
export type Check =
  | { readonly kind: "sum" | "min" | "max" | "unique"; readonly field: string }
  | { readonly kind: "notNull"; readonly field: string }
  | ({ readonly kind: "range"; readonly field: string } & RangeBounds)
  /** Characters (code points) of a string, items of an array. */
  | { readonly kind: "length"; readonly field: string; readonly min?: number; readonly max?: number }
  | { readonly kind: "oneOf"; readonly field: string; readonly values: readonly (string | number)[] }
  | { readonly kind: "matches"; readonly field: string; readonly pattern: string }
  | { readonly kind: "freshness"; readonly within: string }
  | { readonly kind: "volume"; readonly within: string; readonly min: number; readonly max?: number };

/** Bounds as the field's values are written in JSON: `min` and `max` belong to the range, `above` and `below` do not. */
export interface RangeBounds {
  readonly min?: number | string;
  readonly max?: number | string;
  readonly above?: number | string;
  readonly below?: number | string;
}
export const rangeBounds = ["min", "max", "above", "below"] as const;

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
