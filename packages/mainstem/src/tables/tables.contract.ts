import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { compileRowText, mergeRecords, parseContract, type Contract, type NativeRecord } from "@mainstem/contract";
import type { TestRecord } from "../archive/testing/batches.ts";
import type { ChunkRef } from "../archive/index.ts";
import type { ObjectKey, ObjectStore } from "../objects/index.ts";
import { MainstemError } from "../runtime/errors.ts";
import { rowDigest } from "./duckdb/build/ties.ts";
import type { TableEngine } from "./engine.ts";
import { putChunk, toRecords } from "./testing/chunks.ts";
import { TableInMemory } from "./testing/table-in-memory.ts";
import { openWorld, type World } from "./testing/world.ts";

/** How a driver opens an engine over a store; `directory` is the engine's own. */
export interface TableEngineDriver {
  readonly name: string;
  open(options: { readonly objects: ObjectStore; readonly directory: string }): Promise<TableEngine>;
}

const day = 86_400_000_000;

/** A contract of orders in days; the key is the id, unless the test is about another. */
export function ordersBy({
  partition = ["at"],
  merge = "latest",
  immutable = false,
  deletes,
  extra = [],
}: {
  readonly partition?: readonly ("at" | "id" | "none")[];
  readonly merge?: "latest" | "first";
  readonly immutable?: boolean;
  /** Records may say that they delete, in their field `gone`. */
  readonly deletes?: { readonly horizon?: string };
  readonly extra?: readonly object[];
} = {}): Contract {
  const fields = [
    { name: "id", type: "string" },
    { name: "revision", type: "int" },
    { name: "at", type: { type: "long", logicalType: "timestamp-micros" } },
    { name: "note", type: ["null", "string"], default: null },
    ...(deletes === undefined ? [] : [{ name: "gone", type: "boolean", default: false }]),
    ...extra,
  ];
  return parseContract({
    name: "shop.orders",
    schema: { type: "record", name: "orders", namespace: "shop", fields },
    key: ["id"],
    order: ["revision"],
    merge: { kind: merge },
    immutable,
    ...(deletes === undefined ? {} : { deletes: { field: "gone", ...deletes } }),
    partition: partition.flatMap((field) =>
      field === "none" ? [] : [field === "at" ? { field, transform: "day" } : { field, transform: "bucket", width: 4 }],
    ),
  });
}

export const order = (id: number | string, revision: number, change: NativeRecord = {}): NativeRecord => ({
  id: typeof id === "string" ? id : `o${String(id).padStart(4, "0")}`,
  revision,
  at: (typeof id === "string" ? 0 : id % 3) * day + revision,
  note: null,
  ...change,
});

const live = (id: number, revision: number, change: NativeRecord = {}): NativeRecord => order(id, revision, { gone: false, ...change });
const gone = (id: number, revision: number, change: NativeRecord = {}): NativeRecord => order(id, revision, { gone: true, ...change });

