import assert from "node:assert/strict";
import { test } from "node:test";
import { parseContract, type Contract } from "@mainstem/contract";
import { columnPropertiesOf, icebergSchemaOf, newTableOf, partitionSpecOf, privateFieldIds } from "./from-contract.ts";
import { assertEvolves } from "./schema-change.ts";
import { lastFieldId } from "./primitives.ts";
import type { IcebergSchema } from "./model.ts";

const logical = (type: string, logicalType: string): unknown => ({ type, logicalType });
const nullable = (name: string, type: unknown): unknown => ({ name, type: ["null", type], default: null });

function contractOf(fields: readonly unknown[], more: Readonly<Record<string, unknown>> = {}): Contract {
  const schema = { type: "record", name: "orders", namespace: "shop", fields };
  return parseContract({ formatVersion: 1, name: "shop.orders", schema, key: ["id"], order: ["revision"], merge: { kind: "latest" }, ...more });
}

const base = [
  { name: "id", type: logical("string", "uuid") },
  { name: "revision", type: "int" },
  { name: "placedAt", type: logical("long", "timestamp-millis"), doc: "when" },
  nullable("amount", { type: "bytes", logicalType: "decimal", precision: 12, scale: 2 }),
  nullable("address", {
    type: "record",
    name: "address",
    fields: [
      { name: "city", type: "string" },
      { name: "lines", type: { type: "array", items: "string" } },
    ],
  }),
  { name: "marks", type: { type: "map", values: { type: "record", name: "mark", fields: [{ name: "at", type: logical("int", "date") }] } } },
];

test("gives ids to the fields first, then to what is inside of them", () => {
  const schema = icebergSchemaOf(contractOf(base));
  assert.deepEqual(schema, {
    type: "struct",
    "schema-id": 0,
    "identifier-field-ids": [1],
    fields: [
      { id: 1, name: "id", required: true, type: "uuid" },
      { id: 2, name: "revision", required: true, type: "int" },
      { id: 3, name: "placedAt", required: false, type: "timestamptz", doc: "when" },
      { id: 4, name: "amount", required: false, type: "decimal(12, 2)" },
      {
        id: 5,
        name: "address",
        required: false,
        type: {
          type: "struct",
          fields: [
            { id: 7, name: "city", required: false, type: "string" },
            { id: 8, name: "lines", required: false, type: { type: "list", "element-id": 9, element: "string", "element-required": false } },
          ],
        },
      },
      {
        id: 6,
        name: "marks",
        required: false,
        type: {
          type: "map",
          "key-id": 10,
          key: "string",
          "value-id": 11,
          value: { type: "struct", fields: [{ id: 12, name: "at", required: false, type: "date" }] },
          "value-required": false,
        },
      },
    ],
  } satisfies IcebergSchema);
});

test("every Avro type has its Iceberg type", () => {
  const types: readonly (readonly [unknown, string])[] = [
    ["boolean", "boolean"],
    ["int", "int"],
    ["long", "long"],
    ["float", "float"],
    ["double", "double"],
    ["string", "string"],
    ["bytes", "binary"],
    [{ type: "enum", name: "e", symbols: ["a"] }, "string"],
    [{ type: "fixed", name: "f", size: 5 }, "binary"],
    [{ type: "fixed", name: "d", size: 16, logicalType: "decimal", precision: 38, scale: 38 }, "decimal(38, 38)"],
    [logical("string", "uuid"), "uuid"],
    [logical("int", "date"), "date"],
    [logical("int", "time-millis"), "time"],
    [logical("long", "time-micros"), "time"],
    [logical("long", "timestamp-millis"), "timestamptz"],
    [logical("long", "timestamp-micros"), "timestamptz"],
    [logical("long", "local-timestamp-millis"), "timestamp"],
    [logical("long", "local-timestamp-micros"), "timestamp"],
  ];
  const fields = types.map(([type], at) => ({ name: `v${at}`, type }));
  const schema = icebergSchemaOf(contractOf([...base.slice(0, 2), ...fields]));
  assert.deepEqual(
    schema.fields.slice(2).map((field) => field.type),
    types.map(([, type]) => type),
  );
});

test("an added field keeps every id, wherever it is added", () => {
  const before = icebergSchemaOf(contractOf(base));
  const table = { schema: before, lastColumnId: 20 };
  assert.equal(icebergSchemaOf(contractOf(base), table), before, "nothing new is the same schema");
  const address = { type: "record", name: "address", fields: [nullable("zip", "string"), ...addressFields()] };
  const wider = [nullable("note", "string"), ...base.slice(0, 4), nullable("address", address), base[5]];
  const after = icebergSchemaOf(contractOf(wider), table);
  assertEvolves({ before, after, lastColumnId: table.lastColumnId });
  assert.deepEqual(
    after.fields.map((field) => [field.name, field.id]),
    [
      ["note", 21],
      ["id", 1],
      ["revision", 2],
      ["placedAt", 3],
      ["amount", 4],
      ["address", 5],
      ["marks", 6],
    ],
  );
  assert.deepEqual(
    (after.fields[5]!.type as IcebergSchema).fields.map((field) => [field.name, field.id]),
    [
      ["zip", 22],
      ["city", 7],
      ["lines", 8],
    ],
  );
  assert.equal(lastFieldId(after.fields), 22);
  assert.deepEqual(after["identifier-field-ids"], [1]);
});

