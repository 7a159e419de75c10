import assert from "node:assert/strict";
import { test } from "node:test";
import { checkCompatibility, checkReadable } from "./compatibility.ts";
import { parseAvroSchema } from "./schema-parser.ts";
import { schemaLimits } from "./schema.ts";

const record = (name: string, fields: Readonly<Record<string, unknown>>) => ({
  type: "record",
  name,
  fields: Object.entries(fields).map(([field, type]) => ({ name: field, type })),
});
const numbered = <Item>(count: number, item: (index: number) => Item): readonly Item[] => Array.from({ length: count }, (_, index) => item(index));
const faults = (reader: unknown, writer: unknown) =>
  checkReadable({ reader: parseAvroSchema(reader), writer: parseAvroSchema(writer) }).map(({ kind, path, field }) => `${kind} ${path} ${field}`);

test("every fault is named, with its place in both ways, its reason and what to do", () => {
  const writer = parseAvroSchema(record("R", { a: "string", items: { type: "array", items: record("Item", { price: "int" }) } }));
  const reader = parseAvroSchema(record("R", { a: "int", b: "long", items: { type: "array", items: record("Item", { price: "boolean" }) } }));
  assert.deepEqual(checkReadable({ reader, writer }), [
    {
      kind: "TYPE_MISMATCH",
      path: "/fields/0/type",
      field: "a",
      reason: "Field a was string and became int, so old values cannot be read.",
      remedy: "Keep string, or add a new field of type int beside it.",
    },
    {
      kind: "READER_FIELD_MISSING_DEFAULT_VALUE",
      path: "/fields/1",
      field: "b",
      reason: "Field b is new and has no default, so records without it cannot be read.",
      remedy: "Give it a default, or make it nullable: with null as the first of its types and as its default.",
    },
    {
      kind: "TYPE_MISMATCH",
      path: "/fields/2/type/items/fields/0/type",
      field: "items[].price",
      reason: "Field items[].price was int and became boolean, so old values cannot be read.",
      remedy: "Keep int, or add a new field of type boolean beside it.",
    },
  ]);
});

test("each level looks in its direction, as far back as it says", () => {
  const versions = [{ a: "int", b: "int" }, { a: "int" }].map((fields) => parseAvroSchema(record("R", fields)));
  const wide = parseAvroSchema(record("R", { a: "long" }));
  const judge = (level: Parameters<typeof checkCompatibility>[1]["level"]) =>
    checkCompatibility(wide, { earlier: versions, level }).map(({ direction, against }) => `${direction} ${against}`);
  assert.deepEqual(judge("NONE"), []);
  assert.deepEqual(judge("BACKWARD"), []);
  assert.deepEqual(judge("BACKWARD_TRANSITIVE"), []);
  assert.deepEqual(judge("FORWARD"), ["forward 1"]);
  assert.deepEqual(judge("FORWARD_TRANSITIVE"), ["forward 0", "forward 0", "forward 1"]);
  assert.deepEqual(judge("FULL"), ["forward 1"]);
  assert.deepEqual(judge("FULL_TRANSITIVE"), ["forward 0", "forward 0", "forward 1"]);
});

test("what readers of an earlier schema cannot read is told as what became of it, not the other way round", () => {
  const told = (from: unknown, to: unknown) =>
    checkCompatibility(parseAvroSchema(record("R", { f: to })), { earlier: [parseAvroSchema(record("R", { f: from }))], level: "FORWARD" }).map(
      ({ reason, remedy }) => `${reason} ${remedy}`,
    );
  const colours = (...symbols: readonly string[]) => ({ type: "enum", name: "E", symbols });
  const decimal = (scale: number) => ({ type: "bytes", logicalType: "decimal", precision: 9, scale });
  const cases: readonly (readonly [from: unknown, to: unknown, told: string])[] = [
    ["int", "long", "Field f was int and became long, so the old schema cannot read new values. Keep int, or add a new field of type long beside it."],
    ["int", ["null", "int"], "Field f may be null now, which the old schema does not take. Keep int, or add a new field that is nullable beside it."],
    [
      ["null", "int"],
      ["null", "int", "string"],
      "Field f may hold string in new records, but only takes null or int in the old schema. Leave out string, or add a new field for it.",
    ],
    [[], "int", "Field f may hold int in new records, but only takes nothing in the old schema. Leave out int, or add a new field for it."],
    [colours("A"), colours("A", "B", "C"), "Field f now has B, C, which the old schema does not know and has no default for. Leave out what is new."],
    [
      { type: "fixed", name: "F", size: 2 },
      { type: "fixed", name: "F", size: 3 },
      "Field f had 2 bytes and now has 3. Keep the size, or use bytes for a new field beside it.",
    ],
    [
      decimal(2),
      decimal(3),
      "Field f was decimal(9, 2) and became decimal(9, 3), so the old schema would read new values as others. Keep decimal(9, 2), or add a new field of type decimal(9, 3) beside it.",
    ],
    [record("A", {}), record("B", {}), "The record A in field f is now called B, which the old schema does not know. Keep the name."],
    [record("A", { a: "int" }), record("A", {}), "Field f.a is gone, and the old schema has no default for it, so it cannot read new records. Keep the field."],
  ];
  for (const [from, to, sentences] of cases) assert.deepEqual(told(from, to), [sentences]);
});

