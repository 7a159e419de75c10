import type { Contract } from "../contract.ts";
import { takesDeletes } from "../contract.ts";
import type { NativeRecord } from "./decoder.ts";
import { compileIsDelete } from "./deletes.ts";
import { compileFieldMerge } from "./field-merge.ts";
import { compileKeyBytes } from "./key-bytes.ts";
import { compareBytes, compileOrderBytes, positionOrderBytes, type RecordPosition } from "./order-bytes.ts";
import { compareText, compileRowText } from "./row-text.ts";

/** A digest of a row's text, as text that compares as it is: the MD5 in lower-case hexadecimal, which every engine has. */
export type RowDigest = (rowText: string) => string;

/** A record with its place in the topic: under `order: log` that is its order, under `merge: none` what it is. */
export interface PlacedRecord {
  readonly position: RecordPosition;
  /** Null, with the key's bytes beside it, is a delete; only where the order is the log's and the merge `latest`. */
  readonly record: NativeRecord | null;
  readonly key?: Uint8Array;
}

/** A key that was deleted, and the order of its delete: what older records of the key are held against. */
export interface Tombstone {
  readonly key: Uint8Array;
  readonly order: Uint8Array;
}

export interface MergedRecords {
  /** In the order of their key bytes; under `merge: none` of their positions. */
  readonly rows: readonly NativeRecord[];
  /** Of the keys that are deleted, in the order of their bytes. None is ever dropped here: a horizon is for tables. */
  readonly tombstones: readonly Tombstone[];
  /** For each key, the different contents beyond one among the records with its winning order (by field: the greatest); all deletes have one content. */
  readonly conflicts: number;
}

/**
 * Compiles the rule that decides which of two records with one key is the row, under `latest` and `first` with order fields. It is associative,
 * commutative and idempotent: the greater order wins under `latest`, the lesser under `first`; in a tie a delete wins, and otherwise the greater digest
 * of the row's text.
 */
export function compileMerge(contract: Contract, digest: RowDigest): (a: NativeRecord, b: NativeRecord) => NativeRecord {
  const entry = compileEntry(contract);
  const better = compileBetter(contract, digest);
  return (a, b) => better(entry(a), entry(b)).record as NativeRecord;
}

/** The rows that a multiset of records makes, by the declaration alone: what every engine is measured against. `tombstones` are of deletes before. */
export function mergeRecords(
  contract: Contract,
  records: readonly NativeRecord[],
  digest: RowDigest,
  { tombstones = [] }: { readonly tombstones?: readonly Tombstone[] } = {},
): MergedRecords {
  if (contract.merge.kind === "none") return { rows: sortedRows(contract, records), tombstones: [], conflicts: 0 };
  const entry = compileEntry(contract);
  return mergeEntries(contract, [...tombstones.map(entryOfTombstone), ...records.map((record) => entry(record))], digest);
}

/** As `mergeRecords`, of records with their positions; of those that have one position, only one counts. */
export function mergePlacedRecords(
  contract: Contract,
  records: readonly PlacedRecord[],
  digest: RowDigest,
  { tombstones = [] }: { readonly tombstones?: readonly Tombstone[] } = {},
): MergedRecords {
  if (contract.merge.kind === "none") {
    const placed = new Map(records.map((record) => [positionText(record.position), record]));
    const sorted = [...placed.values()].sort((a, b) => comparePositions(a.position, b.position));
    return { rows: sorted.map(({ record }) => notNull(record)), tombstones: [], conflicts: 0 };
  }
  if (contract.order !== "log")
    return mergeRecords(
      contract,
      records.map(({ record }) => notNull(record)),
      digest,
      { tombstones },
    );
  const entry = compileEntry(contract);
  const entries = records.map((placed): Entry => {
    const order = positionOrderBytes(placed.position);
    if (placed.record !== null) return entry(placed.record, order);
    if (placed.key === undefined || !takesDeletes(contract)) return entry(notNull(placed.record));
    return { key: hex(placed.key), keyBytes: placed.key, order, record: null };
  });
  return mergeEntries(contract, [...tombstones.map(entryOfTombstone), ...entries], digest);
}

