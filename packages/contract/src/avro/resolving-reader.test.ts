import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { ContractError } from "../errors.ts";
import { compileDecoder } from "../records/decoder.ts";
import { ByteSink } from "./byte-sink.ts";
import { ByteSource } from "./byte-source.ts";
import { checkReadable } from "./compatibility.ts";
import { compileReader, readWhole } from "./reader.ts";
import { compileResolvingReader } from "./resolving-reader.ts";
import { parseAvroRecordSchema, parseAvroSchema } from "./schema-parser.ts";
import { compileWriter } from "./writer.ts";

function write(schema: unknown, value: unknown): Uint8Array {
  const sink = new ByteSink();
  compileWriter(parseAvroSchema(schema))(value, sink);
  return sink.copy();
}
const resolve = (writer: unknown, reader: unknown, value: unknown): unknown =>
  readWhole(compileResolvingReader({ writer: parseAvroSchema(writer), reader: parseAvroSchema(reader) }), new ByteSource(write(writer, value)));
const record = (name: string, fields: readonly unknown[], extra: object = {}) => ({ type: "record", name, fields, ...extra });
const refused = (writer: unknown, reader: unknown): ContractError => {
  try {
    compileResolvingReader({ writer: parseAvroSchema(writer), reader: parseAvroSchema(reader) });
  } catch (error) {
    assert.ok(error instanceof ContractError && error.code === "contract.incompatible");
    return error;
  }
  return assert.fail("the schemas were resolved");
};

test("the raw layer agrees with Avro's own cases of resolution", () => {
  const { cases } = JSON.parse(readFileSync(new URL("../../../../test/golden/avro/decoding.json", import.meta.url), "utf8")) as {
    readonly cases: readonly { readonly writer: string; readonly reader: string; readonly binary_hex: string; readonly expected: string }[];
  };
  for (const { writer, reader, binary_hex, expected } of cases) {
    const read = compileResolvingReader({ writer: parseAvroSchema(JSON.parse(writer)), reader: parseAvroSchema(JSON.parse(reader)) });
    const value = readWhole(read, new ByteSource(new Uint8Array(Buffer.from(binary_hex, "hex"))));
    assert.equal(typeof value === "number" ? value : String(value), typeof value === "number" ? Number(expected) : expected, `${writer} -> ${reader}`);
  }
});

test("primitives promote as the specification lists, and no further", () => {
  const good: readonly (readonly [string, unknown, readonly string[]])[] = [
    ["int", 7, ["int", "long", "float", "double"]],
    ["long", 7, ["long", "float", "double"]],
    ["float", 0.5, ["float", "double"]],
    ["double", 0.5, ["double"]],
    ["string", "ab", ["string", "bytes"]],
    ["bytes", Uint8Array.of(97, 98), ["bytes", "string"]],
    ["boolean", true, ["boolean"]],
    ["null", null, ["null"]],
  ];
  const all = ["null", "boolean", "int", "long", "float", "double", "bytes", "string"];
  for (const [writer, value, readers] of good) {
    for (const reader of all) {
      if (!readers.includes(reader)) refused(writer, reader);
      else if (reader === "string") assert.equal(resolve(writer, reader, value), "ab");
      else if (reader === "bytes") assert.deepEqual(resolve(writer, reader, value), Uint8Array.of(97, 98));
      else assert.equal(resolve(writer, reader, value), value);
    }
  }
  assert.equal(resolve("long", "double", 2n ** 63n - 1n), 2 ** 63);
  assert.throws(() => resolve("bytes", "string", Uint8Array.of(255)), { code: "avro.malformed" });
});

test("fields and types go by their aliases too, which are relative to the namespace", () => {
  const writer = record(
    "old",
    [
      { name: "a", type: "int" },
      { name: "b", type: "string" },
    ],
    { namespace: "n" },
  );
  const reader = record(
    "new",
    [
      { name: "c", type: "long", aliases: ["a"] },
      { name: "b", type: "string" },
    ],
    { namespace: "n", aliases: ["old"] },
  );
  assert.deepEqual(resolve(writer, reader, { a: 1, b: "x" }), { c: 1, b: "x" });
  assert.equal((refused(writer, { ...reader, namespace: "m" }).facts["incompatibilities"] as readonly { kind: string }[])[0]?.kind, "NAME_MISMATCH");
  assert.deepEqual(resolve(writer, { ...reader, namespace: "m", aliases: ["n.old"] }, { a: 1, b: "x" }), { c: 1, b: "x" });
  // A field that another one of the reader has by its name is not taken by an alias.
  const both = record("old", [
    { name: "c", type: "int", aliases: ["a"], default: 9 },
    { name: "a", type: "int" },
  ]);
  assert.deepEqual(resolve(writer, both, { a: 1, b: "x" }), { c: 9, a: 1 });
  const fixed = (name: string, extra: object = {}) => ({ type: "fixed", name, size: 2, ...extra });
  assert.deepEqual(resolve(fixed("a.f"), fixed("b.f"), Uint8Array.of(1, 2)), Uint8Array.of(1, 2));
  refused(fixed("f"), fixed("g"));
  assert.deepEqual(resolve(fixed("f"), fixed("g", { aliases: ["f"] }), Uint8Array.of(1, 2)), Uint8Array.of(1, 2));
});

