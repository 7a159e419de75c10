import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { compileKeyBytes, formatContract, parseContract, type Contract, type NativeRecord } from "@mainstem/contract";
import { openReplays, type Replays } from "../archive/index.ts";
import type { TestRecord } from "../archive/testing/batches.ts";
import { icebergSchemaOf, newTableOf } from "../iceberg/index.ts";
import { RecordBatchBuilder, type Partition } from "../log/index.ts";
import { systemEnv } from "../runtime/env.ts";
import { silentLogger } from "../runtime/logger.ts";
import { until } from "../runtime/testing/until.ts";
import { openSqliteState } from "../state/sqlite/store.ts";
import { openTasks } from "../tasks/index.ts";
import { openDuckdbTableEngine } from "./duckdb/table-engine.ts";
import { openBench, order, ordersBy, type TableEngineDriver } from "./tables.contract.ts";
import { chunkTopics, putChunk, toRecords } from "./testing/chunks.ts";
import { openDirectory, openPipeline, type Pipeline } from "./testing/pipeline.ts";
import { readRows } from "./testing/rows.ts";

const driver: TableEngineDriver = { name: "DuckDB", open: (options) => openDuckdbTableEngine({ ...options, threads: 2 }) };
const byLog = (contract: Contract, more: object = {}): Contract => parseContract({ ...formatContract(contract), order: "log", ...more });
const day = 86_400_000_000;

/** A bench whose chunks lie where they are told to. */
async function openLogBench(contract: Contract) {
  const bench = await openBench(driver, contract);
  const schemas = new Map([[1, contract.schema]]);
  const build = async (records: readonly TestRecord[], { generation = 1, start = 0 } = {}) =>
    await bench.table.build(bench.engine, [await putChunk(bench.world.objects, { topic: "shop.orders", generation, start, records, schemas })]);
  return {
    ...bench,
    contract,
    build,
    records: (...natives: NativeRecord[]) => toRecords(contract, natives, { schemaId: 1 }),
    delete: (id: string): TestRecord => ({ key: compileKeyBytes(contract)({ id }), value: null }),
    rows: async () => (await bench.rows()).map(({ id, revision }) => [id, revision]),
    [Symbol.asyncDispose]: () => bench[Symbol.asyncDispose](),
  };
}
const a = (revision: number, change: NativeRecord = {}): NativeRecord => order("a", revision, change);
const from = (topicId: string, offset: unknown): TestRecord["headers"] => [
  { key: "mainstem-origin", value: Buffer.from(JSON.stringify({ replay: "r", topicId, partition: 0, offset, timestamp: 0 })) },
];

test("what was accepted later is the row, whatever its fields say and in whatever order chunks are built", async () => {
  await using bench = await openLogBench(byLog(ordersBy()));
  await bench.build(bench.records(a(9), a(1)), { start: 10 });
  assert.deepEqual(await bench.rows(), [["a", 1]]);
  await bench.build(bench.records(a(5)), { start: 3 });
  assert.deepEqual(await bench.rows(), [["a", 1]]);
  await bench.build(bench.records(a(0, { at: 3 * day })), { generation: 2, start: 0 });
  assert.deepEqual(await bench.rows(), [["a", 0]]);
  await bench.build(bench.records(a(7)), { start: 9_000 });
  assert.deepEqual(await bench.rows(), [["a", 0]], "offsets of an earlier topic are earlier");
});

test("under first the record that was accepted first stays, and of positions none is forgotten when a file is written anew", async () => {
  await using bench = await openLogBench(byLog(ordersBy({ merge: "first" })));
  await bench.build(bench.records(a(3)), { start: 5 });
  await bench.build(bench.records(order("b", 1)), { start: 6 });
  await bench.build(bench.records(a(4)), { start: 7 });
  await bench.build(bench.records(a(2)), { start: 4 });
  await bench.build(bench.records(a(8)), { start: 5 + 4 });
  assert.deepEqual(await bench.rows(), [
    ["a", 2],
    ["b", 1],
  ]);
});

test("a null value takes the row of its key away, from whatever partition, and beats what was accepted before it", async () => {
  for (const contract of [ordersBy(), ordersBy({ immutable: true }), ordersBy({ partition: ["id"] }), ordersBy({ partition: ["none"], deletes: {} })]) {
    await using bench = await openLogBench(byLog(contract));
    await bench.build(bench.records(...[a(1), order("b", 1, { at: 4 * day })].map((one) => ({ gone: false, ...one }))), { start: 5 });
    const built = await bench.build([bench.delete("a"), bench.delete("z")], { start: 20 });
    assert.deepEqual([built.counts.deleted, built.unreadable], [1, []]);
    assert.deepEqual(await bench.rows(), [["b", 1]]);
    assert.deepEqual(
      bench.table.tombstones.map(({ records }) => records),
      [2],
    );
    await bench.build(bench.records({ gone: false, ...a(2, { at: 9 * day }) }, { gone: false, ...order("z", 1) }), { start: 10 });
    assert.deepEqual(await bench.rows(), [["b", 1]]);
    await bench.build(bench.records({ gone: false, ...a(3) }), { start: 22 });
    assert.deepEqual(await bench.rows(), [
      ["a", 3],
      ["b", 1],
    ]);
  }
});

