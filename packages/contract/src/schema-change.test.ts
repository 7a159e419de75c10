import assert from "node:assert/strict";
import { test } from "node:test";
import { formatContract } from "./contract-json.ts";
import { parseContract } from "./contract-parser.ts";
import { alignContract } from "./field-names.ts";
import { ContractError } from "./errors.ts";
import { placesOf } from "./removed-fields.ts";
import { checkLevel, checkSchemaChange, followWithoutRebuild, noFieldChanges } from "./schema-change.ts";
import { contractOf } from "./testing/samples.ts";

const fields = [
  { name: "a", type: "int" },
  { name: "e", type: { type: "enum", name: "e", symbols: ["X"] } },
] as const;
const before = contractOf(fields);

test("the same contract, in whatever order its fields are written, is identical", () => {
  assert.deepEqual(checkSchemaChange(before, contractOf(fields)), { kind: "identical" });
  assert.deepEqual(checkSchemaChange(before, contractOf(fields.toReversed())), { kind: "identical" });
});

test("a field with a default may be added, anywhere, and is stored at the end", () => {
  const after = contractOf([{ name: "n", type: ["null", "string"], default: null }, ...fields]);
  const change = checkSchemaChange(before, after);
  assert.deepEqual(change, { kind: "compatible", fields: { ...noFieldChanges, added: ["n"] }, changes: ["field n added"] });
  assert.deepEqual(
    alignContract(before, after).schema.fields.map((field) => field.name),
    ["k", "o", "a", "e", "n"],
  );
  assert.deepEqual(checkSchemaChange(alignContract(before, after), after), { kind: "identical" });
});

test("what has no effect on records may change, and is named", () => {
  const after = contractOf([{ name: "a", type: "int", doc: "new", pii: true }, fields[1]], {
    owner: "me",
    description: "d",
    checks: [{ kind: "sum", field: "a" }],
    compatibility: "FULL_TRANSITIVE",
  });
  assert.deepEqual(checkSchemaChange(before, after), {
    kind: "compatible",
    fields: noFieldChanges,
    changes: ["description changed", "owner changed", "checks changed", "compatibility changed", "a is marked pii", "documentation of a changed"],
  });
});

test("everything else is refused, each part by its name with what to do", () => {
  const time = { name: "t", type: { type: "long", logicalType: "timestamp-micros" }, default: 0 };
  const cases: readonly (readonly [readonly unknown[], object, string])[] = [
    [fields, { key: ["o"] }, "key"],
    [fields.slice(1), {}, "schema.a"],
    [[{ name: "a", type: "double" }, fields[1]], {}, "schema.a"],
    [[{ name: "a", type: { type: "int", logicalType: "date" } }, fields[1]], {}, "schema.a"],
    [[fields[0], { name: "e", type: { type: "enum", name: "e", symbols: ["Y"] } }], {}, "schema.e"],
    [[fields[0], { name: "e", type: "string" }], {}, "schema.e"],
    [[{ name: "a", type: "int", "field-id": 7 }, fields[1]], {}, "schema.a"],
    [[...fields, { name: "n", type: "int" }], {}, "schema.n"],
  ];
  for (const [list, rest, path] of cases) {
    const change = checkSchemaChange(before, contractOf(list, rest));
    assert.ok(change.kind === "refused", path);
    assert.deepEqual(
      change.refused.map((part) => part.path),
      [path],
    );
    assert.ok(change.refused.every((part) => part.reason.endsWith(".") && part.remedy.endsWith(".")));
  }
  assert.deepEqual(checkSchemaChange(before, contractOf([time, fields[1]], { key: ["o"] })).kind, "refused");
});

