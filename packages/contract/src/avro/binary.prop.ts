import assert from "node:assert/strict";
import { test } from "node:test";
import avsc from "avsc";
import fc from "fast-check";
import { bytes, longs, texts, timed, typeJson, withNames } from "../testing/arbitraries.ts";
import { unreachable } from "../unreachable.ts";
import { ByteSink } from "./byte-sink.ts";
import { ByteSource } from "./byte-source.ts";
import { compileReader, readWhole } from "./reader.ts";
import type { AvroSchema } from "./schema.ts";
import { isUnion } from "./schema.ts";
import { parseAvroSchema } from "./schema-parser.ts";
import { schemaText, toSchemaJson } from "./schema-text.ts";
import { compileWriter } from "./writer.ts";

const schemas = typeJson(3).map((json) => parseAvroSchema(withNames(json)));
/** Not like an index: objects, which are maps in avsc, put those first. */
const mapKeys = texts.map((text) => `k${text}`);
const sampled = schemas.chain((schema) => valueOf(schema).map((value) => ({ schema, value })));

function valueOf(schema: AvroSchema): fc.Arbitrary<unknown> {
  if (isUnion(schema)) return fc.oneof(...schema.map(valueOf));
  switch (schema.type) {
    case "null":
      return fc.constant(null);
    case "boolean":
      return fc.boolean();
    case "int":
      return fc.integer();
    case "long":
      return longs;
    case "float":
      return fc.float();
    case "double":
      return fc.double();
    case "bytes":
      return bytes;
    case "string":
      return texts;
    case "fixed":
      return fc.uint8Array({ minLength: schema.size, maxLength: schema.size });
    case "enum":
      return fc.constantFrom(...schema.symbols);
    case "array":
      return fc.array(valueOf(schema.items), { maxLength: 4 });
    case "map":
      return fc.array(fc.tuple(mapKeys, valueOf(schema.values)), { maxLength: 4 }).map((entries) => new Map(entries));
    case "record":
      return fc
        .tuple(...schema.fields.map((field) => valueOf(field.type)))
        .map((values) => Object.fromEntries(schema.fields.map((field, index) => [field.name, values[index]])));
    default:
      return unreachable(schema);
  }
}

function encode(schema: AvroSchema, value: unknown): Uint8Array {
  const sink = new ByteSink(1);
  compileWriter(schema)(value, sink);
  return sink.copy();
}

const bigLong = avsc.types.LongType["__with"]({
  fromBuffer: (buffer: Buffer) => buffer.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const buffer = Buffer.alloc(8);
    buffer.writeBigInt64LE(value);
    return buffer;
  },
  fromJSON: BigInt,
  toJSON: Number,
  isValid: (value: unknown) => typeof value === "bigint",
  compare: (a: bigint, b: bigint) => (a === b ? 0 : a < b ? -1 : 1),
});

/** The same schema in avsc; every long, whichever way it is written, is a bigint there. */
function toAvsc(schema: AvroSchema): avsc.Type {
  const isLong = (json: unknown) => json === "long" || (typeof json === "object" && json !== null && (json as { readonly type?: unknown }).type === "long");
  return avsc.Type.forSchema(toSchemaJson(schema) as avsc.Schema, {
    typeHook: (json) => (isLong(json) ? bigLong : undefined),
    wrapUnions: false,
  });
}

function toAvscValue(schema: AvroSchema, value: unknown): unknown {
  if (isUnion(schema)) return value === null ? null : toAvscValue(schema.find((branch) => branch.type !== "null") as AvroSchema, value);
  switch (schema.type) {
    case "long":
      return BigInt(value as number | bigint);
    case "bytes":
    case "fixed":
      return Buffer.from(value as Uint8Array);
    case "array":
      return (value as readonly unknown[]).map((item) => toAvscValue(schema.items, item));
    case "map":
      return Object.fromEntries(Array.from(value as ReadonlyMap<string, unknown>, ([key, item]) => [key, toAvscValue(schema.values, item)]));
    case "record":
      return Object.fromEntries(schema.fields.map((field) => [field.name, toAvscValue(field.type, (value as Readonly<Record<string, unknown>>)[field.name])]));
    case "null":
    case "boolean":
    case "int":
    case "float":
    case "double":
    case "string":
    case "enum":
      return value;
    default:
      return unreachable(schema);
  }
}

test("what is written is read", () => {
  fc.assert(
    fc.property(sampled, ({ schema, value }) => {
      assert.deepStrictEqual(readWhole(compileReader(schema), new ByteSource(encode(schema, value))), value);
    }),
    timed(0.3),
  );
});

test("avsc writes the same bytes and reads ours", () => {
  fc.assert(
    fc.property(sampled, ({ schema, value }) => {
      const type = toAvsc(schema);
      const ours = encode(schema, value);
      const theirs = type.toBuffer(toAvscValue(schema, value));
      assert.equal(Buffer.from(ours).toString("hex"), theirs.toString("hex"));
      assert.equal(type.toBuffer(type.fromBuffer(Buffer.from(ours))).toString("hex"), theirs.toString("hex"));
    }),
    timed(0.4),
  );
});

test("the text of a schema is stable under the order of keys, and says the same schema", () => {
  const shuffled = (json: unknown, pick: () => number): unknown => {
    if (Array.isArray(json)) return json.map((item) => shuffled(item, pick));
    if (typeof json !== "object" || json === null) return json;
    const entries = Object.entries(json).map(([key, item]) => ({ key, item: shuffled(item, pick), at: pick() }));
    return Object.fromEntries(entries.sort((a, b) => a.at - b.at).map(({ key, item }) => [key, item]));
  };
  fc.assert(
    fc.property(schemas, fc.infiniteStream(fc.nat()), (schema, random) => {
      const text = schemaText(schema);
      const again = parseAvroSchema(shuffled(JSON.parse(text), () => random.next().value as number));
      assert.equal(schemaText(again), text);
      assert.deepStrictEqual(again, schema);
    }),
    timed(0.2),
  );
});

test("longs of 64 bits are what a plain implementation of the specification says", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.nat({ max: 63 }), (any, shift) => {
      const value = any >> BigInt(shift);
      let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
      const expected: number[] = [];
      for (; rest > 127n; rest >>= 7n) expected.push(Number(rest & 127n) | 128);
      expected.push(Number(rest));
      const sink = new ByteSink();
      if (Number.isSafeInteger(Number(value))) sink.writeLong(Number(value));
      else sink.writeBigLong(value);
      assert.deepEqual([...sink.view()], expected);
      assert.equal(BigInt(new ByteSource(sink.view()).readLong()), value);
    }),
    timed(0.1),
  );
});
