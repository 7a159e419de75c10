import type { Contract } from "../contract.ts";
import type { NativeRecord } from "./decoder.ts";
import { compileKeyBytes } from "./key-bytes.ts";
import { compareBytes, compileOrderBytes } from "./order-bytes.ts";
import { compareText, compileRowText } from "./row-text.ts";

/** A digest of a row's text, as text that compares as it is: the MD5 in lower-case hexadecimal, which every engine has. */
export type RowDigest = (rowText: string) => string;

/**
 * Compiles the rule that decides which of two records with one key is the row. It is associative, commutative and idempotent: the greater order
 * wins under `latest`, the lesser under `first`, and a tie goes to the greater digest of the row's text.
 */
export function compileMerge(contract: Contract, digest: RowDigest): (a: NativeRecord, b: NativeRecord) => NativeRecord {
  const order = compileOrderBytes(contract);
  const rowText = compileRowText(contract);
  const sign = contract.merge.kind === "latest" ? 1 : -1;
  return (a, b) => {
    const difference = compareBytes(order(a), order(b)) * sign;
    if (difference !== 0) return difference > 0 ? a : b;
    return compareContent(rowText(a), rowText(b), digest) >= 0 ? a : b;
  };
}

/**
 * The rows that a multiset of records makes, by the declaration alone: what every engine is measured against. Rows come in the order of their key bytes.
 * `conflicts` counts, for each key, the different contents beyond one among the records with the winning order.
 */
export function mergeRecords(
  contract: Contract,
  records: readonly NativeRecord[],
  digest: RowDigest,
): { readonly rows: readonly NativeRecord[]; readonly conflicts: number } {
  const merge = compileMerge(contract, digest);
  const order = compileOrderBytes(contract);
  const key = compileKeyBytes(contract);
  const rowText = compileRowText(contract);
  const groups = Map.groupBy(records, (record) => hex(key(record)));
  const sorted = [...groups].sort(([a], [b]) => (a < b ? -1 : 1));
  let conflicts = 0;
  const rows = sorted.map(([, group]) => {
    const row = group.reduce(merge);
    const winning = order(row);
    const contents = new Set(group.filter((record) => compareBytes(order(record), winning) === 0).map(rowText));
    conflicts += contents.size - 1;
    return row;
  });
  return { rows, conflicts };
}

/** Compares two row texts as a tie does: by digest, and should digests collide by the text itself. */
export function compareContent(a: string, b: string, digest: RowDigest): number {
  return a === b ? 0 : compareText(digest(a), digest(b)) || compareText(a, b);
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
