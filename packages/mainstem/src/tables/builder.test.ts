import assert from "node:assert/strict";
import { test } from "node:test";
import { mergeRecords, parseContract, type NativeRecord } from "@mainstem/contract";
import { RecordBatchBuilder, type Partition } from "../log/index.ts";
import type { MainstemError } from "../runtime/errors.ts";
import { until } from "../runtime/testing/until.ts";
import { checkpointOf } from "./checkpoint.ts";
import { openDuckdbTableEngine } from "./duckdb/table-engine.ts";
import { rowDigest } from "./duckdb/build/ties.ts";
import type { TableEngine } from "./engine.ts";
import { flushed, openDirectory, openPipeline, type Pipeline } from "./testing/pipeline.ts";
import { readRows } from "./testing/rows.ts";

const fields = [
  { name: "id", type: "string" },
  { name: "revision", type: "int" },
  { name: "at", type: { type: "long", logicalType: "timestamp-micros" } },
  { name: "note", type: ["null", "string"], default: null },
];
const contractOf = (extra: readonly object[] = []) =>
  parseContract({
    name: "shop.orders",
    schema: { type: "record", name: "orders", namespace: "shop", fields: [...fields, ...extra] },
    key: ["id"],
    order: ["revision"],
    partition: [{ field: "at", transform: "day" }],
  });
const contract = contractOf();
const day = 86_400_000_000;
const order = (id: number, revision: number, change: NativeRecord = {}): NativeRecord => ({
  id: `o${id}`,
  revision,
  at: (id % 3) * day + revision,
  note: null,
  ...change,
});

async function rowsOf(pipeline: Pipeline, of = contract): Promise<readonly NativeRecord[]> {
  const state = await pipeline.tables.load(of.name);
  return state?.current === undefined ? [] : await readRows(pipeline.objects, of, await pipeline.tables.files(of.name, state, state.current), state.schema);
}

test("a record that was appended is in the table once, and the checkpoint says so", async () => {
  await using directory = await openDirectory();
  await using pipeline = await openPipeline({ directory: directory.path, contract });
  const records = Array.from({ length: 50 }, (_, index) => order(index, 1));
  await pipeline.append([...records, ...records]);
  await pipeline.archive();
  const builder = pipeline.builder();
  await pipeline.build(builder);
  assert.deepEqual(await rowsOf(pipeline), mergeRecords(contract, records, rowDigest).rows);
  const state = await pipeline.tables.load(contract.name);
  const positions = [...checkpointOf(state!, state!.current).values()].flatMap((partitions) => [...partitions.values()].map(({ next }) => next));
  assert.equal(
    positions.reduce((sum, next) => sum + next, 0),
    100,
  );
  assert.equal(builder.progress()?.rows, 50);
  assert.equal(builder.progress()?.position, 100);
  assert.equal(builder.progress()?.end, 100);
  assert.ok(builder.progress()!.completeThrough! <= Date.now());
});

test("a build without news commits nothing, and records that lose still move the checkpoint", async () => {
  await using directory = await openDirectory();
  await using pipeline = await openPipeline({ directory: directory.path, contract });
  await pipeline.build();
  assert.equal(await pipeline.tables.load(contract.name), undefined);
  await pipeline.append([order(1, 5)]);
  await pipeline.archive();
  await pipeline.build();
  const first = (await pipeline.tables.load(contract.name))!;
  await pipeline.build();
  assert.equal((await pipeline.tables.load(contract.name))!.current!.id, first.current!.id);
  await pipeline.append([order(1, 4, { note: "older" })]);
  await pipeline.archive();
  await pipeline.build();
  const last = (await pipeline.tables.load(contract.name))!;
  assert.notEqual(last.current!.id, first.current!.id);
  assert.deepEqual(
    (await pipeline.tables.files(contract.name, last, last.current!)).map(({ key }) => key),
    (await pipeline.tables.files(contract.name, first, first.current!)).map(({ key }) => key),
  );
  assert.deepEqual(await rowsOf(pipeline), [order(1, 5)]);
});

test("only partitions that gain or lose a row are written anew, and a key that moves leaves its old one", async () => {
  await using directory = await openDirectory();
  await using pipeline = await openPipeline({ directory: directory.path, contract });
  const step = async (...records: NativeRecord[]): Promise<ReadonlyMap<unknown, string>> => {
    await pipeline.append(records);
    await pipeline.archive();
    await pipeline.build();
    const state = (await pipeline.tables.load(contract.name))!;
    return new Map((await pipeline.tables.files(contract.name, state, state.current!)).map(({ partition, key }) => [partition[0], key]));
  };
  const before = await step(...Array.from({ length: 9 }, (_, index) => order(index, 1)));
  assert.deepEqual(new Set(before.keys()), new Set([0, 1, 2]));
  const after = await step(order(0, 2, { at: 1 * day }));
  assert.equal(after.get(2), before.get(2));
  assert.notEqual(after.get(0), before.get(0));
  assert.notEqual(after.get(1), before.get(1));
  const ids = (await rowsOf(pipeline)).filter(({ at }) => (at as number) < day).map(({ id }) => id);
  assert.deepEqual(ids, ["o3", "o6"]);
});