/** What every driver of `TableEngine` keeps. */
export function testTableEngine(driver: TableEngineDriver): void {
  describe(`${driver.name} keeps the promises of a table engine`, () => {
    test("rows are those of the model for both rules and every kind of partition", async () => {
      const batches = [
        [order(1, 1), order(2, 1), order(3, 5), order(1, 3, { at: 2 * day })],
        [order(1, 2), order(2, 1, { note: "tie" }), order(4, 1), order(4, 1)],
        [order(3, 4, { at: 0 }), order(2, 1, { note: "other tie" }), order(1, 3, { at: 2 * day })],
      ];
      for (const merge of ["latest", "first"] as const) {
        for (const partition of [["at"], ["id"], ["none"], ["id", "at"]] as const) {
          await using bench = await openBench(driver, ordersBy({ merge, partition }));
          for (const natives of batches) await bench.build(natives);
          assert.deepEqual(await bench.rows(), mergeRecords(bench.table.contract, batches.flat(), rowDigest).rows, `${merge} by ${partition.join()}`);
        }
      }
    });

    test("with immutable partitions, a key is looked up in its own partition only", async () => {
      await using bench = await openBench(driver, ordersBy({ immutable: true }));
      await bench.build([order(1, 1), order(1, 2), order(2, 1, { at: 5 * day })]);
      await bench.build([order(1, 3), order(2, 2, { at: 6 * day })]);
      const { contract } = bench.table;
      const text = compileRowText(contract);
      assert.deepEqual((await bench.rows()).map(text).sort(), [order(1, 3), order(2, 1, { at: 5 * day }), order(2, 2, { at: 6 * day })].map(text).sort());
    });

    test("counts tell what happened to the records", async () => {
      await using bench = await openBench(driver, ordersBy());
      const first = await bench.build([order(1, 1), order(1, 2), order(2, 1), order(2, 1), order(3, 1)]);
      assert.deepEqual(first.counts, { records: 5, inserted: 3, updated: 0, deleted: 0, superseded: 2, conflicts: 0, moved: 0 });
      const second = await bench.build([order(1, 3, { at: 2 * day }), order(2, 2), order(3, 1), order(3, 1, { note: "tie" }), order(4, 1), order(1, 1)]);
      const { superseded, conflicts, ...counts } = second.counts;
      assert.deepEqual({ ...counts, updated: undefined }, { records: 6, inserted: 1, updated: undefined, deleted: 0, moved: 1 });
      assert.equal(conflicts, 1);
      assert.equal(superseded + counts.updated, 5);
    });

    test("only partitions that gain or lose a row are written anew", async () => {
      await using bench = await openBench(driver, ordersBy());
      await bench.build(Array.from({ length: 30 }, (_, id) => order(id, 5)));
      const files = (): ReadonlyMap<unknown, ObjectKey> => new Map(bench.table.files.map(({ partition, key }) => [partition[0], key]));
      const before = files();
      await bench.build([order(1, 4), order(2, 5), order(4, 3, { at: 9 * day })]);
      assert.deepEqual(files(), before, "records that lose, and repeats, change nothing");
      await bench.build([order(1, 6, { at: 7 * day })]);
      const after = files();
      assert.deepEqual(
        [0, 2].map((part) => after.get(part)),
        [0, 2].map((part) => before.get(part)),
      );
      assert.notEqual(after.get(1), before.get(1));
      assert.ok(after.has(7));
      await bench.build(Array.from({ length: 30 }, (_, id) => order(id, 9, { at: 20 * day })));
      assert.deepEqual([...files().keys()], [20], "a partition that loses all its rows has no file");
    });

    test("a table has one zero: the sign of a zero is never that of another row", async () => {
      const extra = [
        { name: "value", type: "double" },
        { name: "values", type: { type: "array", items: "float" } },
      ];
      await using bench = await openBench(driver, ordersBy({ partition: ["none"], extra }));
      const zeros = Array.from({ length: 50 }, (_, id) => order(id, 1, { value: id % 2 === 0 ? -0 : 0, values: [id % 3 === 0 ? 0 : -0] }));
      assert.equal((await bench.build([...zeros, order(0, 1, { value: 0, values: [-0] })])).counts.conflicts, 0);
      for (const row of await bench.rows()) assert.deepEqual([row["value"], row["values"]], [0, [0]]);
    });

    test("the rows do not depend on the order of the chunks in a build", async () => {
      const natives = Array.from({ length: 40 }, (_, index) => order(index % 7, index % 5, { note: `n${index % 3}` }));
      const found: unknown[] = [];
      for (const turn of [0, 1, 2]) {
        await using bench = await openBench(driver, ordersBy());
        const chunks: ChunkRef[] = [];
        for (let start = 0; start < natives.length; start += 8) chunks.push(await bench.chunk(natives.slice(start, start + 8)));
        await bench.table.build(bench.engine, turn === 0 ? chunks : turn === 1 ? chunks.toReversed() : [...chunks, ...chunks.slice(0, 2)]);
        found.push(await bench.rows());
      }
      assert.deepEqual(found[1], found[0]);
      assert.deepEqual(found[2], found[0]);
    });

    test("a build of nothing is nothing", async () => {
      await using bench = await openBench(driver, ordersBy());
      const counts = { records: 0, inserted: 0, updated: 0, deleted: 0, superseded: 0, conflicts: 0, moved: 0 };
      const empty = { added: [], removed: [], tombstones: { added: [], removed: [] }, counts, unreadable: [] };
      assert.deepEqual(await bench.table.build(bench.engine, []), empty);
      await bench.build([order(1, 1)]);
      assert.deepEqual(await bench.table.build(bench.engine, []), empty);
    });

    test("a delete takes its row and beats whatever is older, in the same build and in later ones, in whatever partition", async () => {
      for (const partition of [["at"], ["id"], ["none"]] as const) {
        await using bench = await openBench(driver, ordersBy({ partition, deletes: {} }));
        const builds = [
          [live(1, 3), live(2, 3), live(3, 3), gone(9, 5)],
          [gone(1, 4, { at: 4 * day }), gone(2, 2), gone(3, 3), live(4, 1), gone(4, 2)],
          [live(1, 3, { at: 6 * day }), live(1, 4), live(3, 2), live(4, 1), live(9, 4)],
          [live(9, 6), live(3, 3), gone(4, 2)],
        ];
        const expected = [["o0001", "o0002", "o0003"], ["o0002"], ["o0002"], ["o0002", "o0009"]];
        for (const [index, natives] of builds.entries()) {
          await bench.build(natives);
          await bench.reopen();
          assert.deepEqual(
            (await bench.rows()).map(({ id }) => id),
            expected[index],
            `build ${index} by ${partition.join()}`,
          );
        }
        assert.deepEqual(await bench.rows(), [live(2, 3), live(9, 6)]);
      }
    });

    test("deletes are counted, remembered once, and small files of them become one", async () => {
      await using bench = await openBench(driver, ordersBy({ deletes: {} }));
      await bench.build([live(1, 1), live(2, 1)]);
      assert.deepEqual(bench.table.tombstones, []);
      const first = await bench.build([gone(1, 2), gone(1, 2), gone(5, 1)]);
      assert.deepEqual(first.counts, { records: 3, inserted: 0, updated: 0, deleted: 1, superseded: 1, conflicts: 0, moved: 0 });
      assert.deepEqual(
        bench.table.tombstones.map(({ records }) => records),
        [2],
      );
      const before = bench.table.tombstones;
      const again = await bench.build([gone(1, 2), gone(1, 1), live(5, 1)]);
      assert.deepEqual(again.counts, { records: 3, inserted: 0, updated: 0, deleted: 0, superseded: 3, conflicts: 0, moved: 0 });
      assert.deepEqual(bench.table.tombstones, before);
      await bench.build([gone(1, 7), gone(6, 1), live(5, 3)]);
      assert.deepEqual(
        bench.table.tombstones.map(({ records }) => records),
        [2],
        "o1 and o6; the row of o5 beats what its delete beat",
      );
    });

    test("a delete beyond the horizon is forgotten", async () => {
      await using bench = await openBench(driver, ordersBy({ deletes: { horizon: "1d" } }));
      const build = async (natives: readonly NativeRecord[], now: number): Promise<unknown> => {
        await bench.table.build(bench.engine, [await bench.chunk(natives)], { now });
        return (await bench.rows()).map(({ id }) => id);
      };
      const dayMs = 86_400_000;
      assert.deepEqual(await build([gone(1, 5), gone(2, 5)], 0), []);
      assert.deepEqual(await build([gone(3, 5), live(1, 4)], dayMs / 2), []);
      assert.deepEqual(await build([live(1, 4), live(3, 4)], dayMs), []);
      await bench.table.build(bench.engine, [await bench.chunk([live(1, 4)])], { now: 400 * dayMs, judgedAt: dayMs });
      assert.deepEqual(await bench.rows(), [], "a clock that is ahead and not believed lets go of none");
      assert.deepEqual(await build([live(1, 4), live(3, 4)], dayMs + 1), ["o0001"]);
      assert.deepEqual(await build([live(4, 4)], 2 * dayMs), ["o0001", "o0004"]);
      assert.deepEqual(bench.table.tombstones, [], "a file of nothing but such deletes is let go");
    });

    test("a damaged file of deletes is named", async () => {
      await using bench = await openBench(driver, ordersBy({ deletes: {} }));
      await bench.build([gone(1, 5)]);
      const [file] = bench.table.tombstones;
      await bench.damage(file!.key);
      await bench.reopen();
      await assert.rejects(bench.build([live(1, 4)]), (error: MainstemError) => error.code === "table.corrupt" && error.facts["key"] === file!.key);
    });

    test("records that are none are given back with their bytes and place", async () => {
      await using bench = await openBench(driver, ordersBy());
      const [good] = toRecords(bench.table.contract, [order(1, 1)], { schemaId: 1 });
      const cut = { ...good!, value: good!.value!.slice(0, -1) };
      const bad: readonly TestRecord[] = [
        { key: Buffer.from("k"), value: null },
        { key: null, value: Buffer.from([7]), headers: [{ key: "h", value: null }] },
        cut,
      ];
      const chunk = await bench.putRecords([bad[0]!, good!, bad[1]!, bad[2]!]);
      const built = await bench.table.build(bench.engine, [chunk]);
      assert.deepEqual(
        built.unreadable.map(({ offset }) => offset),
        [0, 2, 3],
      );
      assert.deepEqual(
        built.unreadable.map(({ code }) => code),
        ["avro.malformed", "avro.malformed", "avro.malformed"],
      );
      assert.deepEqual(
        built.unreadable.map(({ key, value }) => [key, value].map((bytes) => (bytes === null ? null : Buffer.from(bytes)))),
        bad.map(({ key, value }) => [key, value].map((bytes) => (bytes === null ? null : Buffer.from(bytes)))),
      );
      assert.deepEqual(built.unreadable[1]!.headers, [{ key: "h", value: null }]);
      assert.equal(built.counts.records, 4);
      assert.deepEqual(await bench.rows(), [order(1, 1)]);
    });

    test("a damaged chunk or data file is named, and leaves nothing behind", async () => {
      await using bench = await openBench(driver, ordersBy());
      await bench.build(Array.from({ length: 50 }, (_, id) => order(id, 1)));
      const good = await bench.chunk([order(1, 2), order(2, 2), order(3, 2)]);
      const before = await bench.objects();
      await bench.damage(good.entry.path!);
      await bench.reopen();
      await assert.rejects(bench.table.build(bench.engine, [good]), { code: "archive.corrupt" });
      assert.deepEqual(await bench.objects(), before);
      const next = await bench.chunk([order(1, 3), order(2, 3), order(3, 3)]);
      const [file] = bench.table.files;
      await bench.damage(file!.key);
      await assert.rejects(
        bench.table.build(bench.engine, [next]),
        (error: MainstemError) => error.code === "table.corrupt" && error.facts["key"] === file!.key,
      );
      assert.deepEqual(await bench.objects(), before);
    });

    test("a missing data file is named", async () => {
      await using bench = await openBench(driver, ordersBy());
      await bench.build([order(1, 1)]);
      await bench.world.objects.delete([bench.table.files[0]!.key]);
      await assert.rejects(bench.build([order(1, 2)]), { code: "objects.notFound" });
    });

    test("an aborted build ends with the signal's reason, and the engine goes on", async () => {
      await using bench = await openBench(driver, ordersBy());
      const chunk = await bench.chunk(Array.from({ length: 20_000 }, (_, id) => order(id, 1)));
      const reason = new Error("enough");
      await assert.rejects(bench.table.build(bench.engine, [chunk], { signal: AbortSignal.abort(reason) }), reason);
      for (const ms of [1, 20, 60, 120]) {
        const stop = new AbortController();
        const timer = setTimeout(() => stop.abort(), ms);
        await assert.rejects(bench.table.build(bench.engine, [chunk], { signal: stop.signal }), { name: "AbortError" }).catch((error: unknown) => {
          // A fast machine may be done before.
          if (bench.table.files.length === 0) throw error;
        });
        clearTimeout(timer);
      }
      if (bench.table.files.length === 0) await bench.table.build(bench.engine, [chunk]);
      assert.equal((await bench.rows()).length, 20_000);
    });

    test("a build whose files cannot be stored leaves none behind", async () => {
      const world = await openWorld();
      await using _ = world;
      const contract = ordersBy();
      const puts = { left: 1 };
      const faulty = withPutsThatFail(world.objects, puts);
      await using engine = await driver.open({ objects: faulty, directory: `${world.directory}/engine` });
      const table = new TableInMemory(contract, world.objects);
      const records = toRecords(contract, [order(0, 1), order(1, 1), order(2, 1)], { schemaId: 1 });
      const chunk = await putChunk(world.objects, { topic: "shop.orders", start: 0, records, schemas: new Map([[1, contract.schema]]) });
      await assert.rejects(table.build(engine, [chunk]), { code: "objects.failed" });
      for await (const { key } of world.objects.list("tables/")) assert.fail(`${key} was left behind`);
      puts.left = 100;
      await table.build(engine, [chunk]);
      assert.equal((await table.rows()).length, 3);
    });

    test("work that is larger than its memory is done all the same", async () => {
      await using bench = await openBench(driver, ordersBy({ partition: ["none"] }));
      const filler = "x".repeat(2_000);
      const natives = Array.from({ length: 80_000 }, (_, index) => order((index * 7_919) % 70_000, 1 + (index % 3), { note: `${index}${filler}` }));
      const chunks = [await bench.chunk(natives.slice(0, 50_000)), await bench.chunk(natives.slice(50_000))];
      for (const chunk of chunks) await bench.table.build(bench.engine, [chunk], { memoryBytesMax: 134_217_728 });
      const text = compileRowText(bench.table.contract);
      const expected = mergeRecords(bench.table.contract, natives, rowDigest).rows.map(text);
      assert.deepEqual((await bench.rows()).map(text), expected);
    });

    test("builds that are asked for at once are all done, and a closed engine refuses", async () => {
      await using bench = await openBench(driver, ordersBy());
      const chunks = [await bench.chunk([order(1, 1)]), await bench.chunk([order(2, 1)]), await bench.chunk([order(3, 1)])];
      const built = await Promise.all(chunks.map((chunk) => new TableInMemory(bench.table.contract, bench.world.objects).build(bench.engine, [chunk])));
      assert.deepEqual(
        built.map(({ counts }) => counts.inserted),
        [1, 1, 1],
      );
      await bench.engine[Symbol.asyncDispose]();
      await bench.engine[Symbol.asyncDispose]();
      await assert.rejects(bench.table.build(bench.engine, [chunks[0]!]), { code: "resource.closed" });
    });
  });
}

