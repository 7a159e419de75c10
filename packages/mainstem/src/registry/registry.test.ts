import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { formatContract, noFieldChanges, parseContract, toSchemaJson, type Contract } from "@mainstem/contract";
import type { TopicId, TopicName } from "../log/index.ts";
import { parseObjectKey, readWhole, type ObjectStore } from "../objects/index.ts";
import { toErrorValue, type MainstemError } from "../runtime/errors.ts";
import { openSqliteState } from "../state/sqlite/store.ts";
import type { Version } from "../state/index.ts";
import type { Applied, Dataset, Registry } from "./dataset.ts";
import { contractOf, createFolder, createStores, loseState, openStores } from "./testing/stores.ts";

test("a new dataset gets a version, a schema id and three topics", async () => {
  await using stores = await createStores();
  await using registry = await stores.open({ partitions: 3, retention: { ms: 1_000, bytes: 5_000 } });
  const contract = contractOf("shop.orders");
  const { kind, dataset } = await registry.apply(contract);
  assert.equal(kind, "created");
  assert.deepEqual(dataset.contract, contract);
  assert.equal(dataset.version, 1);
  assert.equal(dataset.schemaId, 1);
  assert.deepEqual(dataset.generations, [{ generation: 1, topicId: dataset.topics.records.id }]);
  assert.ok(Math.abs(dataset.appliedAt - Date.now()) < 60_000);

  const { records, chunks, inbox } = dataset.topics;
  assert.deepEqual(await stores.log.describeTopic("shop.orders" as TopicName), records);
  assert.deepEqual(
    [records.partitions, records.timestampType, records.retention, records.retainFor],
    [3, "append", { ms: 1_000, bytes: 5_000 }, ["mainstem.archive.shop.orders"]],
  );
  assert.deepEqual([chunks.name, chunks.partitions, chunks.retention, chunks.retainFor], ["_mainstem.chunks.shop.orders", 1, { ms: 7 * 86_400_000 }, []]);
  assert.deepEqual([inbox.name, inbox.partitions, inbox.retention, inbox.retainFor], ["_mainstem.inbox.shop.orders", 1, {}, []]);
  assert.deepEqual(await registry.get("shop.orders"), dataset);
  assert.deepEqual(await registry.list(), [dataset]);
  assert.deepEqual(await registry.schema(1), contract.schema);
});

test("a dataset whose name differs from another's only in case is refused, and judged so", async () => {
  await using stores = await createStores();
  await using registry = await stores.open();
  await registry.apply(contractOf("ty.a_b"));
  for (const name of ["ty.A_B", "TY.a_b"]) {
    await assert.rejects(registry.apply(contractOf(name)), { code: "registry.nameTaken", message: new RegExp(`both ty\\.a_b and ${name},`) });
    const judgement = await registry.judge(contractOf(name));
    assert.deepEqual(judgement.kind === "refused" && judgement.refused.map(({ path }) => path), ["name"]);
  }
  assert.equal((await registry.list()).length, 1);
  assert.equal(await stores.log.describeTopic("ty.A_B" as TopicName), undefined, "nothing was made of it");
  // Queries find both, as one schema.
  assert.equal((await registry.apply(contractOf("Ty.c"))).kind, "created");
  assert.equal((await registry.judge(contractOf("ty.D"), [{ name: "ty.d" }])).kind, "refused");
});

test("applying the same again changes nothing, whoever does it", async () => {
  await using stores = await createStores();
  await using registry = await stores.open();
  const first = await registry.apply(contractOf("shop.orders"));
  assert.deepEqual(await registry.apply(contractOf("shop.orders")), { kind: "unchanged", dataset: first.dataset });
  await using other = await stores.open();
  assert.deepEqual(await other.apply(contractOf("shop.orders")), { kind: "unchanged", dataset: first.dataset });
  assert.equal((await registry.history("shop.orders")).length, 1);
});