/** Compares two row texts as a tie does: by digest, and should digests collide by the text itself. */
export function compareContent(a: string, b: string, digest: RowDigest): number {
  return a === b ? 0 : compareText(digest(a), digest(b)) || compareText(a, b);
}

interface Entry {
  readonly key: string;
  readonly keyBytes: Uint8Array;
  readonly order: Uint8Array;
  /** Of a delete, perhaps; null where only that is known. */
  readonly record: NativeRecord | null;
}

function compileEntry(contract: Contract): (record: NativeRecord, order?: Uint8Array) => Entry {
  const keyOf = compileKeyBytes(contract);
  const orderOf = contract.order === "log" ? undefined : compileOrderBytes(contract);
  return (record, given) => {
    const keyBytes = keyOf(record);
    const order = given ?? orderOf?.(record);
    if (order === undefined) throw new TypeError("records that are ordered by the log need their positions");
    return { key: hex(keyBytes), keyBytes, order, record };
  };
}

function entryOfTombstone({ key, order }: Tombstone): Entry {
  return { key: hex(key), keyBytes: key, order, record: null };
}

function compileBetter(contract: Contract, digest: RowDigest): (a: Entry, b: Entry) => Entry {
  const rowText = compileRowText(contract);
  const isDelete = compileIsGone(contract);
  const sign = contract.merge.kind === "first" ? -1 : 1;
  return (a, b) => {
    const difference = compareBytes(a.order, b.order) * sign || Number(isDelete(a)) - Number(isDelete(b));
    if (difference !== 0) return difference > 0 ? a : b;
    if (a.record === null || b.record === null) return a.record === null ? b : a;
    return compareContent(rowText(a.record), rowText(b.record), digest) >= 0 ? a : b;
  };
}

function compileIsGone(contract: Contract): (entry: Entry) => boolean {
  const isDelete = compileIsDelete(contract);
  return ({ record }) => record === null || isDelete(record);
}

function mergeEntries(contract: Contract, entries: readonly Entry[], digest: RowDigest): MergedRecords {
  const better = compileBetter(contract, digest);
  const isGone = compileIsGone(contract);
  const rowText = compileRowText(contract);
  const fields = contract.merge.kind === "fields" ? compileFieldMerge(contract) : undefined;
  const groups = [...Map.groupBy(entries, ({ key }) => key)].sort(([a], [b]) => (a < b ? -1 : 1));
  const rows: NativeRecord[] = [];
  const tombstones: Tombstone[] = [];
  let conflicts = 0;
  for (const [, group] of groups) {
    const winner = group.reduce(better);
    const tied = group.filter(({ order }) => compareBytes(order, winner.order) === 0);
    conflicts += new Set(tied.map((entry) => (isGone(entry) ? "" : rowText(notNull(entry.record))))).size - 1;
    if (fields !== undefined) rows.push(fields.row(group.map(({ record, order }) => fields.of(notNull(record), order)).reduce(fields.merge)));
    else if (isGone(winner)) tombstones.push({ key: winner.keyBytes, order: winner.order });
    else rows.push(notNull(winner.record));
  }
  return { rows, tombstones, conflicts };
}

function sortedRows(contract: Contract, records: readonly NativeRecord[]): readonly NativeRecord[] {
  const keyOf = compileKeyBytes(contract);
  const rowText = compileRowText(contract);
  const entries = records.map((record) => ({ record, key: hex(keyOf(record)), text: rowText(record) }));
  return entries.sort((a, b) => (a.key === b.key ? compareText(a.text, b.text) : a.key < b.key ? -1 : 1)).map(({ record }) => record);
}

function notNull(record: NativeRecord | null): NativeRecord {
  if (record === null) throw new TypeError("a null value is a delete only where the order is the log's and the merge is latest");
  return record;
}

function positionText({ generation, partition, offset }: RecordPosition): string {
  return `${generation}/${partition}/${offset}`;
}

function comparePositions(a: RecordPosition, b: RecordPosition): number {
  return a.generation - b.generation || a.partition - b.partition || a.offset - b.offset;
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
