import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { mergeRecords, parseContract, type Contract, type NativeRecord } from "@mainstem/contract";
import { openDuckdbQueryEngine } from "./duckdb/query-engine.ts";
import { rowDigest } from "./duckdb/build/ties.ts";
import type { QueryTable } from "./engine.ts";
import { registryForTable } from "./table-contract.ts";
import { openDirectory, openPipeline, type Pipeline } from "./testing/pipeline.ts";
import { fill, openRebuildWorld, ready } from "./testing/rebuild-world.ts";
import { readRows } from "./testing/rows.ts";

const id = { name: "id", type: "int" };
const revision = { name: "revision", type: "int" };
const seat = { name: "seat", type: "string" };
const row = { name: "row", type: "int", default: 0 };
const price = { name: "price", type: "float" };
const note = { name: "note", type: ["null", "string"], default: null };

function contractOf(fields: readonly object[], rest: object = {}): Contract {
  return parseContract({
    name: "cinema.tickets",
    schema: { type: "record", name: "tickets", namespace: "cinema", fields },
    key: ["id"],
    order: ["revision"],
    partition: [{ field: "seat", transform: "truncate", width: 1 }],
    ...rest,
  });
}

async function rowsOf({ tables, objects, registry }: Pipeline): Promise<readonly NativeRecord[]> {
  const { contract } = await registryForTable(registry, tables).require("cinema.tickets");
  const state = (await tables.load(contract.name))!;
  return await readRows(objects, contract, await tables.files(contract.name, state, state.current!), state.schema);
}

async function queryAt({ tables, objects, registry, directory }: Pipeline, sql: string, snapshotId?: bigint): Promise<readonly unknown[]> {
  const { contract } = await registry.require("cinema.tickets");
  const state = (await tables.load(contract.name))!;
  const snapshot = state.snapshots.find((one) => one.id === snapshotId) ?? state.current!;
  const version = { state, snapshot, files: await tables.files(contract.name, state, snapshot) };
  const table: QueryTable = { contract, columns: snapshotId === undefined ? "contract" : "snapshot", version };
  await using queries = await openDuckdbQueryEngine({ objects, directory: join(directory, "asked") });
  const answer: unknown[] = [];
  for await (const { columns, rows } of queries.query(sql, { tables: new Map([[contract.name, table]]), timeoutMs: 60_000 })) {
    if (answer.length === 0) answer.push(columns.map(({ name, type }) => `${name} ${type}`));
    answer.push(...rows);
  }
  return answer;
}

test("key, order and values become wider and fields other ones, over files that were written before", async () => {
  await using directory = await openDirectory();
  const first = contractOf([id, revision, seat, row, price]);
  const start = [
    { id: 1, revision: 1, seat: "A1", row: 1, price: Math.fround(0.1) },
    { id: -2, revision: 1, seat: "B1", row: 2, price: 2 },
    { id: 3, revision: 5, seat: "B2", row: 0, price: 3 },
  ];
  let before: bigint;
  {
    await using pipeline = await openPipeline({ directory: directory.path, contract: first });
    await fill(pipeline, start);
    before = (await pipeline.tables.load(first.name))!.current!.id;
  }
  const ticket = { name: "ticket", type: "long", aliases: ["id"] };
  const second = contractOf(
    [
      ticket,
      { name: "turn", type: "long", aliases: ["revision"] },
      { ...seat, name: "place", aliases: ["seat"] },
      { ...price, type: ["null", "double"] },
      note,
    ],
    { key: ["ticket"], order: ["turn"], partition: [{ field: "place", transform: "truncate", width: 1 }], removed: ["row"] },
  );
  await using pipeline = await openPipeline({ directory: directory.path, contract: second });
  // Nothing is built yet: the names are new at once.
  assert.deepEqual(await queryAt(pipeline, "SELECT ticket, place, price, note FROM cinema.tickets WHERE ticket < 3 ORDER BY ticket"), [
    ["ticket BIGINT", "place VARCHAR", "price DOUBLE", "note VARCHAR"],
    [-2, "B1", 2, null],
    [1, "A1", Math.fround(0.1), null],
  ]);
  const more = [
    // Moves to another partition; is older than what is there; is beyond the old type.
    { ticket: 1, turn: 2, place: "C9", price: null, note: "moved" },
    { ticket: 3, turn: 4, place: "A4", price: 0.1, note: "late" },
    { ticket: 2 ** 40, turn: 2 ** 41, place: "D1", price: 0.1, note: null },
  ];
  await fill(pipeline, more);
  const all = [...start.map((one) => ({ ticket: one.id, turn: one.revision, place: one.seat, price: one.price, note: null })), ...more];
  assert.deepEqual(await rowsOf(pipeline), mergeRecords(second, all, rowDigest).rows);
  const state = (await pipeline.tables.load(second.name))!;
  const files = await pipeline.tables.files(second.name, state, state.current!);
  const lengths = files.map(({ lowerBounds }) => lowerBounds.get(1)!.length);
  assert.deepEqual(new Set(lengths), new Set([4, 8]), "a file that was written before is still there");
  assert.deepEqual(
    state.schema.fields.map(({ id: column, name, type }) => [column, name, type]),
    [
      [1, "ticket", "long"],
      [2, "turn", "long"],
      [3, "place", "string"],
      [5, "price", "double"],
      [6, "note", "string"],
    ],
  );
  assert.deepEqual(await queryAt(pipeline, "SELECT id, row, seat, note FROM cinema.tickets ORDER BY id", before), [
    ["id INTEGER", "row INTEGER", "seat VARCHAR", "note VARCHAR"],
    [-2, 2, "B1", null],
    [1, 1, "A1", null],
    [3, 0, "B2", null],
  ]);
});

