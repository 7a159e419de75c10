import { isDeepStrictEqual } from "node:util";
import { assert } from "../runtime/assert.ts";
import type { Json, JsonObject } from "./json.ts";
import type { SnapshotEntry, TableMetadata } from "./metadata.ts";
import type { IcebergSchema, IcebergSortOrder, NewTable } from "./model.ts";
import { columnPropertyPrefix } from "./from-contract.ts";
import { lastFieldId } from "./primitives.ts";
import type { Cut } from "./retention.ts";

/** How many earlier metadata files a table keeps when its properties say nothing: the reference implementation's default. */
const previousVersionsMax = 100;

/** The time of a change: the clock's, but later than everything before, so that time travel has an order. */
export function changeTime(metadata: TableMetadata, now: number): number {
  const newest = metadata.snapshotLog.at(-1)?.timestamp ?? 0;
  return Math.max(now, metadata.lastUpdated + 1, newest + 1);
}

/** The metadata of a table without snapshots. */
export function newMetadata(table: NewTable, { uuid, location, now }: { readonly uuid: string; readonly location: string; readonly now: number }): JsonObject {
  const order = { "order-id": table.sort.length === 0 ? 0 : 1, fields: sortFields(table.sort) };
  return {
    "format-version": 2,
    "table-uuid": uuid,
    location,
    "last-sequence-number": 0,
    "last-updated-ms": now,
    "last-column-id": lastFieldId(table.schema.fields),
    "current-schema-id": table.schema["schema-id"],
    schemas: [toJson(table.schema)],
    "default-spec-id": table.partition["spec-id"],
    "partition-specs": [toJson(table.partition)],
    // The reference implementation counts partition field ids from 1000.
    "last-partition-id": table.partition.fields.reduce((last, field) => Math.max(last, field["field-id"]), 999),
    "default-sort-order-id": order["order-id"],
    "sort-orders": [toJson(order)],
    properties: { ...table.properties },
    "current-snapshot-id": -1,
    refs: {},
    snapshots: [],
    statistics: [],
    "partition-statistics": [],
    "snapshot-log": [],
    "metadata-log": [],
  };
}

/** A changed metadata with the addresses of earlier metadata files that it no longer names. */
export interface MetadataChange {
  readonly raw: JsonObject;
  readonly forgotten: readonly string[];
}

/** Where and when the metadata that is changed was written. */
export interface ChangeOf {
  readonly metadata: TableMetadata;
  /** Its address. */
  readonly address: string;
  /** From `changeTime`. */
  readonly time: number;
}

/** Adds a snapshot and makes it the current one. */
export function withSnapshot({ metadata, address, time }: ChangeOf, snapshot: SnapshotEntry): MetadataChange {
  const { raw } = metadata;
  return withLogs(
    { metadata, address, time },
    {
      "last-sequence-number": snapshot.sequenceNumber,
      "current-snapshot-id": snapshot.id,
      snapshots: [...list(raw["snapshots"]), snapshotJson(snapshot)],
      refs: withRef(raw, "main", snapshot.id),
      "snapshot-log": [...list(raw["snapshot-log"]), { "timestamp-ms": time, "snapshot-id": snapshot.id }],
    },
  );
}

/** Adds a schema under the next id and makes it the current one, perhaps with an order and with what properties say of columns, which replaces what they said. */
export function withSchema(
  change: ChangeOf,
  { schema, sort, properties }: { readonly schema: IcebergSchema } & { readonly [P in "sort" | "properties"]?: NewTable[P] | undefined },
): MetadataChange {
  const { metadata } = change;
  const others = Object.entries(metadata.properties).filter(([name]) => !name.startsWith(columnPropertyPrefix));
  const id = metadata.schemas.reduce((last, known) => Math.max(last, known["schema-id"]), -1) + 1;
  const lastColumnId = Math.max(metadata.lastColumnId, lastFieldId(schema.fields));
  return withLogs(change, {
    schemas: [...list(metadata.raw["schemas"]), toJson({ ...schema, "schema-id": id })],
    "current-schema-id": id,
    "last-column-id": lastColumnId,
    ...(sort === undefined ? {} : ordersOf(metadata, sort, { current: true }).members),
    ...(properties === undefined ? {} : { properties: { ...Object.fromEntries(others), ...properties } }),
  });
}