test("a type is told as what it counts for, a union as all that it takes, and what to do holds for every type", () => {
  const told = (from: unknown, to: unknown) =>
    checkReadable({ reader: parseAvroSchema(record("R", { f: to })), writer: parseAvroSchema(record("R", { f: from })) }).map(
      ({ kind, reason, remedy }) => `${kind}: ${reason} ${remedy}`,
    );
  const money = (base: object) => (scale: number) => ({ ...base, logicalType: "decimal", precision: 9, scale });
  const fixed = money({ type: "fixed", name: "Money", size: 8 });
  const bytes = money({ type: "bytes" });
  const logical = (type: string, logicalType: string) => ({ type, logicalType });
  const cases: readonly (readonly [from: unknown, to: unknown, told: string])[] = [
    [
      fixed(2),
      fixed(3),
      "LOGICAL_TYPE_MISMATCH: Field f was decimal(9, 2) as fixed Money and became decimal(9, 3) as fixed Money, so old values would be read as others. Keep decimal(9, 2) as fixed Money, or add a new field of type decimal(9, 3) as fixed Money beside it.",
    ],
    [
      bytes(2),
      fixed(2),
      "TYPE_MISMATCH: Field f was decimal(9, 2) and became decimal(9, 2) as fixed Money, so old values cannot be read. Keep decimal(9, 2), or add a new field of type decimal(9, 2) as fixed Money beside it.",
    ],
    [
      logical("long", "timestamp-millis"),
      logical("int", "timestamp-millis"),
      "TYPE_MISMATCH: Field f was timestamp-millis and became int, so old values cannot be read. Keep timestamp-millis, or add a new field of type int beside it.",
    ],
    [
      logical("string", "email"),
      logical("long", "email"),
      "TYPE_MISMATCH: Field f was string and became long, so old values cannot be read. Keep string, or add a new field of type long beside it.",
    ],
    [["int", "string"], "int", "TYPE_MISMATCH: Field f may hold string in old records, but only takes int now. Keep string among its types."],
    [
      [record("A", {}), record("B", { b: "int" })],
      record("A", { a: "int" }),
      "READER_FIELD_MISSING_DEFAULT_VALUE: Field f.a is new and has no default, so records without it cannot be read. Give it a default, or make it nullable: with null as the first of its types and as its default.|NAME_MISMATCH: Field f may hold record B in old records, but only takes record A now. Keep record B among its types.",
    ],
    [["null", fixed(2)], fixed(2), "TYPE_MISMATCH: Field f may be null in old records, but is no longer nullable. Keep null among its types."],
  ];
  for (const [from, to, sentences] of cases) assert.equal(told(from, to).join("|"), sentences);
});

test("an alias is only offered for a changed name where it would help", () => {
  const remedy = (reader: object, writer: object) =>
    checkReadable({ reader: parseAvroSchema({ ...record("New", {}), ...reader }), writer: parseAvroSchema({ ...record("Old", {}), ...writer }) }).map(
      (one) => one.remedy,
    );
  const offers: readonly (readonly [reader: object, writer: object, alias: string | undefined])[] = [
    [{}, {}, "Old"],
    [{}, { namespace: "a" }, "a.Old"],
    [{ namespace: "b" }, { namespace: "a" }, "a.Old"],
    [{ namespace: "b" }, {}, undefined],
  ];
  for (const [reader, writer, alias] of offers) {
    assert.deepEqual(remedy(reader, writer), [alias === undefined ? "Keep the name." : `Keep the name, or add "aliases": ["${alias}"].`]);
    assert.equal(remedy({ ...reader, aliases: [alias ?? "Old"] }, writer).length, alias === undefined ? 1 : 0);
  }
  const [nested] = checkReadable({
    reader: parseAvroSchema(record("R", { items: { type: "array", items: record("New", {}) } })),
    writer: parseAvroSchema(record("R", { items: { type: "array", items: record("Old", {}) } })),
  });
  assert.equal(nested?.reason, "The record Old in field items[] is now called New.");
});

