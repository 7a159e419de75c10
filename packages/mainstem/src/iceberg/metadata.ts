import { MainstemError } from "../runtime/errors.ts";
import { limits } from "../runtime/limits.ts";
import { parseJson, type Json, type JsonObject } from "./json.ts";
import { JsonPlace } from "./json-place.ts";
import type { IcebergPartitionSpec, IcebergSchema, IcebergSortOrder } from "./model.ts";
import { parsePrimitive } from "./primitives.ts";

/** A snapshot as metadata has it: its manifest list by address. */
export interface SnapshotEntry {
  readonly id: bigint;
  readonly parentId: bigint | undefined;
  readonly sequenceNumber: number;
  readonly timestamp: number;
  readonly schemaId: number;
  readonly manifestList: string;
  readonly summary: Readonly<Record<string, string>>;
}

/**
 * The metadata of a table, checked. `raw` is the whole truth, with what only other programs know of;
 * the rest is read from it. A change makes a new `raw`, so that a rewrite loses nothing.
 */
export interface TableMetadata {
  readonly raw: JsonObject;
  readonly uuid: string;
  readonly location: string;
  readonly lastSequenceNumber: number;
  /** Milliseconds since 1970. */
  readonly lastUpdated: number;
  readonly lastColumnId: number;
  readonly schema: IcebergSchema;
  readonly schemas: readonly IcebergSchema[];
  readonly spec: IcebergPartitionSpec;
  readonly specs: readonly IcebergPartitionSpec[];
  readonly sortOrderId: number;
  readonly sortOrders: readonly IcebergSortOrder[];
  readonly properties: Readonly<Record<string, string>>;
  /** Oldest first. */
  readonly snapshots: readonly SnapshotEntry[];
  readonly current: SnapshotEntry | undefined;
  /** Branches and tags by name, `main` among them once there is a snapshot. */
  readonly refs: ReadonlyMap<string, bigint>;
  readonly snapshotLog: readonly { readonly timestamp: number; readonly snapshotId: bigint }[];
  readonly metadataLog: readonly { readonly timestamp: number; readonly address: string }[];
}

/** Reads table metadata, format version 2 (specification, "Table Metadata" and appendix C). Throws `table.corrupt` or `table.unsupported`, naming the object. */
export function parseMetadata(text: string, { key }: { readonly key: string }): TableMetadata {
  return checkMetadata(parseJson(text, { key }), { key });
}

/** As `parseMetadata`, from JSON that was parsed already. */
export function checkMetadata(json: Json, { key }: { readonly key: string }): TableMetadata {
  const root = new JsonPlace(json, { path: "", key });
  const version = root.at("format-version").integer({ from: 1 });
  if (version !== 2) {
    const sentence = `Object ${key} is a table of Iceberg's format version ${version}; only version 2 is read here.`;
    throw new MainstemError("table.unsupported", sentence, { key, version });
  }
  const schemas = root.at("schemas").list().map(checkSchema);
  const specs = root.at("partition-specs").list().map(checkSpec);
  const snapshots = checkSnapshots(root);
  return {
    raw: root.object(),
    uuid: root.at("table-uuid").text(),
    location: root.at("location").text().replace(/\/+$/, ""),
    lastSequenceNumber: root.at("last-sequence-number").integer({ from: 0 }),
    lastUpdated: root.at("last-updated-ms").integer({ from: 0 }),
    lastColumnId: root.at("last-column-id").integer({ from: 0 }),
    schema: chosen(schemas, "schema-id", root.at("current-schema-id")),
    schemas,
    spec: chosen(specs, "spec-id", root.at("default-spec-id")),
    specs,
    ...checkSortOrders(root),
    properties: root.at("properties").absent ? {} : root.at("properties").texts(),
    snapshots,
    current: checkCurrent(root, snapshots),
    refs: checkRefs(root, snapshots),
    snapshotLog: listOrNone(root.at("snapshot-log")).map((entry) => ({
      timestamp: entry.at("timestamp-ms").integer({ from: 0 }),
      snapshotId: entry.at("snapshot-id").long(),
    })),
    metadataLog: listOrNone(root.at("metadata-log")).map((entry) => ({
      timestamp: entry.at("timestamp-ms").integer({ from: 0 }),
      address: entry.at("metadata-file").text(),
    })),
  };
}

/** Checks a schema and gives it back as it is, with what only other programs know of. */
export function checkSchema(place: JsonPlace): IcebergSchema {
  place.at("schema-id").integer({ from: 0 });
  const ids = new Set<number>();
  checkStruct(place, ids, 0);
  if (!place.at("identifier-field-ids").absent) {
    for (const id of place.at("identifier-field-ids").list()) if (!ids.has(id.integer({ from: 1 }))) throw id.fault("should be the id of a field");
  }
  return place.object() as unknown as IcebergSchema;
}

/** Checks the fields of a partition spec. */
export function checkSpecFields(fields: JsonPlace): IcebergPartitionSpec["fields"] {
  return fields.list().map((field) => ({
    "source-id": field.at("source-id").integer({ from: 1 }),
    "field-id": field.at("field-id").integer({ from: 1 }),
    name: field.at("name").text(),
    transform: field.at("transform").text(),
  }));
}

/** Field ids above this are for metadata columns (specification, "Reserved Field IDs"). */
const fieldIdMax = 2_147_483_447;