test("what a merge by field remembers of a field is found under its new name", async () => {
  await using directory = await openDirectory();
  const rules = (one: string, other: string) => ({ merge: { kind: "fields", fields: { [one]: "first", [other]: "latestNonNull" } }, partition: [] });
  const first = contractOf([id, revision, seat, note], rules("seat", "note"));
  const start = [
    { id: 1, revision: 10, seat: "ten", note: null },
    { id: 1, revision: 12, seat: "twelve", note: "n12" },
    { id: 1, revision: 14, seat: "x", note: null },
  ];
  {
    await using pipeline = await openPipeline({ directory: directory.path, contract: first });
    await fill(pipeline, start);
  }
  const second = contractOf(
    [id, revision, { ...seat, name: "place", aliases: ["seat"] }, { ...note, name: "memo", aliases: ["note"] }],
    rules("place", "memo"),
  );
  const more = [
    { id: 1, revision: 11, place: "eleven", memo: "n11" },
    { id: 1, revision: 9, place: "nine", memo: "n9" },
    { id: 1, revision: 13, place: "thirteen", memo: "n13" },
  ];
  const all = [...start.map(({ seat: place, note: memo, ...one }) => ({ ...one, place, memo })), ...more];
  for (const record of more) {
    await using pipeline = await openPipeline({ directory: directory.path, contract: second });
    await fill(pipeline, [record]);
  }
  await using pipeline = await openPipeline({ directory: directory.path, contract: second });
  assert.deepEqual(await rowsOf(pipeline), mergeRecords(second, all, rowDigest).rows);
  assert.deepEqual((await rowsOf(pipeline))[0], { id: 1, revision: 14, place: "nine", memo: "n13" });
});

test("deletes that are remembered are held against records under the key's new name and type", async () => {
  await using directory = await openDirectory();
  const gone = { name: "gone", type: "boolean" };
  const first = contractOf([id, revision, seat, gone], { deletes: { field: "gone" } });
  {
    await using pipeline = await openPipeline({ directory: directory.path, contract: first });
    await fill(pipeline, [
      { id: 7, revision: 5, seat: "A", gone: true },
      { id: 8, revision: 5, seat: "A", gone: false },
    ]);
  }
  const second = contractOf(
    [
      { name: "ticket", type: "long", aliases: ["id"] },
      { name: "turn", type: "long", aliases: ["revision"] },
      seat,
      { ...gone, name: "dead", aliases: ["gone"] },
    ],
    {
      key: ["ticket"],
      order: ["turn"],
      deletes: { field: "dead" },
    },
  );
  await using pipeline = await openPipeline({ directory: directory.path, contract: second });
  await fill(pipeline, [
    { ticket: 7, turn: 4, seat: "B", dead: false },
    { ticket: 8, turn: 9, seat: "B", dead: true },
  ]);
  assert.deepEqual(await rowsOf(pipeline), []);
  await fill(pipeline, [
    { ticket: 7, turn: 6, seat: "C", dead: false },
    { ticket: 8, turn: 8, seat: "C", dead: false },
  ]);
  assert.deepEqual(await rowsOf(pipeline), [{ ticket: 7, turn: 6, seat: "C", dead: false }]);
});