test("what decides over the rows that are there is a rebuild, and named", () => {
  const cases: readonly (readonly [readonly unknown[], object, string, string])[] = [
    [fields, { order: ["a"] }, "order", "order changed"],
    [fields, { merge: { kind: "first" } }, "merge", "merge changed"],
    [fields, { partition: [{ field: "k", transform: "identity" }] }, "partition", "partition changed"],
  ];
  for (const [list, rest, part, text] of cases) {
    assert.deepEqual(checkSchemaChange(before, contractOf(list, rest)), { kind: "rebuild", rebuilt: [part], fields: noFieldChanges, changes: [text] });
  }
  const partition = [{ field: "a", transform: "identity" }];
  assert.deepEqual(checkSchemaChange(contractOf(fields, { partition }), contractOf(fields, { partition, immutable: true })), {
    kind: "rebuild",
    rebuilt: ["immutable"],
    fields: noFieldChanges,
    changes: ["immutable changed"],
  });
  const withDefault = (value: number) => contractOf([{ name: "a", type: "int", default: value }]);
  assert.deepEqual(checkSchemaChange(withDefault(1), withDefault(2)), {
    kind: "rebuild",
    rebuilt: ["schema.a"],
    fields: noFieldChanges,
    changes: ["default of a changed"],
  });
  const both = contractOf([...fields, { name: "n", type: "int", default: 0 }], { order: ["n"], owner: "me" });
  assert.deepEqual(checkSchemaChange(before, both), {
    kind: "rebuild",
    rebuilt: ["order"],
    fields: { ...noFieldChanges, added: ["n"] },
    changes: ["field n added", "owner changed", "order changed"],
  });
  assert.equal(checkSchemaChange(before, contractOf(fields, { order: ["a"], key: ["o"] })).kind, "refused");
});

test("types that become wider are a change of metadata, within lists, maps and records too", () => {
  const decimal = (precision: number, scale = 2) => ({ type: "bytes", logicalType: "decimal", precision, scale });
  const record = (...list: readonly unknown[]) => ({ type: "record", name: "r", fields: list });
  const x = { name: "x", type: "int" };
  const wider: readonly (readonly [from: unknown, to: unknown, change: string])[] = [
    ["int", "long", "field f widened from int to long"],
    ["float", "double", "field f widened from float to double"],
    [decimal(5), decimal(20), "field f widened from decimal(5, 2) to decimal(20, 2)"],
    ["int", ["null", "int"], "field f may be null now"],
    [["null", "int"], ["null", "long"], "field f widened from int to long"],
    [{ type: "enum", name: "q", symbols: ["X"] }, { type: "enum", name: "q", symbols: ["W", "X"] }, "field f takes W too"],
    [{ type: "array", items: "int" }, { type: "array", items: ["null", "long"] }, "field f[] may be null now"],
    [{ type: "map", values: "float" }, { type: "map", values: "double" }, "field f{} widened from float to double"],
    [record(x), record({ name: "y", type: ["null", "string"], default: null }, { ...x, type: "long" }), "field f.x widened from int to long"],
  ];
  for (const [from, to, change] of wider) {
    const [old, next] = [contractOf([{ name: "f", type: from }]), contractOf([{ name: "f", type: to }])];
    const found = checkSchemaChange(old, next);
    assert.ok(found.kind === "compatible" && found.changes.includes(change), `${change}: ${JSON.stringify(found)}`);
    assert.deepEqual(found.fields, { ...noFieldChanges, widened: ["f"] });
    assert.equal(checkSchemaChange(next, old).kind, "refused", change);
    assert.deepEqual(checkSchemaChange(alignContract(old, next), next), { kind: "identical" }, change);
  }
  const refused: readonly (readonly [from: unknown, to: unknown, reason: RegExp])[] = [
    [["null", "string"], "boolean", /The type of f was string and became boolean/],
    ["int", "float", /Avro can read, but no column/],
    ["long", "double", /Avro can read, but no column/],
    ["string", "bytes", /Avro can read, but no column/],
    [decimal(5), decimal(9, 3), /decimal\(5, 2\).*decimal\(9, 3\)/],
    [{ type: "long", logicalType: "timestamp-millis" }, { type: "long", logicalType: "timestamp-micros" }, /another time/],
    ["long", { type: "long", logicalType: "timestamp-micros" }, /not\.$/],
    [record(x), record(x, { name: "y", type: "int", default: 0 }), /f\.y is new inside of a record/],
    [record(x, { name: "y", type: "int" }), record(x), /neither be removed nor renamed/],
  ];
  for (const [from, to, reason] of refused) {
    const change = checkSchemaChange(contractOf([{ name: "f", type: from }]), contractOf([{ name: "f", type: to }]));
    assert.ok(change.kind === "refused" && reason.test(change.refused[0]!.reason), JSON.stringify(change));
  }
});

