import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteSink } from "../avro/byte-sink.ts";
import type { AvroRecordSchema } from "../avro/schema.ts";
import { parseAvroRecordSchema } from "../avro/schema-parser.ts";
import { compileWriter } from "../avro/writer.ts";
import { everyKind, everyKindRecord } from "../testing/samples.ts";
import { compileDecoder } from "./decoder.ts";
import { compileRecordEncoder } from "./record-encoder.ts";

const record = (fields: readonly unknown[]) => parseAvroRecordSchema({ type: "record", name: "r", fields });
function write(schema: AvroRecordSchema, value: unknown): Uint8Array {
  const sink = new ByteSink();
  compileWriter(schema)(value, sink);
  return sink.copy();
}

test("natives are what the description says", () => {
  const result = compileRecordEncoder(everyKind).encode(everyKindRecord);
  assert.ok(result.kind === "valid");
  const native = compileDecoder({ writer: everyKind.schema, reader: everyKind.schema })(result.value);
  assert.deepStrictEqual(native, {
    id: "01234567-89ab-cdef-0123-456789abcdef",
    revision: 7,
    flag: true,
    count: -3,
    ratio: 0.5,
    weight: -2.25,
    label: "größer",
    status: "closed",
    raw: Uint8Array.of(0, 1, 255),
    code: Uint8Array.of(97, 98, 99),
    amount: -1250n,
    rate: 1n,
    day: 20_778,
    clock: 35_778_123,
    clockMicros: 86_399_999_999,
    seenAt: -1,
    placedAt: 253_402_300_799_999_999n,
    wallMillis: -62_135_596_800_000,
    wall: 1_709_208_000_000_001,
    email: null,
    tags: ["a", ""],
    scores: new Map([
      ["one", 1],
      ["none", null],
    ]),
    address: { zip: "80331", floor: null },
  });
  assert.deepEqual(
    Object.keys(native),
    everyKind.schema.fields.map((field) => field.name),
  );
});

test("fields go by name: new ones take their default, old ones are skipped, the order is the reader's", () => {
  const writer = record([
    { name: "gone", type: { type: "map", values: { type: "array", items: "string" } } },
    { name: "b", type: "string" },
    { name: "a", type: "int" },
  ]);
  const reader = record([
    { name: "a", type: ["null", "long"] },
    { name: "list", type: { type: "array", items: "int" }, default: [1] },
    { name: "b", type: "string" },
    { name: "c", type: ["null", "string"], default: null },
  ]);
  const decode = compileDecoder({ writer, reader });
  const bytes = write(writer, { gone: new Map([["x", ["y"]]]), b: "b", a: 5 });
  const first = decode(bytes);
  assert.deepEqual(Object.entries(first), [
    ["a", 5],
    ["list", [1]],
    ["b", "b"],
    ["c", null],
  ]);
  (first["list"] as number[]).push(2);
  assert.deepEqual(decode(bytes)["list"], [1], "a default is fresh in every record");
});

test("nested records resolve as the outermost does", () => {
  const writer = record([{ name: "n", type: ["null", { type: "record", name: "n", fields: [{ name: "x", type: "int" }] }] }]);
  const reader = record([
    {
      name: "n",
      type: [
        {
          type: "record",
          name: "n",
          fields: [
            { name: "y", type: "string", default: "?" },
            { name: "x", type: "double" },
          ],
        },
        "null",
      ],
    },
  ]);
  const decode = compileDecoder({ writer, reader });
  assert.deepEqual(decode(write(writer, { n: { x: 3 } })), { n: { y: "?", x: 3 } });
  assert.deepEqual(decode(write(writer, { n: null })), { n: null });
});

test("null where the reader takes none is malformed, not guessed", () => {
  const decode = compileDecoder({ writer: record([{ name: "a", type: ["null", "int"] }]), reader: record([{ name: "a", type: "int" }]) });
  assert.deepEqual(decode(Uint8Array.of(2, 4)), { a: 2 });
  assert.throws(() => decode(Uint8Array.of(0)), { code: "avro.malformed" });
});

