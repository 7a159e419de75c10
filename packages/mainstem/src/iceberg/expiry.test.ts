import assert from "node:assert/strict";
import { test } from "node:test";
import { parseObjectKey, type ObjectKey } from "../objects/index.ts";
import { systemEnv } from "../runtime/env.ts";
import type { DataFile, Expired, IcebergTables, SnapshotRetention, TableState } from "./model.ts";
import { summaryKeys } from "./snapshot-summary.ts";
import { isForgotten } from "./table-state.ts";
import { changeOf, dataset, fileOf, newTable, partition, schema } from "./testing/samples.ts";
import { keysOf, openTestStores, type TestStores } from "./testing/stores.ts";

const hour = 3_600_000;
const keepOne: SnapshotRetention = { keepMs: 0, least: 1, most: 1, graceMs: hour };

/** Tables by a clock that the test moves, whose data files are there. */
function openWorld(stores: TestStores) {
  const clock = { now: Date.UTC(2026, 10, 21), leapt: 0 };
  const tables = stores.open({ env: { ...systemEnv, now: () => clock.now, monotonic: () => clock.now - clock.leapt } });
  return {
    clock,
    tables,
    run: (retention: Partial<SnapshotRetention> = {}): Promise<Expired> => tables.expiry.run(dataset, { retention: { ...keepOne, ...retention } }),
    /** Makes snapshots, each of which replaces the file of the one before; a file that stays is in all of them. */
    fill: async (count: number, table?: TableState): Promise<TableState> => {
      let state = table ?? (await tables.create(dataset, newTable));
      if (table === undefined) state = await commit(stores, tables, state, { added: [fileOf({ day: 0 })] });
      for (let made = 0; made < count; made += 1) {
        const replaced = (await tables.files(dataset, state, state.current!)).filter((file) => file.partition[0] === 1);
        state = await commit(stores, tables, state, { added: [fileOf({ day: 1 })], removed: replaced });
      }
      return state;
    },
  };
}

async function commit(
  { objects }: TestStores,
  tables: IcebergTables,
  state: TableState,
  change: { readonly added: readonly DataFile[]; readonly removed?: readonly DataFile[]; readonly branch?: string },
): Promise<TableState> {
  for (const { key } of change.added) await objects.put(key, [Buffer.from("data")]);
  const summary = { [summaryKeys.checkpoint]: "{}" };
  const done = await tables.commit(dataset, { ...changeOf(state, { ...change, summary }), ...(change.branch === undefined ? {} : { branch: change.branch }) });
  assert.ok(done.kind === "committed");
  return done.state;
}

/** Everything that the table's snapshots name, and what names them. */
async function namedBy(stores: TestStores): Promise<ReadonlySet<string>> {
  const tables = stores.open();
  const state = (await tables.load(dataset))!;
  const named = new Set<string>();
  for (const snapshot of state.snapshots) {
    named.add(snapshot.manifestList);
    for (const { key } of await tables.files(dataset, state, snapshot)) {
      named.add(key);
      assert.notEqual(await stores.objects.stat(key), undefined, `${key} of snapshot ${snapshot.id} is gone`);
    }
  }
  return named;
}

/** Objects beside metadata files and manifests. */
async function objectsOf({ objects }: TestStores): Promise<readonly string[]> {
  return (await keysOf(objects, "tables/")).filter((key) => /\/snap-[^/]*$|\.parquet$/.test(key));
}