test("enums go by symbol, with the reader's default for those that it lacks", () => {
  const symbols = (list: readonly string[], extra: object = {}) => ({ type: "enum", name: "e", symbols: list, ...extra });
  assert.equal(resolve(symbols(["A", "B"]), symbols(["B", "A"]), "A"), "A");
  assert.equal(resolve(symbols(["A", "B"]), symbols(["B"], { default: "B" }), "A"), "B");
  assert.throws(() => resolve(symbols(["A", "B"]), symbols(["B"]), "A"), { code: "avro.malformed" });
  assert.equal(resolve(symbols(["A", "B"]), symbols(["B"]), "B"), "B");
});

test("unions resolve in both directions", () => {
  assert.equal(resolve("int", ["null", "long"], 7), 7);
  assert.equal(resolve(["null", "int"], "long", 7), 7);
  assert.throws(() => resolve(["null", "int"], "long", null), { code: "avro.malformed" });
  assert.deepEqual(resolve(["int", "string"], ["string", "long"], { int: 7 }.int), { long: 7 });
  assert.equal(resolve(["int", "boolean"], "double", 7), 7);
  assert.throws(() => resolve(["int", "boolean"], "double", true), { code: "avro.malformed" });
  refused(["int", "boolean"], "string");
  // The writer's own type comes before one that it promotes to, wherever it stands.
  assert.deepEqual(resolve("bytes", ["string", "bytes"], Uint8Array.of(255)), { bytes: Uint8Array.of(255) });
  assert.deepEqual(resolve("int", ["string", "double", "long"], 7), { double: 7 });
  const named = (name: string, field: string) => record(name, [{ name: field, type: "int" }]);
  assert.deepEqual(resolve(named("b.r", "x"), [named("a.r", "x"), named("b.r", "x")], { x: 1 }), { "b.r": { x: 1 } });
  // A branch of the right name that lacks a default is passed over.
  assert.deepEqual(resolve(named("c.r", "x"), [named("a.r", "y"), named("b.r", "x")], { x: 1 }), { "b.r": { x: 1 } });
});

test("defaults of every type are given, by the branch of a union that they fit, fresh in each record", () => {
  const types: readonly (readonly [unknown, unknown, unknown])[] = [
    ["bytes", "\u00ff", Uint8Array.of(255)],
    [["null", "string"], "x", "x"],
    [["int", "string"], "x", "x"],
    [["bytes", "string", "null"], null, null],
    [["long", "string"], "x", { string: "x" }],
    [{ type: "map", values: "long" }, { a: 1 }, new Map([["a", 1]])],
    [record("q", [{ name: "a", type: "int", default: 3 }]), {}, { a: 3 }],
  ];
  for (const [type, fallback, expected] of types) {
    const reader = record("r", [{ name: "f", type, default: fallback }]);
    const read = compileResolvingReader({ writer: parseAvroSchema(record("r", [])), reader: parseAvroSchema(reader) });
    const [one, two] = [read(new ByteSource()), read(new ByteSource())] as [{ f: unknown }, { f: unknown }];
    assert.deepEqual(one.f, expected);
    if (typeof one.f === "object" && one.f !== null) assert.notEqual(one.f, two.f);
  }
});

