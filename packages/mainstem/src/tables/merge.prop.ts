import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import {
  compileDefault,
  compileKeyBytes,
  compileRowText,
  formatContract,
  mergePlacedRecords,
  parseContract,
  partitionOf,
  takesDeletes,
  type Contract,
  type NativeRecord,
  type PlacedRecord,
  type RecordPosition,
} from "@mainstem/contract";
import fc from "fast-check";
import type { TestRecord } from "../archive/testing/batches.ts";
import { openDuckdbTableEngine } from "./duckdb/table-engine.ts";
import { rowDigest } from "./duckdb/build/ties.ts";
import { fileSizes } from "./duckdb/build/write.ts";
import { contractsOfAnyOrder, recordsOf } from "./testing/arbitraries.ts";
import { chunkTopics, putChunk, toRecords } from "./testing/chunks.ts";
import { openDirectory, openPipeline } from "./testing/pipeline.ts";
import { oneZero, readRows } from "./testing/rows.ts";
import { TableInMemory } from "./testing/table-in-memory.ts";
import { assertForAWhile, openWorld } from "./testing/world.ts";

/** Records in the order of their arrival, how they are cut into chunks and builds, and what happens in between. */
interface Story {
  readonly contract: Contract;
  readonly records: readonly NativeRecord[];
  /** Places of records that arrive once more, at the end. */
  readonly repeats: readonly number[];
  /** Which of the records are nothing but a key where the order is the log's: deletes. */
  readonly valueless: readonly boolean[];
  /** Which topic each chunk is of. */
  readonly generations: readonly number[];
  readonly cuts: readonly number[];
  readonly chunksABuild: readonly number[];
  readonly reopen: readonly boolean[];
  /** Files as small as this are written anew: 0 leaves many files in one partition. */
  readonly smallBytes: number;
  /** From this part of the records on, some are written with further fields. */
  readonly growAt: number;
  readonly news: readonly { readonly added: number; readonly addedList: readonly string[]; readonly addedText: string | null }[];
}

const stories: fc.Arbitrary<Story> = contractsOfAnyOrder.chain((contract) =>
  fc.record({
    contract: fc.constant(contract),
    records: recordsOf(contract, { minLength: 1, maxLength: 40 }),
    repeats: fc.array(fc.nat(), { maxLength: 20 }),
    valueless: fc.array(
      fc.nat({ max: 3 }).map((n) => n === 0),
      { minLength: 1, maxLength: 7 },
    ),
    generations: fc.array(fc.integer({ min: 1, max: 2 }), { minLength: 1, maxLength: 5 }),
    cuts: fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 6 }),
    chunksABuild: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 4 }),
    reopen: fc.array(
      fc.nat({ max: 4 }).map((n) => n === 0),
      { minLength: 1, maxLength: 4 },
    ),
    smallBytes: fc.constantFrom(0, fileSizes.smallBytes),
    growAt: fc.constantFrom(0, 0.3, 0.5, 0.7, 1),
    news: fc.array(fc.record({ added: fc.constantFrom(7, 8), addedList: fc.constantFrom(["x"], []), addedText: fc.constantFrom(null, "t") }), {
      minLength: 1,
      maxLength: 5,
    }),
  }),
);

test("the same records give the same rows, in any order, however cut and repeated, over any number of builds", async () => {
  await using world = await openWorld();
  const sizes = [0, fileSizes.smallBytes];
  const open = (smallBytes: number) =>
    openDuckdbTableEngine({ objects: world.objects, directory: join(world.directory, `engine${smallBytes}`), threads: 2, sizes: { ...fileSizes, smallBytes } });
  const engines = new Map(await Promise.all(sizes.map(async (smallBytes) => [smallBytes, await open(smallBytes)] as const)));
  await using _ = { [Symbol.asyncDispose]: async () => void (await Promise.all([...engines.values()].map((engine) => engine[Symbol.asyncDispose]()))) };
  let run = 0;
  await assertForAWhile(
    fc.asyncProperty(stories, async (story) => {
      const grown = growingContract(story.contract);
      const arrived = arrivals(story, grown);
      const table = new TableInMemory(story.contract, world.objects);
      const schemas = new Map([
        [1, story.contract.schema],
        [2, grown.schema],
      ]);
      run += 1;
      let start = 0;
      const next = [0, 0];
      const placed: (Arrival & { readonly position: RecordPosition })[] = [];
      for (let build = 0; start < arrived.length; build++) {
        const chunks = [];
        for (let n = 0; n < pick(story.chunksABuild, build) && start < arrived.length; n++) {
          const part = arrived.slice(start, start + pick(story.cuts, build + n));
          const generation = pick(story.generations, build + n);
          const first = next[generation - 1]!;
          next[generation - 1]! += part.length;
          const own = part.map((arrival, index) => ({ ...arrival, position: { generation, partition: 0, offset: first + index } }));
          // A repeat is a replay: it has the position of the first.
          const replayed = own.map((arrival) =>
            arrival.repeats === undefined ? arrival : { ...arrival, position: [...placed, ...own][arrival.repeats]!.position },
          );
          placed.push(...replayed);
          const records = replayed.map((arrival) => (arrival.repeats === undefined ? arrival.record : withOrigin(arrival)));
          if (part.some(({ schemaId }) => schemaId === 2) && table.contract !== grown) table.grow(grown);
          chunks.push(await putChunk(world.objects, { topic: `run${run}.orders`, generation, start: first, records, schemas }));
          start += part.length;
        }
        const built = await table.build(engines.get(story.smallBytes)!, chunks);
        assert.deepEqual(built.unreadable, []);
        if (pick(story.reopen, build)) {
          await engines.get(story.smallBytes)![Symbol.asyncDispose]();
          engines.set(story.smallBytes, await open(story.smallBytes));
        }
      }
      const whole = placed.map(({ native, position, record }): PlacedRecord => {
        if (record.value === null) return { position, record: null, key: record.key! };
        return { position, record: table.contract === grown ? native : only(native, story.contract) };
      });
      assertSameRows(table.contract, await table.rows(), mergePlacedRecords(table.contract, whole, rowDigest).rows);
    }),
  );
});

