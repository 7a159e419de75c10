import type { AvroRecordSchema } from "./avro/schema.ts";

/**
 * Rules that decide what the row of a key is. `latest`, `first` and `fields` are associative, commutative and idempotent:
 * neither the order in which records arrive nor how often they do counts. Under `none` nothing is merged: every accepted record is a row.
 */
export const mergeKinds = ["latest", "first", "fields", "none"] as const;
/** What decides over one field. `union` is of arrays. There is no sum: a record that is sent twice would change it. */
export const fieldRules = ["min", "max", "union", "latest", "first", "latestNonNull"] as const;
export type FieldRule = (typeof fieldRules)[number];
export type Merge =
  | { readonly kind: "latest" }
  | { readonly kind: "first" }
  /** Fields without a rule, those of the order among them, are `latest`. */
  | { readonly kind: "fields"; readonly fields: Readonly<Record<string, FieldRule>> }
  | { readonly kind: "none" };

/** Fields, compared one after the other, or the position in the topic: (generation of the topic, offset). */
export type Order = readonly string[] | "log";

/** The order's fields; none where the log decides. */
export function orderFields({ order }: Pick<Contract, "order">): readonly string[] {
  return order === "log" ? [] : order;
}

/** Which records are deletes. They are whole records, with key, order and partition fields. */
export interface Deletes {
  readonly field: string;
  /** The texts that delete. Absent: the field is a boolean, and true deletes. */
  readonly values?: readonly string[];
  /** How long tombstones are kept, such as `"30d"`: updates older than that may bring a deleted row back. Absent: for ever. */
  readonly horizon?: string;
}

/** Whether rows of the dataset can be deleted: by its delete field, or, ordered by the log, by a null value. */
export function takesDeletes({ deletes, order, merge }: Pick<Contract, "deletes" | "order" | "merge">): boolean {
  return deletes !== undefined || (order === "log" && merge.kind === "latest");
}

/** How much of its topic is kept; what a limit leaves out is up to the platform's configuration. */
export interface Retention {
  /** A duration, such as `"7d"`. */
  readonly log?: string;
  /** Bytes of each partition. */
  readonly logBytes?: number;
}

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
  /** Top-level field names. Empty only under `merge: none`, for records that have no key. */
  readonly key: readonly string[];
  readonly order: Order;
  readonly merge: Merge;
  readonly deletes?: Deletes;
  readonly partition: readonly PartitionField[];
  /** Declares that partition fields never change for a key, so that a build need not look. */
  readonly immutable: boolean;
  /** Top-level fields by which rows lie sorted in the table's files; empty: by the key. */
  readonly sort: readonly string[];
  readonly checks: readonly Check[];
  readonly compatibility: Compatibility;
  /** Fields, or paths through records, that say whose data a record is. */
  readonly subject?: readonly string[];
  /** Words to find the dataset by, sorted. */
  readonly tags: readonly string[];
  readonly retention?: Retention;
  /** How far the order's first field, a time, may lie in the future at the door, such as `"5m"`. */
  readonly maxAhead?: string;
  /** The dataset that this one continues. */
  readonly predecessor?: string;
  /** Fields that are gone for good, by place and then by name; absent where there are none. */
  readonly removed?: readonly RemovedField[];
}

/** A name that no field of the dataset may have any more. */
export interface RemovedField {
  readonly name: string;
  /** The place that its field had (from 1), which no other field gets; absent for a name that had none of its own, such as an earlier one of the field. */
  readonly place?: number;
}

/** Whether a key can move between partitions: `stable` when the partition fields are key fields. */
export type PartitionKind = "none" | "stable" | "movable" | "immutable";
