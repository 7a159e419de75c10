import { compareValues, encodeBound, type BoundValue } from "./bounds.ts";
import type { PartitionColumn } from "./manifest-schema.ts";
import type { FieldSummary } from "./manifest-list.ts";
import type { DataFile } from "./model.ts";

/** What the partition values of these files have in common, field by field: by it readers skip whole manifests (specification, "Manifest Lists"). */
export function summarizePartitions(files: readonly DataFile[], columns: readonly PartitionColumn[]): readonly FieldSummary[] {
  return columns.map((column, at) => summarize(files, column, at));
}

function summarize(files: readonly DataFile[], { type }: PartitionColumn, at: number): FieldSummary {
  let lower: BoundValue | undefined;
  let upper: BoundValue | undefined;
  let containsNull = false;
  let containsNan = false;
  for (const { partition } of files) {
    const value = partition[at] ?? null;
    if (value === null) containsNull = true;
    else if (Number.isNaN(value)) containsNan = true;
    else {
      if (lower === undefined || compareValues(type, value, lower) < 0) lower = value;
      if (upper === undefined || compareValues(type, value, upper) > 0) upper = value;
    }
  }
  const bound = (value: BoundValue | undefined): Uint8Array | undefined => (value === undefined ? undefined : encodeBound(type, value));
  return { containsNull, containsNan, lower: bound(lower), upper: bound(upper) };
}