test("fields with defaults may be added, and what has no effect on records may change", async () => {
  await using stores = await createStores();
  await using registry = await stores.open();
  await registry.apply(contractOf("shop.orders"));
  const added = changed(await registry.apply(contractOf("shop.orders", { fields: ["email"] })));
  assert.deepEqual([added.dataset.version, added.dataset.schemaId], [2, 2]);
  assert.deepEqual(added.changes, ["field email added"]);
  const told = changed(
    await registry.apply(
      contractOf("shop.orders", { fields: ["email"], description: "Orders.", owner: "checkout", checks: [{ kind: "unique", field: "id" }] }),
    ),
  );
  assert.deepEqual([told.dataset.version, told.dataset.schemaId], [3, 2]);
  assert.equal(told.dataset.contract.owner, "checkout");
  assert.deepEqual(told.dataset.topics, added.dataset.topics);
  assert.deepEqual(
    (await registry.history("shop.orders")).map(({ version, schemaId, contract }) => [version, schemaId, contract.owner]),
    [
      [1, 1, undefined],
      [2, 2, undefined],
      [3, 2, "checkout"],
    ],
  );
  assert.deepEqual(await registry.schema(1), contractOf("shop.orders").schema);
});

test("fields keep their places however a change orders them", async () => {
  await using stores = await createStores();
  await using registry = await stores.open();
  await registry.apply(contractOf("shop.orders", { fields: ["b"] }));
  const { dataset } = await registry.apply(contractOf("shop.orders", { fields: ["a", "b"] }));
  assert.deepEqual(
    dataset.contract.schema.fields.map((field) => field.name),
    ["id", "revision", "day", "b", "a"],
  );
  assert.equal((await registry.apply(contractOf("shop.orders", { fields: ["a", "b"] }))).kind, "unchanged");
  assert.equal((await registry.apply(contractOf("shop.orders", { fields: ["b", "a"] }))).kind, "unchanged");
});

test("every other change is refused by name, with what to do, and nothing is kept of it", async () => {
  await using stores = await createStores();
  await using registry = await stores.open();
  await registry.apply(contractOf("shop.orders", { fields: ["email"] }));
  const refusals: readonly (readonly [{ readonly fields?: readonly string[]; readonly [property: string]: unknown }, readonly string[]])[] = [
    [{ fields: [] }, ["schema.email"]],
    [{ fields: ["email"], key: ["id", "revision"] }, ["key"]],
    [{ key: ["id", "revision"] }, ["key", "schema.email"]],
    [{ merge: { kind: "first" } }, ["schema.email"]],
  ];
  for (const [change, paths] of refusals) {
    await assert.rejects(
      registry.apply(contractOf("shop.orders", change)),
      (error: { code: string; message: string; facts: { changes: { path: string; reason: string; remedy: string }[] } }) => {
        assert.equal(error.code, "contract.incompatible");
        assert.deepEqual(
          error.facts.changes.map(({ path }) => path),
          paths,
        );
        for (const { reason, remedy } of error.facts.changes) assert.ok(error.message.includes(reason) && remedy.length > 0);
        return true;
      },
    );
  }
  assert.equal((await registry.require("shop.orders")).version, 1);
  assert.equal(await registry.schema(2), undefined, "a refused schema has no id");
  await assert.rejects(registry.require("shop.order"), { message: 'There is no dataset "shop.order" (perhaps shop.orders).' });
});

test("what is not there is told so", async () => {
  await using stores = await createStores();
  await using registry = await stores.open();
  assert.equal(await registry.get("no.such"), undefined);
  await assert.rejects(registry.require("no.such"), { code: "registry.datasetUnknown", message: /no\.such/ });
  assert.deepEqual(await registry.list(), []);
  assert.deepEqual(await registry.history("no.such"), []);
  for (const id of [0, -1, 1, 1.5, Number.NaN, 2 ** 40]) assert.equal(await registry.schema(id), undefined);
});