test("what takes more than one build may is left for the next", async () => {
  await using directory = await openDirectory();
  await using pipeline = await openPipeline({ directory: directory.path, contract });
  for (let n = 0; n < 4; n++) {
    await pipeline.append(Array.from({ length: 20 }, (_, index) => order(n * 20 + index, 1)));
    await pipeline.archive();
  }
  await pipeline.build(pipeline.builder({ buildBytesMax: 1 }));
  assert.equal((await rowsOf(pipeline)).length, 80);
  const state = (await pipeline.tables.load(contract.name))!;
  assert.ok(state.snapshots.length >= 8, `${state.snapshots.length} snapshots of one chunk each`);
});

test("few bytes wait until they are enough, but a flush does not", async () => {
  await using directory = await openDirectory();
  await using pipeline = await openPipeline({ directory: directory.path, contract });
  await pipeline.append([order(1, 1)]);
  await pipeline.archive();
  const builder = pipeline.builder({ minBytes: 1_000_000, everyMs: 5 });
  const stop = new AbortController();
  const run = builder.run({ signal: stop.signal, report: () => undefined });
  await until("the builder has looked", () => builder.progress() !== undefined);
  assert.ok(builder.progress()!.pendingBytes > 0);
  assert.equal(await pipeline.tables.load(contract.name), undefined);
  await builder.flush();
  assert.equal((await rowsOf(pipeline)).length, 1);
  stop.abort();
  await assert.rejects(run, { name: "AbortError" });
});

test("a field that was added with a default is there in every row after the next build", async () => {
  await using directory = await openDirectory();
  {
    await using pipeline = await openPipeline({ directory: directory.path, contract });
    await pipeline.append(Array.from({ length: 6 }, (_, index) => order(index, 1)));
    await pipeline.archive();
    await pipeline.build();
  }
  const grown = contractOf([
    { name: "channel", type: "string", default: "web" },
    { name: "tags", type: { type: "array", items: "int" }, default: [] },
    { name: "gift", type: ["null", "boolean"], default: null },
  ]);
  await using pipeline = await openPipeline({ directory: directory.path, contract: grown });
  await pipeline.append([{ ...order(0, 2), channel: "shop", tags: [1, 2], gift: true }]);
  await pipeline.archive();
  await pipeline.build();
  const rows = await rowsOf(pipeline, grown);
  const old = { channel: "web", tags: [], gift: null };
  assert.deepEqual(rows, [{ ...order(0, 2), channel: "shop", tags: [1, 2], gift: true }, ...[1, 2, 3, 4, 5].map((id) => ({ ...order(id, 1), ...old }))]);
  const state = (await pipeline.tables.load(contract.name))!;
  const files = await pipeline.tables.files(contract.name, state, state.current!);
  assert.deepEqual(new Set(files.map(({ schemaId }) => schemaId)), new Set([1]));
  assert.equal(state.current!.summary["mainstem.contract-version"], "2");
});

