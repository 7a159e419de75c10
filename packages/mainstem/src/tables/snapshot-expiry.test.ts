import assert from "node:assert/strict";
import { utimes } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { mergeRecords, type NativeRecord } from "@mainstem/contract";
import { parseObjectKey, type ObjectKey } from "../objects/index.ts";
import { systemEnv } from "../runtime/env.ts";
import { silentLogger } from "../runtime/logger.ts";
import type { Progress } from "../tasks/index.ts";
import { rowDigest } from "./duckdb/build/ties.ts";
import { createSnapshotExpiry, type SnapshotExpiry, type SnapshotExpiryOptions } from "./snapshot-expiry.ts";
import { order, ordersBy } from "./tables.contract.ts";
import { openDirectory, openPipeline, type Pipeline } from "./testing/pipeline.ts";
import { readRows } from "./testing/rows.ts";
import { tombstonesOf } from "./tombstones.ts";

const contract = ordersBy({ deletes: {} });
const { name } = contract;
const retention = { keepMs: 0, least: 1, most: 1, graceMs: 0 };
const live = (id: number, revision: number): NativeRecord => order(id, revision, { gone: false });

function expiryOf({ registry, tables, objects }: Pick<SnapshotExpiryOptions, "registry" | "tables" | "objects">): SnapshotExpiry {
  return createSnapshotExpiry({ registry, tables, objects, retention, env: systemEnv, ages: systemEnv, logger: silentLogger, everyMs: 1 });
}

/** Runs the task until it has told of so many looks, or throws. */
async function looks(expiry: SnapshotExpiry, count: number): Promise<Progress> {
  const stop = new AbortController();
  let last: Progress | undefined;
  let seen = 0;
  const report = (progress: Progress): void => {
    last = progress;
    seen += 1;
    if (seen === count) stop.abort();
  };
  const run = expiry.run({ signal: stop.signal, report, fence: undefined as never });
  await run.catch((error: unknown) => {
    if (!stop.signal.aborted) throw error;
  });
  assert.ok(last !== undefined);
  return last;
}

async function keysOf({ objects }: Pipeline, prefix: string): Promise<readonly string[]> {
  const keys: string[] = [];
  for await (const { key } of objects.list(prefix)) keys.push(key);
  return keys;
}

test("a table whose snapshots expire after each build has the rows that it would have, and no file that nothing names", async () => {
  await using directory = await openDirectory();
  await using pipeline = await openPipeline({ directory: directory.path, contract });
  const expiry = expiryOf(pipeline);
  const steps = [
    [live(1, 1), live(2, 1), live(3, 1)],
    [order(1, 5, { gone: true }), order(9, 5, { gone: true })],
    [live(2, 2)],
    [live(1, 4), live(9, 4), order(3, 2, { gone: true })],
    [live(3, 1), live(2, 3), live(1, 2)],
  ];
  for (const records of steps) {
    await pipeline.append(records);
    await pipeline.archive();
    await pipeline.build();
    await looks(expiry, 2);
  }
  const state = (await pipeline.tables.load(name))!;
  assert.equal(state.snapshots.length, 1);
  const files = await pipeline.tables.files(name, state, state.current!);
  assert.deepEqual(await readRows(pipeline.objects, contract, files, state.schema), mergeRecords(contract, steps.flat(), rowDigest).rows);
  assert.deepEqual(await keysOf(pipeline, "tables/shop/orders/data/"), files.map(({ key }) => key).sort());
  assert.deepEqual(
    await keysOf(pipeline, "tombstones/"),
    tombstonesOf(name, state, state.current)
      .map(({ key }) => key)
      .sort(),
  );
  const { snapshots, deleted, waiting } = expiry.counts().get(name)!;
  assert.deepEqual([snapshots, waiting], [steps.length - 1, 0]);
  assert.ok(deleted > snapshots);
});

