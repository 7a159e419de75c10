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
    [fields, { order: ["a"] }, "order"],
    [fields, { merge: { kind: "first" } }, "merge"],
    [fields, { partition: [{ field: "k", transform: "identity" }] }, "partition"],
    [fields, { immutable: true }, "immutable"],
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