/** The id of an order that the metadata has; undefined where it has none such. 0 is the id of no order at all. */
export function sortOrderIdOf({ sortOrders }: Pick<TableMetadata, "sortOrders">, sort: NewTable["sort"]): number | undefined {
  if (sort.length === 0) return 0;
  const fields = sortFields(sort);
  return sortOrders.find((order) => isDeepStrictEqual(order.fields, fields))?.["order-id"];
}

/** Adds an order if the metadata has none such, and makes it the table's own. */
export function withSort(change: ChangeOf, sort: NewTable["sort"], { current }: { readonly current: boolean }): MetadataChange & { readonly id: number } {
  const { id, members } = ordersOf(change.metadata, sort, { current });
  return { ...withLogs(change, members), id };
}

function ordersOf(
  metadata: TableMetadata,
  sort: NewTable["sort"],
  { current }: { readonly current: boolean },
): { readonly id: number; readonly members: JsonObject } {
  const known = sortOrderIdOf(metadata, sort);
  const id = known ?? metadata.sortOrders.reduce((last, order) => Math.max(last, order["order-id"]), 0) + 1;
  const added = known === undefined ? [toJson({ "order-id": id, fields: sortFields(sort) })] : [];
  const orders = [...list(metadata.raw["sort-orders"]), ...added];
  return { id, members: { "sort-orders": orders, ...(current ? { "default-sort-order-id": id } : {}) } };
}

function sortFields(sort: NewTable["sort"]): IcebergSortOrder["fields"] {
  return sort.map(({ sourceId }) => ({ "source-id": sourceId, transform: "identity", direction: "asc", "null-order": "nulls-first" }));
}

/** Forgets snapshots, with the oldest entries of the snapshot log and other programs' statistics of them. */
export function withoutSnapshots(change: ChangeOf, { forgotten, logEntries }: Cut): MetadataChange {
  const { raw } = change.metadata;
  const stays = (entry: Json): boolean => !forgotten.has(BigInt((entry as JsonObject)["snapshot-id"] as number | bigint));
  const lists = ["snapshots", "statistics", "partition-statistics"].filter((name) => raw[name] !== undefined);
  return withLogs(change, {
    ...Object.fromEntries(lists.map((name) => [name, list(raw[name]).filter(stays)])),
    "snapshot-log": list(raw["snapshot-log"]).slice(logEntries),
  });
}

/** The refs of a table with one of them at a snapshot. Retention settings of the ref stay. */
export function withRef(raw: JsonObject, name: string, snapshotId: bigint): JsonObject {
  const refs = (raw["refs"] ?? {}) as JsonObject;
  return { ...refs, [name]: { type: "branch", ...(refs[name] as JsonObject | undefined), "snapshot-id": snapshotId } };
}

/** A snapshot as metadata holds it. */
export function snapshotJson(snapshot: SnapshotEntry): JsonObject {
  return {
    "snapshot-id": snapshot.id,
    ...(snapshot.parentId === undefined ? {} : { "parent-snapshot-id": snapshot.parentId }),
    "sequence-number": snapshot.sequenceNumber,
    "timestamp-ms": snapshot.timestamp,
    summary: snapshot.summary,
    "manifest-list": snapshot.manifestList,
    "schema-id": snapshot.schemaId,
  };
}

/** Changes some members, and keeps the log of earlier metadata files. */
export function withLogs({ metadata, address, time }: ChangeOf, changes: JsonObject): MetadataChange {
  assert(time > metadata.lastUpdated, "a change is later than what it changes");
  const log = [...list(metadata.raw["metadata-log"]), { "timestamp-ms": metadata.lastUpdated, "metadata-file": address }];
  const kept = log.slice(-keptVersions(metadata));
  const forgotten = metadata.metadataLog.slice(0, log.length - kept.length).map((entry) => entry.address);
  return { raw: { ...metadata.raw, ...changes, "last-updated-ms": time, "metadata-log": kept }, forgotten };
}

function keptVersions({ properties }: TableMetadata): number {
  const set = Number(properties["write.metadata.previous-versions-max"] ?? previousVersionsMax);
  return Number.isSafeInteger(set) && set >= 1 ? set : previousVersionsMax;
}

export function list(json: Json | undefined): readonly Json[] {
  return Array.isArray(json) ? (json as readonly Json[]) : [];
}

/** Types without an index signature are JSON too. */
export function toJson(value: object): Json {
  return value as unknown as Json;
}