test("schemas that cannot be resolved are refused before the first record", () => {
  const pairs: readonly (readonly [unknown, unknown])[] = [
    ["string", "int"],
    ["long", "int"],
    [
      { type: "long", logicalType: "timestamp-millis" },
      { type: "long", logicalType: "timestamp-micros" },
    ],
    [
      { type: "bytes", logicalType: "decimal", precision: 5, scale: 2 },
      { type: "bytes", logicalType: "decimal", precision: 5, scale: 1 },
    ],
    [
      { type: "fixed", name: "f", size: 2 },
      { type: "fixed", name: "f", size: 3 },
    ],
    [
      { type: "int", logicalType: "date" },
      { type: "long", logicalType: "timestamp-micros" },
    ],
    [
      { type: "array", items: "int" },
      { type: "map", values: "int" },
    ],
  ];
  for (const [from, to] of pairs) {
    assert.throws(() => compileDecoder({ writer: record([{ name: "a", type: from }]), reader: record([{ name: "a", type: to }]) }), {
      code: "contract.incompatible",
      message: /Field a /,
    });
  }
  assert.throws(() => compileDecoder({ writer: record([{ name: "a", type: "int" }]), reader: record([{ name: "b", type: "int" }]) }), {
    code: "contract.incompatible",
  });
});

test("values that the type cannot mean are malformed", () => {
  const cases: readonly (readonly [unknown, unknown, unknown])[] = [
    [{ type: "string", logicalType: "uuid" }, "string", "no uuid"],
    [{ type: "bytes", logicalType: "decimal", precision: 2, scale: 0 }, "bytes", Uint8Array.of(100)],
    [{ type: "bytes", logicalType: "decimal", precision: 2, scale: 0 }, "bytes", new Uint8Array(1000)],
    [{ type: "int", logicalType: "date" }, "int", 2_932_897],
    [{ type: "int", logicalType: "time-millis" }, "int", 86_400_000],
    [{ type: "long", logicalType: "time-micros" }, "long", -1],
    [{ type: "long", logicalType: "timestamp-micros" }, "long", 2n ** 62n],
    [{ type: "long", logicalType: "local-timestamp-millis" }, "long", -62_135_596_800_001],
  ];
  for (const [type, plain, value] of cases) {
    const schema = record([{ name: "a", type }]);
    const bytes = write(record([{ name: "a", type: plain }]), { a: value });
    assert.throws(() => compileDecoder({ writer: schema, reader: schema })(bytes), { code: "avro.malformed" }, JSON.stringify(type));
  }
});

test("decimals with more bytes than they need are read by value", () => {
  const schema = record([{ name: "a", type: { type: "bytes", logicalType: "decimal", precision: 4, scale: 0 } }]);
  assert.deepEqual(compileDecoder({ writer: schema, reader: schema })(write(record([{ name: "a", type: "bytes" }]), { a: Uint8Array.of(255, 255, 254) })), {
    a: -2n,
  });
});

test("a uuid that was written in upper case is read in lower case", () => {
  const schema = record([{ name: "a", type: { type: "string", logicalType: "uuid" } }]);
  const bytes = write(record([{ name: "a", type: "string" }]), { a: "ABCDEF01-2345-6789-ABCD-EF0123456789" });
  assert.deepEqual(compileDecoder({ writer: schema, reader: schema })(bytes), { a: "abcdef01-2345-6789-abcd-ef0123456789" });
});

test("symbols that only the writer has are malformed, or the reader's default", () => {
  const enumOf = (symbols: readonly string[], rest: object = {}) => record([{ name: "a", type: { type: "enum", name: "e", symbols, ...rest } }]);
  const writer = enumOf(["A", "B", "C"]);
  assert.deepEqual(compileDecoder({ writer, reader: enumOf(["C", "B"]) })(Uint8Array.of(4)), { a: "C" });
  assert.throws(() => compileDecoder({ writer, reader: enumOf(["C", "B"]) })(Uint8Array.of(0)), { code: "avro.malformed" });
  assert.deepEqual(compileDecoder({ writer, reader: enumOf(["C", "B"], { default: "B" }) })(Uint8Array.of(0)), { a: "B" });
});

test("a range within other bytes is read as by itself", () => {
  const schema = record([{ name: "a", type: "string" }]);
  const decode = compileDecoder({ writer: schema, reader: schema });
  assert.deepEqual(decode(Uint8Array.of(9, 9, 2, 97, 9), 2, 4), { a: "a" });
  assert.throws(() => decode(Uint8Array.of(9, 9, 2, 97, 9), 2), { code: "avro.malformed" });
});