test("refuses what a table cannot follow", () => {
  const table = { schema: icebergSchemaOf(contractOf(base)), lastColumnId: 12 };
  const changes: readonly (readonly [string, readonly unknown[]])[] = [
    ["amount", base.filter((_, at) => at !== 3)],
    ["placedAt", base.map((field, at) => (at === 2 ? { name: "placedAt", type: "string" } : field))],
    ["address", base.map((field, at) => (at === 4 ? nullable("address", "string") : field))],
    ["marks", base.map((field, at) => (at === 5 ? { name: "marks", type: { type: "array", items: "string" } } : field))],
    ["address.city", base.map((field, at) => (at === 4 ? nullable("address", { type: "record", name: "address", fields: addressFields().slice(1) }) : field))],
  ];
  for (const [path, fields] of changes) {
    assert.throws(() => icebergSchemaOf(contractOf(fields), table), { code: "contract.incompatible", facts: { path } }, path);
  }
});

test("a wider type widens the column, a narrower one leaves it", () => {
  const table = { schema: icebergSchemaOf(contractOf([...base.slice(0, 2), { name: "n", type: "int" }, { name: "m", type: "long" }])), lastColumnId: 4 };
  const after = icebergSchemaOf(contractOf([...base.slice(0, 2), { name: "n", type: "long" }, { name: "m", type: "int" }]), table);
  assert.deepEqual(
    after.fields.slice(2).map((field) => field.type),
    ["long", "long"],
  );
  assert.equal(after["schema-id"], 1);
});

test("partitions are named as other engines name them, and never like another column", () => {
  const partition = [
    { field: "placedAt", transform: "day" },
    { field: "id", transform: "bucket", width: 16 },
    { field: "revision", transform: "truncate", width: 10 },
    { field: "revision", transform: "identity" },
  ];
  const contract = contractOf([...base, { name: "placedAt_day", type: "int" }], { partition });
  assert.deepEqual(partitionSpecOf(contract, icebergSchemaOf(contract)), {
    "spec-id": 0,
    fields: [
      { "source-id": 3, "field-id": 1000, name: "placedAt_day_", transform: "day" },
      { "source-id": 1, "field-id": 1001, name: "id_bucket", transform: "bucket[16]" },
      { "source-id": 2, "field-id": 1002, name: "revision_trunc", transform: "truncate[10]" },
      { "source-id": 2, "field-id": 1003, name: "revision", transform: "identity" },
    ],
  });
});

test("a new table is sorted by its key", () => {
  const table = newTableOf(contractOf(base, { key: ["revision", "id"], order: ["placedAt"] }));
  assert.deepEqual(table.sort, [{ sourceId: 2 }, { sourceId: 1 }]);
  assert.deepEqual(table.schema["identifier-field-ids"], [2, 1]);
  assert.deepEqual(table.partition, { "spec-id": 0, fields: [] });
});

test("private fields get no bounds, here or from other engines", () => {
  const address = { type: "record", name: "address", fields: addressFields() };
  const contract = contractOf([
    ...base.slice(0, 4),
    { name: "address", type: ["null", address], default: null, pii: true },
    { name: "email", type: "string", pii: true },
  ]);
  const table = newTableOf(contract);
  assert.deepEqual(
    [...privateFieldIds(contract, table.schema)].sort((a, b) => a - b),
    [6, 7, 9],
  );
  assert.deepEqual(table.properties, { "write.metadata.metrics.column.address.city": "counts", "write.metadata.metrics.column.email": "counts" });
});

function addressFields(): readonly unknown[] {
  return [
    { name: "city", type: "string" },
    { name: "lines", type: { type: "array", items: "string" } },
  ];
}

test("a column follows its field by any name that it had, becomes wider, and goes for good when the field is removed", () => {
  const [id, revision] = base;
  const first = contractOf([id, revision, { name: "a", type: "int" }, { name: "b", type: "int", pii: true }]);
  const before = icebergSchemaOf(first);
  const columns = ({ fields }: IcebergSchema) => fields.map((field) => [field.id, field.name, field.type]);
  // The table may be several versions behind.
  const renamed = contractOf([id, revision, { name: "c", type: "long", aliases: ["x", "a"] }, { name: "B", type: "int", pii: true, aliases: ["b"] }]);
  const after = icebergSchemaOf(renamed, { schema: before, lastColumnId: 4 });
  assertEvolves({ before, after, lastColumnId: 4 });
  assert.deepEqual(columns(after).slice(2), [
    [3, "c", "long"],
    [4, "B", "int"],
  ]);
  assert.equal(icebergSchemaOf(renamed, { schema: after, lastColumnId: 4 }), after, "once");
  assert.deepEqual(columnPropertiesOf(renamed), { "write.metadata.metrics.column.B": "counts" });
  const removed = contractOf([id, revision, { name: "c", type: "long", aliases: ["a"] }, { name: "n", type: "int", default: 0 }], { removed: ["d", "B", "b"] });
  const without = icebergSchemaOf(removed, { schema: after, lastColumnId: 4 });
  assertEvolves({ before: after, after: without, lastColumnId: 4 });
  assert.deepEqual(columns(without).slice(2), [
    [3, "c", "long"],
    [5, "n", "int"],
  ]);
  assert.throws(
    () => icebergSchemaOf(contractOf([id, revision, { name: "c", type: "long", aliases: ["a"] }]), { schema: after, lastColumnId: 4 }),
    /Field B is in the table/,
  );
  const back = { ...without, fields: [...without.fields, { id: 4, name: "d", required: false, type: "int" }] };
  assert.throws(() => assertEvolves({ before: without, after: back, lastColumnId: 5 }), /do not come back/);
});
