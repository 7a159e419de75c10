import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { formatContract } from "./contract-json.ts";
import { parseContract } from "./contract-parser.ts";
import { takesDeletes } from "./contract.ts";
import { byField, latest, none } from "./declare/clauses.ts";
import { dataset } from "./declare/dataset.ts";
import { hlc, timestamp } from "./declare/field-types.ts";
import type { Issue } from "./avro/schema.ts";
import { ContractError } from "./errors.ts";
import { compileRecordEncoder } from "./records/record-encoder.ts";
import { partitionKind } from "./partition.ts";
import { compileDoorEncoder } from "./generated/door-encoder.ts";

const fields = [
  { name: "id", type: "string" },
  { name: "revision", type: "long" },
  { name: "at", type: { type: "long", logicalType: "timestamp-millis" } },
  { name: "local", type: { type: "long", logicalType: "local-timestamp-millis" } },
  { name: "gone", type: "boolean" },
  { name: "goneByDefault", type: "boolean", default: true },
  { name: "status", type: { type: "enum", name: "status", symbols: ["open", "closed"] } },
  { name: "note", type: ["null", "string"], default: null },
  { name: "secret", type: "string", pii: true },
  { name: "tags", type: { type: "array", items: "string" } },
  { name: "place", type: { type: "record", name: "place", fields: [{ name: "zip", type: "string", pii: true }] } },
  { name: "stamp", type: { type: "long", "mainstem.clock": "hlc" } },
  { name: "id2", type: "string", default: "" },
  { name: "ratio", type: "double", default: 0 },
];
const json = (rest: object) => ({
  name: "shop.orders",
  schema: { type: "record", name: "orders", namespace: "shop", fields },
  key: ["id"],
  order: ["revision"],
  ...rest,
});

function issuesOf(rest: object): readonly Issue[] {
  try {
    parseContract(json(rest));
  } catch (error) {
    assert.ok(error instanceof ContractError);
    return error.facts["issues"] as readonly Issue[];
  }
  return assert.fail(`${JSON.stringify(rest)} was taken`);
}

test("every clause comes back as it was", () => {
  const full = {
    deletes: { field: "status", values: ["closed"], horizon: "30d" },
    sort: ["at", "status"],
    subject: ["secret", "place.zip"],
    tags: ["finance", "gold"],
    retention: { log: "7d", logBytes: 1_000 },
    maxAhead: "5m",
    predecessor: "shop.old_orders",
    order: ["stamp", "revision"],
  };
  const written = formatContract(parseContract(json(full)));
  for (const [clause, value] of Object.entries(full)) assert.deepEqual(written[clause as keyof typeof written], value);
  assert.deepEqual(formatContract(parseContract(JSON.parse(JSON.stringify(written)))), written);
  assert.deepEqual(parseContract(json({ tags: ["b", "a", "b"] })).tags, ["a", "b"]);
  const rules = parseContract(json({ merge: { kind: "fields", fields: { tags: "union", at: "max" } } })).merge;
  assert.equal(JSON.stringify(rules), '{"kind":"fields","fields":{"at":"max","tags":"union"}}', "in the order of the schema");
});