test("a key or order of whole numbers may become wider, not a partition field; symbols of a key keep their places", () => {
  const long = (rest: object) => contractOf([], rest, { k: "int", o: "long" });
  assert.equal(checkSchemaChange(contractOf([], {}, { k: "int", o: "int" }), long({})).kind, "compatible");
  const partition = [{ field: "k", transform: "bucket", width: 4 }];
  const refused = checkSchemaChange(contractOf([], { partition }, { k: "int", o: "int" }), contractOf([], { partition }, { k: "long", o: "int" }));
  assert.ok(refused.kind === "refused" && /partitions the table/.test(refused.refused[0]!.reason));
  const keyed = (...symbols: readonly string[]) => contractOf([], {}, { k: { type: "enum", name: "k", symbols }, o: "int" });
  assert.equal(checkSchemaChange(keyed("A"), keyed("A", "B")).kind, "compatible");
  assert.equal(checkSchemaChange(keyed("A"), keyed("B", "A")).kind, "refused");
});

test("a default is another when the value is, or the text of rows that have it: null that comes with null is none", () => {
  const kindOf = (from: object, to: object) => checkSchemaChange(contractOf([{ name: "f", ...from }]), contractOf([{ name: "f", ...to }])).kind;
  assert.equal(kindOf({ type: "int", default: 1 }, { type: "long", default: 1 }), "compatible");
  assert.equal(kindOf({ type: "int" }, { type: ["null", "int"], default: null }), "compatible");
  assert.equal(kindOf({ type: ["null", "int"] }, { type: ["null", "int"], default: null }), "rebuild");
  assert.equal(kindOf({ type: "int", default: 1 }, { type: ["null", "int"], default: null }), "rebuild");
  assert.equal(kindOf({ type: "int" }, { type: "int", default: 1 }), "rebuild");
  assert.equal(kindOf({ type: "int", default: 1 }, { type: "int" }), "refused");
  // 0.1 as a float is another number than 0.1 as a double.
  assert.equal(kindOf({ type: "float", default: 0.5 }, { type: "double", default: 0.5 }), "compatible");
  assert.equal(kindOf({ type: "float", default: 0.1 }, { type: "double", default: 0.1 }), "rebuild");
});