function checkStruct(place: JsonPlace, ids: Set<number>, depth: number): void {
  if (depth > limits.depthMax) throw place.fault(`should not be nested more than ${limits.depthMax} deep`);
  if (place.at("type").text() !== "struct") throw place.at("type").fault("should be struct");
  const names = new Set<string>();
  for (const field of place.at("fields").list()) {
    checkId(field.at("id"), ids);
    const name = field.at("name").text();
    if (names.has(name)) throw field.at("name").fault("should be unique in its struct");
    names.add(name);
    field.at("required").boolean();
    if (!field.at("doc").absent) field.at("doc").text();
    checkType(field, "type", ids, depth + 1);
  }
}

function checkType(holder: JsonPlace, name: string, ids: Set<number>, depth: number): void {
  if (depth > limits.depthMax) throw holder.fault(`should not be nested more than ${limits.depthMax} deep`);
  const place = holder.at(name);
  const type = holder.object()[name];
  if (typeof type === "string") {
    if (parsePrimitive(type) === undefined) throw place.fault("should be a type of format version 2");
    return;
  }
  const kind = place.at("type").text();
  if (kind === "struct") return checkStruct(place, ids, depth);
  if (kind === "list") {
    checkId(place.at("element-id"), ids);
    place.at("element-required").boolean();
    return checkType(place, "element", ids, depth + 1);
  }
  if (kind !== "map") throw place.at("type").fault("should be struct, list or map");
  checkId(place.at("key-id"), ids);
  checkId(place.at("value-id"), ids);
  place.at("value-required").boolean();
  checkType(place, "key", ids, depth + 1);
  checkType(place, "value", ids, depth + 1);
}

function checkId(place: JsonPlace, ids: Set<number>): void {
  const id = place.integer({ from: 1 });
  if (ids.has(id) || id > fieldIdMax) throw place.fault("should be a field id of its own");
  ids.add(id);
}

function checkSpec(place: JsonPlace): IcebergPartitionSpec {
  return { "spec-id": place.at("spec-id").integer({ from: 0 }), fields: checkSpecFields(place.at("fields")) };
}

function checkSortOrders(root: JsonPlace): Pick<TableMetadata, "sortOrderId" | "sortOrders"> {
  const sortOrderId = root.at("default-sort-order-id").integer({ from: 0 });
  const sortOrders = root
    .at("sort-orders")
    .list()
    .map((order) => ({ "order-id": order.at("order-id").integer({ from: 0 }), fields: order.at("fields").list().map(checkSortField) }));
  // Order 0 is the unsorted one and need not be listed.
  if (sortOrderId !== 0 && sortOrders.every((order) => order["order-id"] !== sortOrderId))
    throw root.at("default-sort-order-id").fault("should be one of sort-orders");
  return { sortOrderId, sortOrders };
}

function checkSortField(place: JsonPlace): IcebergSortOrder["fields"][number] {
  return {
    "source-id": place.at("source-id").integer({ from: 1 }),
    transform: place.at("transform").text(),
    direction: place.at("direction").text(),
    "null-order": place.at("null-order").text(),
  };
}

function checkSnapshots(root: JsonPlace): readonly SnapshotEntry[] {
  const ids = new Set<bigint>();
  const snapshots = listOrNone(root.at("snapshots")).map((place) => {
    const entry: SnapshotEntry = {
      id: place.at("snapshot-id").long(),
      parentId: place.at("parent-snapshot-id").absent ? undefined : place.at("parent-snapshot-id").long(),
      sequenceNumber: place.at("sequence-number").integer({ from: 0 }),
      timestamp: place.at("timestamp-ms").integer({ from: 0 }),
      schemaId: place.at("schema-id").absent ? root.at("current-schema-id").integer({ from: 0 }) : place.at("schema-id").integer({ from: 0 }),
      manifestList: place.at("manifest-list").text(),
      summary: place.at("summary").texts(),
    };
    if (ids.has(entry.id)) throw place.at("snapshot-id").fault("should be unique");
    ids.add(entry.id);
    return entry;
  });
  return snapshots.sort((a, b) => a.sequenceNumber - b.sequenceNumber);
}

function checkCurrent(root: JsonPlace, snapshots: readonly SnapshotEntry[]): SnapshotEntry | undefined {
  const place = root.at("current-snapshot-id");
  // The reference implementation writes -1 for none (specification, appendix F).
  const id = place.absent || place.long() === -1n ? undefined : place.long();
  const refs = root.at("refs");
  const main = refs.absent ? undefined : refs.at("main");
  if (main !== undefined && !main.absent && main.at("snapshot-id").long() !== id) throw main.at("snapshot-id").fault("should be current-snapshot-id");
  if (id === undefined) return undefined;
  const current = snapshots.find((snapshot) => snapshot.id === id);
  if (current === undefined) throw place.fault("should be one of snapshots");
  return current;
}

function checkRefs(root: JsonPlace, snapshots: readonly SnapshotEntry[]): ReadonlyMap<string, bigint> {
  const refs = root.at("refs");
  if (refs.absent) return new Map();
  return new Map(
    Object.keys(refs.object()).map((name) => {
      const place = refs.at(name).at("snapshot-id");
      const id = place.long();
      if (snapshots.every((snapshot) => snapshot.id !== id)) throw place.fault("should be one of snapshots");
      return [name, id];
    }),
  );
}

function chosen<Name extends string, Item extends { readonly [name in Name]: number }>(items: readonly Item[], name: Name, place: JsonPlace): Item {
  const id = place.integer({ from: 0 });
  const item = items.find((candidate) => candidate[name] === id);
  if (item === undefined) throw place.fault("should be one of those that the table has");
  return item;
}

function listOrNone(place: JsonPlace): readonly JsonPlace[] {
  return place.absent ? [] : place.list();
}