test("what is wrong beside a changed name is told too", () => {
  const colours = (name: string, ...symbols: readonly string[]) => ({ type: "enum", name, symbols });
  assert.deepEqual(faults(record("X", { a: "null" }), record("Top", { a: "boolean" })), ["NAME_MISMATCH /name ", "TYPE_MISMATCH /fields/0/type a"]);
  assert.deepEqual(faults(colours("X", "A"), colours("E", "A", "B")), ["NAME_MISMATCH /name ", "MISSING_ENUM_SYMBOLS /symbols "]);
  assert.deepEqual(faults({ type: "fixed", name: "X", size: 2 }, { type: "fixed", name: "F", size: 3 }), [
    "NAME_MISMATCH /name ",
    "FIXED_SIZE_MISMATCH /size ",
  ]);
});

test("a change of a time's unit or of a decimal's digits is refused, though Avro would read it", () => {
  const time = (logicalType: string) => ({ type: "long", logicalType });
  assert.deepEqual(faults(time("timestamp-millis"), time("timestamp-micros")), ["LOGICAL_TYPE_MISMATCH / "]);
  assert.deepEqual(faults(time("timestamp-millis"), "long"), []);
  const decimal = (scale: number) => ({ type: "bytes", logicalType: "decimal", precision: 9, scale });
  assert.deepEqual(faults(decimal(2), decimal(3)), ["LOGICAL_TYPE_MISMATCH / "]);
});

test("what is wrong within a type of a union is said of it, not that the type is gone", () => {
  const inner = (fields: Readonly<Record<string, unknown>>) => record("A", fields);
  const told = (reader: unknown, writer: unknown) =>
    checkReadable({ reader: parseAvroSchema(record("R", { f: reader })), writer: parseAvroSchema(record("R", { f: writer })) }).map(
      ({ kind, path, field, reason }) => `${kind} ${path} ${field}: ${reason}`,
    );
  assert.deepEqual(told(["null", inner({ x: "string", y: "int" })], ["null", inner({ x: "int" })]), [
    "MISSING_UNION_BRANCH /fields/0/type/1 f.x: Field f.x was int and became string, so old values cannot be read.",
    "MISSING_UNION_BRANCH /fields/0/type/1 f.y: Field f.y is new and has no default, so records without it cannot be read.",
  ]);
  assert.deepEqual(told(["null", inner({ x: ["null", { type: "array", items: "int" }] })], inner({ x: { type: "array", items: "string" } })), [
    "MISSING_UNION_BRANCH /fields/0/type f.x[]: Field f.x[] was string and became int, so old values cannot be read.",
  ]);
  assert.deepEqual(told(["null", "int"], ["null", "string"]), [
    "MISSING_UNION_BRANCH /fields/0/type/1 f: Field f may hold string in old records, but only takes null or int now.",
  ]);
  const list = (value: string) => inner({ value, next: ["null", "A"] });
  assert.deepEqual(told(["null", list("int")], ["null", list("string")]), [
    "MISSING_UNION_BRANCH /fields/0/type/1 f.value: Field f.value was string and became int, so old values cannot be read.",
  ]);
});

test("a branch of a union is not taken for readable because of a branch that was tried before", () => {
  // The first branch is readable but for its last field; its inner type leans on it.
  const inner = (name: string) => record(name, { back: ["null", "W"] });
  const writer = record("W", { inner: inner("I"), last: "string" });
  const reader = [record("W", { inner: inner("I"), last: "int" }), "string"];
  assert.deepEqual(faults(reader, writer), ["MISSING_UNION_BRANCH / last"]);
  assert.deepEqual(faults([reader[0], record("n.W", { inner: record("n.I", { back: ["null", "n.W"] }), last: "string" })], writer), []);
});