test("a table that waits for its rebuild takes renamed and widened fields, and the rebuilt one is what the declaration says", async () => {
  await using directory = await openDirectory();
  const first = contractOf([id, revision, seat, row]);
  const start = [
    { id: 1, revision: 1, seat: "A1", row: 9 },
    { id: 1, revision: 2, seat: "A2", row: 8 },
  ];
  {
    await using pipeline = await openPipeline({ directory: directory.path, contract: first });
    await fill(pipeline, start);
    await pipeline.registry.apply(contractOf([id, revision, seat, row], { merge: { kind: "first" } }), { rebuild: true });
  }
  const next = contractOf([id, revision, { ...seat, name: "place", aliases: ["seat"] }, { ...row, type: "long" }, note], {
    merge: { kind: "first" },
    partition: [{ field: "place", transform: "truncate", width: 1 }],
  });
  await using world = await openRebuildWorld(directory.path, next);
  const { pipeline, rebuilds } = world;
  assert.deepEqual(await rebuilds.pending(next.name), ["merge"]);
  const more = [
    { id: 1, revision: 3, place: "B3", row: 2 ** 40, note: "n" },
    { id: 2, revision: 1, place: "B1", row: 0, note: null },
  ];
  await fill(pipeline, more);
  const log = pipeline.log;
  assert.equal(
    (
      await log.bounds({
        topic: (await pipeline.registry.require(next.name)).topics.inbox.name,
        topicId: (await pipeline.registry.require(next.name)).topics.inbox.id,
        partition: 0 as never,
      })
    ).end,
    0,
  );
  // The old rule, new names and types; the field that came meanwhile waits.
  assert.deepEqual(await rowsOf(pipeline), [
    { id: 1, revision: 3, place: "B3", row: 2 ** 40 },
    { id: 2, revision: 1, place: "B1", row: 0 },
  ]);
  await rebuilds.start(next.name);
  const { comparison } = await ready(world, next.name);
  assert.deepEqual([comparison!.differences.changed.rows, comparison!.differences.added.rows, comparison!.differences.removed.rows], [1, 0, 0]);
  await rebuilds.swap(next.name);
  const all = [...start.map(({ seat: place, ...one }) => ({ ...one, place, note: null })), ...more];
  assert.deepEqual(await rowsOf(pipeline), mergeRecords(next, all, rowDigest).rows);
});

test("a field that rows still rest on may go only with their rebuild: until then nothing more is built, and nothing is lost", async () => {
  await using directory = await openDirectory();
  const first = contractOf([id, revision, seat, row], { order: ["row"], partition: [] });
  const start = [
    { id: 1, revision: 2, seat: "A1", row: 1 },
    { id: 1, revision: 1, seat: "A2", row: 2 },
  ];
  {
    await using pipeline = await openPipeline({ directory: directory.path, contract: first });
    await fill(pipeline, start);
    await pipeline.registry.apply(contractOf([id, revision, seat, row], { partition: [] }), { rebuild: true });
  }
  const next = contractOf([id, revision, seat], { partition: [], removed: ["row"] });
  await using world = await openRebuildWorld(directory.path, next);
  const { pipeline, rebuilds } = world;
  const more = [{ id: 2, revision: 1, seat: "B1" }];
  await assert.rejects(fill(pipeline, more), { code: "table.rebuildNeeded" });
  await rebuilds.start(next.name);
  await ready(world, next.name);
  await rebuilds.swap(next.name);
  await pipeline.build();
  const all = [...start.map(({ row: _row, ...one }) => one), ...more];
  assert.deepEqual(await rowsOf(pipeline), mergeRecords(next, all, rowDigest).rows);
});