test("each schema has one id, for all datasets and for ever, also when many are registered at once", async () => {
  await using stores = await createStores();
  await using second = await openSqliteState({ file: join(stores.directory, "state.sqlite") });
  await using registry = await stores.open();
  await using other = await stores.open({ state: second });
  const schema = { ...contractOf("shop.shared").schema };
  const names = Array.from({ length: 6 }, (_, index) => `shop.d${index}`);
  const applied = await Promise.all([
    ...names.flatMap((name) => [registry.apply(contractOf(name)), other.apply(contractOf(name))]),
    ...["shop.shared", "shop.shared"].flatMap((name) => [registry, other].map((one) => one.apply(contractOf(name)))),
  ]);
  const ids = new Map(applied.map(({ dataset }) => [dataset.contract.name, dataset.schemaId]));
  for (const { dataset } of applied) assert.equal(dataset.schemaId, ids.get(dataset.contract.name));
  assert.deepEqual(
    [...ids.values()].sort((a, b) => a - b),
    [1, 2, 3, 4, 5, 6, 7],
  );
  assert.equal((await stores.state.definitions.list("schema")).length, 7);
  assert.deepEqual(await other.schema(ids.get("shop.shared") ?? 0), schema);
  assert.equal(applied.filter(({ kind }) => kind === "created").length, 7);
});

test("ids that come from another registry are known to all processes, are nobody else's, and survive the state", async () => {
  await using stores = await createStores();
  await using second = await openSqliteState({ file: join(stores.directory, "state.sqlite") });
  const contracts = Array.from({ length: 4 }, (_, index) => contractOf(`shop.d${index}`));
  const imported = { schema: toSchemaJson(contracts[0]!.schema), references: [] };
  {
    await using registry = await stores.open();
    await using other = await stores.open({ state: second });
    await registry.subjects.settings.setMode("moved", "IMPORT");
    await registry.subjects.register("moved", imported, { id: 3 });
    // Another process has not heard of it: neither the schema nor its id may be given out again.
    const applied = await Promise.all(contracts.map((contract, index) => (index % 2 === 0 ? other : registry).apply(contract)));
    const ids = applied.map(({ dataset }) => dataset.schemaId);
    assert.equal(ids[0], 3);
    assert.deepEqual(new Set(ids.slice(1)), new Set([4, 5, 6]));
    const taken = other.subjects.register("moved", { schema: "string", references: [] }, { id: ids[1]! });
    await assert.rejects(taken, { code: "registry.notPermitted" });
    await assert.rejects(other.subjects.register("moved", imported, { id: 9 }), { code: "registry.idMismatch" });
  }
  await using lost = await openSqliteState({ file: join(stores.directory, "lost.sqlite") });
  await using registry = await stores.open({ state: lost });
  assert.deepEqual(await registry.schema(3), contracts[0]!.schema);
  assert.equal((await registry.apply(contractOf("shop.later"))).dataset.schemaId, 7);
});

