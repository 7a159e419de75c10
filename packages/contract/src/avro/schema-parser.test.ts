import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { ContractError } from "../errors.ts";
import type { Issue } from "./schema.ts";
import type { AvroRecordSchema, AvroTypeSchema } from "./schema.ts";
import { attributeOf, fullNameOf, isRecursive, isUnion } from "./schema.ts";
import { kindOf } from "../value-kind.ts";
import { everyKind } from "../testing/samples.ts";
import { parseAvroRecordSchema, parseAvroSchema } from "./schema-parser.ts";
import { schemaText } from "./schema-text.ts";

function issuesOf(json: unknown): readonly Issue[] {
  try {
    parseAvroSchema(json);
  } catch (error) {
    assert.ok(error instanceof ContractError && error.code === "avro.schema");
    return error.facts["issues"] as readonly Issue[];
  }
  return assert.fail("the schema was taken");
}
const record = (fields: readonly unknown[], extra: object = {}) => ({ type: "record", name: "r", fields, ...extra });

test("primitives have one form, whichever way they were written", () => {
  assert.deepEqual(parseAvroSchema("long"), { type: "long" });
  assert.equal(schemaText(parseAvroSchema({ type: "long" })), '"long"');
  assert.equal(schemaText(parseAvroSchema({ logicalType: "date", type: "int" })), '{"type":"int","logicalType":"date"}');
});

test("names and namespaces come out the same, whichever way they were written", () => {
  const one = parseAvroSchema({
    type: "record",
    name: "a.b.r",
    fields: [
      { name: "e", type: { type: "enum", name: "e", symbols: ["X"] } },
      { name: "f", type: "e" },
    ],
  });
  const two = parseAvroSchema({
    fields: [
      { type: { symbols: ["X"], namespace: "a.b", name: "e", type: "enum" }, name: "e" },
      { name: "f", type: "a.b.e" },
    ],
    namespace: "a.b",
    name: "r",
    type: "record",
  });
  assert.deepEqual(one, two);
  assert.equal(
    schemaText(one),
    '{"type":"record","name":"r","namespace":"a.b","fields":[{"name":"e","type":{"type":"enum","name":"e","symbols":["X"]}},{"name":"f","type":"a.b.e"}]}',
  );
});

test("the text of a schema is a schema with that text", () => {
  const json = record(
    [
      { name: "a", type: ["null", { type: "bytes", logicalType: "decimal", precision: 4 }], default: null, doc: "d", pii: true, "field-id": 3 },
      { name: "b", type: { type: "map", values: { type: "array", items: { type: "fixed", name: "x.f", size: 3 } } } },
      { name: "c", type: { type: "record", name: "y.q", fields: [{ name: "d", type: "x.f", order: "ignore" }] }, default: { d: "abc" } },
    ],
    { doc: "doc", zeta: { b: 1, a: [2] }, alpha: null },
  );
  const text = schemaText(parseAvroSchema(json));
  assert.equal(schemaText(parseAvroSchema(JSON.parse(text))), text);
  // The normal form itself can be stored too.
  assert.equal(schemaText(parseAvroSchema(JSON.parse(JSON.stringify(parseAvroSchema(json))))), text);
  assert.equal(text.indexOf('"alpha"') < text.indexOf('"zeta"'), true);
  assert.match(text, /"zeta":\{"a":\[2\],"b":1\}/);
});

test("attributes that Avro does not know are kept, and a default of null is one", () => {
  const schema = parseAvroRecordSchema(
    record([
      { name: "a", type: { type: "array", items: "int", "element-id": 4 }, "field-id": 3 },
      { name: "b", type: ["null", "int"], default: null },
    ]),
  );
  const [a, b] = schema.fields;
  assert.equal(attributeOf(a as never, "field-id"), 3);
  assert.equal(attributeOf(a?.type as never, "element-id"), 4);
  assert.equal(b?.default, null);
  assert.match(schemaText(schema), /"default":null/);
});

test("a type that is defined twice in the same words is one type", () => {
  const address = { type: "record", name: "address", fields: [{ name: "zip", type: "string" }] };
  const schema = parseAvroSchema(
    record([
      { name: "a", type: address },
      { name: "b", type: address },
    ]),
  );
  assert.match(schemaText(schema), /"name":"b","type":"address"/);
  const other = { ...address, fields: [{ name: "zip", type: "int" }] };
  assert.deepEqual(
    issuesOf(
      record([
        { name: "a", type: address },
        { name: "b", type: other },
      ]),
    )[0]?.path,
    "fields[1].type",
  );
});

test("every fault is named at once, with its place", () => {
  const paths = issuesOf(
    record([
      { name: "1st", type: "int" },
      { name: "a", type: "strng" },
      { name: "b", type: "array", items: "int" },
      { name: "c", type: "int", default: 2 ** 31 },
      { name: "c", type: ["int", "int"] },
      { name: "d", type: { type: "enum", name: "e", symbols: ["a-b"] } },
      { name: "f", type: { type: "fixed", name: "f", size: -1 } },
      { name: "g", type: { type: "bytes", logicalType: "decimal", precision: 2, scale: 3 } },
      { name: "h", type: ["null", ["int"]] },
      { name: "i", type: [] },
      { name: "j" },
      7,
      { name: "k", type: { type: { type: "int" } } },
      { name: "l", type: ["int", "null"], default: null },
    ]),
  ).map((issue) => issue.path);
  assert.deepEqual(paths, [
    "fields[0].name",
    "fields[1].type",
    "fields[2].items",
    "fields[2].type",
    "fields[3].default",
    "fields[4].type[1]",
    "fields[4].name",
    "fields[5].type.symbols",
    "fields[6].type.size",
    "fields[8].type[1]",
    "fields[10]",
    "fields[11]",
    "fields[12].type.type",
  ]);
});

