import assert from "node:assert/strict";
import { test } from "node:test";
import { parseObjectKey } from "../objects/index.ts";
import { decodeBound, type BoundValue } from "./bounds.ts";
import type { IcebergSchema } from "./model.ts";
import { dataFileFromStats } from "./parquet-stats.ts";

type Column = Readonly<Record<string, string>>;

function schemaOf(type: string): IcebergSchema {
  return { type: "struct", "schema-id": 3, fields: [{ id: 1, name: 'a "b"', required: false, type }] };
}

function boundsOf(type: string, column: Column): readonly (BoundValue | undefined)[] {
  const file = dataFileFromStats({
    key: parseObjectKey("tables/a/b/data/x.parquet"),
    schema: schemaOf(type),
    specId: 0,
    partition: [],
    records: 2,
    bytes: 100,
    columns: new Map([['"a ""b"""', column]]),
    sortOrderId: 1,
  });
  return [file.lowerBounds.get(1), file.upperBounds.get(1)].map((bytes) => (bytes === undefined ? undefined : decodeBound(type, bytes)));
}

test("reads every type as DuckDB prints it", () => {
  const cases: readonly (readonly [string, string, string, BoundValue, BoundValue])[] = [
    ["boolean", "0", "1", false, true],
    ["int", "-5", "2147483647", -5, 2147483647],
    ["long", "-9223372036854775808", "9223372036854775807", -(2n ** 63n), 2n ** 63n - 1n],
    ["float", "0.1", "1.5", Math.fround(0.1), 1.5],
    ["double", "-1e-300", "1e+300", -1e-300, 1e300],
    ["decimal(9, 2)", "-0.05", "12.34", -5n, 1234n],
    ["decimal(18, 0)", "-3", "123456789012", -3n, 123456789012n],
    ["decimal(38, 10)", "-0.0500000000", "9.0000000001", -500000000n, 90000000001n],
    ["string", "", "a\u0000b", "", "a\u0000b"],
    [
      "uuid",
      "00000000-0000-0000-0000-000000000001",
      "F79C3E09-677c-4bbd-a479-3f349cb785e7",
      "00000000-0000-0000-0000-000000000001",
      "f79c3e09-677c-4bbd-a479-3f349cb785e7",
    ],
    ["binary", "", "00FF6162", new Uint8Array(0), Uint8Array.of(0, 255, 97, 98)],
    ["date", "0001-01-01", "9999-12-31", -719_162, 2_932_896],
    ["date", "0044-03-15 (BC)", "1969-12-31", -735_160, -1],
    ["time", "00:00:00", "22:31:08.000001", 0n, 81_068_000_001n],
    ["timestamp", "1969-12-31 23:59:59.5", "1970-01-01 00:00:00", -500_000n, 0n],
    ["timestamp", "0044-03-15 (BC) 10:00:00.25", "12345-01-01 10:00:00", -735_160n * 86_400_000_000n + 36_000_250_000n, 327_403_418_400_000_000n],
    ["timestamptz", "0001-01-01 00:00:00+00", "9999-12-31 23:59:59.999999+00", -62_135_596_800_000_000n, 253_402_300_799_999_999n],
  ];
  for (const [type, min, max, lower, upper] of cases) assert.deepEqual(boundsOf(type, { min, max }), [lower, upper], `${type} ${min}`);
});

