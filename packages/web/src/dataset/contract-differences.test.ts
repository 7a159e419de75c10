import assert from "node:assert/strict";
import { test } from "node:test";
import type { AvroField, Contract } from "../api/answers.ts";
import { parseExact } from "../exact-json.ts";
import { typeWords } from "./avro-words.ts";
import { differencesOf } from "./contract-differences.ts";

const contract = (fields: readonly AvroField[], clauses: object = {}): Contract => ({ name: "a.b", schema: { fields }, ...clauses });
const id: AvroField = { name: "id", type: "string" };

test("versions differ by fields, then by clauses", () => {
  const before = contract([id, { name: "old", type: "int" }, { name: "n", type: "int", doc: "a" }], { owner: "one", order: ["n"], tags: ["x"] });
  const after = contract([id, { name: "n", type: "long", doc: "a" }, { name: "note", type: ["null", "string"], default: null }], {
    owner: "two",
    order: ["n"],
    merge: { kind: "first" },
  });
  assert.deepEqual(differencesOf(before, after), [
    { kind: "removed", what: "field old", from: "int" },
    { kind: "changed", what: "field n", from: "int", to: "long" },
    { kind: "added", what: "field note", to: "string or null, default null" },
    { kind: "changed", what: "owner", from: "one", to: "two" },
    { kind: "removed", what: "tags", from: '["x"]' },
    { kind: "added", what: "merge", to: '{"kind":"first"}' },
  ]);
});

test("defaults beyond 2^53 are shown digit by digit, and differ by the last one", () => {
  const far = (digits: string) => contract([id, { name: "far", type: "long", default: parseExact(digits) }]);
  assert.deepEqual(differencesOf(far("9223372036854775806"), far("9223372036854775807")), [
    { kind: "changed", what: "field far", from: "long, default 9223372036854775806", to: "long, default 9223372036854775807" },
  ]);
});

test("a field that was renamed is one, with its type", () => {
  const before = contract([id, { name: "seat", type: "int" }], { sort: ["seat"] });
  const after = contract([id, { name: "place", type: "long", aliases: ["seat"] }], { sort: ["place"] });
  assert.deepEqual(differencesOf(before, after), [
    { kind: "changed", what: "field seat", from: "seat: int", to: "place: long" },
    { kind: "changed", what: "sort", from: '["seat"]', to: '["place"]' },
  ]);
});

test("a change that the words leave out is one all the same, and the order of members is none", () => {
  const one = contract([{ name: "id", type: "string", doc: "a" }], { merge: { kind: "fields", fields: { a: "min", b: "max" } } });
  const other = contract([{ doc: "b", name: "id", type: "string" }], { merge: { fields: { b: "max", a: "min" }, kind: "fields" } });
  assert.deepEqual(differencesOf(one, other), [{ kind: "changed", what: "field id" }]);
  assert.deepEqual(differencesOf(one, one), []);
});

test("types are said in words", () => {
  const words = {
    "decimal(12, 2)": { type: "bytes", logicalType: "decimal", precision: 12, scale: 2 },
    "timestamp-micros or null": ["null", { type: "long", logicalType: "timestamp-micros" }],
    "paid | shipped": { type: "enum", name: "S", symbols: ["paid", "shipped"] },
    "list of map of double": { type: "array", items: { type: "map", values: "double" } },
    "{ zip: string, n: int or null }": {
      type: "record",
      name: "R",
      fields: [
        { name: "zip", type: "string" },
        { name: "n", type: ["null", "int"] },
      ],
    },
    "fixed(16)": { type: "fixed", name: "F", size: 16 },
    long: { type: "long", "mainstem.clock": "hlc" },
  } as const;
  for (const [expected, type] of Object.entries(words)) assert.equal(typeWords(type), expected);
});
