import assert from "node:assert/strict";
import { test } from "node:test";
import {
  boundsOverlap,
  compareBounds,
  compareValues,
  decimalBytes,
  decodeBound,
  encodeBound,
  truncateLower,
  truncateUpper,
  type BoundValue,
} from "./bounds.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

test("serialises every type as the specification says", () => {
  const cases: readonly (readonly [string, BoundValue, string])[] = [
    ["boolean", false, "00"],
    ["boolean", true, "01"],
    ["int", -2, "feffffff"],
    ["date", -719162, "c606f5ff"],
    ["long", 34n, "2200000000000000"],
    ["long", -(2n ** 63n), "0000000000000080"],
    ["time", 81_068_000_000n, "008307e012000000"],
    ["timestamp", -1n, "ffffffffffffffff"],
    ["timestamptz", 1_510_871_468_000_000n, "00c3262d215e0500"],
    ["float", -4.5, "000090c0"],
    ["double", 6, "0000000000001840"],
    ["string", "iceberg ♥", "6963656265726720e299a5"],
    ["uuid", "f79c3e09-677c-4bbd-a479-3f349cb785e7", "f79c3e09677c4bbda4793f349cb785e7"],
    ["fixed[3]", Uint8Array.of(1, 2, 3), "010203"],
    ["binary", Uint8Array.of(0, 255), "00ff"],
    ["decimal(9, 2)", 1420n, "058c"],
    ["decimal(9,2)", -1n, "ff"],
    ["decimal(38, 10)", -(10n ** 37n), hex(decimalBytes(-(10n ** 37n)))],
  ];
  for (const [type, value, expected] of cases) {
    assert.equal(hex(encodeBound(type, value)), expected, type);
    assert.deepEqual(decodeBound(type, Buffer.from(expected, "hex")), value, type);
  }
  assert.equal(hex(decimalBytes(128n)), "0080");
  assert.equal(hex(decimalBytes(-128n)), "80");
  assert.equal(hex(decimalBytes(0n)), "00");
});

test("reads bounds from before a column was widened", () => {
  assert.equal(decodeBound("long", encodeBound("int", -7)), -7n);
  assert.equal(decodeBound("double", encodeBound("float", 0.5)), 0.5);
  assert.equal(decodeBound("decimal(20, 2)", encodeBound("decimal(4, 2)", -999n)), -999n);
});

test("bytes that are no value of the type give none", () => {
  for (const [type, bytes] of [
    ["int", "00"],
    ["long", "000000"],
    ["uuid", "00"],
    ["string", "ff"],
    ["decimal(9, 2)", ""],
    ["double", "00"],
    ["boolean", ""],
  ] as const) {
    assert.equal(decodeBound(type, Buffer.from(bytes, "hex")), undefined, type);
  }
  assert.equal(compareBounds("int", Uint8Array.of(1), encodeBound("int", 1)), undefined);
});

test("refuses values that are not of the type", () => {
  const wrong: readonly (readonly [string, BoundValue])[] = [
    ["int", 2 ** 31],
    ["int", 1n],
    ["long", 2n ** 63n],
    ["string", 1],
    ["uuid", "x"],
    ["binary", "x"],
    ["double", 1n],
    ["long", 1.5],
  ];
  for (const [type, value] of wrong) assert.throws(() => encodeBound(type, value), RangeError, type);
  assert.throws(() => encodeBound("geometry", 1), TypeError);
});

test("orders text by code point, -0 before 0, and uuids and bytes as unsigned", () => {
  assert.ok(compareValues("string", "\u{1F600}", "\uFFFD") > 0, "JavaScript's own order has these two the other way round");
  assert.ok(compareValues("double", -0, 0) < 0 && compareValues("double", 0, -0) > 0 && compareValues("double", 0, 0) === 0);
  assert.ok(compareValues("uuid", "f0000000-0000-0000-0000-000000000000", "10000000-0000-0000-0000-000000000000") > 0);
  assert.ok(compareValues("binary", Uint8Array.of(0x80), Uint8Array.of(0x7f, 1)) > 0);
  assert.ok(compareValues("boolean", false, true) < 0);
});

test("shortens bounds outwards, and gives none where nothing can be raised", () => {
  const long = "a".repeat(17);
  assert.equal(truncateLower("string", long), "a".repeat(16));
  assert.equal(truncateUpper("string", long), `${"a".repeat(15)}b`);
  assert.equal(truncateUpper("string", "a".repeat(16)), "a".repeat(16));
  assert.equal(truncateUpper("string", `a${"\u{10FFFF}".repeat(20)}`), "b");
  assert.equal(truncateUpper("string", "\u{10FFFF}".repeat(20)), undefined);
  assert.equal(truncateUpper("string", "\uD7FFx", 1), "\uE000");
  assert.equal(truncateLower("string", "😀".repeat(17)), "😀".repeat(16));
  assert.deepEqual(truncateUpper("binary", Uint8Array.of(1, 0xff, 0xff), 2), Uint8Array.of(2));
  assert.equal(truncateUpper("binary", Uint8Array.of(0xff, 0xff, 0xff), 2), undefined);
  assert.equal(truncateUpper("long", 5n), 5n);
});

test("a file is left out only when its bounds surely cannot hold the value", () => {
  const of = (value: bigint): Uint8Array => encodeBound("long", value);
  const file = { lower: of(10n), upper: of(20n) };
  const holds = (from: bigint, to: bigint): boolean => boundsOverlap("long", file, { lower: of(from), upper: of(to) });
  assert.deepEqual([holds(0n, 9n), holds(0n, 10n), holds(12n, 13n), holds(20n, 30n), holds(21n, 30n)], [false, true, true, true, false]);
  assert.equal(boundsOverlap("long", { lower: of(10n) }, { lower: of(100n), upper: of(100n) }), true);
  assert.equal(boundsOverlap("long", {}, { lower: of(1n), upper: of(1n) }), true);
  assert.equal(boundsOverlap("long", { lower: Uint8Array.of(1), upper: of(0n) }, { lower: of(5n), upper: of(5n) }), false);
  assert.equal(boundsOverlap("long", { lower: Uint8Array.of(1), upper: Uint8Array.of(2) }, { lower: of(5n), upper: of(5n) }), true);
});
