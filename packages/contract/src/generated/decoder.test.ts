import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteSink } from "../avro/byte-sink.ts";
import type { AvroRecordSchema } from "../avro/schema.ts";
import { parseAvroRecordSchema } from "../avro/schema-parser.ts";
import { compileWriter } from "../avro/writer.ts";
import { compileDecoder } from "../records/decoder.ts";
import { compileNativeDecoder } from "../records/native-reader.ts";
import { everyKind } from "../testing/samples.ts";
import { compileGeneratedDecoder } from "./decoder.ts";

const record = (fields: readonly unknown[], extra: object = {}) => parseAvroRecordSchema({ type: "record", name: "r", fields, ...extra });

function written(schema: AvroRecordSchema, value: unknown): Uint8Array<ArrayBuffer> {
  const sink = new ByteSink();
  compileWriter(schema)(value, sink);
  return sink.copy();
}

function generate(writer: AvroRecordSchema, reader = writer) {
  const options = { writer, reader };
  const generated = compileGeneratedDecoder(options, compileNativeDecoder(options));
  assert.equal(generated.kind, "generated");
  return generated.decode;
}

test("code is generated for every kind of value", () => {
  generate(everyKind.schema);
});

test("longs are exact at the ends of what a number, and of what 64 bits hold", () => {
  const last = record([{ name: "a", type: "long" }]);
  // Those with more behind them, and those at the end of the bytes, are read in different ways.
  const first = record([
    { name: "a", type: "long" },
    { name: "b", type: { type: "fixed", name: "rest", size: 12 } },
  ]);
  const b = new Uint8Array(12);
  const [decodeLast, decodeFirst] = [generate(last), generate(first)];
  for (let bits = 0n; bits < 64n; bits++)
    for (const near of [-2n, -1n, 0n, 1n, 2n])
      for (const exact of [2n ** bits + near, -(2n ** bits) + near].filter((value) => BigInt.asIntN(64, value) === value)) {
        const a = Number.isSafeInteger(Number(exact)) ? Number(exact) : exact;
        assert.deepEqual(decodeLast(written(last, { a })), { a });
        assert.deepEqual(decodeFirst(written(first, { a, b })), { a, b });
      }
});

test("texts of every length up to beyond the short ones, in one byte a character and in more", () => {
  const schema = record([{ name: "a", type: "string" }]);
  const decode = generate(schema);
  for (let length = 0; length < 140; length++)
    for (const character of ["a", "ß", "\u0000", "😀", "\ufeff"]) {
      const a = "x".repeat(length) + character;
      assert.deepEqual(decode(written(schema, { a })), { a });
      assert.deepEqual(decode(written(schema, { a: a.slice(0, length) })), { a: a.slice(0, length) });
    }
});

test("names that objects have of their own are fields like any other, and defaults are made anew", () => {
  const names = ["valueOf", "constructor", "toString"];
  const writer = record(names.map((name) => ({ name, type: "int" })));
  const added = { name: "list", type: { type: "array", items: "int" }, default: [1] };
  for (const more of [[], Array.from({ length: 40 }, (_, index) => ({ name: `f${index}`, type: "int", default: index }))]) {
    const reader = record([...names.map((name) => ({ name, type: "long" })), added, ...more]);
    const wide = record([...names.map((name) => ({ name, type: "int" })), ...more]);
    const decode = generate(wide, reader);
    const bytes = Uint8Array.from([2, 4, 6, ...more.map(() => 2)]);
    const [one, two] = [decode(bytes), decode(bytes)];
    assert.deepEqual(Object.keys(one), [...names, "list", ...more.map(({ name }) => name)]);
    assert.deepEqual(
      names.map((name) => Object.getOwnPropertyDescriptor(one, name)?.value as unknown),
      [1, 2, 3],
    );
    assert.equal(Object.getPrototypeOf(one), Object.prototype);
    assert.notEqual(one["list"], two["list"]);
  }
  assert.ok(
    Object.is(
      generate(
        writer,
        record([
          { name: "zero", type: "double", default: 0 },
          { name: "less", type: "double", default: -0 },
        ]),
      )(Uint8Array.of(0, 0, 0))["less"],
      -0,
    ),
  );
});

test("a union's branch of a type named __proto__ is a property like any other", () => {
  const schema = record([
    {
      name: "u",
      type: [
        { type: "record", name: "__proto__", fields: [{ name: "a", type: "int" }] },
        { type: "map", values: "int" },
      ],
    },
  ]);
  const { u } = generate(schema)(Uint8Array.of(0, 14)) as { readonly u: object };
  assert.deepEqual(Object.entries(u), [["__proto__", { a: 7 }]]);
});

test("a decoder goes on with generated code after some records, and a record that is not right does not stop it", () => {
  const writer = record([{ name: "a", type: "string" }]);
  const decode = compileDecoder({ writer, reader: writer });
  for (let index = 0; index < 200; index++) {
    assert.deepEqual(decode(written(writer, { a: `text ${index}` })), { a: `text ${index}` });
    assert.throws(() => decode(Uint8Array.of(4, 0xff, 0xff)), { code: "avro.malformed", facts: { position: 1 } });
  }
});