test("records that all hold one another are compared in an instant", () => {
  const count = 9;
  const names = Array.from({ length: count }, (_, index) => `R${index}`);
  const types = (leaf: string) => {
    const defined = new Set<string>();
    const define = (name: string): unknown => {
      if (defined.has(name)) return name;
      defined.add(name);
      const others = names.filter((other) => other !== name).map((other) => [other.toLowerCase(), ["null", define(other)]] as const);
      return record(name, { ...Object.fromEntries(others), leaf });
    };
    return define("R0");
  };
  const start = performance.now();
  assert.deepEqual(faults(types("int"), types("int")), []);
  assert.ok(faults(types("int"), types("string")).length > 0);
  assert.ok(faults([types("int")], [types("string"), "null"]).length > 0);
  assert.ok(performance.now() - start < 2_000, "it took longer than any way through them alone would");
});

test("unions of thousands of types are compared by their names, and as many faults told as one can read", () => {
  const union = (name: string) => numbered(5_000, (index) => record(`${name}${index}`, {}));
  assert.deepEqual(faults(union("A"), union("A").toReversed()), []);
  const found = checkReadable({ reader: parseAvroSchema(union("A")), writer: parseAvroSchema(union("B")) });
  assert.equal(found.length, schemaLimits.issuesMax);
  assert.equal(
    found.at(-1)?.reason,
    `The schema may hold record B31 in old records, but only takes ${numbered(12, (index) => `record A${index}`).join(" or ")} or … (5000 in all) now. There are more faults than these 32.`,
  );
  const versions = numbered(40, (index) => parseAvroSchema(record("R", { a: index % 2 === 0 ? "int" : "string" })));
  const conflicts = checkCompatibility(parseAvroSchema(record("R", { a: "string" })), { earlier: versions, level: "FULL_TRANSITIVE" });
  assert.deepEqual([conflicts.length, conflicts.at(-1)?.against], [32, 30]);
  assert.match(conflicts.at(-1)?.reason ?? "", /There are more faults than these 32\.$/);
  assert.ok(conflicts.slice(0, -1).every(({ reason }) => !reason.includes("more faults")));
});

test("the symbols of enums are not compared each with each, and the first of many are named", () => {
  const symbols = (letter: string) => ({ type: "enum", name: "E", symbols: numbered(100_000, (index) => `${letter}${index}`) });
  const [fault] = checkReadable({ reader: parseAvroSchema(symbols("A")), writer: parseAvroSchema(symbols("B")) });
  assert.match(fault?.reason ?? "", /no longer has B0, B1, .*, B11, … \(100000 in all\), which/);
});

test("names as long as a schema are not repeated in full", () => {
  const union = (name: string) => numbered(50, (index) => record(`${name.repeat(20_000)}${index}`, {}));
  for (const { reason, remedy } of checkReadable({ reader: parseAvroSchema(union("A")), writer: parseAvroSchema(union("B")) }))
    assert.ok(`${reason}${remedy}`.length < 5_000);
});

test("what can be paired in millions of ways is given up and refused", () => {
  const notCompared = (reader: unknown, writer: unknown) => assert.deepEqual(faults(reader, writer), ["NOT_COMPARED / "]);
  // All of one name: each is read by the last that is tried.
  const types = numbered(150, (index) => ({
    type: "enum",
    name: "E",
    namespace: `n${index}`,
    symbols: [...numbered(300, (other) => `s${other}`), `t${index}`],
  }));
  notCompared(types, types.toReversed());
  // The way through both leads to every pair of their types before it comes back to where it began, further down than the stack is deep.
  const ring = (size: number) => {
    const link = (index: number): unknown => ({ ...record("R", { next: index === size - 1 ? "n0.R" : link(index + 1) }), namespace: `n${index}` });
    return link(0);
  };
  assert.deepEqual(faults(ring(12), ring(6)), []);
  notCompared(ring(31), ring(30));
  // One for all earlier schemas.
  const level = "FULL_TRANSITIVE";
  const conflicts = checkCompatibility(parseAvroSchema(ring(31)), { earlier: [ring(31), ring(30), ring(29)].map(parseAvroSchema), level });
  assert.deepEqual(
    conflicts.map(({ kind, against, direction }) => [kind, against, direction]),
    [["NOT_COMPARED", 1, "backward"]],
  );
});
