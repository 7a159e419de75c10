import assert from "node:assert/strict";
import { test } from "node:test";
import { mergeRecords, type NativeRecord } from "@mainstem/contract";
import { parseObjectKey, readWhole } from "../objects/index.ts";
import { rowDigest } from "./duckdb/build/ties.ts";
import type { Rebuild } from "./rebuilds.ts";
import { openDirectory } from "./testing/pipeline.ts";
import { contract, contractOf, order, records, rowsOf } from "./testing/rebuild-orders.ts";
import { fill, openRebuildWorld, ready } from "./testing/rebuild-world.ts";

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
  assert.deepEqual(world.tasks.status(), [], "its task is gone with it");
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
  assert.deepEqual([await keys(), world.tasks.status()], [before, []]);
  assert.deepEqual(await rowsOf(pipeline), mergeRecords(contract, records, rowDigest).rows);
  const { task } = await rebuilds.start(contract.name);
  await world.tasks.pause(task, { by: "ana" });
  await rebuilds.discard(contract.name);
  assert.deepEqual(await keys(), before);
  await rebuilds.start(contract.name);
  // The next one is another one, and not paused.
  await ready(world, contract.name);
});

test("a rebuild that a restart interrupts goes on from its branch", async () => {
  await using directory = await openDirectory();
  let id: string;
  {
    await using world = await openRebuildWorld(directory.path, contract);
    await fill(world.pipeline, records);
    id = (await world.rebuilds.start(contract.name)).id;
  }
  let found: Rebuild;
  {
    await using world = await openRebuildWorld(directory.path, contract);
    found = await ready(world, contract.name);
    assert.equal(found.id, id);
    assert.equal(found.rows, 20);
  }
  const later = '{"formatVersion":2,"base":"1","found":[]}';
  const stored = parseObjectKey(`rebuilds/shop/orders/${id}.json`);
  {
    // What was compared is not compared again.
    await using world = await openRebuildWorld(directory.path, contract);
    assert.deepEqual(await world.rebuilds.get(contract.name), found);
    assert.deepEqual(world.tasks.status(), []);
    await world.pipeline.objects.put(stored, [Buffer.from(later)]);
  }
  {
    await using world = await openRebuildWorld(directory.path, contract);
    assert.deepEqual(world.tasks.status(), [], "what a newer program wrote is left to it");
    assert.equal((await readWhole(world.pipeline.objects, stored, { bytesMax: 1_000 })).toString(), later);
    await world.pipeline.objects.put(stored, [Buffer.from('{"formatVersion":1,"base":"x"}')]);
  }
  await using world = await openRebuildWorld(directory.path, contract);
  assert.equal((await world.rebuilds.get(contract.name))?.state, "building", "what cannot be read is compared again");
  assert.deepEqual(await ready(world, contract.name), found);
  await world.rebuilds.swap(contract.name);
  assert.equal(await world.pipeline.objects.stat(stored), undefined);
  assert.deepEqual(await rowsOf(world.pipeline), mergeRecords(contract, records, rowDigest).rows);
});
