import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { ContractError } from "../errors.ts";
import { parseExact } from "../exact-json.ts";
import { ByteSource } from "./byte-source.ts";
import { compileReader, readWhole } from "./reader.ts";
import { compileResolvingReader } from "./resolving-reader.ts";
import type { Issue } from "./schema.ts";
import type { AvroRecordSchema, AvroTypeSchema } from "./schema.ts";
import { attributeOf, fullNameOf, isRecursive, isUnion, logicalTypeOf } from "./schema.ts";
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

test("a null that YAML took for its own is told to be written in quotes", () => {
  const union = record([{ name: "a", type: [null, "string"] }]);
  assert.deepEqual(issuesOf(union), [{ path: "fields[0].type[0]", message: 'Write the type "null" in quotes: bare it is no name, also in YAML.' }]);
  assert.match(issuesOf({ type: "enum", name: "e", symbols: [null, "a"] })[0]?.message ?? "", /the symbol "null" in quotes/);
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

test("words of other types on a type, and words of types on a field, say nothing", () => {
  const words = { name: "x", namespace: "n", aliases: ["y"], fields: [{ name: "a" }], symbols: ["A"], size: 1, items: "no", values: "no" };
  const types = [{ type: "int" }, { type: "bytes", logicalType: "decimal", precision: 9, scale: 2 }, { type: "array", items: "int" }];
  const named = [
    { type: "map", values: "int" },
    { type: "enum", name: "e", symbols: ["A"] },
    { type: "fixed", name: "f", size: 3 },
    { type: "record", name: "q", fields: [] },
  ];
  for (const type of [...types, ...named]) {
    const plain = parseAvroSchema(type) as AvroTypeSchema;
    const own = "name" in type ? { namespace: undefined, aliases: undefined } : {};
    const schema = parseAvroSchema({ ...words, ...own, ...type }) as AvroTypeSchema;
    assert.deepEqual(schema, plain);
    assert.equal(schemaText(schema), schemaText(plain));
    assert.equal(kindOf(schema), kindOf(plain));
  }
  assert.deepEqual(issuesOf(["int", { type: "int", name: "other" }])[0]?.path, "[1]");
  const field = { name: "a", type: "long", logicalType: "timestamp-millis", precision: 4, items: "x" };
  const schema = parseAvroRecordSchema(record([field]));
  assert.equal(kindOf(schema.fields[0]?.type as AvroTypeSchema), "long");
  assert.deepEqual((JSON.parse(schemaText(schema)) as { readonly fields: unknown }).fields, [field]);
});

test("a logical type that is no text is none, and kept", () => {
  for (const logicalType of [7, null, ["date"]]) {
    const schema = parseAvroSchema({ type: "int", logicalType }) as AvroTypeSchema;
    assert.equal(kindOf(schema), "int");
    assert.equal(logicalTypeOf(schema), undefined);
    assert.equal(schemaText(schema), JSON.stringify({ type: "int", logicalType }));
  }
});

test("no member of a default or an attribute is lost, whatever its name", () => {
  const text =
    '{"type":"record","name":"r","fields":[{"name":"m","type":{"type":"map","values":"long"},"default":{"__proto__":1,"b":9007199254740993}}],"x":{"__proto__":[2]}}';
  const schema = parseAvroRecordSchema(parseExact(text));
  assert.equal(schemaText(schema), text);
  assert.equal(schemaText(structuredClone(schema)), text);
  const read = compileResolvingReader({ writer: parseAvroSchema(record([])), reader: schema });
  const entries = new Map<string, unknown>([
    ["__proto__", 1],
    ["b", 9_007_199_254_740_993n],
  ]);
  assert.deepEqual(readWhole(read, new ByteSource(new Uint8Array(0))), { m: entries });
});

test("an enum without symbols is a type without values", () => {
  const schema = parseAvroSchema({ type: "enum", name: "e", symbols: [] });
  assert.equal(schemaText(schema), '{"type":"enum","name":"e","symbols":[]}');
  assert.throws(() => readWhole(compileReader(schema), new ByteSource(Uint8Array.of(0))), { code: "avro.malformed" });
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

test("the text names no type where its name is that of another", () => {
  const bare = { type: "enum", name: "e", namespace: "", symbols: ["A"] };
  const own = { type: "enum", name: "e", symbols: ["B"] };
  const schema = parseAvroRecordSchema({
    ...record([
      { name: "a", type: bare },
      { name: "b", type: own },
      { name: "c", type: bare },
    ]),
    namespace: "n",
  });
  const again = parseAvroRecordSchema(JSON.parse(schemaText(schema)));
  assert.deepEqual(again, schema);
  assert.equal(again.fields[2]?.type, again.fields[0]?.type);
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

test("attributes and defaults that are nested too deep are refused, in text of any depth", () => {
  const nested = (depth: number): unknown => JSON.parse(`${"[".repeat(depth)}${"]".repeat(depth)}`);
  parseAvroSchema({ type: "string", x: nested(64) });
  for (const depth of [65, 3_000, 30_000]) {
    const logical = issuesOf({ type: "int", logicalType: nested(depth) });
    assert.deepEqual([logical.length, logical[0]?.path], [1, "logicalType"]);
    const [attribute, ...others] = issuesOf(record([{ name: "a", type: { type: "string", x: { y: nested(depth) } } }]));
    assert.deepEqual([attribute?.path, others], ["fields[0].type.x", []]);
    assert.match(attribute?.message ?? "", /nested more than 64 deep/);
    assert.deepEqual(
      issuesOf(record([{ name: "a", type: { type: "array", items: "int" }, default: nested(depth) }])).map(({ path }) => path),
      ["fields[0].default"],
    );
  }
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

test("defaults are exact to 64 bits, whole numbers of floats and doubles are rounded as their values are", () => {
  const text = (type: unknown, fallback: string): string =>
    schemaText(parseAvroSchema(parseExact(`{"type":"record","name":"r","fields":[{"name":"a","type":${JSON.stringify(type)},"default":${fallback}}]}`)));
  const exact: readonly (readonly [unknown, string])[] = [
    ["long", "9223372036854775807"],
    ["long", "-9223372036854775808"],
    ["long", "9007199254740993"],
    [{ type: "long", logicalType: "timestamp-micros" }, "253402300799999999"],
    [["null", "long"], "9223372036854775807"],
    [["int", "long", "string"], "9007199254740993"],
    [{ type: "array", items: { type: "map", values: "long" } }, '[{"x":9223372036854775807,"y":1}]'],
    [{ type: "record", name: "q", fields: [{ name: "b", type: "long" }] }, '{"b":-9007199254740993}'],
  ];
  for (const [type, fallback] of exact) assert.ok(text(type, fallback).endsWith(`"default":${fallback}}]}`), text(type, fallback));
  // Two ways to write one double are one schema.
  assert.equal(text("double", "18446744073709551616"), text("double", "18446744073709551617"));
  assert.equal(text(["long", "double"], "9223372036854775808"), text(["long", "double"], "9.223372036854775808e18"));
  assert.equal(text("float", "9007199254740993"), text("float", "9007199254740992"));
  // What is no long by its form, but would be one as it is written, must not change its type on the way.
  assert.throws(() => text(["long", "double"], "1e18"), /may have lost digits/);
  assert.throws(() => text([{ type: "map", values: "long" }, "double"], '{"a":1e18}'), /may have lost digits/);
  assert.ok(text(["double", "long"], "1e18").endsWith('"default":1000000000000000000}]}'));
  assert.ok(text(["null", "r"], "null").endsWith('"default":null}]}'));

  const far = parseAvroRecordSchema(record([{ name: "a", type: "long", default: 2n ** 63n - 1n }]));
  assert.equal(far.fields[0]?.default, 9_223_372_036_854_775_807n);
  assert.equal(parseAvroRecordSchema(record([{ name: "a", type: "long", default: 12n }])).fields[0]?.default, 12, "a bigint only where it must be one");
  assert.notEqual(text("long", "9007199254740993"), text("long", "9007199254740992"));
  const filled = compileResolvingReader({ writer: parseAvroSchema(record([])), reader: far });
  assert.deepEqual(readWhole(filled, new ByteSource(new Uint8Array())), { a: 9_223_372_036_854_775_807n });
  // Attributes that Avro does not know keep their digits too.
  assert.match(schemaText(parseAvroSchema(parseExact('{"type":"int","x":12345678901234567890}'))), /"x":12345678901234567890/);
});

test("a default is judged in bounded time, however often it may be tried, and whatever its fields leave out", { timeout: 10_000 }, () => {
  const nested = (levels: number): unknown => (levels === 0 ? null : { a: nested(levels - 1) });
  const twins = {
    type: "record",
    name: "q",
    fields: [
      { name: "v", type: "int", default: 0 },
      { name: "a", type: ["null", "r", "q"] },
    ],
  };
  const trying = {
    type: "record",
    name: "r",
    fields: [
      { name: "v", type: "string", default: "" },
      { name: "a", type: ["null", twins, "r"], default: nested(60) },
    ],
  };
  const exact = parseAvroRecordSchema(trying);
  assert.deepEqual(exact.fields[1]?.default, nested(60));
  compileResolvingReader({ writer: parseAvroSchema(record([])), reader: exact });

  // Each field's default leaves two others out: more values than anybody can write, by 60 fields.
  const last = 60;
  const names = Array.from({ length: last }, (_, index) => `f${index}`);
  const fields = names.map((name, index) => {
    const given = names.filter((_, other) => other <= index || other > index + 2).map((other) => [other, null]);
    return { name, type: ["null", "r"], default: Object.fromEntries(given) as unknown };
  });
  assert.match(issuesOf(record(fields))[0]?.message ?? "", /stands for more than 1000000 values/);

  // It fits both types, and as the first of them takes itself for what it leaves out.
  const inner = { type: "record", name: "q", fields: [{ name: "x", type: "int", default: 1 }] };
  assert.match(issuesOf(record([{ name: "x", type: ["r", inner], default: {} }]))[0]?.message ?? "", /never ends/);
  parseAvroSchema(record([{ name: "x", type: [inner, "r"], default: {} }]));

  const many = Array.from({ length: 15_000 }, (_, index) => ({ name: `f${index}`, type: "int" }));
  const all = Object.fromEntries(many.map(({ name }) => [name, 0]));
  parseAvroSchema(record([{ name: "x", type: { type: "record", name: "q", fields: many }, default: all }]));
});

test("defaults that contain their own type are exact too", () => {
  const text = '{"type":"record","name":"r","fields":[{"name":"at","type":"long"},{"name":"w","type":"double"},{"name":"next","type":["null","r"],';
  const schema = parseAvroSchema(parseExact(`${text}"default":{"at":9007199254740993,"w":9007199254740993,"next":null}}]}`));
  assert.equal(schemaText(schema), `${text}"default":{"at":9007199254740993,"next":null,"w":9007199254740992}}]}`);
});

test("a default that lost its digits before it came is refused, and says what to do", () => {
  for (const type of ["long", ["null", "long"]])
    for (const digits of ["9007199254740993", "-9223372036854775808"]) {
      const [issue] = issuesOf(record([{ name: "a", type, default: JSON.parse(digits) as unknown }]));
      assert.match(issue?.message ?? "", /^The default is beyond 2\^53 and may have lost digits.*parseExact/);
    }
  const [last] = issuesOf(record([{ name: "a", type: "long", default: JSON.parse("9223372036854775807") as unknown }]));
  assert.match(last?.message ?? "", /64 bits; one that lost digits.*parseExact/);
});

test("attributes and defaults that no text could hold are refused", () => {
  const nested = (levels: number): unknown => JSON.parse("[".repeat(levels) + "]".repeat(levels));
  const huge: unknown = JSON.parse("1e400");
  for (const value of [huge, [huge], { a: -(huge as number) }, nested(65), nested(100_000)]) {
    const schemas: readonly (readonly [unknown, string])[] = [
      [{ type: "int", x: value }, "x"],
      [record([{ name: "a", type: "int", x: value }]), "fields[0].x"],
      [record([{ name: "a", type: "int", default: value }]), "fields[0].default"],
      [{ type: "bytes", logicalType: "decimal", precision: value }, "precision"],
    ];
    for (const [schema, path] of schemas) assert.equal(issuesOf(schema)[0]?.path, path);
  }
  assert.deepEqual(parseAvroSchema({ type: "int", x: nested(64) }), { type: "int", x: nested(64) });
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
    ["long", 2n ** 63n],
    ["long", 1.5],
    ["int", 2n ** 53n + 1n],
    ["float", 10n ** 39n],
    ["double", 10n ** 309n],
    ["string", 2n ** 53n + 1n],
    [{ type: "fixed", name: "x", size: 1 }, 2n ** 60n],
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
  for (const [type, value] of bad) assert.equal(issuesOf(record([{ name: "a", type, default: value }]))[0]?.path, "fields[0].default", String(value));
});