test("has no bounds of what has none, or is not understood", () => {
  const none: readonly (readonly [string, Column])[] = [
    ["double", { has_nan: "true", min: "1.0", max: "2.0" }],
    ["double", { min: "-inf", max: "inf" }],
    ["date", { min: "infinity", max: "infinity" }],
    ["timestamp", { min: "-infinity", max: "infinity" }],
    // Another time zone than UTC was set.
    ["timestamptz", { min: "2026-01-01 00:00:00+01", max: "2026-01-01 00:00:00" }],
    ["timestamp", { min: "2026-01-01 00:00:00+00", max: "x" }],
    ["int", { min: "2147483648", max: "1.0" }],
    ["long", { min: "9223372036854775808", max: "" }],
    ["decimal(9, 2)", { min: "1.234", max: "NaN" }],
    ["uuid", { min: "x", max: "" }],
    ["binary", { min: "0", max: "zz" }],
    ["boolean", { min: "yes", max: "2" }],
    ["int", { null_count: "2", num_values: "2" }],
  ];
  for (const [type, column] of none) assert.deepEqual(boundsOf(type, column), [undefined, undefined], `${type} ${JSON.stringify(column)}`);
  assert.deepEqual(boundsOf("date", { min: "2026-01-01", max: "infinity" }), [20_454, undefined]);
});

test("a zero is -0 below and 0 above, as DuckDB does not tell them apart", () => {
  const [lower, upper] = boundsOf("double", { min: "0.0", max: "-0.0" });
  assert.ok(Object.is(lower, -0) && Object.is(upper, 0));
});

test("shortens text and bytes, but those of the key less", () => {
  const long = "urn:example:orders:".repeat(10);
  assert.deepEqual(boundsOf("string", { min: long, max: long }), ["urn:example:orde", "urn:example:ordf"]);
  assert.deepEqual(boundsOf("binary", { min: "FF".repeat(40), max: "FF".repeat(40) }), [new Uint8Array(16).fill(255), undefined]);
  const schema: IcebergSchema = { type: "struct", "schema-id": 0, "identifier-field-ids": [1], fields: [{ id: 1, name: "k", required: true, type: "string" }] };
  const columns = new Map([['"k"', { min: long, max: long }]]);
  const file = dataFileFromStats({ key: parseObjectKey("a/b"), schema, specId: 0, partition: [], records: 1, bytes: 1, columns, sortOrderId: 1 });
  assert.equal(decodeBound("string", file.lowerBounds.get(1)!), long.slice(0, 64));
});

test("counts by leaf; below lists and maps there are only sizes, and private fields have no bounds", () => {
  const schema: IcebergSchema = {
    type: "struct",
    "schema-id": 7,
    fields: [
      { id: 1, name: "s", required: false, type: { type: "struct", fields: [{ id: 3, name: "x", required: false, type: "int" }] } },
      { id: 2, name: "l", required: false, type: { type: "list", "element-id": 4, element: "int", "element-required": false } },
      { id: 5, name: "m", required: false, type: { type: "map", "key-id": 6, key: "string", "value-id": 7, value: "int", "value-required": false } },
      { id: 8, name: "private", required: false, type: "int" },
      { id: 9, name: "absent", required: false, type: "int" },
    ],
  };
  const column = { column_size_bytes: "40", min: "1", max: "2", null_count: "1", num_values: "3" };
  const columns = new Map(['"s"."x"', '"l"."element"', '"m"."key"', '"m"."value"', '"private"', '"other"'].map((name) => [name, column]));
  const file = dataFileFromStats({
    key: parseObjectKey("a/b"),
    schema,
    specId: 2,
    partition: [5],
    records: 3,
    bytes: 99,
    columns,
    sortOrderId: 0,
    withoutBounds: new Set([8]),
  });
  assert.deepEqual([...file.columnSizes.keys()], [3, 4, 6, 7, 8]);
  assert.deepEqual(
    [...file.valueCounts],
    [
      [3, 3],
      [8, 3],
    ],
  );
  assert.deepEqual(
    [...file.nullCounts],
    [
      [3, 1],
      [8, 1],
    ],
  );
  assert.deepEqual([[...file.lowerBounds.keys()], [...file.upperBounds.keys()]], [[3], [3]]);
  assert.deepEqual([file.key, file.specId, file.partition, file.records, file.bytes, file.sortOrderId, file.schemaId], ["a/b", 2, [5], 3, 99, 0, 7]);
});
