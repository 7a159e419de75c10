import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteSink } from "./byte-sink.ts";
import { ByteSource } from "./byte-source.ts";
import { faultOfDefault } from "./default-value.ts";
import { compileReader, readWhole } from "./reader.ts";
import type { AvroSchema } from "./schema.ts";
import { parseAvroSchema } from "./schema-parser.ts";
import { compileWriter } from "./writer.ts";

const hex = (text: string) => Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
const read = (schema: unknown, bytes: Uint8Array) => readWhole(compileReader(parseAvroSchema(schema)), new ByteSource(bytes));
function write(schema: unknown, value: unknown): string {
  const sink = new ByteSink(1);
  compileWriter(parseAvroSchema(schema))(value, sink);
  return Buffer.from(sink.view()).toString("hex");
}

test("values have the bytes of the specification's examples", () => {
  assert.equal(write("string", "foo"), "06666f6f");
  assert.equal(write({ type: "array", items: "long" }, [3, 27]), "04063600");
  assert.equal(write(["null", "string"], null), "00");
  assert.equal(write(["null", "string"], "a"), "020261");
  assert.equal(
    write(
      {
        type: "record",
        name: "test",
        fields: [
          { name: "a", type: "long" },
          { name: "b", type: "string" },
        ],
      },
      { a: 27, b: "foo" },
    ),
    "3606666f6f",
  );
  for (const [value, bytes] of [
    [0, "00"],
    [-1, "01"],
    [1, "02"],
    [-2, "03"],
    [-64, "7f"],
    [64, "8001"],
    [2147483647, "feffffff0f"],
    [-2147483648, "ffffffff0f"],
  ] as const) {
    assert.equal(write("int", value), bytes);
    assert.equal(write("long", value), bytes);
    assert.equal(write("long", BigInt(value)), bytes);
  }
  assert.equal(write("long", 2n ** 63n - 1n), "feffffffffffffffff01");
  assert.equal(write("long", -(2n ** 63n)), "ffffffffffffffffff01");
});

test("blocks with a size, as other writers make them, are read", () => {
  assert.deepEqual(read({ type: "array", items: "long" }, hex("0304063600")), [3, 27]);
  assert.deepEqual(
    read({ type: "map", values: "int" }, hex("01060261020202620400")),
    new Map([
      ["a", 1],
      ["b", 2],
    ]),
  );
});

test("longs that are safe are numbers, all others bigints", () => {
  for (const value of [2 ** 53 - 1, -(2 ** 53) + 1, 2n ** 53n, -(2n ** 53n), 2n ** 63n - 1n, -(2n ** 63n)]) {
    assert.equal(read("long", hex(write("long", value))), value);
  }
});

test("bytes that no writer makes are malformed", () => {
  const bad: readonly (readonly [unknown, string])[] = [
    ["int", "8080808010"],
    ["long", "ffffffffffffffffff02"],
    ["long", "ffffffffffffffffffff01"],
    ["long", "ff"],
    ["boolean", "02"],
    ["string", "04ff61"],
    ["string", "0461"],
    ["string", "01"],
    ["bytes", "ffffffff0f"],
    [["null", "int"], "04"],
    [["null", "int"], "01"],
    [{ type: "enum", name: "e", symbols: ["A"] }, "02"],
    [{ type: "enum", name: "e", symbols: ["A"] }, "01"],
    [{ type: "array", items: "int" }, "0602"],
    [{ type: "array", items: "null" }, "feffffffffffffffff0100"],
    [{ type: "array", items: "null" }, "8080801000"],
    [{ type: "array", items: { type: "record", name: "r", fields: [] } }, "feffffff0f00"],
    [{ type: "fixed", name: "f", size: 2 }, "61"],
    ["int", "0200"],
  ];
  for (const [schema, bytes] of bad) assert.throws(() => read(schema, hex(bytes)), { code: "avro.malformed" }, `${JSON.stringify(schema)} ${bytes}`);
});

test("a byte order mark is text like any other", () => {
  assert.equal(read("string", hex(write("string", "\ufeffa"))), "\ufeffa");
});

test("a source reads only its range", () => {
  const bytes = hex("ff06666f6fff");
  const source = new ByteSource(bytes, 1, 5);
  assert.equal(source.readString(), "foo");
  assert.throws(() => source.readByte(), { code: "avro.malformed" });
  source.reset(bytes, 1, 4);
  assert.throws(() => source.readString(), { code: "avro.malformed" });
  assert.throws(() => source.reset(bytes, 2, 7), RangeError);
  assert.throws(() => new ByteSource(bytes, -1), RangeError);
});

