import assert from "node:assert/strict";
import { test } from "node:test";
import type { PartitionScalar } from "./model.ts";
import { bucketHash, transformValue } from "./testing/transform-value.ts";
import { parseTransform, resultType } from "./transforms.ts";

test("hashes as the specification's examples do", () => {
  const micros = BigInt(Date.UTC(2017, 10, 16, 22, 31, 8)) * 1000n;
  const cases: readonly (readonly [string, Exclude<PartitionScalar, null>, number])[] = [
    ["int", 34, 2017239379],
    ["long", 34n, 2017239379],
    ["decimal(9, 2)", 1420n, -500754589],
    ["date", Date.UTC(2017, 10, 16) / 86_400_000, -653330422],
    ["time", 81_068_000_000n, -662762989],
    ["timestamp", micros, -2047944441],
    ["timestamptz", micros, -2047944441],
    ["timestamp", micros + 1n, -1207196810],
    ["string", "iceberg", 1210000089],
    ["uuid", "f79c3e09-677c-4bbd-a479-3f349cb785e7", 1488055340],
    ["fixed[4]", Uint8Array.of(0, 1, 2, 3), -188683207],
    ["binary", Uint8Array.of(0, 1, 2, 3), -188683207],
  ];
  for (const [type, value, hash] of cases) assert.equal(bucketHash(type, value), hash, type);
  for (const type of ["boolean", "float", "double"]) assert.throws(() => bucketHash(type, 1), RangeError);
});

function apply(transform: string, type: string, value: PartitionScalar): PartitionScalar {
  return transformValue(parseTransform(transform)!, type, value);
}

test("buckets are never negative", () => {
  assert.equal(apply("bucket[16]", "decimal(9, 2)", 1420n), (-500754589 & 0x7fffffff) % 16);
  assert.equal(apply("bucket[1]", "string", ""), 0);
});

test("truncates downwards, also below zero, as the specification's examples do", () => {
  assert.deepEqual([apply("truncate[10]", "int", 1), apply("truncate[10]", "int", -1)], [0, -10]);
  assert.deepEqual([apply("truncate[10]", "long", 1n), apply("truncate[10]", "long", -1n)], [0n, -10n]);
  assert.equal(apply("truncate[50]", "decimal(9, 2)", 1065n), 1050n);
  assert.equal(apply("truncate[3]", "string", "iceberg"), "ice");
  assert.equal(apply("truncate[2]", "string", "😀😀😀"), "😀😀");
  assert.deepEqual(apply("truncate[3]", "binary", Uint8Array.of(1, 2, 3, 4, 5)), Uint8Array.of(1, 2, 3));
});

test("counts years, months, days and hours downwards before 1970", () => {
  const instant = (text: string): bigint => BigInt(Date.parse(text)) * 1000n;
  const cases = [
    ["1970-01-01T00:00:00Z", 0, 0, 0, 0],
    ["1969-12-31T23:59:59.999Z", -1, -1, -1, -1],
    ["1969-01-01T00:00:00Z", -1, -12, -365, -8760],
    ["1968-12-31T23:00:00Z", -2, -13, -366, -8761],
    ["2017-12-01T10:15:34Z", 47, 575, 17_501, 420_034],
    ["0001-01-01T00:00:00Z", -1969, -23_628, -719_162, -17_259_888],
  ] as const;
  for (const [text, year, month, day, hour] of cases) {
    for (const type of ["timestamp", "timestamptz"]) {
      const values = ["year", "month", "day", "hour"].map((transform) => apply(transform, type, instant(text)));
      assert.deepEqual(values, [year, month, day, hour], text);
    }
    assert.deepEqual(
      ["year", "month", "day"].map((transform) => apply(transform, "date", day)),
      [year, month, day],
      text,
    );
  }
  assert.equal(apply("day", "timestamp", -1n), -1);
  assert.equal(apply("year", "timestamp", 2n ** 63n - 1n), 294_247 - 1970);
});

test("null stays null, void gives nothing but null", () => {
  for (const transform of ["identity", "day", "bucket[4]", "truncate[4]", "void"]) assert.equal(apply(transform, "date", null), null);
  assert.equal(apply("void", "date", 3), null);
  assert.equal(apply("identity", "string", "x"), "x");
});

test("knows transforms by their text, and what they give", () => {
  assert.deepEqual(parseTransform("bucket[16]"), { kind: "bucket", width: 16 });
  for (const text of ["bucket", "bucket[0]", "truncate[-1]", "truncate[1.5]", "zorder", "bucket[99999999999]"])
    assert.equal(parseTransform(text), undefined, text);
  const results = ["identity", "day", "year", "bucket[4]", "truncate[2]"].map((text) => resultType(parseTransform(text)!, "timestamptz"));
  assert.deepEqual(results, ["timestamptz", "date", "int", "int", "timestamptz"]);
  assert.throws(() => apply("hour", "date", 1), RangeError);
  assert.throws(() => apply("day", "string", "x"), RangeError);
  assert.throws(() => apply("truncate[2]", "timestamp", 1n), RangeError);
});