test("types that contain themselves resolve, one within the other too", () => {
  const tree = (extra: readonly unknown[]) => record("t", [{ name: "kids", type: { type: "array", items: "t" } }, ...extra]);
  const value = {
    kids: [
      { kids: [], v: 1 },
      { kids: [{ kids: [], v: 3 }], v: 2 },
    ],
    v: 0,
  };
  assert.deepEqual(resolve(tree([{ name: "v", type: "int" }]), tree([{ name: "w", type: "double", aliases: ["v"] }]), value), {
    kids: [
      { kids: [], w: 1 },
      { kids: [{ kids: [], w: 3 }], w: 2 },
    ],
    w: 0,
  });
  const flip = (first: unknown) =>
    record("a", [
      { name: "b", type: ["null", record("b", [{ name: "a", type: ["null", "a"] }])] },
      { name: "x", type: first },
    ]);
  assert.deepEqual(resolve(flip("int"), flip("long"), { b: { a: { b: null, x: 1 } }, x: 2 }), { b: { a: { b: null, x: 1 } }, x: 2 });
  refused(tree([]), tree([{ name: "v", type: "int" }]));
});

test("a value that is nested too deep is refused when written, read, skipped and resolved, and never ends the stack", () => {
  const list = record("l", [{ name: "next", type: ["null", "l"] }]);
  let deep: unknown = null;
  for (let level = 0; level < 100_000; level++) deep = { next: deep };
  assert.throws(() => write(list, deep), { name: "TypeError", message: /nested more than/ });
  const bytes = new Uint8Array(1_000_000).fill(2);
  assert.throws(() => compileReader(parseAvroSchema(list))(new ByteSource(bytes)), { code: "avro.malformed" });
  assert.throws(() => compileResolvingReader({ writer: parseAvroSchema(list), reader: parseAvroSchema(list) })(new ByteSource(bytes)), {
    code: "avro.malformed",
  });
  const holder = parseAvroRecordSchema(record("h", [{ name: "l", type: list }]));
  const bare = parseAvroRecordSchema(record("h", []));
  assert.throws(() => compileDecoder({ writer: holder, reader: bare })(bytes), { code: "avro.malformed" });
  // A type without an end has no values; only reading it must end.
  assert.throws(() => compileReader(parseAvroSchema(record("e", [{ name: "e", type: "e" }])))(new ByteSource(bytes)), { code: "avro.malformed" });
  let many: unknown = null;
  for (let level = 0; level < 500; level++) many = { next: many };
  assert.deepEqual(resolve(list, list, many), many);
});

test("what a reader's defaults make of items without bytes is bounded as those are", () => {
  const list = (fields: readonly unknown[]) => record("r", [{ name: "a", type: { type: "array", items: record("i", fields) } }]);
  const items = (count: number) => ({ a: Array.from({ length: count }, () => ({})) });
  const large = list([{ name: "d", type: { type: "array", items: "string" }, default: Array.from({ length: 1_000 }, () => "x") }]);
  assert.throws(() => resolve(list([]), large, items(60_000)), { code: "avro.malformed", message: /without bytes/ });
  assert.throws(() => resolve(list([]), large, items(67)), { code: "avro.malformed" });
  assert.equal((resolve(list([]), large, items(65)) as { readonly a: readonly { readonly d: readonly string[] }[] }).a[64]?.d.length, 1_000);
  assert.deepEqual(resolve(list([]), large, { a: [] }), { a: [] });
  assert.deepEqual(resolve(list([]), list([]), items(60_000)), items(60_000));
});

