import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { compileDecoder, compileRowText, mergePlacedRecords, type Contract, type NativeRecord, type PlacedRecord } from "@mainstem/contract";
import fc from "fast-check";
import { randomChange } from "../../../contract/src/testing/random-changes.ts";
import { createRandom } from "../../../contract/src/testing/random-schemas.ts";
import { openDuckdbTableEngine } from "./duckdb/table-engine.ts";
import { rowDigest } from "./duckdb/build/ties.ts";
import { fileSizes } from "./duckdb/build/write.ts";
import { contractsOfAnyOrder, recordsOf } from "./testing/arbitraries.ts";
import { putChunk, toRecords } from "./testing/chunks.ts";
import { oneZero } from "./testing/rows.ts";
import { TableInMemory } from "./testing/table-in-memory.ts";
import { assertForAWhile, openWorld } from "./testing/world.ts";

/** Versions of a dataset, each with the records that are written under it. */
interface Course {
  readonly removing: boolean;
  readonly versions: readonly { readonly contract: Contract; readonly records: readonly NativeRecord[] }[];
  /** Of the records that arrive under a version, every so manieth comes from a producer that knows only an earlier one. */
  readonly lateEach: number;
  /** Files as small as this are written anew: 0 leaves files of all versions in the table. */
  readonly smallBytes: number;
}

const courses: fc.Arbitrary<Course> = fc
  .tuple(contractsOfAnyOrder, fc.integer(), fc.integer({ min: 1, max: 3 }), fc.boolean())
  .chain(([first, seed, changes, removing]) => {
    const random = createRandom(seed);
    const contracts = [first];
    for (let step = 0; step < changes; step++) contracts.push(randomChange(contracts.at(-1)!, random, { removing }));
    return fc.record({
      removing: fc.constant(removing),
      versions: fc.tuple(...contracts.map((contract) => recordsOf(contract, { minLength: 1, maxLength: 15 }).map((records) => ({ contract, records })))),
      lateEach: fc.integer({ min: 2, max: 4 }),
      smallBytes: fc.constantFrom(0, fileSizes.smallBytes),
    });
  });

test("a table that was built through changes of its fields is the one that a rebuild makes, and what the declaration says", async () => {
  await using world = await openWorld();
  const open = (smallBytes: number) =>
    openDuckdbTableEngine({ objects: world.objects, directory: join(world.directory, `engine${smallBytes}`), threads: 2, sizes: { ...fileSizes, smallBytes } });
  await using none = await open(0);
  await using usual = await open(fileSizes.smallBytes);
  let run = 0;
  await assertForAWhile(
    fc.asyncProperty(courses, async ({ removing, versions, lateEach, smallBytes }) => {
      run += 1;
      const engine = smallBytes === 0 ? none : usual;
      const [{ contract: first }] = versions as [Course["versions"][number]];
      const last = versions.at(-1)!.contract;
      const schemas = new Map(versions.map(({ contract }, index) => [index + 1, contract.schema]));
      const table = new TableInMemory(first, world.objects);
      const chunks = [];
      const placed: PlacedRecord[] = [];
      for (const [index, { contract, records }] of versions.entries()) {
        if (index > 0) table.grow(contract);
        const arrived = records.map((native, place) => {
          const late = index > 0 && place % lateEach === 0 ? versions[index - 1]! : undefined;
          const [writer, own, schemaId] =
            late === undefined ? [contract, native, index + 1] : [late.contract, late.records[place % late.records.length]!, index];
          return { writer, record: toRecords(writer, [own], { schemaId })[0]! };
        });
        const start = placed.length;
        for (const [at, { writer, record }] of arrived.entries()) {
          const decode = compileDecoder({ writer: writer.schema, reader: last.schema });
          placed.push({ position: { generation: 1, partition: 0, offset: start + at }, record: decode(record.value!, 5) });
        }
        const chunk = await putChunk(world.objects, { topic: `run${run}.orders`, start, records: arrived.map(({ record }) => record), schemas });
        chunks.push(chunk);
        assert.deepEqual((await table.build(engine, [chunk])).unreadable, []);
      }
      const expected = mergePlacedRecords(last, placed, rowDigest);
      // Of records that share the greatest order and differed in a field that is gone, the one that won is there: a rebuild no longer knows why.
      fc.pre(!removing || last.merge.kind === "fields" || expected.conflicts === 0);
      const again = new TableInMemory(last, world.objects);
      assert.deepEqual((await again.build(engine, chunks)).unreadable, []);
      const text = compileRowText(last);
      const rows = await table.rows();
      assert.deepEqual(rows.map(text), expected.rows.map(text));
      assert.deepEqual(
        rows,
        expected.rows.map((row) => oneZero({ ...row })),
      );
      assert.deepEqual(await again.rows(), rows);
    }),
  );
});
