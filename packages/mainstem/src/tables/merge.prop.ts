import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { compileRowText, mergeRecords, type Contract, type NativeRecord } from "@mainstem/contract";
import fc from "fast-check";
import { openDuckdbTableEngine } from "./duckdb/table-engine.ts";
import { fileSizes } from "./duckdb/build/write.ts";
import { rowDigest } from "./duckdb/build/ties.ts";
import { contracts, recordsOf } from "./testing/arbitraries.ts";
import { putChunk, toRecords } from "./testing/chunks.ts";
import { TableInMemory } from "./testing/table-in-memory.ts";
import { openWorld, testMs } from "./testing/world.ts";

/** Records in the order of arrival, cut into chunks, and chunks gathered into builds. */
interface Story {
  readonly contract: Contract;
  readonly records: readonly NativeRecord[];
  readonly repeats: readonly number[];
  readonly cuts: readonly number[];
  readonly chunksABuild: readonly number[];
  readonly reopen: readonly boolean[];
  /** Files as small as this are written anew: 0 leaves many files in one partition. */
  readonly smallBytes: number;
}

const stories: fc.Arbitrary<Story> = contracts.chain((contract) =>
  fc.record({
    contract: fc.constant(contract),
    records: recordsOf(contract, { minLength: 1, maxLength: 40 }),
    repeats: fc.array(fc.nat(), { maxLength: 20 }),
    cuts: fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 6 }),
    chunksABuild: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 4 }),
    reopen: fc.array(fc.boolean(), { minLength: 1, maxLength: 4 }),
    smallBytes: fc.constantFrom(0, fileSizes.smallBytes),
  }),
);

test("the same records give the same rows, in any order, however cut and repeated, over any number of builds", async () => {
  await using world = await openWorld();
  let run = 0;
  await fc.assert(
    fc.asyncProperty(stories, async (story) => {
      const { contract } = story;
      const text = compileRowText(contract);
      const arrived = [...story.records, ...story.repeats.map((index) => story.records[index % story.records.length]!)];
      const expected = mergeRecords(contract, story.records, rowDigest).rows;
      const table = new TableInMemory(contract, world.objects);
      const open = () => openDuckdbTableEngine({ objects: world.objects, directory: join(world.directory, "engine"), threads: 2, sizes: { ...fileSizes, smallBytes: story.smallBytes } });
      let engine = await open();
      const records = toRecords(contract, arrived, { schemaId: 1 });
      const schemas = new Map([[1, contract.schema]]);
      run += 1;
      let start = 0;
      let build = 0;
      try {
        while (start < records.length) {
          const chunks = [];
          for (let n = 0; n < story.chunksABuild[build % story.chunksABuild.length]! && start < records.length; n++) {
            const size = story.cuts[(build + n) % story.cuts.length]!;
            const part = records.slice(start, start + size);
            chunks.push(await putChunk(world.objects, { topic: `run${run}.orders`, start, records: part, schemas }));
            start += part.length;
          }
          const built = await table.build(engine, chunks);
          assert.deepEqual(built.unreadable, []);
          if (story.reopen[build % story.reopen.length] === true) {
            await engine[Symbol.asyncDispose]();
            engine = await open();
          }
          build += 1;
        }
        const rows = await table.rows();
        assert.deepEqual(rows.map(text), expected.map(text));
        assert.deepEqual(rows, expected.map((row) => ({ ...row })));
      } finally {
        await engine[Symbol.asyncDispose]();
      }
    }),
    { interruptAfterTimeLimit: testMs, markInterruptAsFailure: false, numRuns: 1_000_000 },
  );
});