test("what contradicts itself is refused at its place, with the way out in the sentence", () => {
  const first = { kind: "first" };
  const deletes = { field: "gone" };
  const refused: readonly (readonly [object, string, RegExp])[] = [
    [{ merge: { kind: "sum" } }, "merge", /no sum: a record that is sent twice/],
    [{ merge: { kind: "fields", fields: { revision: "sum" } } }, "merge.fields.revision", /no sum/],
    [{ merge: { kind: "fields", fields: {} } }, "merge.fields", /use \{ "kind": "latest" \}/],
    [{ merge: { kind: "fields", fields: { nothing: "max" } } }, "merge.fields.nothing", /no field "nothing"/],
    [{ merge: { kind: "fields", fields: { note: "union" } } }, "merge.fields.note", /takes an array/],
    [{ merge: { kind: "fields", fields: { status: "max" } } }, "merge.fields.status", /use latest or first/],
    [{ merge: { kind: "fields", fields: { tags: "min" } } }, "merge.fields.tags", /use latest or first/],
    [{ merge: { kind: "fields", fields: { id: "first" } } }, "merge.fields.id", /leave its rule out/],
    [{ merge: { kind: "fields", fields: { revision: "max" } } }, "merge.fields.revision", /leave its rule out/],
    [{ merge: { kind: "none" } }, "order", /leave order out/],
    [{ deletes, merge: first }, "deletes", /use merge latest/],
    [{ deletes, merge: { kind: "fields", fields: { at: "max" } } }, "deletes", /use merge latest/],
    [{ deletes, merge: { kind: "none" }, order: "log" }, "deletes", /give the dataset a key/],
    [{ deletes, key: ["id", "gone"] }, "deletes.field", /beside the key/],
    [{ deletes, partition: [{ field: "gone", transform: "identity" }], immutable: true }, "deletes.field", /leave immutable out/],
    [{ deletes: { field: "note" } }, "deletes.field", /say in values/],
    [{ deletes: { field: "gone", values: ["true"] } }, "deletes.values", /deletes when it is true/],
    [{ deletes: { field: "status", values: ["gone"] } }, "deletes.values[0]", /it has open closed/],
    [{ deletes: { field: "status", values: ["closed", "open"] } }, "deletes.values", /leave out those of records that stay/],
    [
      { deletes: { field: "status", values: ["closed"] }, checks: [{ kind: "oneOf", field: "status", values: ["open"] }] },
      "deletes.values[0]",
      /let the checks take it/,
    ],
    [{ deletes: { field: "id2", values: ["xx", "yyy"] }, checks: [{ kind: "length", field: "id2", max: 2 }] }, "deletes.values[1]", /let the checks take it/],
    [{ checks: [{ kind: "range", field: "ratio", min: Number.NaN }] }, "checks[0].min", /a value that the field can have/],
    [{ deletes: { field: "goneByDefault" } }, "deletes.field", /default that does not/],
    [{ deletes: { field: "gone", horizon: "soon" } }, "deletes.horizon", /30s, 15m/],
    [{ deletes: { field: "goon" } }, "deletes.field", /no field "goon"/],
    [{ immutable: true }, "immutable", /there is no partition: leave it out/],
    [{ maxAhead: "5m" }, "maxAhead", /order by one/],
    [{ maxAhead: "5m", order: ["local"] }, "maxAhead", /order by one/],
    [{ maxAhead: "5m", order: "log" }, "maxAhead", /the order has none/],
    [{ key: [] }, "key", /1 to 16/],
    [{ key: [], order: "log" }, "key", /1 to 16/],
    [{ sort: ["secret"] }, "sort[0]", /pii/],
    [{ sort: ["tags"] }, "sort[0]", /single values/],
    [{ subject: ["place"] }, "subject[0]", /name the value in it/],
    [{ subject: ["place.city"] }, "subject[0]", /paths through records/],
    [{ order: ["secret"] }, "order[0]", /pii/],
    [{ partition: [{ field: "secret", transform: "identity" }] }, "partition[0].field", /pii/],
    [{ tags: [" x"] }, "tags", /words/],
    [{ retention: {} }, "retention", /needs log, logBytes/],
    [{ retention: { log: "7 days" } }, "retention.log", /7d/],
    [{ retention: { archive: "7d" } }, "retention.archive", /kept for ever/],
    [{ predecessor: "shop.orders" }, "predecessor", /cannot continue itself/],
    [{ predecessor: "orders" }, "predecessor", /namespace.name/],
  ];
  for (const [rest, path, message] of refused) {
    const [issue, ...others] = issuesOf(rest);
    assert.deepEqual(others, [], JSON.stringify(rest));
    assert.equal(issue?.path, path, JSON.stringify(rest));
    assert.match(issue.message, message);
  }
});

test("a clock is a long without a logical type", () => {
  for (const type of [
    { type: "string", "mainstem.clock": "hlc" },
    { type: "long", "mainstem.clock": "lamport" },
    { type: "long", logicalType: "timestamp-micros", "mainstem.clock": "hlc" },
  ]) {
    const schema = { type: "record", name: "orders", namespace: "shop", fields: [...fields, { name: "x", type }] };
    assert.deepEqual(
      issuesOf({ schema }).map(({ path }) => path),
      [`schema.fields[${fields.length}].type.mainstem.clock`],
    );
  }
});

test("without a merge neither key nor order need be said, and the log's key has no bytes", () => {
  const contract = parseContract(json({ key: undefined, order: undefined, merge: { kind: "none" }, partition: [{ field: "at", transform: "day" }] }));
  assert.deepEqual([contract.key, contract.order, partitionKind(contract)], [[], "log", "stable"]);
  const record = { id: "a", revision: 1, at: 0, local: "2026-11-21T09:56:18", gone: false, status: "open", secret: "", tags: [], place: { zip: "" }, stamp: 1 };
  const [slow, door] = [compileRecordEncoder(contract).encode(record), compileDoorEncoder(contract).encode(record)];
  assert.ok(slow.kind === "valid" && door.kind === "valid", JSON.stringify([slow, door]));
  assert.deepEqual([slow.key.length, door.key.length], [0, 0]);
  assert.deepEqual(door.value, slow.value);
});

test("only the log's order under latest, or a delete field, makes deletes", () => {
  const taken = [{}, { order: "log" }, { order: "log", merge: { kind: "first" } }, { deletes: { field: "gone" } }].map((rest) =>
    takesDeletes(parseContract(json(rest))),
  );
  assert.deepEqual(taken, [false, true, false, true]);
});

test("dataset() declares all of it from Zod", () => {
  const schema = z.object({ id: z.string(), stamp: hlc(), at: timestamp(), seen: z.array(z.string()), gone: z.boolean() });
  const contract = dataset({
    name: "shop.carts",
    schema,
    key: ["id"],
    order: ["stamp"],
    merge: latest(),
    deletes: { field: "gone", horizon: "7d" },
    sort: ["at"],
    subject: ["id"],
    tags: ["web"],
    retention: { log: "3d" },
    maxAhead: "1m",
    predecessor: "shop.baskets",
  });
  assert.deepEqual(contract.schema.fields[1]?.type, { type: "long", "mainstem.clock": "hlc" });
  assert.deepEqual(
    [contract.deletes, contract.sort, contract.subject, contract.tags, contract.retention, contract.maxAhead, contract.predecessor],
    [{ field: "gone", horizon: "7d" }, ["at"], ["id"], ["web"], { log: "3d" }, "1m", "shop.baskets"],
  );
  assert.deepEqual(dataset({ name: "shop.carts", schema, key: ["id"], order: "log", merge: byField({ seen: "union" }) }).merge, {
    kind: "fields",
    fields: { seen: "union" },
  });
  assert.equal(dataset({ name: "shop.clicks", schema, merge: none() }).order, "log");
});