test("what a crash left is gone after the first look, and what is in use is not, however old it is", async () => {
  await using directory = await openDirectory();
  await using pipeline = await openPipeline({ directory: directory.path, contract });
  await pipeline.append([live(1, 1), order(9, 5, { gone: true })]);
  await pipeline.archive();
  await pipeline.build();
  const used = [...(await keysOf(pipeline, "tables/")), ...(await keysOf(pipeline, "tombstones/"))];
  const name32 = "0b0c0d0e-0001-4002-8003-000000000000-0123456789abcdef0123456789abcdef.parquet";
  const left = ["tables/shop/orders/data", "tombstones/shop/orders"].map((folder) => parseObjectKey(`${folder}/${name32}`));
  for (const key of left) await pipeline.objects.put(key, [Buffer.from("x")]);
  const before = Date.now() / 1_000 - 200_000;
  for (const key of [...used, ...left]) await utimes(join(directory.path, "objects", key), before, before);
  const expiry = expiryOf(pipeline);
  await looks(expiry, 1);
  assert.deepEqual([...(await keysOf(pipeline, "tables/")), ...(await keysOf(pipeline, "tombstones/"))], used);
  assert.equal(expiry.counts().get(name)?.deleted, 2);
});

test("what a crash left in the archive is gone after a day, and what is named or may yet be is not, however old it is", async () => {
  await using directory = await openDirectory();
  await using pipeline = await openPipeline({ directory: directory.path, contract });
  const [dataset] = await pipeline.registry.list();
  await pipeline.append([live(1, 1), live(2, 1)]);
  await pipeline.archive();
  const archived = await keysOf(pipeline, "archive/");
  const partition = `archive/${name}/${dataset!.topics.records.id}/0`;
  const left = (last: number, attempt: string): ObjectKey =>
    parseObjectKey(`${partition}/2026-11-21/09/${String(last).padStart(20, "0")}-${attempt.repeat(22)}.avro`);
  const [old, young, next] = [left(0, "a"), left(0, "b"), left(1, "c")];
  for (const key of [old, young, next]) await pipeline.objects.put(key, [Buffer.from("x")]);
  const before = Date.now() / 1_000 - 90_000;
  for (const key of [...archived, old, next]) await utimes(join(directory.path, "objects", key), before, before);
  await looks(expiryOf(pipeline), 1);
  assert.deepEqual(await keysOf(pipeline, "archive/"), [...archived, young, next].sort());
});

test("a damaged archive keeps no table from its turn", async () => {
  await using directory = await openDirectory();
  await using pipeline = await openPipeline({ directory: directory.path, contract });
  for (const revision of [1, 2]) {
    await pipeline.append([live(1, revision)]);
    await pipeline.archive();
    await pipeline.build();
  }
  const archived = await keysOf(pipeline, "archive/");
  const [first] = archived.filter((key) => key.includes("/_chain/"));
  await pipeline.objects.delete([parseObjectKey(first!)]);
  await looks(expiryOf(pipeline), 1);
  assert.equal((await pipeline.tables.load(name))!.snapshots.length, 1);
  assert.deepEqual(
    await keysOf(pipeline, "archive/"),
    archived.filter((key) => key !== first),
  );
});

test("a table that cannot be read keeps no other from its turn, and is told of", async () => {
  await using directory = await openDirectory();
  await using pipeline = await openPipeline({ directory: directory.path, contract });
  for (const revision of [1, 2]) {
    await pipeline.append([live(1, revision)]);
    await pipeline.archive();
    await pipeline.build();
  }
  const { tables } = pipeline;
  const [dataset] = await pipeline.registry.list();
  const broken = { ...dataset!, contract: { ...contract, name: "shop.broken" } };
  const failing: Pick<typeof tables, "load" | "expiry"> = {
    load: (of) => (of === "shop.broken" ? Promise.reject(new Error("cannot be read")) : tables.load(of)),
    expiry: tables.expiry,
  };
  const expiry = expiryOf({ ...pipeline, registry: { list: async () => [broken, dataset!] }, tables: failing });
  const reported: Progress[] = [];
  const run = expiry.run({ signal: new AbortController().signal, report: (progress) => reported.push(progress), fence: undefined as never });
  await assert.rejects(run, /cannot be read/);
  assert.equal((await tables.load(name))!.snapshots.length, 1);
  assert.deepEqual([reported[0]?.position, reported[0]?.end], [1, 1]);
});
