import type { ManifestFile } from "./manifest-list.ts";
import type { SnapshotEntry } from "./metadata.ts";
import type { DataFile, Snapshot, TableChange, TableState } from "./model.ts";

/** The keys of a snapshot's summary that are this platform's own (docs/formats/table.md). */
export const summaryKeys = {
  /** JSON: how far the chain had been read when the snapshot was built. */
  checkpoint: "mainstem.checkpoint",
  /** JSON: the files of deletes that are remembered, in tables whose contract has deletes. */
  tombstones: "mainstem.tombstones",
  /** The version of the contract that it was built with. */
  contractVersion: "mainstem.contract-version",
  /** The id of the partition spec of the branch that the snapshot was made on; snapshots made on `main` have none. */
  branchSpec: "mainstem.branch-spec",
} as const;

/**
 * A summary value of the snapshot or of its nearest ancestor that has one: what other programs commit carries none of ours.
 * Undefined when no ancestor has it, or the line of ancestors ends at one that was expired.
 */
export function inheritedSummary(
  state: TableState,
  snapshot: Snapshot | undefined,
  key: string,
): { readonly value: string; readonly snapshot: Snapshot } | undefined {
  const byId = new Map(state.snapshots.map((candidate) => [candidate.id, candidate]));
  // Sequence numbers fall from child to parent, so that even damaged parents cannot make a circle.
  for (let at = snapshot, last = Number.POSITIVE_INFINITY; at !== undefined && at.sequenceNumber < last;) {
    const value = at.summary[key];
    if (value !== undefined) return { value, snapshot: at };
    last = at.sequenceNumber;
    at = at.parentId === undefined ? undefined : byId.get(at.parentId);
  }
  return undefined;
}

/** The summary of a snapshot: what it changed and what there is now (specification, "Snapshots" and appendix F). */
export function summarizeSnapshot(options: {
  readonly change: TableChange;
  readonly removed: readonly DataFile[];
  readonly manifests: readonly ManifestFile[];
  readonly counts: { readonly created: number; readonly kept: number; readonly replaced: number };
  readonly parent: SnapshotEntry | undefined;
}): Readonly<Record<string, string>> {
  const { change, removed, manifests, counts, parent } = options;
  const [addedBytes, removedBytes] = [sum(change.added, (file) => file.bytes), sum(removed, (file) => file.bytes)];
  const bytesBefore = parent === undefined ? 0 : Number(parent.summary["total-files-size"] ?? Number.NaN);
  const partitions = new Set([...change.added, ...removed].map((file) => file.partition.map(String).join("/")));
  const changed = {
    "added-data-files": change.added.length,
    "added-records": sum(change.added, (file) => file.records),
    "added-files-size": addedBytes,
    "deleted-data-files": removed.length,
    "deleted-records": sum(removed, (file) => file.records),
    "removed-files-size": removedBytes,
  };
  const totals = {
    "changed-partition-count": partitions.size,
    "manifests-created": counts.created,
    "manifests-kept": counts.kept,
    "manifests-replaced": counts.replaced,
    "total-data-files": sum(manifests, ({ files }) => files.added + files.existing),
    "total-records": sum(manifests, ({ rows }) => rows.added + rows.existing),
    "total-files-size": bytesBefore + addedBytes - removedBytes,
    "total-delete-files": 0,
    "total-position-deletes": 0,
    "total-equality-deletes": 0,
  };
  // As the reference implementation does, nothing is said of what did not happen, and no total that is not known.
  const counted = [...Object.entries(changed).filter(([, count]) => count > 0), ...Object.entries(totals).filter(([, count]) => Number.isSafeInteger(count))];
  const operation = removed.length === 0 ? "append" : change.added.length === 0 ? "delete" : "overwrite";
  return { ...change.summary, operation, ...Object.fromEntries(counted.map(([name, count]) => [name, String(count)])) };
}

function sum<Item>(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
