import assert from "node:assert/strict";
import { test } from "node:test";
import { formatJson, type Json, type JsonObject } from "./json.ts";
import { checkMetadata, parseMetadata } from "./metadata.ts";
import { changeTime, newMetadata, withSchema, withSnapshot } from "./metadata-change.ts";
import { newTable, schema } from "./testing/samples.ts";

const key = "tables/shop/orders/metadata/00001-x.metadata.json";
const uuid = "f79c3e09-677c-4bbd-a479-3f349cb785e7";
const fresh = newMetadata(newTable, { uuid, location: "file:///data/tables/shop/orders", now: 1_000 });

function snapshotOf(id: bigint, sequenceNumber: number): Parameters<typeof withSnapshot>[1] {
  const manifestList = `file:///data/tables/shop/orders/metadata/snap-${id}.avro`;
  return { id, parentId: undefined, sequenceNumber, timestamp: 2_000 + sequenceNumber, schemaId: 0, manifestList, summary: { operation: "append" } };
}

/** Metadata with one snapshot, changed at one place: `snapshots.0.summary` and so on. */
function changed(path: string, value: Json | undefined): JsonObject {
  const metadata = checkMetadata(fresh, { key });
  const { raw } = withSnapshot({ metadata, address: "file:///data/tables/shop/orders/metadata/0.json", time: 2_001 }, snapshotOf(2n ** 62n + 1n, 1));
  const copy = structuredClone(raw) as Record<string, unknown>;
  const parts = path.split(".");
  const last = parts.pop()!;
  const holder = parts.reduce((at, part) => at[part] as Record<string, unknown>, copy);
  if (value === undefined) delete holder[last];
  else holder[last] = value;
  return copy as JsonObject;
}

test("reads what it wrote, 63-bit ids included", () => {
  const text = formatJson(changed("properties.x", "y"));
  const metadata = parseMetadata(text, { key });
  assert.equal(metadata.current?.id, 2n ** 62n + 1n);
  assert.equal(formatJson(metadata.raw), text);
  assert.deepEqual(metadata.schema, schema);
  assert.deepEqual(metadata.snapshotLog, [{ timestamp: 2_001, snapshotId: 2n ** 62n + 1n }]);
  assert.deepEqual(metadata.metadataLog, [{ timestamp: 1_000, address: "file:///data/tables/shop/orders/metadata/0.json" }]);
});

test("accepts what other programs leave out or write otherwise", () => {
  for (const name of ["refs", "snapshot-log", "metadata-log", "properties", "statistics", "partition-statistics"])
    checkMetadata(changed(name, undefined), { key });
  assert.equal(checkMetadata(changed("snapshots.0.schema-id", undefined), { key }).current?.schemaId, 0);
  const none = { ...fresh };
  for (const id of [-1, null, undefined]) assert.equal(checkMetadata({ ...none, "current-snapshot-id": id }, { key }).current, undefined);
  assert.equal(checkMetadata({ ...fresh, snapshots: undefined }, { key }).snapshots.length, 0);
});

test("names object and place of what is damaged", () => {
  const broken: readonly (readonly [string, Json | undefined, string])[] = [
    ["table-uuid", 7, "table-uuid"],
    ["location", undefined, "location"],
    ["last-sequence-number", -1, "last-sequence-number"],
    ["last-updated-ms", 2n ** 60n, "last-updated-ms"],
    ["last-column-id", "4", "last-column-id"],
    ["current-schema-id", 9, "current-schema-id"],
    ["schemas", {}, "schemas"],
    ["schemas.0.type", "record", "schemas[0].type"],
    ["schemas.0.fields.0.id", 2, "schemas[0].fields[1].id"],
    ["schemas.0.fields.0.id", 2_147_483_448, "schemas[0].fields[0].id"],
    ["schemas.0.fields.0.name", "country", "schemas[0].fields[2].name"],
    ["schemas.0.fields.0.type", "int128", "schemas[0].fields[0].type"],
    ["schemas.0.fields.0.type", "decimal(39, 2)", "schemas[0].fields[0].type"],
    ["schemas.0.fields.3.type.element-id", 1.5, "schemas[0].fields[3].type.element-id"],
    ["schemas.0.fields.3.type.element", [], "schemas[0].fields[3].type.element"],
    ["schemas.0.identifier-field-ids", [77], "schemas[0].identifier-field-ids[0]"],
    ["default-spec-id", 1, "default-spec-id"],
    ["partition-specs.0.fields.0.transform", null, "partition-specs[0].fields[0].transform"],
    ["default-sort-order-id", 4, "default-sort-order-id"],
    ["sort-orders.0.fields", 1, "sort-orders[0].fields"],
    ["properties.x", 1, "properties.x"],
    ["snapshots.0.snapshot-id", 2n ** 64n, "snapshots[0].snapshot-id"],
    ["snapshots.0.snapshot-id", 5, "refs.main.snapshot-id"],
    ["snapshots.0.manifest-list", undefined, "snapshots[0].manifest-list"],
    ["snapshots.0.summary", undefined, "snapshots[0].summary"],
    ["snapshots.0.timestamp-ms", "x", "snapshots[0].timestamp-ms"],
    ["refs.main.snapshot-id", 5, "refs.main.snapshot-id"],
    ["current-snapshot-id", 5, "refs.main.snapshot-id"],
    ["snapshot-log.0.snapshot-id", null, "snapshot-log[0].snapshot-id"],
    ["metadata-log.0.metadata-file", 1, "metadata-log[0].metadata-file"],
  ];
  for (const [path, value, place] of broken) {
    const expected = path === "snapshots.0.snapshot-id" && value === 5 ? "current-snapshot-id" : place;
    assert.throws(
      () => checkMetadata(changed(path, value), { key }),
      { code: "table.corrupt", facts: { key, path: expected } },
      `${path} ${formatJson(value ?? null)}`,
    );
  }
  for (const whole of [null, [], "x", 5]) assert.throws(() => checkMetadata(whole, { key }), { code: "table.corrupt" });
});

test("a schema that nests without end is refused, not followed", () => {
  let type: Json = "int";
  for (let id = 1_000; id < 1_200; id += 1) type = { type: "list", "element-id": id, element: type, "element-required": false };
  assert.throws(() => checkMetadata(changed("schemas.0.fields.0.type", type), { key }), { code: "table.corrupt", message: /nested more than 64 deep/ });
});

test("other versions of the format are refused by number", () => {
  for (const version of [1, 3]) {
    assert.throws(() => checkMetadata(changed("format-version", version), { key }), { code: "table.unsupported", facts: { key, version } });
  }
});

test("a change is later than everything before it, whatever the clock says", () => {
  const metadata = checkMetadata(changed("properties.x", "y"), { key });
  assert.deepEqual([changeTime(metadata, 0), changeTime(metadata, 2_001), changeTime(metadata, 9_000)], [2_002, 2_002, 9_000]);
});

test("a new schema gets the next id, and the columns' ids are remembered", () => {
  const metadata = checkMetadata(changed("last-column-id", 40), { key });
  const wider = { ...schema, fields: [...schema.fields, { id: 41, name: "note", required: false, type: "string" }] };
  const next = checkMetadata(withSchema({ metadata, address: "file:///x", time: 3_000 }, { schema: wider }).raw, { key });
  assert.deepEqual([next.schema["schema-id"], next.lastColumnId, next.schemas.length], [1, 41, 2]);
  assert.equal(next.current?.id, metadata.current?.id);
});
