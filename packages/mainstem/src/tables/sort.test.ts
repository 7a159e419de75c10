import assert from "node:assert/strict";
import { test } from "node:test";
import { formatContract, parseContract, type Contract, type NativeRecord } from "@mainstem/contract";
import { isSortedBy, sortFieldsOf } from "../iceberg/index.ts";
import { quoteText, openDatabase } from "./duckdb/database.ts";
import { fileSizes } from "./duckdb/build/write.ts";
import { openDuckdbTableEngine } from "./duckdb/table-engine.ts";
import { openBench, order, ordersBy, type TableEngineDriver } from "./tables.contract.ts";
import { openDirectory, openPipeline, type Pipeline } from "./testing/pipeline.ts";

/** Closes files at a few kilobytes. */
const driver: TableEngineDriver = {
  name: "DuckDB",
  open: (options) => openDuckdbTableEngine({ ...options, threads: 2, sizes: { ...fileSizes, targetBytes: 4_096 } }),
};
const sortedBy = (sort: readonly string[], contract: Contract = ordersBy({ partition: ["none"] })): Contract =>
  parseContract({ ...formatContract(contract), sort });

/** In the order of notes, without one first, and of revisions. */
function expected(natives: readonly NativeRecord[]): readonly (readonly unknown[])[] {
  const rank = ({ note, revision, id }: NativeRecord): string => `${note === null ? 0 : 1} ${String(note)} ${String(revision).padStart(9, "0")} ${String(id)}`;
  return [...natives].sort((a, b) => (rank(a) < rank(b) ? -1 : 1)).map(({ note, revision, id }) => [note, revision, id]);
}

test("the rows of a table's files lie in the order that the contract names, nulls first and then by key, over all files of a build", async () => {
  await using bench = await openBench(driver, sortedBy(["note", "revision"]));
  const natives = Array.from({ length: 4_000 }, (_, n) => order((n * 7) % 4_000, n % 3, { note: n % 5 === 0 ? null : `note ${n % 11}` }));
  for (let start = 0; start < natives.length; start += 2_000) await bench.build(natives.slice(start, start + 2_000));
  assert.ok(bench.table.files.length > 3, `${bench.table.files.length} files`);
  // Checks of each file that it is sorted.
  assert.equal((await bench.table.rows()).length, natives.length);
  const rows: unknown[] = [];
  await using database = await openDatabase({ memoryBytesMax: 268_435_456, threads: 1, directory: "" });
  for (const { key } of bench.table.files) {
    await using local = await bench.world.objects.local(key);
    rows.push(
      ...(await database.rows(`SELECT note, revision, id FROM read_parquet(${quoteText(local.path)}, file_row_number = true) ORDER BY file_row_number`)),
    );
  }
  assert.deepEqual(rows, expected(natives));
});

test("records that are never merged may be sorted without a key", async () => {
  const contract = sortedBy(
    ["note", "revision"],
    parseContract({ ...formatContract(ordersBy({ partition: ["none"] })), merge: { kind: "none" }, key: [], order: "log" }),
  );
  await using bench = await openBench(driver, contract);
  const natives = Array.from({ length: 3_000 }, (_, n) => order("same", n % 700, { note: n % 2 === 0 ? null : "n" }));
  await bench.build(natives);
  assert.ok(bench.table.files.length > 1);
  assert.equal((await bench.table.rows()).length, natives.length);
});

test("a table takes another order over with its next build: new files say that they have it, old ones keep theirs", async () => {
  await using directory = await openDirectory();
  const contract = ordersBy();
  await using pipeline = await openPipeline({ directory: directory.path, contract });
  const build = async (natives: readonly NativeRecord[]): Promise<readonly (readonly [number, unknown])[]> => {
    await pipeline.append(natives);
    await pipeline.archive();
    await pipeline.build();
    const state = await stateOf(pipeline);
    const files = await pipeline.tables.files(contract.name, state, state.current!);
    return files.map(({ sortOrderId, partition }) => [sortOrderId, partition[0]] as const).sort((a, b) => Number(a[1]) - Number(b[1]));
  };
  assert.deepEqual(await build([order(0, 1), order(1, 1)]), [
    [1, 0],
    [1, 1],
  ]);
  await pipeline.registry.apply(sortedBy(["revision"], contract));
  assert.deepEqual(await build([order(3, 1)]), [
    [2, 0],
    [1, 1],
  ]);
  const { schema, sortOrders, sortOrderId } = await stateOf(pipeline);
  assert.equal(sortOrderId, 2);
  assert.deepEqual(
    sortOrders.map(({ fields }) => fields.map((field) => schema.fields.find(({ id }) => id === field["source-id"])?.name)),
    [["id"], ["revision", "id"]],
  );
  assert.equal(isSortedBy(await stateOf(pipeline), sortFieldsOf(contract, schema)), false);
  await pipeline.registry.apply(contract);
  await build([order(4, 2)]);
  const after = await stateOf(pipeline);
  assert.deepEqual([after.sortOrderId, after.sortOrders.length], [1, 2], "the order that it had before");
});

async function stateOf({ tables }: Pipeline): Promise<NonNullable<Awaited<ReturnType<Pipeline["tables"]["load"]>>>> {
  return (await tables.load("shop.orders"))!;
}