test("a clock that was set ahead makes no snapshot old, and no object's grace over, until it has stayed so", async () => {
  await using stores = await openTestStores();
  const { tables, clock, fill, run } = openWorld(stores);
  const keepDay = { keepMs: 24 * hour, least: 1, most: 1_000 };
  await fill(10);
  await run({ most: 5, least: 5, keepMs: 24 * hour });
  assert.equal((await tables.load(dataset))!.snapshots.length, 5);
  const leap = 1_000 * 24 * hour;
  clock.now += leap;
  clock.leapt += leap;
  const during = await run(keepDay);
  assert.deepEqual([during.snapshots, during.deleted], [0, 0]);
  clock.now -= leap;
  clock.leapt -= leap;
  assert.deepEqual(await run(keepDay), during);
  clock.now += leap;
  clock.leapt += leap;
  await run(keepDay);
  clock.now += hour;
  const after = await run(keepDay);
  assert.deepEqual([after.snapshots, after.deleted > 0], [4, true]);
});

test("old snapshots leave the metadata at once, and their objects after a grace", async () => {
  await using stores = await openTestStores();
  const { tables, clock, fill, run } = openWorld(stores);
  const before = await fill(10);
  const objects = await keysOf(stores.objects, "tables/");
  clock.now += hour;
  const first = await run({ most: 3, least: 3 });
  assert.deepEqual({ ...first, waiting: 0 }, { kind: "done", snapshots: 8, deleted: 0, waiting: 0 });
  assert.ok(first.waiting > 16, `${first.waiting} objects: a list and a file at least for each`);
  const state = (await stores.open().load(dataset))!;
  assert.deepEqual(
    state.snapshots.map(({ id }) => id),
    before.snapshots.slice(-3).map(({ id }) => id),
  );
  assert.deepEqual(
    state.snapshotLog.map(({ snapshotId }) => snapshotId),
    state.snapshots.map(({ id }) => id),
  );
  assert.deepEqual(
    [...objects].filter((key) => !key.endsWith(".json")).length,
    (await keysOf(stores.objects, "tables/")).filter((key) => !key.endsWith(".json")).length,
  );
  clock.now += hour - 1;
  assert.deepEqual(await run({ most: 3, least: 3 }), { ...first, snapshots: 0 }, "the grace is not over");
  clock.now += 1;
  assert.deepEqual(await run({ most: 3, least: 3 }), { kind: "done", snapshots: 0, deleted: first.waiting, waiting: 0 });
  const named = await namedBy(stores);
  assert.deepEqual(new Set(await objectsOf(stores)), named);
  const since = state.snapshotLog[0]!.timestamp;
  assert.deepEqual(
    [before.snapshotLog[0]!.timestamp - 1, since - 1, since].map((time) => isForgotten(state, time)),
    [true, true, false],
  );
  assert.equal(isForgotten(before, 0), false, "then the table had no rows yet");
  assert.deepEqual(await keysOf(stores.objects, "expired/"), []);
  await commit(stores, tables, (await tables.load(dataset))!, { added: [fileOf()] });
});

test("what a branch, a tag or a reader has stays", async () => {
  await using stores = await openTestStores();
  const { tables, clock, fill, run } = openWorld(stores);
  let state = await fill(3);
  const held = state.current!;
  state = await fill(3, state);
  const started = await tables.branches.start(dataset, { branch: "other", of: state, schema, partition, summary: { [summaryKeys.checkpoint]: "{}" } });
  assert.equal(started.kind, "committed");
  const view = tables.branches.view(started.state, "other")!;
  await commit(stores, tables, view, { added: [fileOf({ day: 5 })], branch: "other" });
  clock.now += hour;
  const own = (await tables.load(dataset))!.snapshots.slice(-2).map(({ id }) => id);
  {
    using reading = new DisposableStack();
    reading.use(tables.expiry.hold(dataset, held.id));
    const twice = tables.expiry.hold(dataset, held.id);
    twice[Symbol.dispose]();
    twice[Symbol.dispose]();
    await run();
    const left = (await tables.load(dataset))!;
    assert.deepEqual(
      left.snapshots.map(({ id }) => id),
      [held.id, state.current!.id, ...own],
    );
    clock.now += hour;
    await run();
    await namedBy(stores);
  }
  assert.equal((await run()).snapshots, 1);
  clock.now += hour;
  assert.ok((await run()).deleted > 0);
  assert.deepEqual(new Set(await objectsOf(stores)), await namedBy(stores));
  assert.equal(tables.branches.view((await tables.load(dataset))!, "other")?.current?.id, own[1]);
});