test("many records at once, which are loaded as columns, make the rows that they make in small builds", async () => {
  const contract = byLog(ordersBy({ deletes: {} }));
  const [one] = chunkTopics as unknown as readonly [string];
  await using whole = await openLogBench(contract);
  await using parts = await openLogBench(contract);
  const records = Array.from({ length: 1_200 }, (_, index): TestRecord => {
    const id = `o${(index * 7) % 90}`;
    if (index % 11 === 3) return whole.delete(id);
    const record = whole.records(order(id, index, { at: (index % 5) * day, gone: index % 13 === 5 }))[0]!;
    return index % 17 === 2 ? { ...record, headers: from(one, Math.max(0, index - 400))! } : record;
  });
  const start = 3_000_000_000;
  const { counts } = await whole.build(records, { start });
  for (const first of [900, 0, 600, 300]) await parts.build(records.slice(first, first + 300), { start: start + first });
  assert.equal(counts.records, 1_200);
  assert.ok((await whole.rows()).length > 0);
  assert.deepEqual(await whole.rows(), await parts.rows());
});

test("a null value whose key is none, and one under another merge, waits in the inbox", async () => {
  const numbered = {
    fields: [
      { name: "id", type: "int" },
      { name: "x", type: "string" },
    ],
    type: "record",
    name: "orders",
    namespace: "shop",
  };
  const contract = parseContract({ name: "shop.orders", schema: numbered, key: ["id"], order: "log" });
  await using bench = await openLogBench(contract);
  const keys = [Uint8Array.of(2), null, Uint8Array.of(2, 2), Buffer.from("")];
  const built = await bench.build(keys.map((key) => ({ key, value: null })));
  assert.deepEqual(
    built.unreadable.map(({ offset, code }) => [offset, code]),
    [1, 2, 3].map((offset) => [offset, "avro.malformed"]),
  );
  await using first = await openLogBench(byLog(ordersBy({ merge: "first" })));
  assert.equal((await first.build([first.delete("a")])).unreadable.length, 1);
});

test("a replayed record has the position of its first origin, if that is in a topic of the dataset", async () => {
  await using bench = await openLogBench(byLog(ordersBy()));
  const replayed = (record: NativeRecord, ...headers: NonNullable<TestRecord["headers"]>[]): TestRecord => ({
    ...bench.records(record)[0]!,
    headers: headers.flat(),
  });
  const [one, two] = chunkTopics as unknown as readonly [string, string];
  await bench.build(bench.records(a(5)), { start: 50 });
  await bench.build([replayed(a(1), from(one, 49)!, from(two, 7)!)], { generation: 2, start: 8 });
  assert.deepEqual(await bench.rows(), [["a", 5]]);
  const again = await bench.build([replayed(a(5), from(one, 50)!)], { generation: 2, start: 9 });
  assert.deepEqual([again.counts.updated, again.counts.conflicts, again.added], [0, 0, []], "the row itself, once more");
  await bench.build([{ ...bench.delete("a"), headers: from(one, 2)! }], { generation: 2, start: 10 });
  assert.deepEqual(await bench.rows(), [["a", 5]]);
  for (const [index, origin] of [from("elsewhere", 1), from(one, -1), from(one, 1.5), [{ key: "mainstem-origin", value: Buffer.from("{") }]].entries()) {
    await bench.build([replayed(a(100 + index), origin!)], { generation: 2, start: 20 + index });
    assert.deepEqual(await bench.rows(), [["a", 100 + index]], "its own position");
  }
});

test("by field, the latest and the first are those of the log, over builds and new fields", async () => {
  const merge = { kind: "fields", fields: { note: "latestNonNull", revision: "first" } };
  await using bench = await openLogBench(byLog(ordersBy(), { merge }));
  const full = async (): Promise<unknown> => (await bench.table.rows()).map(({ revision, note, at, added }) => [revision, note, at, added]);
  await bench.build(bench.records(a(1, { note: "n", at: 10 })), { start: 10 });
  await bench.build(bench.records(a(2, { note: null, at: 20 })), { start: 20 });
  await bench.build(bench.records(a(3, { note: "older", at: 5 })), { start: 9 });
  assert.deepEqual(await full(), [[3, "n", 20, undefined]]);
  const json = formatContract(bench.contract);
  const schema = json.schema as { readonly fields: readonly object[] };
  const grown = parseContract({ ...json, schema: { ...schema, fields: [...schema.fields, { name: "added", type: "int", default: 7 }] } });
  bench.table.grow(grown);
  const schemas = new Map([[1, grown.schema]]);
  for (const [start, added] of [
    [15, 1],
    [25, 2],
  ] as const) {
    const records = toRecords(grown, [{ ...a(9, { at: start }), added }], { schemaId: 1 });
    await bench.table.build(bench.engine, [await putChunk(bench.world.objects, { topic: "shop.orders", start, records, schemas })]);
    assert.deepEqual(await full(), [start === 15 ? [3, "n", 20, 7] : [3, "n", 25, 2]]);
  }
});