test("a field is renamed by an alias: it keeps its place, its names, and what is said of it", () => {
  const rules = (name: string) => ({
    merge: { kind: "fields", fields: { [name]: "first" } },
    sort: [name],
    checks: [{ kind: "sum", field: name }],
    partition: [{ field: name, transform: "identity" }],
  });
  const [one, two, three] = [
    contractOf(fields, rules("a")),
    contractOf([fields[1], { name: "b", type: "int", aliases: ["a"] }], rules("b")),
    contractOf([{ name: "c", type: "long", aliases: ["b"] }, fields[1]], { ...rules("c"), partition: [] }),
  ];
  const renamed = { ...noFieldChanges, renamed: [{ from: "a", to: "b" }] };
  assert.deepEqual(checkSchemaChange(one, two), { kind: "compatible", fields: renamed, changes: ["field a renamed to b"] });
  const stored = alignContract(one, two);
  assert.deepEqual(namesIn(stored), ["k", "o", "b", "e"]);
  // Declared again without the alias, which is not needed any more, it is the same.
  assert.deepEqual(checkSchemaChange(stored, contractOf([fields[1], { name: "b", type: "int" }], rules("b"))), { kind: "identical" });
  // Earlier names stay, for the archive, and one may come back to its field.
  const again = alignContract(stored, contractOf([{ name: "c", type: "int", aliases: ["b"] }, fields[1]], rules("c")));
  assert.deepEqual(again.schema.fields[2]?.aliases, ["b", "a"]);
  assert.deepEqual(checkSchemaChange(again, contractOf([{ name: "a", type: "int", aliases: ["c"] }, fields[1]], rules("a"))), {
    kind: "compatible",
    fields: { ...noFieldChanges, renamed: [{ from: "c", to: "a" }] },
    changes: ["field c renamed to a"],
  });
  const both = checkSchemaChange(
    contractOf(fields, { ...rules("a"), partition: [] }),
    contractOf([{ name: "b", type: "long", aliases: ["a"] }, fields[1]], { ...rules("b"), partition: [] }),
  );
  assert.deepEqual(both.kind === "compatible" && both.changes, ["field a renamed to b", "field b widened from int to long"]);
  assert.equal(checkSchemaChange(again, three).kind, "refused", "the partition's type");
  const key = checkSchemaChange(before, {
    ...contractOf(fields),
    schema: { ...before.schema, fields: [{ ...before.schema.fields[0]!, name: "id", aliases: ["k"] }, ...before.schema.fields.slice(1)] },
    key: ["id"],
  });
  assert.deepEqual(key.kind === "compatible" && key.fields.renamed, [{ from: "k", to: "id" }]);
});

test("types within keep the names that they had, whatever they are called after a field has another name", () => {
  const place = (name: string, zip: string) => ({ type: "record", name, fields: [{ name: "zip", type: { type: "enum", name: zip, symbols: ["A"] } }] });
  const one = contractOf([
    { name: "home", type: place("r_home", "r_home_zip") },
    { name: "work", type: ["null", place("r_work", "r_work_zip")] },
  ]);
  const two = contractOf([
    { name: "flat", type: place("r_flat", "r_flat_zip"), aliases: ["home"] },
    { name: "work", type: ["null", place("r_office", "r_work_zip")] },
  ]);
  const change = checkSchemaChange(one, two);
  assert.deepEqual(change.kind === "compatible" && change.changes, ["field home renamed to flat"]);
  const stored = alignContract(one, two);
  assert.match(JSON.stringify(stored.schema), /"name":"r_home".*"name":"r_home_zip".*"name":"r_work".*"name":"r_work_zip"/);
  assert.deepEqual(parsedAgain(stored), stored);
  // Without the alias, which is not needed again, it is the same.
  assert.deepEqual(
    checkSchemaChange(
      stored,
      contractOf([
        { name: "flat", type: place("r_flat", "r_flat_zip") },
        { name: "work", type: ["null", place("r_work", "r_work_zip")] },
      ]),
    ),
    {
      kind: "identical",
    },
  );
  // Names that would be those of other types are left, and refused.
  const swapped = checkSchemaChange(
    one,
    contractOf([
      { name: "home", type: place("r_work", "r_x") },
      { name: "work", type: ["null", place("r_home", "r_y")] },
    ]),
  );
  assert.ok(swapped.kind === "refused" && /was named r_home and is named r_work now/.test(swapped.refused[0]!.reason), JSON.stringify(swapped));
});