/** A store in which files can be put only so often. */
function withPutsThatFail(objects: ObjectStore, puts: { left: number }): ObjectStore {
  return new Proxy(objects, {
    get(target, name) {
      if (name === "putFile" && puts.left-- <= 0) return () => Promise.reject(new MainstemError("objects.failed", "The store is full."));
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === "function" ? (member.bind(target) as unknown) : member;
    },
  });
}

/** An engine with a table, and the means to make and break what it reads. */
interface Bench extends AsyncDisposable {
  readonly world: World;
  readonly engine: TableEngine;
  readonly table: TableInMemory;
  chunk(natives: readonly NativeRecord[]): Promise<ChunkRef>;
  putRecords(records: readonly TestRecord[]): Promise<ChunkRef>;
  build(natives: readonly NativeRecord[]): ReturnType<TableInMemory["build"]>;
  rows(): Promise<readonly NativeRecord[]>;
  /** Keys of all data files. */
  objects(): Promise<readonly ObjectKey[]>;
  /** Flips a bit in the middle of an object. */
  damage(key: ObjectKey): Promise<void>;
  reopen(): Promise<void>;
}

export async function openBench(driver: TableEngineDriver, contract: Contract): Promise<Bench> {
  const world = await openWorld();
  const open = (): Promise<TableEngine> => driver.open({ objects: world.objects, directory: `${world.directory}/engine` });
  let engine = await open();
  const table = new TableInMemory(contract, world.objects);
  let start = 0;
  const bench: Bench = {
    world,
    get engine() {
      return engine;
    },
    table,
    chunk: (natives) => bench.putRecords(toRecords(table.contract, natives, { schemaId: 1 })),
    async putRecords(records) {
      const ref = await putChunk(world.objects, { topic: "shop.orders", start, records, schemas: new Map([[1, table.contract.schema]]) });
      start += records.length;
      return ref;
    },
    build: async (natives) => await table.build(engine, [await bench.chunk(natives)]),
    rows: () => table.rows(),
    async objects() {
      const keys: ObjectKey[] = [];
      for await (const { key } of world.objects.list("tables/")) keys.push(key);
      return keys;
    },
    async damage(key) {
      const pieces: Uint8Array[] = [];
      for await (const piece of world.objects.read(key)) pieces.push(piece);
      const bytes = Buffer.concat(pieces);
      bytes[bytes.length >> 1]! ^= 1;
      await world.objects.delete([key]);
      await world.objects.put(key, [bytes]);
    },
    async reopen() {
      await engine[Symbol.asyncDispose]();
      engine = await open();
    },
    async [Symbol.asyncDispose]() {
      await engine[Symbol.asyncDispose]();
      await world[Symbol.asyncDispose]();
    },
  };
  return bench;
}