test("a table remembers positions only where they decide", () => {
  const remembered = (contract: Contract): unknown => {
    const type = icebergSchemaOf(contract).fields.find(({ name }) => name === "_mainstem")?.type;
    return typeof type === "object" && type.type === "struct" ? type.fields.map(({ name }) => name) : type;
  };
  const position = ["_mainstem_generation", "_mainstem_offset"];
  assert.deepEqual(remembered(byLog(ordersBy())), position);
  assert.deepEqual(remembered(byLog(ordersBy(), { merge: { kind: "fields", fields: { note: "first", at: "max" } } })), [...position, "note"]);
  assert.equal(remembered(byLog(ordersBy(), { merge: { kind: "none" } })), undefined);
  const [before, after] = [ordersBy(), byLog(ordersBy())];
  const table = { schema: newTableOf(after).schema, lastColumnId: 7 };
  assert.ok(
    icebergSchemaOf(before, table).fields.every(({ name }) => name !== "_mainstem"),
    "a rebuild does without",
  );
});

test("through log and archive the key is a delete's only content, and the number of partitions stays", async () => {
  const contract = byLog(ordersBy());
  await using directory = await openDirectory();
  const rowsOf = async (pipeline: Awaited<ReturnType<typeof openPipeline>>): Promise<unknown> => {
    const state = (await pipeline.tables.load(contract.name))!;
    const files = await pipeline.tables.files(contract.name, state, state.current!);
    return (await readRows(pipeline.objects, contract, files, state.schema)).map(({ id, revision }) => [id, revision]);
  };
  {
    await using pipeline = await openPipeline({ directory: directory.path, contract, partitions: 1 });
    await pipeline.append([a(5), order("b", 1), a(4)]);
    await pipeline.archive();
    await pipeline.build();
    assert.deepEqual(await rowsOf(pipeline), [
      ["a", 4],
      ["b", 1],
    ]);
  }
  await using pipeline = await openPipeline({ directory: directory.path, contract, partitions: 4 });
  const { topics } = await pipeline.registry.require(contract.name);
  assert.equal(topics.records.partitions, 1, "the configuration is for new topics");
  const { name, timestampType, retention, retainFor } = topics.records;
  await assert.rejects(pipeline.log.createTopic({ name, partitions: 4, timestampType, retention, retainFor }), { code: "log.topicConflict" });
  const gone = new RecordBatchBuilder();
  gone.add({ key: Buffer.from("a"), value: null });
  await pipeline.log.append({ topic: topics.records.name, topicId: topics.records.id, partition: 0 as Partition }, gone.finish());
  await pipeline.archive();
  await pipeline.build();
  assert.deepEqual(await rowsOf(pipeline), [["b", 1]]);
  const before = (await pipeline.tables.load(contract.name))!.current!;
  const replayed = await replayIntoLive(pipeline, contract.name);
  assert.equal(replayed, 4);
  await pipeline.append([order("c", 1)]);
  await pipeline.archive();
  await pipeline.build();
  assert.deepEqual(
    await rowsOf(pipeline),
    [
      ["b", 1],
      ["c", 1],
    ],
    "a replay of all that there was brings nothing back",
  );
  assert.notEqual((await pipeline.tables.load(contract.name))!.current!.id, before.id);
});

/** Copies all that is archived into the live topic. Returns how many records that is. */
async function replayIntoLive({ directory, log, objects, registry }: Pipeline, dataset: string): Promise<number> {
  const [env, logger] = [systemEnv, silentLogger];
  await using state = await openSqliteState({ file: join(directory, "tasks.sqlite") });
  await using tasks = openTasks({ env, logger, state, owner: "test" });
  const replays = await openReplays({ log, objects, registry, tasks, env, logger, whileOpen: (_dataset, append) => append() });
  const ended = async (request: Parameters<Replays["start"]>[1]): Promise<{ readonly id: string; readonly records: number }> => {
    const { id } = (await replays.start(dataset, request)).spec;
    await until("the replay has its end", async () => (await replays.get(dataset, id)).end !== undefined);
    return { id, records: (await replays.get(dataset, id)).end!.records };
  };
  const shadow = await ended({ target: "shadow" });
  return (await ended({ target: "live", repeats: shadow.id })).records;
}