test("of concurrent changes one wins and the other is judged against it", async () => {
  await using stores = await createStores();
  await using second = await openSqliteState({ file: join(stores.directory, "state.sqlite") });
  await using registry = await stores.open();
  await using other = await stores.open({ state: second });
  await registry.apply(contractOf("shop.orders"));
  const outcomes = await Promise.allSettled([
    registry.apply(contractOf("shop.orders", { fields: ["a"] })),
    other.apply(contractOf("shop.orders", { fields: ["b"] })),
  ]);
  // Each adds its own field and lacks the other's: who comes second would remove a field.
  assert.deepEqual(outcomes.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
  for (const outcome of outcomes) if (outcome.status === "rejected") assert.equal(toErrorValue(outcome.reason).code, "contract.incompatible");
  const both = await Promise.all([
    registry.apply(contractOf("shop.orders", { fields: ["a", "b"] })),
    other.apply(contractOf("shop.orders", { fields: ["a", "b"] })),
  ]);
  assert.deepEqual(both.map(({ kind }) => kind).sort(), ["changed", "unchanged"]);
  assert.deepEqual(await registry.history("shop.orders"), await other.history("shop.orders"));
  assert.deepEqual(await registry.require("shop.orders"), await other.require("shop.orders"));
});

test("a change is told once to those who listen, wherever it was made", async () => {
  await using stores = await createStores();
  await using registry = await stores.open();
  await using other = await stores.open();
  const seen: (readonly [string, number])[] = [];
  const stop = other.onChange((dataset: Dataset) => {
    seen.push([dataset.contract.name, dataset.version]);
    throw new Error("a listener that fails");
  });
  await other.apply(contractOf("shop.own"));
  await other.apply(contractOf("shop.own"));
  await registry.apply(contractOf("shop.theirs"));
  await registry.apply(contractOf("shop.theirs", { fields: ["x"] }));
  assert.deepEqual(seen, [["shop.own", 1]]);
  await Promise.all([other.get("shop.theirs"), other.require("shop.theirs"), other.list()]);
  assert.deepEqual(seen, [
    ["shop.own", 1],
    ["shop.theirs", 2],
  ]);
  stop();
  await other.apply(contractOf("shop.own", { fields: ["x"] }));
  assert.equal(seen.length, 2);
});

test("a topic that is lost is made again as the next generation, on open or with the next apply", async () => {
  await using stores = await createStores();
  const contract = contractOf("shop.orders");
  await using registry = await stores.open();
  const { dataset } = await registry.apply(contract);
  const drop = (one: Dataset) => stores.log.deleteTopic(one.topics.records.name, one.topics.records.id);
  await drop(dataset);
  await stores.log.deleteTopic(dataset.topics.inbox.name, dataset.topics.inbox.id);

  await using reopened = await stores.open();
  const second = await reopened.require("shop.orders");
  assert.equal(second.version, 2);
  assert.deepEqual(
    second.generations.map(({ generation }) => generation),
    [1, 2],
  );
  assert.equal(second.generations[0]?.topicId, dataset.topics.records.id);
  assert.equal(second.generations[1]?.topicId, second.topics.records.id);
  assert.deepEqual(await stores.log.describeTopic(dataset.topics.inbox.name), second.topics.inbox);

  await drop(second);
  const third = await reopened.apply(contract);
  assert.equal(third.kind, "unchanged");
  assert.deepEqual([third.dataset.version, third.dataset.generations.length], [3, 3]);
  await drop(third.dataset);
  const fourth = await reopened.apply(contractOf("shop.orders", { fields: ["x"] }));
  assert.deepEqual([fourth.dataset.version, fourth.dataset.generations.length], [4, 4]);
  assert.deepEqual(await registry.require("shop.orders"), fourth.dataset);
});

test("what a contract says of retention goes before the platform's, and follows the contract", async () => {
  await using stores = await createStores();
  await using registry = await stores.open({ retention: { ms: 9, bytes: 5_000 } });
  const retentionOf = async (retention?: Contract["retention"]) => {
    const { dataset } = await registry.apply({ ...contractOf("shop.orders"), ...(retention === undefined ? {} : { retention }) });
    assert.deepEqual(await stores.log.describeTopic("shop.orders" as TopicName), dataset.topics.records);
    return dataset.topics.records.retention;
  };
  assert.deepEqual(await retentionOf({ log: "2d" }), { ms: 172_800_000, bytes: 5_000 });
  assert.deepEqual(await retentionOf({ logBytes: 70_000 }), { ms: 9, bytes: 70_000 });
  assert.deepEqual(await retentionOf(), { ms: 9, bytes: 5_000 });
});

test("topics that are there keep their partitions and take new retention over", async () => {
  await using stores = await createStores();
  await using first = await stores.open({ partitions: 2 });
  await first.apply(contractOf("shop.orders"));
  await using registry = await stores.open({ partitions: 5, retention: { ms: 9 } });
  const { records } = (await registry.require("shop.orders")).topics;
  assert.deepEqual([records.partitions, records.retention], [2, { ms: 9 }]);
  assert.equal((await registry.apply(contractOf("shop.new"))).dataset.topics.records.partitions, 5);
});

test("every version of every definition is an object", async () => {
  await using stores = await createStores();
  await using registry = await stores.open();
  await registry.apply(contractOf("shop.orders"));
  await registry.apply(contractOf("shop.orders", { fields: ["x"] }));
  assert.deepEqual(await definitionKeys(stores.objects), [
    "definitions/dataset/shop.orders/1.json",
    "definitions/dataset/shop.orders/2.json",
    "definitions/schema/1/1.json",
    "definitions/schema/2/1.json",
    "definitions/subject/shop.orders-value/1.json",
  ]);
  const text = (await readWhole(stores.objects, parseObjectKey("definitions/dataset/shop.orders/2.json"), { bytesMax: 100_000 })).toString();
  assert.deepEqual(JSON.parse(text), { formatVersion: 1, ...(await stores.state.definitions.get("dataset", "shop.orders")) });
});

test("a process that lives on stores the object that a dead one left out", async () => {
  await using stores = await createStores();
  await using registry = await stores.open();
  await registry.apply(contractOf("shop.orders"));
  const first = parseObjectKey("definitions/dataset/shop.orders/1.json");
  await stores.objects.delete([first]);
  assert.equal((await registry.apply(contractOf("shop.orders"))).kind, "unchanged");
  assert.ok((await definitionKeys(stores.objects)).includes(first));
  await stores.objects.delete([first]);
  await registry.apply(contractOf("shop.orders", { fields: ["x"] }));
  assert.ok((await definitionKeys(stores.objects)).includes(first));
});

test("a lost state is made anew from the objects: contracts, history, schema ids and generations", async () => {
  await using folder = await createFolder();
  const look = async (registry: Registry) => [
    await registry.list(),
    await registry.history("shop.a"),
    await registry.schema(1),
    await registry.schema(13),
    await registry.schema(14),
  ];
  const fields = (count: number) => Array.from({ length: count }, (_, index) => `f${index}`);
  let before: readonly unknown[] = [];
  {
    await using stores = await openStores(folder.path);
    await using registry = await stores.open();
    for (const name of ["shop.b", "shop.a"]) await registry.apply(contractOf(name));
    for (let count = 1; count <= 11; count += 1) await registry.apply(contractOf("shop.a", { fields: fields(count) }));
    before = await look(registry);
  }
  await loseState(folder.path);
  await using stores = await openStores(folder.path);
  const registries = await Promise.all([stores.open(), stores.open()]);
  for (const registry of registries) assert.deepEqual(await look(registry), before);
  const { dataset } = await stores.open().then((registry) => registry.apply(contractOf("shop.c")));
  assert.equal(dataset.schemaId, 14);
});

test("a default beyond 2^53 keeps its digits, in the state and in the objects, and is another schema than its neighbour", async () => {
  await using folder = await createFolder();
  const far = (last: bigint): Contract => {
    const { schema, ...rest } = formatContract(contractOf("shop.far"));
    const fields = [...(schema as { readonly fields: readonly unknown[] }).fields, { name: "far", type: "long", default: last }];
    return parseContract({ ...rest, schema: { ...(schema as object), fields } });
  };
  const last = 2n ** 63n - 1n;
  {
    await using stores = await openStores(folder.path);
    await using registry = await stores.open();
    assert.equal((await registry.apply(far(last))).dataset.schemaId, 1);
    await using other = await stores.open();
    assert.equal((await other.apply(far(last))).kind, "unchanged");
    await assert.rejects(other.apply(far(last - 1n)), { code: "registry.rebuildNeeded" });
  }
  await loseState(folder.path);
  await using stores = await openStores(folder.path);
  await using registry = await stores.open();
  assert.deepEqual((await registry.require("shop.far")).contract, far(last));
  assert.equal((await registry.schema(1))?.fields.at(-1)?.default, last);
  assert.equal((await registry.apply(far(last))).kind, "unchanged");
});

test("objects that are no continuation of the state are refused, not believed", async () => {
  await using stores = await createStores();
  await using registry = await stores.open();
  await registry.apply(contractOf("shop.orders"));
  const damages: readonly (readonly [string, string])[] = [
    ["definitions/dataset/shop.orders/3.json", "{}"],
    ["definitions/dataset/shop.orders/2.json", "{}"],
    ["definitions/dataset/shop.orders/2.json", "not json"],
    ["definitions/dataset/shop.orders/2.json", '{"formatVersion":"2","kind":"dataset","name":"shop.orders","version":2,"appliedAt":0,"spec":{}}'],
    ["definitions/dataset/shop.orders/2.json", '{"formatVersion":1,"kind":"dataset","name":"shop.other","version":2,"appliedAt":0,"spec":{}}'],
    ["definitions/dataset/shop.orders/2.json", '{"formatVersion":1,"kind":"dataset","name":"shop.orders","version":2,"appliedAt":0}'],
  ];
  for (const [key, text] of damages) {
    await stores.objects.put(parseObjectKey(key), [Buffer.from(text)]);
    await assert.rejects(stores.open(), { code: "registry.diverged", message: /shop\.orders/ });
    await stores.objects.delete([parseObjectKey(key)]);
  }
  await stores.objects.put(parseObjectKey("definitions/dataset/shop.orders/1.json"), [Buffer.from("{}")]);
  await assert.rejects(registry.apply(contractOf("shop.orders")), { code: "registry.diverged" });
  assert.equal((await stores.state.definitions.history("dataset", "shop.orders")).length, 1);
});

test("definitions of a later version are refused, and nothing is changed", async () => {
  await using stores = await createStores();
  await using registry = await stores.open();
  await registry.apply(contractOf("shop.orders"));
  const key = parseObjectKey("definitions/dataset/shop.orders/2.json");
  const later = '{"formatVersion":2,"kind":"dataset","name":"shop.orders","version":2,"appliedAt":0,"spec":{}}';
  await stores.objects.put(key, [Buffer.from(later)]);
  await assert.rejects(stores.open(), { code: "registry.newer", message: /definitions\/dataset\/shop\.orders\/2\.json was written by a newer version/ });
  assert.equal((await stores.state.definitions.history("dataset", "shop.orders")).length, 1);
  await stores.objects.delete([key]);

  const current = await stores.state.definitions.get("dataset", "shop.orders");
  assert.ok(current !== undefined);
  const { contract, ...rest } = current.spec as { readonly contract: object };
  const spec = { ...rest, contract: { ...contract, formatVersion: 2 } };
  await stores.state.definitions.put({ kind: "dataset", name: "shop.orders", spec, appliedAt: 0 }, 1 as Version);
  await assert.rejects(stores.open(), { code: "registry.newer", message: /contract of shop\.orders in version 2/ });
});

test("a log that is older than the state is refused", async () => {
  await using stores = await createStores();
  await using registry = await stores.open();
  const { dataset } = await registry.apply(contractOf("shop.orders"));
  const current = await stores.state.definitions.get("dataset", "shop.orders");
  const spec = { ...(current?.spec as object), generations: [dataset.topics.records.id, "AAAAAAAAAAAAAAAAAAAAAA"] };
  await stores.state.definitions.put({ kind: "dataset", name: "shop.orders", spec, appliedAt: 0 }, 1 as Version);
  await assert.rejects(stores.open(), { code: "registry.diverged", message: /older/ });
});

test("a damaged definition is named", async () => {
  await using stores = await createStores();
  await using registry = await stores.open();
  await registry.apply(contractOf("shop.orders"));
  const { spec } = (await stores.state.definitions.get("dataset", "shop.orders")) ?? {};
  const damages = [
    null,
    {},
    { ...(spec as object), generations: [] },
    { ...(spec as object), schemaId: "1" },
    { ...(spec as object), contract: { name: "shop.other" } },
  ];
  for (const [index, damaged] of damages.entries()) {
    await stores.state.definitions.put({ kind: "dataset", name: `shop.d${index}`, spec: damaged, appliedAt: 0 }, "absent");
    await assert.rejects(registry.get(`shop.d${index}`), (error: { code: string }) => ["state.corrupt", "contract.invalid"].includes(error.code));
  }
  await stores.state.definitions.put({ kind: "schema", name: "2", spec: { schema: contractOf("shop.x").schema, sha256: "0" }, appliedAt: 0 }, "absent");
  await assert.rejects(registry.schema(2), { code: "state.corrupt" });
});

test("a topic that somebody made in another way is named before anything is stored", async () => {
  await using stores = await createStores();
  await using registry = await stores.open();
  await stores.log.createTopic({ name: "shop.orders" as TopicName, partitions: 1, timestampType: "create", retention: {}, retainFor: [] });
  await assert.rejects(registry.apply(contractOf("shop.orders")), { code: "log.topicConflict" });
  assert.equal(await stores.state.definitions.get("dataset", "shop.orders"), undefined);
});

test("a closed registry refuses, its stores go on", async () => {
  await using stores = await createStores();
  const registry = await stores.open();
  await registry.apply(contractOf("shop.orders"));
  await registry[Symbol.asyncDispose]();
  await registry[Symbol.asyncDispose]();
  const closed = { code: "resource.closed" };
  await assert.rejects(registry.apply(contractOf("shop.orders")), closed);
  await assert.rejects(registry.get("shop.orders"), closed);
  await assert.rejects(registry.list(), closed);
  await assert.rejects(registry.history("shop.orders"), closed);
  await assert.rejects(registry.schema(1), closed);
  assert.equal((await stores.state.definitions.list("dataset")).length, 1);
});

function changed(applied: Applied): Extract<Applied, { readonly kind: "changed" }> {
  assert.ok(applied.kind === "changed");
  return applied;
}

async function definitionKeys(objects: ObjectStore): Promise<readonly string[]> {
  const keys: string[] = [];
  for await (const { key } of objects.list("definitions/")) keys.push(key);
  return keys;
}

test("the history says where each version came from, and repeating a declaration adds none", async () => {
  await using stores = await createStores();
  await using registry = await stores.open();
  const contract = contractOf("shop.orders");
  await registry.apply(contract, { provenance: "commit 1" });
  assert.equal((await registry.apply(contract, { provenance: "commit 2" })).kind, "unchanged");
  await registry.apply({ ...contract, owner: "checkout" }, { provenance: "commit 3" });
  await registry.apply({ ...contract, owner: "shop" });
  const provenances = async (of: Registry): Promise<unknown> => (await of.history("shop.orders")).map(({ version, provenance }) => [version, provenance]);
  const expected = [
    [1, "commit 1"],
    [2, "commit 3"],
    // As every version that was stored before there was provenance.
    [3, undefined],
  ];
  assert.deepEqual(await provenances(registry), expected);
  await using again = await stores.open();
  assert.deepEqual(await provenances(again), expected);
});

test("a change that needs the table to be built again is made only with consent", async () => {
  await using stores = await createStores();
  await using registry = await stores.open();
  await registry.apply(contractOf("shop.orders"));
  const next = contractOf("shop.orders", { merge: { kind: "first" } });
  await assert.rejects(registry.apply(next), { code: "registry.rebuildNeeded", facts: { dataset: "shop.orders", rebuilt: ["merge"] } });
  assert.equal((await registry.require("shop.orders")).version, 1);
  const applied = changed(await registry.apply(next, { rebuild: true }));
  assert.deepEqual([applied.rebuilt, applied.dataset.version, applied.dataset.contract.merge.kind], [["merge"], 2, "first"]);
});

test("a predecessor has to be there, and has one successor", async () => {
  await using stores = await createStores();
  await using registry = await stores.open();
  const next = contractOf("shop.orders2", { predecessor: "shop.orders" });
  await assert.rejects(registry.apply(next), { code: "registry.predecessorInvalid", message: /no such dataset/ });
  await registry.apply(contractOf("shop.orders"));
  assert.equal((await registry.apply(next)).kind, "created");
  assert.equal((await registry.apply(next)).kind, "unchanged");
  await assert.rejects(registry.apply(contractOf("shop.orders3", { predecessor: "shop.orders" })), {
    code: "registry.predecessorInvalid",
    message: /shop\.orders2 does already/,
  });
  assert.deepEqual(
    (await registry.list()).map(({ contract }) => contract.name),
    ["shop.orders", "shop.orders2"],
  );
});

test("of datasets that are applied at once one follows a predecessor, also when they come from two processes", async () => {
  await using stores = await createStores();
  await using one = await stores.open();
  await using other = await stores.open();
  await one.apply(contractOf("shop.orders"));
  const names = ["shop.orders2", "shop.orders3", "shop.orders4", "shop.orders5"];
  const applied = await Promise.allSettled(names.map((name, index) => (index % 2 === 0 ? one : other).apply(contractOf(name, { predecessor: "shop.orders" }))));
  const refused = applied.flatMap((result) => (result.status === "rejected" ? [(result.reason as MainstemError).code] : []));
  assert.deepEqual(
    refused,
    Array.from({ length: 3 }, () => "registry.predecessorInvalid"),
  );
  const successor = names[applied.findIndex(({ status }) => status === "fulfilled")] ?? "";
  assert.equal((await one.successorOf("shop.orders"))?.contract.name, successor);
  assert.equal((await other.require("shop.orders")).successor, successor);
  const followers = (await one.list()).filter(({ contract }) => contract.predecessor === "shop.orders");
  assert.deepEqual(
    followers.map(({ contract }) => contract.name),
    [successor],
  );
});

test("a claim of a predecessor outlives a crash before the dataset is made, and is given up once that is made without it", async () => {
  await using stores = await createStores();
  await using registry = await stores.open();
  await registry.apply(contractOf("shop.orders"));
  const { spec, version } = (await stores.state.definitions.get("dataset", "shop.orders"))!;
  // What a crash leaves between the claim and the dataset.
  await stores.state.definitions.put({ kind: "dataset", name: "shop.orders", spec: { ...(spec as object), successor: "shop.lost" }, appliedAt: 1 }, version);
  const next = contractOf("shop.orders2", { predecessor: "shop.orders" });
  await assert.rejects(registry.apply(next), { code: "registry.predecessorInvalid", facts: { predecessor: "shop.orders", successor: "shop.lost" } });
  await registry.apply(contractOf("shop.lost"));
  assert.equal((await registry.apply(next)).kind, "created");
  assert.equal((await registry.require("shop.orders")).successor, "shop.orders2");
});

test("a dataset is closed once, for its successor, over restarts and later versions, until it is opened again", async () => {
  await using stores = await createStores();
  await using registry = await stores.open();
  const { dataset } = await registry.apply(contractOf("shop.orders"));
  const closing = { topicId: dataset.topics.records.id, ends: [3, 4] };
  await assert.rejects(registry.close("shop.orders", closing), { code: "registry.closeRefused" });
  await registry.apply(contractOf("shop.orders2", { predecessor: "shop.orders" }));
  await assert.rejects(registry.close("shop.orders", { ...closing, topicId: "other" as TopicId }), { code: "registry.closeRefused" });
  const { closed, version } = await registry.close("shop.orders", closing);
  assert.deepEqual({ ...closed, at: 0 }, { ...closing, successor: "shop.orders2", at: 0 });
  assert.equal((await registry.close("shop.orders", { ...closing, ends: [9, 9] })).version, version);
  await registry.apply(contractOf("shop.orders", { owner: "nobody" }));
  await using again = await stores.open();
  assert.deepEqual((await again.require("shop.orders")).closed, closed);
  assert.equal((await again.reopen("shop.orders")).closed, undefined);
  assert.equal((await again.require("shop.orders")).successor, "shop.orders2");
  assert.deepEqual(
    (await again.history("shop.orders")).map((one) => one.closed === true),
    [false, false, true, true, false],
  );
});

test("judges a declaration as apply would, and changes nothing", async () => {
  await using stores = await createStores();
  await using registry = await stores.open();
  const contract = contractOf("shop.orders");
  assert.deepEqual(await registry.judge(contract), { kind: "created" });
  assert.deepEqual(await registry.list(), []);
  const { dataset } = await registry.apply(contract);
  assert.deepEqual(await registry.judge(contract), { kind: "unchanged", dataset });
  assert.deepEqual(await registry.judge({ ...contract, owner: "checkout" }), { kind: "changed", dataset, fields: noFieldChanges, changes: ["owner changed"] });
  const rebuilt = await registry.judge({ ...contract, merge: { kind: "first" } });
  assert.deepEqual(rebuilt, { kind: "changed", dataset, fields: noFieldChanges, changes: ["merge changed"], rebuilt: ["merge"] });
  const refused = await registry.judge({ ...contract, key: ["revision"] });
  assert.equal(refused.kind === "refused" && refused.refused[0]?.path, "key");
  assert.equal((await registry.history("shop.orders")).length, 1);
});