test("a name is one field's for ever: no swap, no second column under it, no column of two", () => {
  const a = { name: "a", type: "int" };
  const b = { name: "b", type: "int" };
  const one = contractOf([a, b]);
  const faulty: readonly (readonly unknown[])[] = [
    [
      { ...a, aliases: ["b"] },
      { ...b, aliases: ["a"] },
    ],
    [{ ...a, aliases: ["b"] }, b],
    [a, { ...b, aliases: ["B"] }, { name: "c", type: "int", default: 0, aliases: ["b"] }],
    [a, { ...b, aliases: ["b"] }],
    [a, { ...b, aliases: ["no name"] }],
    [a, { ...b, aliases: ["_mainstem_x"] }],
  ];
  for (const list of faulty) assert.throws(() => contractOf(list), ContractError, JSON.stringify(list));
  const refused = (old: typeof one, list: readonly unknown[], rest: object = {}) => {
    const change = checkSchemaChange(old, contractOf(list, rest));
    assert.ok(change.kind === "refused", JSON.stringify(change));
    return change.refused[0]!.reason;
  };
  assert.match(refused(one, [{ ...a, aliases: ["b"] }]), /do not become one/);
  assert.match(refused(one, [{ ...a, name: "A" }, b]), /name A is one of the field a/);
  const renamed = alignContract(one, contractOf([{ ...a, name: "c", aliases: ["a"] }, b]));
  assert.match(refused(renamed, [{ ...a, name: "c" }, b, { ...a, default: 0 }]), /name a is one of the field c/);
  assert.match(refused(renamed, [a, b]), /name a is one of the field c/);
  const removed = alignContract(one, contractOf([b], { removed: ["a"] }));
  assert.match(refused(removed, [b, { ...a, default: 0 }]), /that was removed/);
  assert.match(refused(removed, [{ ...b, aliases: ["a"] }]), /that was removed/);
  // An alias that nothing ever had is another name that the door takes.
  const more = checkSchemaChange(one, contractOf([a, { ...b, aliases: ["never"] }]));
  assert.deepEqual(more.kind === "compatible" && more.changes, ["b may also be called never"]);
  // Only its case differs: still the same column.
  const cased = checkSchemaChange(one, contractOf([{ ...a, name: "A", aliases: ["a"] }, b]));
  assert.deepEqual(cased.kind === "compatible" && cased.changes, ["field a renamed to A"]);
});

test("a field goes when the declaration says so, for good, and its place stays free", () => {
  const a = { name: "a", type: "int" };
  const b = { name: "b", type: "int", aliases: ["x"] };
  const n = { name: "n", type: "int", default: 0 };
  const one = contractOf([a, b, n]);
  const silent = checkSchemaChange(one, contractOf([a, n]));
  assert.ok(silent.kind === "refused" && /"removed": \["b"\]/.test(silent.refused[0]!.remedy));
  const heir = checkSchemaChange(one, contractOf([a, n, { name: "c", type: "int", default: 0 }]));
  assert.ok(heir.kind === "refused" && /If it is c now, give c "aliases": \["b"\]/.test(heir.refused[0]!.remedy), JSON.stringify(heir));
  const two = contractOf([a, n], { removed: ["b"] });
  assert.deepEqual(checkSchemaChange(one, two), { kind: "compatible", fields: { ...noFieldChanges, removed: ["b"] }, changes: ["field b removed"] });
  const stored = alignContract(one, two);
  assert.deepEqual(stored.removed, [{ name: "b", place: 4 }, { name: "x" }]);
  assert.deepEqual(placesOf(stored), [1, 2, 3, 5]);
  assert.deepEqual(parsedAgain(stored), stored);
  assert.deepEqual(checkSchemaChange(stored, two), { kind: "identical" });
  // Who forgets to say it again says the same.
  assert.deepEqual(checkSchemaChange(stored, contractOf([a, n])), { kind: "identical" });
  const three = alignContract(stored, contractOf([{ name: "z", type: "int", default: 0 }, n], { removed: ["a"] }));
  assert.deepEqual(
    [namesIn(three), placesOf(three)],
    [
      ["k", "o", "n", "z"],
      [1, 2, 5, 6],
    ],
  );
  for (const rest of [{ order: ["a"] }, { merge: { kind: "fields", fields: { a: "max" } } }, { partition: [{ field: "a", transform: "identity" }] }]) {
    const used = checkSchemaChange(contractOf([a, b], rest), contractOf([b], { removed: ["a"] }));
    assert.ok(used.kind === "refused" && /made by it/.test(used.refused[0]!.reason), JSON.stringify(rest));
  }
  const free = checkSchemaChange(contractOf([a, b], { sort: ["a"], checks: [{ kind: "sum", field: "a" }] }), contractOf([b], { removed: ["a"] }));
  assert.deepEqual(free.kind === "compatible" && free.changes, ["field a removed", "checks changed", "sort changed"]);
  assert.equal(checkSchemaChange(one, contractOf([a, b, n], { removed: ["later"] })).kind, "compatible");
});

