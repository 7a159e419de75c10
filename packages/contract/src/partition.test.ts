import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAvroSchema } from "./avro/schema-parser.ts";
import type { Transform } from "./contract.ts";
import { parseDate, parseTimeOfDay, parseTimestamp } from "./records/civil-time.ts";
import { compilePartition, compilePartitionValue, partitionKind } from "./partition.ts";
import { contractOf } from "./testing/samples.ts";

const micros = { type: "long", logicalType: "timestamp-micros" };
const millis = { type: "long", logicalType: "timestamp-millis" };
const date = { type: "int", logicalType: "date" };
const value = (schema: unknown, transform: Transform, native: unknown, width?: number) =>
  compilePartitionValue(parseAvroSchema(schema), { field: "f", transform, ...(width === undefined ? {} : { width }) })(native);
const at = (text: string) => parseTimestamp(text, { digits: 6, zone: "required" });

test("buckets are made of the hashes of Iceberg's appendix B", () => {
  const whole = 0x80000000;
  const hashes: readonly (readonly [unknown, unknown, number])[] = [
    ["int", 34, 2017239379],
    ["long", 34, 2017239379],
    ["long", 34n, 2017239379],
    [{ type: "bytes", logicalType: "decimal", precision: 9, scale: 2 }, 1420n, -500754589],
    [date, parseDate("2017-11-16"), -653330422],
    [{ type: "long", logicalType: "time-micros" }, parseTimeOfDay("22:31:08", 6), -662762989],
    [{ type: "int", logicalType: "time-millis" }, parseTimeOfDay("22:31:08", 3), -662762989],
    [micros, at("2017-11-16T22:31:08Z"), -2047944441],
    [millis, parseTimestamp("2017-11-16T14:31:08-08:00", { digits: 3, zone: "required" }), -2047944441],
    [micros, at("2017-11-16T22:31:08.000001Z"), -1207196810],
    ["string", "iceberg", 1210000089],
    [{ type: "string", logicalType: "uuid" }, "f79c3e09-677c-4bbd-a479-3f349cb785e7", 1488055340],
    ["bytes", Uint8Array.of(0, 1, 2, 3), -188683207],
    [{ type: "fixed", name: "f", size: 4 }, Uint8Array.of(0, 1, 2, 3), -188683207],
  ];
  for (const [schema, native, hash] of hashes) {
    assert.equal(value(schema, "bucket", native, 0x7fffffff), (hash & 0x7fffffff) % 0x7fffffff, JSON.stringify(schema));
    assert.equal(value(schema, "bucket", native, 16), (((hash % whole) + whole) % whole) % 16);
  }
});

test("years, months, days and hours round down, before 1970 too", () => {
  const before = at("1969-12-31T23:59:59.999999Z");
  assert.deepEqual(
    (["year", "month", "day", "hour"] as const).map((transform) => value(micros, transform, before)),
    [-1, -1, -1, -1],
  );
  assert.deepEqual(
    (["year", "month", "day", "hour"] as const).map((transform) => value(micros, transform, at("1970-01-01T00:00:00Z"))),
    [0, 0, 0, 0],
  );
  assert.deepEqual(
    (["year", "month", "day", "hour"] as const).map((transform) => value(micros, transform, at("2026-11-21T09:56:18Z"))),
    [56, 682, 20_778, 498_681],
  );
  assert.deepEqual(
    (["year", "month", "day"] as const).map((transform) => value(date, transform, -366)),
    [-2, -13, -366],
  );
  assert.equal(value(millis, "day", -1), -1);
  assert.equal(value(micros, "year", at("9999-12-31T23:59:59Z")), 8029);
});

test("truncate goes down, and by code points", () => {
  assert.deepEqual(
    [1, -1, -10, 10].map((native) => value("int", "truncate", native, 10)),
    [0, -10, -10, 10],
  );
  assert.deepEqual(
    [7, -7n, 2n ** 62n].map((native) => value("long", "truncate", native, 5)),
    [5n, -10n, 2n ** 62n - 4n],
  );
  assert.equal(value({ type: "bytes", logicalType: "decimal", precision: 9, scale: 2 }, "truncate", 1065n, 50), 1050n);
  assert.equal(value("string", "truncate", "😀😀x", 2), "😀😀");
  assert.equal(value("string", "truncate", "ab", 3), "ab");
  assert.deepEqual(value("bytes", "truncate", Uint8Array.of(1, 2, 3), 2), Uint8Array.of(1, 2));
});

test("truncate wraps at the least int and long, as Iceberg's reference does", () => {
  const least = -(2 ** 31);
  assert.equal(value("int", "truncate", least, 10), 2 ** 31 - 2);
  assert.equal(value("int", "truncate", least, 2 ** 16), least);
  // ((2147483646 % 2147483647) + 2147483647) wraps to -3 in 32 bits.
  assert.equal(value("int", "truncate", 2_147_483_646, 2_147_483_647), -2_147_483_647);
  assert.equal(value("long", "truncate", -(2n ** 63n), 10), 2n ** 63n - 2n);
  assert.equal(value("long", "truncate", -(2n ** 63n) + 8n, 10), -(2n ** 63n) + 8n);
});

test("a decimal is truncated only where the table can hold every result", () => {
  const declare = (precision: number, width: number) =>
    contractOf([{ name: "d", type: { type: "bytes", logicalType: "decimal", precision } }], { partition: [{ field: "d", transform: "truncate", width }] });
  declare(2, 10);
  declare(38, 0x7fffffff);
  assert.throws(
    () => declare(2, 1000),
    (error: unknown) => error instanceof Error && /at most 30/.test(error.message),
  );
});

test("identity gives the value as the table's column holds it, and null stays null", () => {
  assert.equal(value("int", "identity", 5), 5);
  assert.equal(value("long", "identity", 5), 5n);
  assert.equal(value(millis, "identity", 5), 5000n);
  assert.equal(value(date, "identity", 5), 5);
  assert.equal(value(["null", "string"], "bucket", null, 4), null);
  assert.equal(value(["null", "string"], "identity", "x"), "x");
});

test("a partition is stable only when all its fields are key fields", () => {
  const time = { name: "t", type: micros };
  const kindOf = (rest: object) => partitionKind(contractOf([time], rest));
  assert.equal(kindOf({}), "none");
  assert.equal(kindOf({ partition: [{ field: "k", transform: "identity" }] }), "stable");
  assert.equal(
    kindOf({
      partition: [
        { field: "k", transform: "identity" },
        { field: "t", transform: "day" },
      ],
    }),
    "movable",
  );
  assert.equal(kindOf({ partition: [{ field: "t", transform: "day" }], immutable: true }), "immutable");
});

test("a record's partition has one value for each field", () => {
  const contract = contractOf([{ name: "t", type: micros }], {
    partition: [
      { field: "t", transform: "day" },
      { field: "k", transform: "truncate", width: 1 },
    ],
  });
  assert.deepEqual(compilePartition(contract)({ k: "abc", o: 1, t: at("2026-11-21T09:56:18Z") }), [20_778, "a"]);
});