test("so do log, archive and table together, with restarts between", async () => {
  await assertForAWhile(
    fc.asyncProperty(stories, async ({ contract, records, repeats, cuts, reopen }) => {
      await using directory = await openDirectory();
      const arrived = [...records, ...repeats.map((index) => pick(records, index))];
      const partitions = 3;
      const open = () => openPipeline({ directory: directory.path, contract, partitions });
      let pipeline = await open();
      try {
        for (let step = 0, start = 0; start < arrived.length; step++) {
          const size = 3 * pick(cuts, step);
          await pipeline.append(arrived.slice(start, start + size), { batchSize: 5 });
          start += size;
          await pipeline.archive();
          if (pick(reopen, step)) {
            await pipeline[Symbol.asyncDispose]();
            pipeline = await open();
          } else {
            await pipeline.build();
          }
        }
        await pipeline.build();
        const state = (await pipeline.tables.load(contract.name))!;
        const files = await pipeline.tables.files(contract.name, state, state.current!);
        assertSameRows(
          contract,
          await readRows(pipeline.objects, contract, files, state.schema),
          mergePlacedRecords(contract, placedBy(contract, arrived, partitions), rowDigest).rows,
        );
      } finally {
        await pipeline[Symbol.asyncDispose]();
      }
    }),
  );
});

/** A record as it arrives, and what it means under the contract with all fields. */
interface Arrival {
  readonly native: NativeRecord;
  readonly schemaId: 1 | 2;
  readonly record: TestRecord;
  /** The place of the record of which it is a repeat. */
  readonly repeats?: number;
}

/** Records with their positions in a topic that was filled with them. */
function placedBy(contract: Contract, natives: readonly NativeRecord[], partitions: number): readonly PlacedRecord[] {
  const key = compileKeyBytes(contract);
  const offsets = Array.from({ length: partitions }, () => 0);
  return natives.map((record) => {
    const partition = partitionOf(key(record), partitions);
    return { position: { generation: 1, partition, offset: offsets[partition]!++ }, record };
  });
}

/** As a replay writes it: the first origin counts, whatever became of the record since. */
function withOrigin({ record, position }: { readonly record: TestRecord; readonly position: RecordPosition }): TestRecord {
  const origins = [
    { ...position, topicId: chunkTopics[position.generation - 1] },
    { topicId: chunkTopics[0], partition: 0, offset: 999 },
  ];
  return { ...record, headers: origins.map((origin) => ({ key: "mainstem-origin", value: Buffer.from(JSON.stringify(origin)) })) };
}

function arrivals({ contract, records, repeats, valueless, growAt, news }: Story, grown: Contract): readonly Arrival[] {
  const defaults = Object.fromEntries(grown.schema.fields.slice(contract.schema.fields.length).map((field) => [field.name, compileDefault(field)!()]));
  const once = records.map((record, index): Arrival => {
    // Some producers go on with the schema that they know.
    const schemaId = index >= growAt * records.length && index % 3 !== 0 ? 2 : 1;
    const native = { ...record, ...defaults, ...(schemaId === 2 ? pick(news, index) : {}) };
    const [encoded] = schemaId === 2 ? toRecords(grown, [native], { schemaId }) : toRecords(contract, [record], { schemaId });
    const isDelete = contract.order === "log" && takesDeletes(contract) && pick(valueless, index);
    return { native, schemaId, record: isDelete ? { ...encoded!, value: null } : encoded! };
  });
  return [...once, ...repeats.map((index) => ({ ...pick(once, index), repeats: index % once.length }))];
}

function growingContract(contract: Contract): Contract {
  const json = formatContract(contract);
  const added = [
    { name: "added", type: "int", default: 7 },
    { name: "addedList", type: { type: "array", items: "string" }, default: ["x"] },
    { name: "addedText", type: ["null", "string"], default: null },
    {
      name: "addedRecord",
      type: {
        type: "record",
        name: "added",
        fields: [
          { name: "a", type: "int" },
          { name: "b", type: ["null", "double"] },
        ],
      },
      default: { a: 1, b: null },
    },
  ];
  const schema = json.schema as { readonly fields: readonly unknown[] };
  return parseContract({ ...json, schema: { ...schema, fields: [...schema.fields, ...added] } });
}

function assertSameRows(contract: Contract, rows: readonly NativeRecord[], expected: readonly NativeRecord[]): void {
  const text = compileRowText(contract);
  assert.deepEqual(rows.map(text), expected.map(text));
  assert.deepEqual(
    rows,
    expected.map((row) => oneZero({ ...row })),
  );
}

function only(native: NativeRecord, { schema }: Contract): NativeRecord {
  return Object.fromEntries(schema.fields.map(({ name }) => [name, native[name]]));
}

function pick<T>(items: readonly T[], index: number): T {
  return items[index % items.length]!;
}
