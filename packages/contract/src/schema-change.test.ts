import assert from "node:assert/strict";
import { test } from "node:test";
import { formatContract } from "./contract-json.ts";
import { alignContract, checkSchemaChange } from "./schema-change.ts";
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
  assert.deepEqual(change, { kind: "additive", fields: ["n"], changes: ["field n added"] });
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
    kind: "additive",
    fields: [],
    changes: ["description changed", "owner changed", "checks changed", "compatibility changed", "documentation of a changed"],
  });
});

test("everything else is refused, each part by its name with what to do", () => {
  const time = { name: "t", type: { type: "long", logicalType: "timestamp-micros" }, default: 0 };
  const cases: readonly (readonly [readonly unknown[], object, string])[] = [
    [fields, { key: ["o"] }, "key"],
    [fields.slice(1), {}, "schema.a"],
    [[{ name: "a", type: "long" }, fields[1]], {}, "schema.a"],
    [[{ name: "a", type: ["null", "int"] }, fields[1]], {}, "schema.a"],
    [[{ name: "a", type: "int", default: 1 }, fields[1]], {}, "schema.a"],
    [[fields[0], { name: "e", type: { type: "enum", name: "e", symbols: ["X", "Y"] } }], {}, "schema.e"],
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
    [fields, { immutable: true }, "immutable", "immutable changed"],
  ];
  for (const [list, rest, part, text] of cases) {
    assert.deepEqual(checkSchemaChange(before, contractOf(list, rest)), { kind: "rebuild", rebuilt: [part], fields: [], changes: [text] });
  }
  const withDefault = (value: number) => contractOf([{ name: "a", type: "int", default: value }]);
  assert.deepEqual(checkSchemaChange(withDefault(1), withDefault(2)), {
    kind: "rebuild",
    rebuilt: ["schema.a"],
    fields: [],
    changes: ["default of a changed"],
  });
  const both = contractOf([...fields, { name: "n", type: "int", default: 0 }], { order: ["n"], owner: "me" });
  assert.deepEqual(checkSchemaChange(before, both), {
    kind: "rebuild",
    rebuilt: ["order"],
    fields: ["n"],
    changes: ["field n added", "owner changed", "order changed"],
  });
  assert.equal(checkSchemaChange(before, contractOf(fields, { order: ["a"], key: ["o"] })).kind, "refused");
});

test("a field within a record may not be added yet", () => {
  const nested = (inner: readonly unknown[]) =>
    contractOf([{ name: "r", type: { type: "record", name: "r", fields: [{ name: "x", type: "int" }, ...inner] } }]);
  const change = checkSchemaChange(nested([]), nested([{ name: "y", type: "int", default: 0 }]));
  assert.ok(change.kind === "refused");
  assert.equal(change.refused[0]?.path, "schema.r");
});

test("a contract is judged as it was stored", () => {
  const stored = JSON.parse(JSON.stringify(formatContract(before))) as { readonly schema: { readonly fields: readonly unknown[] } };
  const again = contractOf(stored.schema.fields.slice(2));
  assert.deepEqual(checkSchemaChange(before, again), { kind: "identical" });
});
