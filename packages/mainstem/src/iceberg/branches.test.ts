import assert from "node:assert/strict";
import { test } from "node:test";
import type { DataFile, IcebergPartitionSpec, IcebergTables, TableState } from "./model.ts";
import { changeOf, dataset, fileOf, newTable, schema } from "./testing/samples.ts";
import { keysOf, openTestStores, type TestStores } from "./testing/stores.ts";

const branch = "rebuild-1";
const byCountry: IcebergPartitionSpec = { "spec-id": 0, fields: [{ "source-id": 3, "field-id": 1000, name: "country", transform: "identity" }] };

async function open(stores: TestStores): Promise<{ readonly tables: IcebergTables; readonly main: TableState; readonly old: DataFile }> {
  const tables = stores.open();
  const old = fileOf({ day: 1 });
  const commit = await tables.commit(dataset, changeOf(await tables.create(dataset, newTable), { added: [old] }));
  assert.ok(commit.kind === "committed");
  return { tables, main: commit.state, old };
}

async function start(tables: IcebergTables, of: TableState, partition = byCountry): Promise<TableState> {
  const started = await tables.branches.start(dataset, { branch, of, schema, partition, summary: { note: "x" } });
  assert.equal(started.kind, "committed");
  return tables.branches.view(started.state, branch)!;
}

const inCountry = (state: TableState, country: string): DataFile => ({ ...fileOf(), specId: state.spec["spec-id"], partition: [country] });

test("a branch begins empty with its own spec, and what readers see does not change", async () => {
  await using stores = await openTestStores();
  const { tables, main } = await open(stores);
  const view = await start(tables, main);
  assert.equal(view.spec["spec-id"], 1);
  assert.equal(view.spec.fields[0]!["field-id"], 1001);
  assert.deepEqual(await tables.files(dataset, view, view.current!), []);
  const file = inCountry(view, "AT");
  const commit = await tables.commit(dataset, { ...changeOf(view, { added: [file] }), branch });
  assert.ok(commit.kind === "committed");
  const state = (await stores.open().load(dataset))!;
  assert.equal(state.current!.id, main.current!.id);
  assert.deepEqual(state.spec, main.spec);
  assert.deepEqual(state.snapshotLog, main.snapshotLog);
  const after = stores.open().branches.view(state, branch)!;
  assert.equal(after.current!.id, commit.snapshot.id);
  assert.equal(after.current!.parentId, view.current!.id);
  assert.deepEqual(await stores.open().files(dataset, after, after.current!), [file]);
});

test("a commit to main and one to a branch do not disturb one another", async () => {
  await using stores = await openTestStores();
  const { tables, main } = await open(stores);
  const view = await start(tables, main);
  const [onMain, onBranch] = await Promise.all([
    tables.commit(dataset, changeOf(main, { added: [fileOf()] })),
    tables.commit(dataset, { ...changeOf(view, { added: [inCountry(view, "AT")] }), branch }),
  ]);
  assert.deepEqual([onMain.kind, onBranch.kind], ["committed", "committed"]);
  const repeated = await tables.commit(dataset, { ...changeOf(view, { added: [inCountry(view, "AT")] }), branch });
  assert.equal(repeated.kind, "conflict");
});

test("a branch becomes main only from the snapshots that were compared, and once", async () => {
  await using stores = await openTestStores();
  const { tables, main } = await open(stores);
  const view = await start(tables, main);
  const file = inCountry(view, "AT");
  const commit = await tables.commit(dataset, { ...changeOf(view, { added: [file] }), branch });
  assert.ok(commit.kind === "committed");
  const swap = { branch, head: commit.snapshot.id, base: main.current!.id };
  assert.equal((await tables.branches.becomeMain(dataset, { ...swap, base: 7n })).kind, "conflict");
  assert.equal((await tables.branches.becomeMain(dataset, { ...swap, head: view.current!.id })).kind, "conflict");
  assert.equal((await tables.branches.becomeMain(dataset, swap)).kind, "committed");
  assert.equal((await tables.branches.becomeMain(dataset, swap)).kind, "committed");
  const state = (await stores.open().load(dataset))!;
  assert.equal(state.current!.id, commit.snapshot.id);
  assert.deepEqual([...state.refs.keys()], ["main"]);
  assert.deepEqual(state.spec, view.spec);
  assert.deepEqual(await tables.files(dataset, state, state.current!), [file]);
  assert.deepEqual(
    state.snapshotLog.map(({ snapshotId }) => snapshotId),
    [main.current!.id, commit.snapshot.id],
  );
  const next = await tables.commit(dataset, changeOf(state, { added: [inCountry(state, "ZW")], removed: [file] }));
  assert.ok(next.kind === "committed");
});

test("a dropped branch leaves no object, and everything of main", async () => {
  await using stores = await openTestStores();
  const { tables, main, old } = await open(stores);
  const before = await keysOf(stores.objects, "tables");
  const view = await start(tables, main);
  const file = inCountry(view, "AT");
  await stores.objects.put(file.key, [Buffer.from("x")], { ifAbsent: true });
  assert.equal((await tables.commit(dataset, { ...changeOf(view, { added: [file] }), branch })).kind, "committed");
  assert.equal((await tables.branches.drop(dataset, branch)).kind, "committed");
  assert.equal((await tables.branches.drop(dataset, branch)).kind, "committed");
  const state = (await stores.open().load(dataset))!;
  assert.deepEqual([...state.refs.keys()], ["main"]);
  assert.deepEqual(await stores.open().files(dataset, state, state.current!), [old]);
  const left = (await keysOf(stores.objects, "tables")).filter((key) => !before.includes(key) && !key.endsWith(".metadata.json"));
  assert.deepEqual(left, []);
  // The same name may begin again, and an equal spec is used again.
  assert.equal((await start(tables, state)).spec["spec-id"], 1);
});

test("columns added for a branch are the branch's alone until it becomes main", async () => {
  await using stores = await openTestStores();
  const { tables, main } = await open(stores);
  await start(tables, main, main.spec);
  const wider = { ...schema, "schema-id": 1, fields: [...schema.fields, { id: 6, name: "more", required: false, type: "string" }] };
  const added = await tables.branches.changeColumns(dataset, { branch, schema: wider });
  assert.equal(added.kind, "committed");
  assert.deepEqual((await tables.load(dataset))!.schema, schema);
  const commit = await tables.commit(dataset, { ...changeOf(added.state, { added: [fileOf()] }), branch });
  assert.ok(commit.kind === "committed");
  await tables.branches.becomeMain(dataset, { branch, head: commit.snapshot.id, base: main.current!.id });
  assert.equal((await tables.load(dataset))!.schema.fields.at(-1)!.name, "more");
});

test("a table that never had a snapshot takes another partition spec when it is created again", async () => {
  await using stores = await openTestStores();
  const tables = stores.open();
  const made = await tables.create(dataset, newTable);
  const again = await tables.create(dataset, { ...newTable, partition: byCountry });
  assert.equal(again.uuid, made.uuid);
  assert.deepEqual(again.spec, byCountry);
  assert.deepEqual(await stores.open().load(dataset), again);
});
