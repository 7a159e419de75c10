import assert from "node:assert/strict";
import { test } from "node:test";
import { parseContract, type NativeRecord } from "@mainstem/contract";
import type { ObjectKey } from "../objects/index.ts";
import { MainstemError } from "../runtime/errors.ts";
import { checkpointOf } from "./checkpoint.ts";
import { openDuckdbTableEngine } from "./duckdb/table-engine.ts";
import type { TableEngine } from "./engine.ts";
import { openDirectory, openPipeline, type Pipeline } from "./testing/pipeline.ts";
import { readRows } from "./testing/rows.ts";
import { tombstonesOf } from "./tombstones.ts";

const fields = [
  { name: "id", type: "string" },
  { name: "revision", type: "int" },
  { name: "place", type: "string" },
  { name: "state", type: { type: "enum", name: "state", symbols: ["open", "gone", "purged"] } },
];
const contract = parseContract({
  name: "shop.orders",
  schema: { type: "record", name: "orders", namespace: "shop", fields },
  key: ["id"],
  order: ["revision"],
  partition: [{ field: "place", transform: "identity" }],
  deletes: { field: "state", values: ["gone", "purged"] },
});
const row = (id: number, revision: number, state = "open", place = "here"): NativeRecord => ({ id: `o${id}`, revision, place, state });

async function step(pipeline: Pipeline, ...records: NativeRecord[]): Promise<void> {
  await pipeline.append(records);
  await pipeline.archive();
  await pipeline.build();
}

async function rowsOf(pipeline: Pipeline): Promise<readonly NativeRecord[]> {
  const state = (await pipeline.tables.load(contract.name))!;
  return await readRows(pipeline.objects, contract, await pipeline.tables.files(contract.name, state, state.current!), state.schema);
}

async function tombstoneObjects(pipeline: Pipeline): Promise<readonly string[]> {
  const keys: string[] = [];
  for await (const { key } of pipeline.objects.list("tombstones/")) keys.push(key);
  return keys.sort();
}

test("a delete is remembered over restarts and over snapshots that say nothing of it", async () => {
  await using directory = await openDirectory();
  const open = (): Promise<Pipeline> => openPipeline({ directory: directory.path, contract });
  const steps = [
    [row(1, 1), row(2, 1)],
    [row(1, 3, "gone"), row(7, 9, "purged")],
    [row(2, 2, "open", "there")],
    [row(1, 2, "open", "there"), row(7, 8), row(3, 1)],
    [row(1, 4, "open", "elsewhere")],
  ];
  for (const records of steps) {
    await using pipeline = await open();
    await step(pipeline, ...records);
    // As another program commits: nothing of ours is in its snapshot.
    const { current, schema } = (await pipeline.tables.load(contract.name))!;
    const change = { base: current!.id, schemaId: schema["schema-id"], added: [], removed: new Set<ObjectKey>(), summary: {} };
    assert.equal((await pipeline.tables.commit(contract.name, change)).kind, "committed");
  }
  await using pipeline = await open();
  assert.deepEqual(await rowsOf(pipeline), [row(1, 4, "open", "elsewhere"), row(2, 2, "open", "there"), row(3, 1)]);
  const state = (await pipeline.tables.load(contract.name))!;
  assert.equal(state.snapshots.filter(({ summary }) => "mainstem.tombstones" in summary).length, 4, "a build says what it remembers, new or not");
  const remembered = tombstonesOf(contract.name, state, state.current);
  assert.deepEqual(
    remembered.map(({ key }) => key),
    await tombstoneObjects(pipeline),
  );
  assert.equal(remembered[0]?.records, 2);
  assert.match(remembered[0].key, /^tombstones\/shop\/orders\/[0-9a-f-]{36}-[0-9a-f]{32}\.parquet$/);
});

test("of two builders that bury the same keys one commits, and the other takes its files of deletes back", async () => {
  await using directory = await openDirectory();
  await using pipeline = await openPipeline({ directory: directory.path, contract });
  await step(pipeline, row(1, 1), row(2, 1));
  await pipeline.append([row(1, 2, "gone"), row(5, 2, "gone")]);
  await pipeline.archive();
  await using second = await openDuckdbTableEngine({ objects: pipeline.objects, directory: `${directory.path}/engine2` });
  let interfered = false;
  const slow: TableEngine = {
    async build(job, options) {
      const built = await second.build(job, options);
      if (!interfered) await pipeline.build();
      interfered = true;
      return built;
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  await pipeline.build(pipeline.builder({ engine: slow }));
  const state = (await pipeline.tables.load(contract.name))!;
  assert.equal(state.snapshots.length, 2);
  const named = tombstonesOf(contract.name, state, state.current).map(({ key }) => key);
  assert.equal(named.length, 1);
  assert.deepEqual(await tombstoneObjects(pipeline), named);
});

test("a build that cannot commit leaves no file of deletes, and the next one does", async () => {
  await using directory = await openDirectory();
  await using pipeline = await openPipeline({ directory: directory.path, contract });
  await step(pipeline, row(1, 1));
  await pipeline.append([row(1, 2, "gone")]);
  await pipeline.archive();
  let aborting = true;
  const stop = new AbortController();
  const engine: TableEngine = {
    async build(job, options) {
      const built = await pipeline.engine.build(job, options);
      if (aborting) stop.abort(new MainstemError("resource.closed", "The machine goes down."));
      return built;
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const builder = pipeline.builder({ engine });
  const run = builder.run({ signal: stop.signal, report: () => undefined });
  await Promise.all([assert.rejects(run, { code: "resource.closed" }), assert.rejects(builder.flush({ signal: stop.signal }))]);
  assert.deepEqual(await tombstoneObjects(pipeline), []);
  aborting = false;
  await pipeline.build();
  assert.deepEqual(await rowsOf(pipeline), []);
  assert.equal((await tombstoneObjects(pipeline)).length, 1);
});

test("a snapshot whose list of deletes cannot be read is named", () => {
  const snapshot = { id: 7n, sequenceNumber: 1, summary: { "mainstem.tombstones": '{"formatVersion":1,"files":[{"name":"../secret"}]}' } };
  const state = { snapshots: [snapshot], metadataKey: "tables/shop/orders/metadata/x" };
  assert.throws(
    () => tombstonesOf(contract.name, state as never, snapshot as never),
    (error: MainstemError) => error.code === "table.corrupt",
  );
});

test("what a later version wrote into a snapshot is no damage", () => {
  const summary = { "mainstem.tombstones": '{"formatVersion":2}', "mainstem.checkpoint": '{"formatVersion":2}' };
  const snapshot = { id: 7n, sequenceNumber: 1, summary };
  const state = { snapshots: [snapshot], metadataKey: "tables/shop/orders/metadata/x" };
  const newer = { code: "table.newer", message: /snapshot 7 of tables\/shop\/orders\/metadata\/x was written by a newer version/ };
  assert.throws(() => tombstonesOf(contract.name, state as never, snapshot as never), newer);
  assert.throws(() => checkpointOf(state as never, snapshot as never), newer);
});