test("of two builders that start from one snapshot one commits, and the other starts over", async () => {
  await using directory = await openDirectory();
  await using pipeline = await openPipeline({ directory: directory.path, contract });
  await pipeline.append(Array.from({ length: 10 }, (_, index) => order(index, 1)));
  await pipeline.archive();
  await pipeline.build();
  await pipeline.append(Array.from({ length: 10 }, (_, index) => order(index, 2)));
  await pipeline.archive();
  await using second = await openDuckdbTableEngine({ objects: pipeline.objects, directory: `${directory.path}/engine2` });
  // The other build commits when this one has its files.
  let interfered = false;
  const slow: TableEngine = {
    async build(job, options) {
      const built = await second.build(job, options);
      if (!interfered) {
        interfered = true;
        await pipeline.build();
      }
      return built;
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  await pipeline.build(pipeline.builder({ engine: slow }));
  assert.equal(interfered, true);
  assert.deepEqual(
    await rowsOf(pipeline),
    Array.from({ length: 10 }, (_, index) => order(index, 2)),
  );
  const state = (await pipeline.tables.load(contract.name))!;
  assert.equal(state.snapshots.length, 2);
  const named = new Set<string>();
  for (const snapshot of state.snapshots) for (const { key } of await pipeline.tables.files(contract.name, state, snapshot)) named.add(key);
  for await (const { key } of pipeline.objects.list("tables/shop/orders/data/")) assert.ok(named.has(key), `${key} was left behind`);
});

test("a record that is none goes to the inbox once, with its bytes, and the others are built", async () => {
  await using directory = await openDirectory();
  await using pipeline = await openPipeline({ directory: directory.path, contract });
  const { topics } = await pipeline.registry.require(contract.name);
  const bad = [null, Buffer.from("not the wire format"), Buffer.from([0, 0, 0, 0x7f, 0xff, 1, 2, 3]), Buffer.from([0, 0, 0, 0, 1, 200, 200])];
  const batch = new RecordBatchBuilder();
  for (const value of bad) batch.add({ key: Buffer.from("k"), value, headers: [{ key: "trace", value: Buffer.from("t1") }] });
  await pipeline.log.append({ topic: topics.records.name, topicId: topics.records.id, partition: 0 as Partition }, batch.finish());
  await pipeline.append([order(1, 1)]);
  await pipeline.archive();
  await pipeline.build();
  await pipeline.build();
  assert.deepEqual(await rowsOf(pipeline), [order(1, 1)]);
  const entries = await inboxOf(pipeline);
  assert.deepEqual(
    entries.map(({ key }) => key),
    [0, 1, 2, 3].map((offset) => `table.shop.orders/${topics.records.id}/0/${offset}`),
  );
  assert.deepEqual(
    entries.map(({ value }) => value),
    bad,
  );
  assert.deepEqual(new Set(entries.map(({ cause }) => cause["code"])), new Set(["avro.malformed"]));
  assert.deepEqual(entries[2]!.cause["origin"], { topicId: topics.records.id, partition: 0, offset: 2, timestamp: entries[2]!.origin });
  assert.equal(entries[2]!.cause["key"], Buffer.from("k").toString("base64"));
});

test("a data file with a flipped byte is named, and nothing is committed", async () => {
  await using directory = await openDirectory();
  let snapshot: bigint;
  {
    await using pipeline = await openPipeline({ directory: directory.path, contract });
    await pipeline.append(Array.from({ length: 100 }, (_, index) => order(index, 1)));
    await pipeline.archive();
    await pipeline.build();
    const state = (await pipeline.tables.load(contract.name))!;
    snapshot = state.current!.id;
    const [file] = await pipeline.tables.files(contract.name, state, state.current!);
    const whole: Uint8Array[] = [];
    for await (const piece of pipeline.objects.read(file!.key)) whole.push(piece);
    const bytes = Buffer.concat(whole);
    bytes[40]! ^= 1;
    await pipeline.objects.delete([file!.key]);
    await pipeline.objects.put(file!.key, [bytes]);
  }
  await using pipeline = await openPipeline({ directory: directory.path, contract });
  await pipeline.append(Array.from({ length: 100 }, (_, index) => order(index, 2)));
  await pipeline.archive();
  await assert.rejects(pipeline.build(), (error: MainstemError) => error.code === "table.corrupt" && /data\/.*\.parquet/.test(String(error.facts["key"])));
  const state = (await pipeline.tables.load(contract.name))!;
  assert.equal(state.current!.id, snapshot);
  const count = (await pipeline.tables.files(contract.name, state, state.current!)).length;
  let objects = 0;
  for await (const _ of pipeline.objects.list("tables/shop/orders/data/")) objects += 1;
  assert.equal(objects, count);
});

test("a chunk with a flipped byte is named, and nothing is committed", async () => {
  await using directory = await openDirectory();
  await using pipeline = await openPipeline({ directory: directory.path, contract });
  await pipeline.append([order(1, 1), order(2, 1), order(3, 1)]);
  await pipeline.archive();
  for await (const { key } of pipeline.objects.list("archive/shop.orders/")) {
    if (!key.endsWith(".avro")) continue;
    const whole: Uint8Array[] = [];
    for await (const piece of pipeline.objects.read(key)) whole.push(piece);
    const bytes = Buffer.concat(whole);
    bytes[bytes.length - 20]! ^= 4;
    await pipeline.objects.delete([key]);
    await pipeline.objects.put(key, [bytes]);
  }
  await assert.rejects(flushed(pipeline.builder()), (error: MainstemError) => error.code === "archive.corrupt");
  assert.equal((await pipeline.tables.load(contract.name))?.current, undefined);
});

interface InboxEntry {
  readonly key: string;
  readonly value: Buffer | null;
  readonly cause: Readonly<Record<string, unknown>>;
  readonly origin: unknown;
}

async function inboxOf(pipeline: Pipeline): Promise<readonly InboxEntry[]> {
  const { RecordCursor } = await import("../log/index.ts");
  const { inbox } = (await pipeline.registry.require(contract.name)).topics;
  const entries: InboxEntry[] = [];
  const from = { topic: inbox.name, topicId: inbox.id, partition: 0 as Partition, offset: 0 as never };
  for await (const batch of pipeline.log.read(from, { until: "end", batchBytesMax: 1_048_576 })) {
    const cursor = new RecordCursor(batch);
    while (cursor.next()) {
      const headers = cursor.headers();
      const cause = JSON.parse(Buffer.from(headers.find(({ key }) => key === "mainstem-inbox")!.value!).toString()) as Readonly<Record<string, unknown>>;
      assert.equal(Buffer.from(headers.find(({ key }) => key === "trace")!.value!).toString(), "t1");
      const value = cursor.value();
      const origin = (cause["origin"] as { readonly timestamp: unknown }).timestamp;
      entries.push({ key: Buffer.from(cursor.key()!).toString(), value: value === null ? null : Buffer.from(value), cause, origin });
    }
  }
  return entries;
}