test("a reader that comes when its snapshot was just forgotten keeps the objects", async () => {
  await using stores = await openTestStores();
  const { tables, clock, fill, run } = openWorld(stores);
  const old = await fill(2);
  const state = await fill(2, old);
  clock.now += hour;
  await run();
  {
    using late = new DisposableStack();
    late.use(tables.expiry.hold(dataset, old.current!.id));
    clock.now += 2 * hour;
    assert.equal((await run()).deleted, 0);
    for (const { key } of await tables.files(dataset, state, old.current!)) assert.notEqual(await stores.objects.stat(key), undefined);
  }
  assert.ok((await run()).deleted > 0);
});

test("what lies outside of the table goes with the last snapshot that names it, and nothing else ever does", async () => {
  await using stores = await openTestStores();
  const { tables, clock, fill } = openWorld(stores);
  const state = await fill(3);
  const prefix = parseObjectKey("beside/shop");
  const keyOf = (id: bigint): ObjectKey => parseObjectKey(`${prefix}/${id}`);
  for (const { id } of state.snapshots) await stores.objects.put(keyOf(id), [Buffer.from("x")]);
  const common = parseObjectKey(`${prefix}/common`);
  await stores.objects.put(common, [Buffer.from("x")]);
  const outside = { prefix, keysOf: (_: TableState, { id }: { readonly id: bigint }) => [keyOf(id), common] };
  clock.now += hour;
  await tables.expiry.run(dataset, { retention: keepOne, outside });
  clock.now += hour;
  await tables.expiry.run(dataset, { retention: keepOne, outside });
  assert.deepEqual(await keysOf(stores.objects, "beside/"), [keyOf(state.current!.id), common].sort());
  const record = (objects: readonly string[]): Buffer => Buffer.from(JSON.stringify({ formatVersion: 1, snapshots: [], objects }));
  const damaged = [record(["archive/shop.orders/x"]), record([`${prefix}/../x`]), Buffer.from("{")];
  for (const [code, bytes] of [...damaged.map((one) => ["table.corrupt", one] as const), ["table.newer", Buffer.from('{"formatVersion":2}')] as const]) {
    const key = parseObjectKey("expired/shop/orders/0000000000001-0123456789abcdef-1.json");
    await stores.objects.put(key, [bytes]);
    await assert.rejects(tables.expiry.run(dataset, { retention: keepOne, outside }), { code });
    await stores.objects.delete([key]);
  }
});

test("a record that names what is in use, as a lost race leaves it, deletes nothing", async () => {
  await using stores = await openTestStores();
  const { tables, fill, run } = openWorld(stores);
  const state = await fill(2);
  const keys = (await tables.files(dataset, state, state.current!)).map(({ key }) => key);
  const bytes = Buffer.from(JSON.stringify({ formatVersion: 1, snapshots: ["1"], objects: [...keys, state.current!.manifestList] }));
  await stores.objects.put(parseObjectKey("expired/shop/orders/0000000000001-0123456789abcdef-3.json"), [bytes]);
  assert.deepEqual(await run({ most: 100, least: 100 }), { kind: "done", snapshots: 0, deleted: 0, waiting: 0 });
  await namedBy(stores);
});

test("a table that another program says not to clear up is left alone", async () => {
  await using stores = await openTestStores();
  const { clock, tables, run } = openWorld(stores);
  let state = await tables.create(dataset, { ...newTable, properties: { "gc.enabled": "false" } });
  for (let count = 0; count < 3; count += 1) state = await commit(stores, tables, state, { added: [fileOf()] });
  clock.now += hour;
  assert.equal((await run()).snapshots, 0);
});