test("FULL_TRANSITIVE asks that every earlier version reads new records too", () => {
  const level = { compatibility: "FULL_TRANSITIVE" };
  const one = contractOf(
    [
      { name: "a", type: "int" },
      { name: "d", type: "int", default: 0 },
    ],
    level,
  );
  const check = (list: readonly unknown[], rest: object) => {
    const after = contractOf(list, { ...level, ...rest });
    assert.notEqual(checkSchemaChange(one, after).kind, "refused");
    return checkLevel(one, alignContract(one, after), [one.schema]).map(({ path }) => path);
  };
  assert.deepEqual(check([{ name: "a", type: "int" }], { removed: ["d"] }), []);
  assert.deepEqual(check([{ name: "d", type: "int", default: 0 }], { removed: ["a"] }), ["schema.a"]);
  assert.deepEqual(
    check(
      [
        { name: "a", type: "long" },
        { name: "d", type: "int", default: 0 },
      ],
      {},
    ),
    ["schema.a"],
  );
  assert.deepEqual(
    check(
      [
        { name: "b", type: "int", aliases: ["a"] },
        { name: "d", type: "int", default: 0 },
      ],
      {},
    ),
    ["schema.a"],
  );
  assert.deepEqual(
    check(
      [
        { name: "a", type: "long" },
        { name: "d", type: "int", default: 0 },
      ],
      { compatibility: "BACKWARD_TRANSITIVE" },
    ),
    ["schema.a"],
  );
});

test("rows that wait for a rebuild follow names and types, under their own rules and defaults, without new fields", () => {
  const one = contractOf([...fields, { name: "d", type: "int", default: 1 }]);
  const list = [{ name: "b", type: "long", aliases: ["a"] }, fields[1], { name: "d", type: "int", default: 2 }, { name: "n", type: "int", default: 0 }];
  const two = alignContract(one, contractOf(list, { order: ["b"] }));
  const followed = followWithoutRebuild(one, two)!;
  assert.deepEqual([namesIn(followed), followed.order, followed.schema.fields[4]?.default], [["k", "o", "b", "e", "d"], ["o"], 1]);
  const change = checkSchemaChange(one, followed);
  assert.deepEqual(change.kind === "compatible" && change.fields, { ...noFieldChanges, renamed: [{ from: "a", to: "b" }], widened: ["b"] });
  const ordered = contractOf(fields, { order: ["a"] });
  const gone = alignContract(alignContract(ordered, contractOf(fields)), contractOf([fields[1]], { removed: ["a"] }));
  assert.equal(followWithoutRebuild(ordered, gone), undefined);
});

test("a contract is judged as it was stored", () => {
  const stored = JSON.parse(JSON.stringify(formatContract(before))) as { readonly schema: { readonly fields: readonly unknown[] } };
  const again = contractOf(stored.schema.fields.slice(2));
  assert.deepEqual(checkSchemaChange(before, again), { kind: "identical" });
});

function namesIn({ schema }: typeof before): readonly string[] {
  return schema.fields.map(({ name }) => name);
}

function parsedAgain(contract: typeof before): unknown {
  return parseContract(JSON.parse(JSON.stringify(formatContract(contract))));
}
