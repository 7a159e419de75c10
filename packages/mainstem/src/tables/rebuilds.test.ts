import assert from "node:assert/strict";
import { test } from "node:test";
import { mergeRecords, parseContract, type NativeRecord } from "@mainstem/contract";
import { rowDigest } from "./duckdb/build/ties.ts";
import { openDirectory, type Pipeline } from "./testing/pipeline.ts";
import { fill, openRebuildWorld, ready } from "./testing/rebuild-world.ts";
import { readRows } from "./testing/rows.ts";

const fields = [
  { name: "id", type: "string" },
  { name: "revision", type: "int" },
  { name: "rank", type: "int" },
  { name: "at", type: { type: "long", logicalType: "timestamp-micros" } },
  { name: "note", type: ["null", "string"], default: null },
];
const contractOf = (change: object = {}, extra: readonly object[] = []) =>
  parseContract({
    name: "shop.orders",
    schema: { type: "record", name: "orders", namespace: "shop", fields: [...fields, ...extra] },
    key: ["id"],
    order: ["revision"],
    partition: [{ field: "at", transform: "day" }],
    ...change,
  });
const contract = contractOf();
const day = 86_400_000_000;
const order = (id: number, revision: number, change: NativeRecord = {}): NativeRecord => ({
  id: `o${id}`,
  revision,
  rank: 100 - revision,
  at: (id % 3) * day + revision,
  note: null,
  ...change,
});

async function rowsOf({ tables, objects }: Pipeline, of = contract): Promise<readonly NativeRecord[]> {
  const state = (await tables.load(of.name))!;
  return await readRows(objects, of, await tables.files(of.name, state, state.current!), state.schema);
}

const records = Array.from({ length: 60 }, (_, index) => order(index % 20, Math.floor(index / 20)));

test("a rebuild under the same contract finds no difference, and is not seen before it is swapped", async () => {
  await using directory = await openDirectory();
  await using world = await openRebuildWorld(directory.path, contract);
  const { pipeline, rebuilds } = world;
  await assert.rejects(rebuilds.start(contract.name), { code: "table.rebuildRefused" });
  await fill(pipeline, records);
  const before = (await pipeline.tables.load(contract.name))!.current!;
  await rebuilds.start(contract.name);
  await assert.rejects(rebuilds.start(contract.name), { code: "table.rebuildRefused" });
  const { comparison } = await ready(world, contract.name);
  assert.deepEqual(
    Object.values(comparison!.differences),
    Array.from({ length: 3 }, () => ({ rows: 0, samples: [] })),
  );
  assert.deepEqual([comparison!.before.rows, comparison!.after.rows], [20, 20]);
  assert.equal((await pipeline.tables.load(contract.name))!.current!.id, before.id);
  // The table goes on meanwhile; the swap brings the rebuild up to it.
  await fill(pipeline, [order(3, 9), order(77, 1)]);
  const swapped = await rebuilds.swap(contract.name);
  assert.equal(swapped.rows, 21);
  const all = [...records, order(3, 9), order(77, 1)];
  assert.deepEqual(await rowsOf(pipeline), mergeRecords(contract, all, rowDigest).rows);
  assert.equal(await rebuilds.get(contract.name), undefined);
  await assert.rejects(rebuilds.swap(contract.name), { code: "table.rebuildUnknown" });
  await fill(pipeline, [order(3, 10)]);
  assert.deepEqual(await rowsOf(pipeline), mergeRecords(contract, [...all, order(3, 10)], rowDigest).rows);
});

test("a changed order, partition and new field are followed only by the rebuilt table", async () => {
  await using directory = await openDirectory();
  await using world = await openRebuildWorld(directory.path, contract);
  const { pipeline, rebuilds } = world;
  await fill(pipeline, records);
  const next = contractOf({ order: ["rank"], partition: [{ field: "id", transform: "bucket", width: 2 }] }, [{ name: "extra", type: "int", default: 5 }]);
  await assert.rejects(pipeline.registry.apply(next), { code: "registry.rebuildNeeded" });
  assert.deepEqual([await rebuilds.pending(contract.name), await rebuilds.pending(contract.name, next)], [[], ["order", "partition"]]);
  const applied = await pipeline.registry.apply(next, { rebuild: true });
  assert.deepEqual(applied.kind === "changed" && applied.rebuilt, ["order", "partition"]);
  assert.deepEqual(await rebuilds.pending(contract.name), ["order", "partition"]);
  await fill(pipeline, [order(1, 50)]);
  const all = [...records, order(1, 50)];
  assert.deepEqual(await rowsOf(pipeline), mergeRecords(contract, all, rowDigest).rows);
  await rebuilds.start(contract.name);
  const { comparison, contractVersion } = await ready(world, contract.name);
  assert.equal(contractVersion, applied.dataset.version);
  assert.equal(comparison!.differences.changed.rows, 20);
  assert.deepEqual(comparison!.differences.changed.samples[0], { id: "o0" });
  assert.equal(comparison!.differences.added.rows, 0);
  await rebuilds.swap(contract.name);
  assert.deepEqual(await rebuilds.pending(contract.name), []);
  const expected = (list: readonly NativeRecord[]) =>
    mergeRecords(
      next,
      list.map((one) => ({ ...one, extra: 5 })),
      rowDigest,
    ).rows;
  assert.deepEqual(await rowsOf(pipeline, next), expected(all));
  const state = (await pipeline.tables.load(contract.name))!;
  assert.deepEqual(
    state.spec.fields.map(({ transform }) => transform),
    ["bucket[2]"],
  );
  await fill(pipeline, [order(2, 60), order(99, 1)]);
  assert.deepEqual(await rowsOf(pipeline, next), expected([...all, order(2, 60), order(99, 1)]));
});

test("a discarded rebuild leaves the table and no file", async () => {
  await using directory = await openDirectory();
  await using world = await openRebuildWorld(directory.path, contract);
  const { pipeline, rebuilds } = world;
  await fill(pipeline, records);
  const keys = async (): Promise<readonly string[]> => {
    const found: string[] = [];
    for await (const { key } of pipeline.objects.list("tables")) if (!key.endsWith(".metadata.json")) found.push(key);
    return found;
  };
  const before = await keys();
  await rebuilds.start(contract.name);
  await ready(world, contract.name);
  assert.ok((await keys()).length > before.length);
  await rebuilds.discard(contract.name);
  assert.deepEqual(await keys(), before);
  assert.deepEqual(await rowsOf(pipeline), mergeRecords(contract, records, rowDigest).rows);
  await rebuilds.start(contract.name);
  await rebuilds.discard(contract.name);
  assert.deepEqual(await keys(), before);
});

test("a rebuild that a restart interrupts goes on from its branch", async () => {
  await using directory = await openDirectory();
  let id: string;
  {
    await using world = await openRebuildWorld(directory.path, contract);
    await fill(world.pipeline, records);
    id = (await world.rebuilds.start(contract.name)).id;
  }
  await using world = await openRebuildWorld(directory.path, contract);
  const rebuild = await ready(world, contract.name);
  assert.equal(rebuild.id, id);
  assert.equal(rebuild.rows, 20);
  await world.rebuilds.swap(contract.name);
  assert.deepEqual(await rowsOf(world.pipeline), mergeRecords(contract, records, rowDigest).rows);
});