test("what a reader's defaults make of a few bytes is bounded, wherever records repeat, and what their bytes pay for is not", () => {
  const numbers = { name: "d", type: { type: "array", items: "int" }, default: Array.from({ length: 1_000 }, () => 1) };
  const bytes = { name: "d", type: { type: "fixed", name: "f", size: 20_000 }, default: "x".repeat(20_000) };
  const text = { name: "d", type: ["string", "null"], default: "x".repeat(20_000) };
  const flag = { name: "b", type: "boolean" };
  const shapes: readonly ((item: unknown) => unknown)[] = [
    (item) => ({ type: "array", items: item }),
    (item) => ({ type: "map", values: item }),
    (item) => ({ type: "array", items: ["null", record("o", [{ name: "i", type: item }])] }),
  ];
  const wholeOf = (shape: (item: unknown) => unknown, fields: readonly unknown[]) => record("r", [{ name: "a", type: shape(record("i", fields)) }]);
  const valueOf = (index: number, count: number) => {
    const list = Array.from({ length: count }, () => ({ b: true }));
    return { a: index === 0 ? list : index === 1 ? new Map(list.map((item, key) => [String(key), item])) : list.map((item) => ({ i: item })) };
  };
  for (const [index, shape] of shapes.entries())
    for (const added of [numbers, bytes, text]) {
      const writer = wholeOf(shape, [flag]);
      const reader = wholeOf(shape, [flag, added]);
      resolve(writer, reader, valueOf(index, 40));
      assert.throws(() => resolve(writer, reader, valueOf(index, 200)), { code: "avro.malformed", message: /without bytes/ });
      const decode = compileDecoder({ writer: parseAvroRecordSchema(writer), reader: parseAvroRecordSchema(reader) });
      // Generated code comes after some records.
      for (let round = 0; round < 70; round++) decode(write(writer, valueOf(index, 1)));
      assert.throws(() => decode(write(writer, valueOf(index, 200))), { code: "avro.malformed", message: /without bytes/ });
    }
  const common = [
    { name: "n", type: ["null", "int"], default: null },
    { name: "s", type: "string", default: "x".repeat(500) },
    { name: "l", type: { type: "array", items: "int" }, default: [] },
  ];
  const list = (fields: readonly unknown[]) => wholeOf((item) => ({ type: "array", items: item }), fields);
  const read = resolve(list([flag]), list([flag, ...common]), valueOf(0, 100_000)) as { readonly a: readonly unknown[] };
  assert.equal(read.a.length, 100_000);
  // What stands once is the schema's, however much it is.
  const huge = { name: "h", type: { type: "array", items: "int" }, default: Array.from({ length: 100_000 }, () => 1) };
  const once = resolve(record("r", [flag]), record("r", [flag, huge]), { b: true }) as { readonly h: readonly unknown[] };
  assert.equal(once.h.length, 100_000);
});

test("a type that contains itself makes no more of its defaults than its bytes pay for", () => {
  const tree = (extra: readonly unknown[]) => record("t", [{ name: "left", type: ["null", "t"] }, { name: "right", type: ["null", "t"] }, ...extra]);
  const grown = (depth: number): unknown => (depth === 0 ? null : { left: grown(depth - 1), right: grown(depth - 1) });
  const large = tree([{ name: "d", type: { type: "array", items: "int" }, default: Array.from({ length: 1_000 }, () => 1) }]);
  resolve(tree([]), large, grown(5));
  assert.throws(() => resolve(tree([]), large, grown(10)), { code: "avro.malformed", message: /without bytes/ });
});

test("many types that all hold one another compile and compare in a moment", () => {
  const names = Array.from({ length: 30 }, (_, index) => `t${index}`);
  let inner: unknown = "t0";
  for (const name of names.toReversed()) {
    const others = names.slice(0, names.indexOf(name) + 1).map((other) => ({ name: other, type: ["null", other] }));
    inner = record(name, [...others, { name: "inner", type: inner }]);
  }
  const schema = parseAvroSchema(inner);
  const start = performance.now();
  compileResolvingReader({ writer: schema, reader: parseAvroSchema(inner) });
  compileWriter(schema);
  assert.deepEqual(checkReadable({ reader: schema, writer: parseAvroSchema(inner) }), []);
  // One of them cannot be read, so nor can any that holds it.
  const narrower = parseAvroSchema(JSON.parse(JSON.stringify(inner).replace('"inner","type":"t0"', '"inner","type":"int"')));
  assert.ok(checkReadable({ reader: schema, writer: narrower }).length > 0);
  assert.ok(performance.now() - start < 2_000);
});

test("the records' decoder lets logical types come and go, but never takes one time for another", () => {
  const one = (type: unknown) => parseAvroRecordSchema(record("r", [{ name: "a", type }]));
  const decode = (writer: unknown, reader: unknown, value: unknown) =>
    compileDecoder({ writer: one(writer), reader: one(reader) })(write(record("r", [{ name: "a", type: writer }]), { a: value }))["a"];
  const micros = { type: "long", logicalType: "timestamp-micros" };
  assert.equal(decode("long", micros, 5), 5);
  assert.equal(decode(micros, "long", 5), 5);
  assert.equal(decode("int", micros, 5), 5);
  assert.equal(decode({ type: "int", logicalType: "date" }, "double", 5), 5);
  assert.throws(() => decode("long", micros, 2n ** 62n), { code: "avro.malformed" });
  assert.equal(decode("bytes", { type: "bytes", logicalType: "decimal", precision: 4, scale: 1 }, Uint8Array.of(5)), 5n);
  assert.throws(() => decode("string", { type: "string", logicalType: "uuid" }, "x"), { code: "avro.malformed" });
  assert.throws(() => decode({ type: "int", logicalType: "date" }, micros, 5), { code: "contract.incompatible" });
});