test("a type that contains itself is one object, which structured clone and its text keep", () => {
  const schema = parseAvroRecordSchema(record([{ name: "next", type: ["null", "r"], default: null }]));
  const next = schema.fields[0]?.type;
  assert.ok(next !== undefined && isUnion(next) && next[1] === schema);
  assert.equal(isRecursive(schema), true);
  const text = '{"type":"record","name":"r","fields":[{"name":"next","type":["null","r"],"default":null}]}';
  assert.equal(schemaText(schema), text);
  assert.equal(schemaText(structuredClone(schema)), text);
  assert.deepEqual(parseAvroSchema(JSON.parse(text)), schema);
  assert.match(issuesOf(record([{ name: "next", type: record([]) }]))[0]?.message ?? "", /defined inside itself/);
  // The default is judged when the type is whole, and one that never ends is found.
  assert.equal(issuesOf(record([{ name: "next", type: ["null", "r"], default: 7 }]))[0]?.path, "fields[0].default");
  assert.equal(issuesOf(record([{ name: "next", type: "r", default: {} }]))[0]?.path, "fields[0].default");
  parseAvroSchema(record([{ name: "next", type: ["null", "r"], default: { next: { next: null } } }]));
});

test("the identity of a schema is what it was in the first version: registries have stored it", () => {
  const digest = createHash("sha256").update(schemaText(everyKind.schema)).digest("hex");
  assert.equal(digest, "cca807fb220dec578f5e57b008f3d2059c4213acb3336a7730d699f586ffc0ad");
});

test("the empty namespace is none, within a namespace too", () => {
  const inner = { type: "record", name: "i", namespace: "", fields: [{ name: "e", type: { type: "enum", name: "e", symbols: ["X"] } }] };
  const schema = parseAvroRecordSchema({
    ...record([
      { name: "a", type: inner },
      { name: "b", type: "i" },
    ]),
    namespace: "n",
  });
  const type = schema.fields[0]?.type as AvroRecordSchema;
  assert.equal(fullNameOf(type), "i");
  assert.equal(fullNameOf(type.fields[0]?.type as AvroRecordSchema), "e");
  assert.equal(schema.fields[1]?.type, type);
  const text = schemaText(schema);
  assert.match(text, /"name":"i","namespace":"","fields"/);
  assert.equal(schemaText(parseAvroSchema(JSON.parse(text))), text);
});

test("a decimal that is none is the type beneath it, with its attributes kept", () => {
  for (const json of [
    { type: "bytes", logicalType: "decimal", precision: 2, scale: 3 },
    { type: "bytes", logicalType: "decimal" },
    { type: "fixed", name: "f", size: 1, logicalType: "decimal", precision: 3, scale: 0 },
    { type: "fixed", name: "f", size: 11, logicalType: "duration" },
  ]) {
    const schema = parseAvroSchema(json) as AvroTypeSchema;
    assert.equal(kindOf(schema), json.type);
    assert.deepEqual(JSON.parse(schemaText(schema)), json);
  }
});

test("schemas too deep, or too big when every name is written out, are refused without being built", () => {
  let deep: unknown = "int";
  for (let level = 0; level < 100; level++) deep = { type: "array", items: deep };
  assert.match(issuesOf(deep)[0]?.message ?? "", /nested more than 64/);
  // Each type holds the one before twice: 2^40 fields when written out.
  let bomb: unknown = { type: "record", name: "r0", fields: [{ name: "a", type: "int" }] };
  for (let level = 1; level <= 40; level++)
    bomb = {
      type: "record",
      name: `r${level}`,
      fields: [
        { name: "a", type: bomb },
        { name: "b", type: `r${level - 1}` },
      ],
    };
  assert.match(issuesOf(bomb)[0]?.message ?? "", /more than 20000/);
});

test("what is no schema at all is refused", () => {
  for (const json of [
    undefined,
    null,
    7,
    "",
    "record",
    {},
    { type: "error", name: "e", fields: [] },
    { type: "record" },
    { type: "record", name: "r" },
    { type: "fixed", name: "a.int", size: 1 },
  ])
    assert.ok(issuesOf(json).length > 0);
  assert.throws(() => parseAvroRecordSchema("string"), { code: "avro.schema" });
  assert.ok(issuesOf(JSON.parse('{"type":"record","name":"r","fields":[{"name":"__proto__","type":"int"}]}')).length > 0);
});

test("defaults are held to their types", () => {
  const good: readonly (readonly [unknown, unknown])[] = [
    ["bytes", "\u00ff"],
    [{ type: "map", values: "int" }, { a: 1 }],
    [
      {
        type: "record",
        name: "q",
        fields: [
          { name: "a", type: "int" },
          { name: "b", type: "int", default: 2 },
        ],
      },
      { a: 1 },
    ],
    [["string", "null"], "x"],
    [["null", "string"], "x"],
    ["float", 0.1],
  ];
  for (const [type, value] of good) parseAvroSchema(record([{ name: "a", type, default: value }]));
  const bad: readonly (readonly [unknown, unknown])[] = [
    ["bytes", "\u0100"],
    ["long", 2 ** 53],
    ["float", 1e300],
    ["string", "\ud800"],
    [{ type: "record", name: "q", fields: [{ name: "a", type: "int" }] }, {}],
    [
      { type: "record", name: "q", fields: [{ name: "a", type: "int" }] },
      { a: 1, b: 1 },
    ],
    [{ type: "array", items: "int" }, [1, "x"]],
    [["null", "string"], 1],
  ];
  for (const [type, value] of bad) assert.equal(issuesOf(record([{ name: "a", type, default: value }]))[0]?.path, "fields[0].default", JSON.stringify(value));
});
