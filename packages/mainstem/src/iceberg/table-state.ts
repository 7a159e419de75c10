import type { ObjectKey } from "../objects/index.ts";
import type { Addresses } from "./addresses.ts";
import type { SnapshotEntry, TableMetadata } from "./metadata.ts";
import { sortOrderIdOf } from "./metadata-change.ts";
import type { NewTable, Snapshot, TableState } from "./model.ts";

/** What the platform sees of a table's metadata. */
export function toTableState(
  metadata: TableMetadata,
  { key, location, addresses }: { readonly key: ObjectKey; readonly location: string; readonly addresses: Addresses },
): TableState {
  const snapshots = metadata.snapshots.map((entry) => toSnapshot(entry, key, addresses));
  const { uuid, schema, schemas, spec, specs, sortOrderId, sortOrders, properties, snapshotLog, lastColumnId } = metadata;
  return {
    metadataKey: key,
    metadataLocation: location,
    location: metadata.location,
    uuid,
    schema,
    schemas,
    spec,
    specs,
    sortOrderId,
    sortOrders,
    properties,
    snapshotLog,
    lastColumnId,
    snapshots,
    current: snapshots.find((snapshot) => snapshot.id === metadata.current?.id),
    refs: metadata.refs,
  };
}

/** The snapshot with this id; undefined where the table has none such (any more). */
export function snapshotById(state: TableState, id: bigint): Snapshot | undefined {
  return state.snapshots.find((snapshot) => snapshot.id === id);
}

/**
 * The snapshot that was current at a time (milliseconds since 1970), by the snapshot log as the specification asks ("Point in Time Reads").
 * Undefined for a time before the first, and where that snapshot was expired.
 */
export function snapshotAt(state: TableState, time: number): Snapshot | undefined {
  const entry = state.snapshotLog.findLast(({ timestamp }) => timestamp <= time);
  return entry === undefined ? undefined : snapshotById(state, entry.snapshotId);
}

/** Whether the table had rows at a time of which it no longer knows anything: the snapshots from before its log begins were expired. */
export function isForgotten({ snapshotLog, snapshots }: TableState, time: number): boolean {
  const [oldest] = snapshotLog;
  if (oldest === undefined || time >= oldest.timestamp) return false;
  const snapshot = snapshots.find(({ id }) => id === oldest.snapshotId);
  // The first snapshot of a table has the sequence number 1, or 0 where it once was of format version 1.
  return snapshot === undefined || snapshot.sequenceNumber > 1;
}

/** Whether new files of the table are to be sorted so. */
export function isSortedBy(state: TableState, sort: NewTable["sort"]): boolean {
  return sortOrderIdOf(state, sort) === state.sortOrderId;
}

/** The schema that a snapshot was made with; the table's current one where the metadata no longer has it. */
export function schemaOf(state: TableState, snapshot: Snapshot): TableState["schema"] {
  return state.schemas.find((schema) => schema["schema-id"] === snapshot.schemaId) ?? state.schema;
}

function toSnapshot({ manifestList, ...entry }: SnapshotEntry, key: ObjectKey, addresses: Addresses): Snapshot {
  return { ...entry, manifestList: addresses.keyOf(manifestList, { key }) };
}
