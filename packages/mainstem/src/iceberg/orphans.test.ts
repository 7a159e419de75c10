import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import { test } from "node:test";
import { parseObjectKey, type ObjectKey } from "../objects/index.ts";
import { leapHeldMs } from "../runtime/age-clock.ts";
import { systemEnv } from "../runtime/env.ts";
import { contentUuid } from "./content-name.ts";
import type { DataFile, IcebergTables, TableState } from "./model.ts";
import { changeOf, dataset, fileOf, newTable, partition, schema } from "./testing/samples.ts";
import { keysOf, openTestStores, type TestStores } from "./testing/stores.ts";

const prefix = "tables/shop/orders";
const beside = parseObjectKey("tombstones/shop/orders");
const outside = { prefix: beside, keysOf: () => [] };
const dataName = (): string => `${randomUUID()}-${randomBytes(16).toString("hex")}.parquet`;

async function put({ objects }: TestStores, name: string): Promise<ObjectKey> {
  const key = parseObjectKey(name);
  await objects.put(key, [Buffer.from("x")]);
  return key;
}

async function commit(stores: TestStores, tables: IcebergTables, state: TableState, branch?: string): Promise<TableState> {
  const added: DataFile = { ...fileOf({ day: 1 }), key: await put(stores, `${prefix}/data/${dataName()}`) };
  const removed = state.current === undefined ? [] : await tables.files(dataset, state, state.current);
  const done = await tables.commit(dataset, { ...changeOf(state, { added: [added], removed }), ...(branch === undefined ? {} : { branch }) });
  assert.ok(done.kind === "committed");
  return done.state;
}

/** One of each kind that a writer leaves which dies before it moves the pointer. */
async function leave(stores: TestStores): Promise<readonly ObjectKey[]> {
  const id = contentUuid(randomBytes(8));
  const names = [`data/${dataName()}`, `metadata/snap-77-1-${id}.avro`, `metadata/${id}-m0.avro`, `metadata/00003-${id}.metadata.json`];
  return await Promise.all([...names.map((name) => put(stores, `${prefix}/${name}`)), put(stores, `${beside}/${dataName()}`)]);
}

/** File systems tell times of files by the millisecond, or coarser. */
const aMoment = (): Promise<void> => systemEnv.sleep(20);

test("what a dead writer left goes once every branch has a newer snapshot; what is named, newer or of another program stays", async () => {
  await using stores = await openTestStores();
  const tables = stores.open();
  const sweep = (marginMs = 0): Promise<number> => stores.open().expiry.sweep(dataset, { marginMs, outside });
  let state = await tables.create(dataset, newTable);
  const left = await leave(stores);
  assert.equal(await sweep(), 0, "a table without a snapshot: any writer may still be the first");
  await aMoment();
  state = await commit(stores, tables, state);
  const branch = "rebuild-1";
  const started = await tables.branches.start(dataset, { branch, of: state, schema, partition, summary: {} });
  await aMoment();
  const later = await leave(stores);
  const foreign = [await put(stores, `${prefix}/data/part-00000.parquet`), await put(stores, `${prefix}/metadata/v3.metadata.json`)];
  await aMoment();
  state = await commit(stores, tables, state);
  const whole = await keysOf(stores.objects);
  assert.equal(await sweep(60_000), 0, "within the margin of the clocks");
  assert.equal(await sweep(), left.length, "a writer of the branch may still publish what came after the branch's newest snapshot");
  assert.deepEqual(
    await keysOf(stores.objects),
    whole.filter((key) => !left.includes(key as ObjectKey)),
  );
  await commit(stores, tables, tables.branches.view(started.state, branch)!, branch);
  await aMoment();
  const building = await leave(stores);
  const before = await keysOf(stores.objects);
  assert.equal(await sweep(), later.length);
  assert.deepEqual(
    await keysOf(stores.objects),
    before.filter((key) => !later.includes(key as ObjectKey)),
  );
  for (const key of [...foreign, ...building]) assert.notEqual(await stores.objects.stat(key), undefined, key);
  assert.equal(await sweep(), 0);
  for (const snapshot of state.snapshots) await stores.open().files(dataset, state, snapshot);
});

test("what expired snapshots named waits for its grace", async () => {
  await using stores = await openTestStores();
  const tables = stores.open();
  let state = await tables.create(dataset, newTable);
  for (let count = 0; count < 4; count++) state = await commit(stores, tables, state);
  const expired = await tables.expiry.run(dataset, { retention: { keepMs: 0, least: 1, most: 1, graceMs: 3_600_000 } });
  assert.ok(expired.waiting > 0);
  await aMoment();
  await commit(stores, tables, (await tables.load(dataset))!);
  assert.equal(await tables.expiry.sweep(dataset, { marginMs: 0 }), 0);
});

test("a clock that was ahead once does not make files of today old", async () => {
  await using stores = await openTestStores();
  const ahead = stores.open({ env: { ...systemEnv, now: () => Date.now() + 31_536_000_000 } });
  const state = await ahead.create(dataset, newTable);
  await commit(stores, ahead, state);
  await leave(stores);
  assert.equal(await stores.open().expiry.sweep(dataset, { marginMs: 60_000, outside }), 0);
});

test("a clock that was just set ahead does not make the files of a build under way old", async () => {
  await using stores = await openTestStores();
  const dayMs = 86_400_000;
  let [leapt, passed] = [0, 0];
  const tables = stores.open({ env: { ...systemEnv, now: () => Date.now() + leapt + passed, monotonic: () => passed } });
  const state = await tables.create(dataset, newTable);
  const building = await leave(stores);
  leapt = 10 * dayMs;
  await commit(stores, tables, state);
  assert.equal(await tables.expiry.sweep(dataset, { marginMs: dayMs, outside }), 0);
  passed = leapHeldMs;
  assert.equal(await tables.expiry.sweep(dataset, { marginMs: dayMs, outside }), building.length);
});

test("a table that another program says not to clear up keeps what was left", async () => {
  await using stores = await openTestStores();
  const tables = stores.open();
  const state = await tables.create(dataset, { ...newTable, properties: { "gc.enabled": "false" } });
  await leave(stores);
  await aMoment();
  await commit(stores, tables, state);
  assert.equal(await tables.expiry.sweep(dataset, { marginMs: 0, outside }), 0);
});