test("what was read does not change when its bytes do", () => {
  const bytes = hex("04abcd");
  const value = read("bytes", bytes) as Uint8Array;
  bytes.fill(0);
  assert.deepEqual(value, hex("abcd"));
});

test("a union whose branches look unlike in JSON takes plain values", () => {
  const schema = ["null", "boolean", "int", "bytes", { type: "array", items: "string" }, { type: "record", name: "r", fields: [{ name: "a", type: "int" }] }];
  const values = [null, true, 7, Uint8Array.of(1), ["y"], { a: 1 }];
  for (const [index, value] of values.entries()) {
    const bytes = hex(write(schema, value));
    assert.equal(bytes[0], index * 2);
    assert.deepEqual(read(schema, bytes), value);
  }
});

test("a union with branches that look alike in JSON takes values under the branch's name, and null", () => {
  const schema = [
    "int",
    "double",
    "null",
    "bytes",
    "string",
    { type: "map", values: "int" },
    { type: "record", name: "r", namespace: "n", fields: [{ name: "a", type: "int" }] },
    { type: "record", name: "r", fields: [] },
  ];
  const values = [{ int: 7 }, { double: 7 }, null, { bytes: Uint8Array.of(1) }, { string: "x" }, { map: new Map([["k", 1]]) }, { "n.r": { a: 1 } }, { r: {} }];
  for (const wrong of [7, "x", { long: 7 }, { int: 7, double: 7 }, { null: null }, {}, { a: 1 }]) assert.throws(() => write(schema, wrong), TypeError);
  for (const [index, value] of values.entries()) {
    const bytes = hex(write(schema, value));
    assert.equal(bytes[0], index * 2);
    assert.deepEqual(read(schema, bytes), value);
  }
});

test("a value that does not fit is an error that names its place", () => {
  const schema = {
    type: "record",
    name: "r",
    fields: [
      { name: "a", type: { type: "array", items: "int" } },
      { name: "m", type: { type: "map", values: "string" } },
    ],
  };
  assert.throws(() => write(schema, { a: [1, 2.5], m: new Map() }), { name: "TypeError", message: /value\.a\[\]: expected int/ });
  assert.throws(() => write(schema, { a: [], m: {} }), { message: /value\.m: expected Map/ });
  assert.throws(() => write(schema, { a: [], m: new Map([["k", "\ud800"]]) }), { message: /value\.m\{\}/ });
  assert.throws(() => write("long", 2n ** 63n), TypeError);
  assert.throws(() => write("long", 0.5), TypeError);
  assert.throws(() => write(["int", "string"], null), TypeError);
});

test("the sink grows, starts over, and gives views and copies", () => {
  const sink = new ByteSink(1);
  const text = "long enough to grow several times, ".repeat(20);
  sink.writeString(text);
  sink.writeDouble(Math.PI);
  sink.writeFloat(0.5);
  const copy = sink.copy();
  const source = new ByteSource(sink.view());
  assert.deepEqual([source.readString(), source.readDouble(), source.readFloat(), source.remaining], [text, Math.PI, 0.5, 0]);
  sink.reset();
  sink.writeByte(9);
  assert.deepEqual(sink.view(), Uint8Array.of(9));
  assert.equal(new ByteSource(copy).readString(), text);
});

test("texts keep every character where their bytes need a longer length than their characters", () => {
  for (const character of ["ß", "€", "😀", "a"])
    for (const length of [...Array.from({ length: 140 }, (_, index) => index), 2_730, 4_095, 4_096, 8_191, 8_192]) {
      const text = "x".repeat(length) + character.repeat(1 + (length % 3)) + "y";
      for (const one of [text, character.repeat(length)]) assert.equal(read("string", hex(write("string", one))), one);
    }
});

test("symbols of an enum are looked up, not searched for with each value", () => {
  let searches = 0;
  class Watched extends Array<string> {
    override includes(text: string): boolean {
      searches++;
      return super.includes(text);
    }
    override join(separator: string): string {
      searches++;
      return super.join(separator);
    }
  }
  const symbols = Watched.from({ length: 100 }, (_, index) => `S${index}`);
  const letters: AvroSchema = { type: "enum", name: "e", symbols };
  const items = Array.from({ length: 1_000 }, () => "S99");
  assert.equal(faultOfDefault({ type: "array", items: letters }, items), undefined);
  for (const schema of [letters, [letters, { type: "int" }]] satisfies AvroSchema[]) compileWriter({ type: "array", items: schema })(items, new ByteSink());
  assert.ok(searches < 10, `${searches} searches`);
});
