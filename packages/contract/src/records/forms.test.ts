import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteSink } from "../avro/byte-sink.ts";
import { parseAvroRecordSchema } from "../avro/schema-parser.ts";
import { parseContract } from "../contract-parser.ts";
import { compileDecoder } from "./decoder.ts";
import { Faults } from "./faults.ts";
import { compileJsonWrite } from "./json-writer.ts";
import { compileNativeWriter } from "./native-writer.ts";
import { compileToJson } from "./to-json.ts";

const recordOf = (type: unknown) => parseAvroRecordSchema({ type: "record", name: "r", fields: [{ name: "f", type }] });

/** Through every form: JSON, Avro, native, Avro again, JSON again. */
function through(type: unknown, json: unknown): { readonly native: unknown; readonly json: unknown; readonly hex: string } {
  const schema = recordOf(type);
  const sink = new ByteSink();
  const faults = new Faults();
  if (!compileJsonWrite(schema, { path: "", demand: (_path, _schema, write) => write })({ f: json }, sink, faults))
    throw new Error(JSON.stringify(faults.take()));
  const native = compileDecoder({ writer: schema, reader: schema })(sink.copy());
  const again = new ByteSink();
  compileNativeWriter(schema)(native, again);
  assert.deepEqual(again.copy(), sink.copy());
  return { native: native["f"], json: (compileToJson(schema)(native) as { f: unknown }).f, hex: Buffer.from(sink.view()).toString("hex") };
}

test("nanoseconds are exact, as text with nine digits or as an integer", () => {
  const nanos = { type: "long", logicalType: "timestamp-nanos" };
  const text = "2026-11-21T09:56:18.123456789Z";
  assert.equal(through(nanos, text).native, 1_795_254_978_123_456_789n);
  assert.equal(through(nanos, text).json, text);
  assert.equal(through(nanos, "2026-11-21T10:56:18.1+01:00").json, "2026-11-21T09:56:18.100000000Z");
  assert.equal(through(nanos, "-9223372036854775808").json, "1677-09-21T00:12:43.145224192Z");
  assert.equal(through(nanos, "1677-09-21T00:12:43.145224192Z").native, -(2n ** 63n));
  assert.equal(through(nanos, -1).json, "1969-12-31T23:59:59.999999999Z");
  assert.throws(() => through(nanos, "2262-04-11T23:47:16.854775808Z"));
  assert.throws(() => through(nanos, "2026-11-21T09:56:18.1234567891Z"));
  const local = { type: "long", logicalType: "local-timestamp-nanos" };
  assert.equal(through(local, "2026-11-21T09:56:18").json, "2026-11-21T09:56:18.000000000");
  assert.throws(() => through(local, text));
});

test("a duration is three counts, a uuid in fixed its text", () => {
  const duration = { type: "fixed", name: "d", size: 12, logicalType: "duration" };
  const value = { months: 1, days: 2, millis: 4_294_967_295 };
  assert.deepEqual(through(duration, value), { native: value, json: value, hex: "0100000002000000ffffffff" });
  for (const wrong of [
    { months: 1, days: 2 },
    { ...value, years: 1 },
    { ...value, days: -1 },
    { ...value, days: 1.5 },
    { ...value, days: 2 ** 32 },
    "P1M",
    null,
  ])
    assert.throws(() => through(duration, wrong));
  const uuid = { type: "fixed", name: "u", size: 16, logicalType: "uuid" };
  const text = "01234567-89ab-cdef-0123-456789abcdef";
  assert.deepEqual(through(uuid, text.toUpperCase()), { native: text, json: text, hex: "0123456789abcdef0123456789abcdef" });
  assert.throws(() => through(uuid, "01234567"));
});

test("unions are plain where JSON tells the branches apart, else under the branch's name", () => {
  const plain = ["null", "boolean", "int", "string", { type: "array", items: "long" }, { type: "record", name: "q", fields: [{ name: "a", type: "int" }] }];
  for (const value of [null, true, 7, "x", [1, 2], { a: 1 }]) assert.deepEqual(through(plain, value).json, value);
  const alike = ["null", "string", "bytes", { type: "int", logicalType: "date" }];
  for (const value of [null, { string: "x" }, { bytes: "AQ==" }, { int: "2026-11-21" }]) {
    assert.deepEqual(through(alike, value).json, value);
  }
  assert.deepEqual(through(alike, { int: "2026-11-21" }).native, { int: 20_778 });
  assert.throws(() => through(alike, "x"), /one property of/);
  assert.throws(() => through(alike, { int: "x" }), /f\.int/);
  assert.throws(() => through(plain, { b: 1 }), /no such field|missing/);
  const long = ["long", { type: "fixed", name: "d", size: 2, logicalType: "decimal", precision: 3, scale: 1 }];
  assert.deepEqual(through(long, { d: "-1.5" }).json, { d: "-1.5" });
  assert.deepEqual(through(long, { long: "9007199254740993" }).json, { long: "9007199254740993" });
});

test("a dataset's default of a union belongs to its first type, as other programs need it", () => {
  const fields = [
    { name: "k", type: "long" },
    { name: "f", type: ["null", "string"], default: "x" },
  ];
  const contract = { name: "a.b", schema: { type: "record", name: "b", namespace: "a", fields }, key: ["k"], order: ["k"] };
  assert.throws(() => parseContract(contract), { code: "contract.invalid", message: /first type/ });
});

test("datasets refuse what tables cannot hold, with what to do instead", () => {
  const refusal = (type: unknown): string => {
    try {
      parseContract({
        name: "a.b",
        schema: {
          type: "record",
          name: "b",
          namespace: "a",
          fields: [
            { name: "k", type: "long" },
            { name: "f", type },
          ],
        },
        key: ["k"],
        order: ["k"],
      });
    } catch (error) {
      assert.equal((error as { code?: unknown }).code, "contract.unsupported");
      return (error as Error).message;
    }
    return assert.fail("the type was taken");
  };
  assert.match(refusal({ type: "long", logicalType: "timestamp-nanos" }), /A table holds no nanoseconds/);
  assert.match(refusal({ type: "fixed", name: "d", size: 12, logicalType: "duration" }), /A table holds no durations/);
  assert.match(refusal({ type: "fixed", name: "u", size: 16, logicalType: "uuid" }), /A uuid in a dataset is a string/);
  assert.match(refusal(["null", "b"]), /The schema contains itself/);
  assert.match(refusal(["int", "string"]), /The only unions/);
  assert.match(refusal([]), /The only unions/);
});
