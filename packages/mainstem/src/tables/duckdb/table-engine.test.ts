import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { compileRowText, mergeRecords, type NativeRecord } from "@mainstem/contract";
import fc from "fast-check";
import { openBench, order, ordersBy, testTableEngine, type TableEngineDriver } from "../tables.contract.ts";
import { allValueFields, recordsOf } from "../testing/arbitraries.ts";
import { toRecords } from "../testing/chunks.ts";
import { rowDigest } from "./build/ties.ts";
import { fileSizes } from "./build/write.ts";
import { openDuckdbTableEngine } from "./table-engine.ts";

const driver: TableEngineDriver = { name: "DuckDB", open: (options) => openDuckdbTableEngine({ ...options, threads: 2 }) };
testTableEngine(driver);

const withSizes = (sizes: Partial<typeof fileSizes>): TableEngineDriver => ({
  name: "DuckDB",
  open: (options) => openDuckdbTableEngine({ ...options, threads: 2, sizes: { ...fileSizes, ...sizes } }),
});

test("records by the hundred make the rows that they make one by one, and hostile ones among them are given back", async () => {
  const contract = ordersBy({ extra: allValueFields() });
  const [samples] = fc.sample(recordsOf(contract, { minLength: 40, maxLength: 40 }), { numRuns: 1, seed: 20_261_121 }) as [readonly NativeRecord[]];
  const natives = Array.from({ length: 640 }, (_, index) => ({ ...samples[index % 40], ...order(index % 600, index) }));
  const records = [...toRecords(contract, natives, { schemaId: 1 })];
  const cut = [1, 7, 100].map((bytes) => ({ ...records[0]!, value: records[0]!.value!.slice(0, -bytes) }));
  const hostile = [[0, 0, 0, 0, 1, 0xfe, 0xff, 0xff, 0xff, 0x0f], [0, 0, 0, 0, 1], [0, 0, 0, 0, 9, 1], []].map((value) => ({
    key: null,
    value: Buffer.from(value),
  }));
  records.splice(300, 0, ...cut, ...hostile);
  await using bench = await openBench(driver, contract);
  const { unreadable, counts } = await bench.table.build(bench.engine, [await bench.putRecords(records)]);
  assert.deepEqual(new Set(unreadable.map(({ code }) => code)), new Set(["avro.malformed"]));
  assert.deepEqual(
    unreadable.map(({ offset }) => offset),
    [300, 301, 302, 303, 304, 305, 306],
  );
  assert.deepEqual([counts.records, counts.inserted], [647, 600]);
  const text = compileRowText(contract);
  assert.deepEqual((await bench.rows()).map(text), mergeRecords(contract, natives, rowDigest).rows.map(text));
});

test("what is larger than a file should be is split into sorted files whose keys do not overlap", async () => {
  await using bench = await openBench(withSizes({ targetBytes: 200_000 }), ordersBy({ partition: ["none"] }));
  const natives = Array.from({ length: 30_000 }, (_, index) => order(createHash("md5").update(String(index)).digest("hex"), 1));
  await bench.build(natives.slice(10_000));
  await bench.build(natives.slice(0, 20_000));
  assert.ok(bench.table.files.length > 2, `${bench.table.files.length} files`);
  const text = compileRowText(bench.table.contract);
  assert.deepEqual((await bench.rows()).map(text), mergeRecords(bench.table.contract, natives, rowDigest).rows.map(text));
  const ranges = bench.table.files
    .map(({ lowerBounds, upperBounds }) => [Buffer.from(lowerBounds.get(1)!), Buffer.from(upperBounds.get(1)!)] as const)
    .sort(([a], [b]) => a.compare(b));
  for (let index = 1; index < ranges.length; index++) assert.ok(ranges[index - 1]![1].compare(ranges[index]![0]) < 0, "the keys of two files overlap");
});

test("a large file of a touched partition is left alone when none of its rows is affected", async () => {
  await using bench = await openBench(withSizes({ smallBytes: 0 }), ordersBy({ partition: ["none"] }));
  await bench.build(Array.from({ length: 10 }, (_, index) => order(`a${index}`, 1)));
  await bench.build(Array.from({ length: 10 }, (_, index) => order(`z${index}`, 1)));
  const [a, z] = bench.table.files.map(({ key }) => key);
  await bench.build([order("z5", 2), order("m", 1)]);
  const keys = bench.table.files.map(({ key }) => key);
  assert.ok(keys.includes(a!));
  assert.ok(!keys.includes(z!));
  assert.equal((await bench.rows()).length, 21);
});

test("small files of a touched partition become one", async () => {
  await using bench = await openBench(driver, ordersBy());
  for (let id = 0; id < 6; id++) await bench.build([order(id, 1)]);
  assert.equal(bench.table.files.length, 3);
});

test("a file with many remembered deletes is left alone, however small it is, and counts as before", async () => {
  await using bench = await openBench(withSizes({ rememberedMax: 2 }), ordersBy({ partition: ["none"], deletes: {} }));
  const gone = (id: number, revision: number): NativeRecord => order(id, revision, { gone: true });
  const live = (id: number, revision: number): NativeRecord => order(id, revision, { gone: false });
  const remembered = (): readonly number[] => bench.table.tombstones.map(({ records }) => records);
  await bench.build([gone(1, 5), gone(2, 5)]);
  const [full] = bench.table.tombstones;
  await bench.build([gone(3, 5)]);
  assert.deepEqual(remembered(), [2, 1]);
  await bench.build([gone(1, 7), live(2, 6)]);
  assert.deepEqual(remembered(), [2, 2], "what is new came into the small file");
  assert.equal(bench.table.tombstones[0]!.key, full!.key);
  await bench.build([live(1, 6), live(2, 4), live(3, 4), live(4, 1)]);
  assert.deepEqual(
    (await bench.rows()).map(({ id, revision }) => [id, revision]),
    [
      [order(2, 6)["id"], 6],
      [order(4, 1)["id"], 1],
    ],
  );
});
