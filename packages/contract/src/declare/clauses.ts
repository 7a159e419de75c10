import type { Check, FieldRule, Merge, PartitionField, RangeBounds } from "../contract.ts";

/** The record with the greatest order is the row. */
export function latest(): Merge {
  return { kind: "latest" };
}

/** The record with the least order is the row. */
export function first(): Merge {
  return { kind: "first" };
}

/** Each field has its own rule; those without one, the order's among them, are `latest`. Leave key fields out. */
export function byField(fields: Readonly<Record<string, FieldRule>>): Merge {
  return { kind: "fields", fields };
}

/** Nothing is merged: every accepted record is a row. The key may then be left out, and the order must be. */
export function none(): Merge {
  return { kind: "none" };
}

/** Partitions by the value itself. */
export function identity(field: string): PartitionField {
  return { field, transform: "identity" };
}

/** Partitions by the year of a date or timestamp. */
export function year(field: string): PartitionField {
  return { field, transform: "year" };
}

/** Partitions by the month of a date or timestamp. */
export function month(field: string): PartitionField {
  return { field, transform: "month" };
}

/** Partitions by the day of a date or timestamp. */
export function day(field: string): PartitionField {
  return { field, transform: "day" };
}

/** Partitions by the hour of a timestamp. */
export function hour(field: string): PartitionField {
  return { field, transform: "hour" };
}

/** Partitions by a hash of the value, into so many buckets. */
export function bucket(field: string, buckets: number): PartitionField {
  return { field, transform: "bucket", width: buckets };
}

/** Partitions by the value cut to a width: texts to so many characters, numbers down to a multiple. */
export function truncate(field: string, width: number): PartitionField {
  return { field, transform: "truncate", width };
}

/** Stores that claim the dataset must agree on the sum of a field. */
export function sum(field: string): Check {
  return { kind: "sum", field };
}

/** Stores that claim the dataset must agree on the least value of a field. */
export function min(field: string): Check {
  return { kind: "min", field };
}

/** Stores that claim the dataset must agree on the greatest value of a field. */
export function max(field: string): Check {
  return { kind: "max", field };
}

/** No two rows may share a value. */
export function unique(field: string): Check {
  return { kind: "unique", field };
}

/** The door refuses null. */
export function notNull(field: string): Check {
  return { kind: "notNull", field };
}

/** The door refuses values outside the bounds. */
export function range(field: string, bounds: RangeBounds): Check {
  return { kind: "range", field, ...bounds };
}

/** The door refuses texts of fewer or more characters, arrays of fewer or more items. */
export function length(field: string, bounds: { readonly min?: number; readonly max?: number }): Check {
  return { kind: "length", field, ...bounds };
}

/** The door refuses other values. */
export function oneOf(field: string, values: readonly (string | number)[]): Check {
  return { kind: "oneOf", field, values };
}

/** The door refuses texts in which the pattern is not found. Use `^` and `$` for the whole text. */
export function matches(field: string, pattern: string | RegExp): Check {
  return { kind: "matches", field, pattern: typeof pattern === "string" ? pattern : pattern.source };
}

/** The newest record may be so old, such as `"15m"`. */
export function freshness(within: string): Check {
  return { kind: "freshness", within };
}

/** So many records at least, and at most, are expected within a time. */
export function volume(within: string, bounds: { readonly min: number; readonly max?: number }): Check {
  return { kind: "volume", within, ...bounds };
}
