import assert from "node:assert/strict";
import { before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { compilePartition, parseContract, type NativeRecord } from "@mainstem/contract";
import { openPyiceberg, type PythonEnvironment } from "../../../../tools/services/python.ts";
import type { TableState } from "../iceberg/index.ts";
import { openDirectory, type Pipeline } from "./testing/pipeline.ts";
import { fill, openRebuildWorld, ready } from "./testing/rebuild-world.ts";

const dataset = "shop.orders";
const script = fileURLToPath(new URL("../iceberg/testing/ask-pyiceberg.py", import.meta.url));
const fields = [
  { name: "id", type: "string" },
  { name: "revision", type: "int" },
  { name: "at", type: { type: "long", logicalType: "timestamp-micros" } },
  { name: "note", type: ["null", "string"], default: null },
];
const contractOf = (change: object) =>
  parseContract({ name: dataset, schema: { type: "record", name: "orders", namespace: "shop", fields }, key: ["id"], order: ["revision"], ...change });
const byRevision = contractOf({ partition: [{ field: "at", transform: "day" }] });
const byPosition = contractOf({ order: "log", sort: ["note", "revision"], partition: [{ field: "id", transform: "bucket", width: 2 }] });

const day = 86_400_000_000;
const order = (id: string, revision: number, note: string | null = null): NativeRecord => ({ id, revision, at: (revision % 3) * day, note });
/** The greatest revision of each comes first, so the two orders choose other rows. */
const records = ["a", "b", "c", "d"].flatMap((id) => [order(id, 9, "n9"), order(id, 4), order(id, 5, id === "c" ? null : `n-${id}`)]);

interface Answer {
  readonly table: {
    readonly schema: { readonly fields: readonly { readonly name: string }[] };
    readonly spec: string;
    readonly sort: string;
    readonly refs: Readonly<Record<string, string>>;
    readonly snapshots: readonly { readonly id: string }[];
  };
  readonly scans: readonly { readonly rows: readonly Row[] }[];
}
interface Row {
  readonly id: string;
  readonly revision: number;
  readonly note: string | null;
  readonly _mainstem?: Readonly<Record<string, number>>;
}

let python: PythonEnvironment;
before(async () => {
  python = await openPyiceberg();
});

/** What PyIceberg makes of the table now, and of some of its snapshots. */
async function ask(state: TableState, snapshots: readonly (bigint | undefined)[] = [undefined]): Promise<Answer> {
  const scans = snapshots.map((id) => (id === undefined ? {} : { snapshot: String(id) }));
  return JSON.parse(await python.run(script, JSON.stringify({ do: "read", location: state.metadataLocation, scans }))) as Answer;
}

const revisions = ({ rows }: Answer["scans"][number]): readonly unknown[] => rows.map(({ id, revision }) => `${id}${revision}`).sort();
const stateOf = async ({ tables }: Pipeline): Promise<TableState> => (await tables.load(dataset))!;

test("PyIceberg reads a table while it is rebuilt on a branch, the branch, and what was swapped in, with its reserved column and its sort order, also when all before it is expired", async () => {
  await using directory = await openDirectory();
  await using world = await openRebuildWorld(directory.path, byRevision);
  const { pipeline, rebuilds } = world;
  await fill(pipeline, records);
  const first = (await stateOf(pipeline)).current!.id;
  await pipeline.registry.apply(byPosition, { rebuild: true });
  await rebuilds.start(dataset);
  const { snapshotId: head } = await ready(world, dataset);

  const during = await ask(await stateOf(pipeline), [undefined, head]);
  assert.deepEqual(revisions(during.scans[0]!), ["a9", "b9", "c9", "d9"]);
  assert.deepEqual(revisions(during.scans[1]!), ["a5", "b5", "c5", "d5"]);
  assert.deepEqual(
    during.table.schema.fields.map(({ name }) => name),
    ["id", "revision", "at", "note"],
  );
  assert.match(during.table.sort, /1 ASC NULLS FIRST/);
  assert.match(during.table.spec, /at_day: day/);
  const [branch] = Object.entries(during.table.refs).filter(([name]) => name !== "main");
  assert.match(branch![0], /^rebuild-/);
  assert.deepEqual([during.table.refs["main"], branch![1]], [String(first), String(head)]);

  await rebuilds.swap(dataset);
  await fill(pipeline, [order("b", 1), order("e", 2)]);
  const state = await stateOf(pipeline);
  const after = await ask(state, [undefined, head, first]);
  assert.deepEqual(revisions(after.scans[0]!), ["a5", "b1", "c5", "d5", "e2"]);
  assert.deepEqual(revisions(after.scans[1]!), ["a5", "b5", "c5", "d5"]);
  assert.deepEqual(revisions(after.scans[2]!), ["a9", "b9", "c9", "d9"]);
  assert.ok(
    after.scans[2]!.rows.every((row) => !("_mainstem" in row)),
    "an earlier snapshot has its own columns",
  );
  const positions = after.scans[0]!.rows.map(({ _mainstem }) => _mainstem!);
  assert.ok(positions.every((one) => one["_mainstem_generation"] === 1 && Number.isSafeInteger(one["_mainstem_offset"])));
  assert.deepEqual(Object.keys(after.table.refs), ["main"]);
  assert.match(after.table.spec, /id_bucket: bucket\[2\]\(1\)/);
  assert.match(after.table.sort, /4 ASC NULLS FIRST\s+2 ASC NULLS FIRST\s+1 ASC NULLS FIRST/);
  const expiring = { retention: { keepMs: 0, least: 2, most: 2, graceMs: 0 } };
  for (const expected of [
    { snapshots: true, deleted: false },
    { snapshots: false, deleted: true },
  ]) {
    const { kind, snapshots, deleted } = await pipeline.tables.expiry.run(dataset, expiring);
    assert.deepEqual({ kind, snapshots: snapshots > 0, deleted: deleted > 0 }, { kind: "done", ...expected });
  }
  const expired = await ask(await stateOf(pipeline), [undefined, head]);
  assert.deepEqual(expired.scans, after.scans.slice(0, 2));
  assert.deepEqual(
    expired.table.snapshots.map(({ id }) => id),
    [head, state.current!.id].map(String),
  );
  await assert.rejects(ask(await stateOf(pipeline), [first]), /[Ss]napshot/);
  // PyIceberg gives rows as they lie in their files, of which each bucket has one.
  const bucketOf = compilePartition(byPosition);
  const ranks = Map.groupBy(after.scans[1]!.rows, ({ id }) => bucketOf({ id })[0]);
  assert.equal(ranks.size, 2);
  for (const rows of ranks.values()) {
    const notes = rows.map(({ note }) => note ?? "");
    assert.deepEqual(notes, notes.toSorted());
  }
});

test("PyIceberg reads files that were written under other names and narrower types, and leaves out those that it may", async () => {
  await using directory = await openDirectory();
  const ticketsOf = (list: readonly object[], rest: object) =>
    parseContract({
      name: dataset,
      schema: { type: "record", name: "orders", namespace: "shop", fields: list },
      key: ["id"],
      order: ["revision"],
      partition: [{ field: "seat", transform: "truncate", width: 1 }],
      ...rest,
    });
  const inner = (list: readonly object[]) => ({ type: "record", name: "inner", fields: list });
  const price = { type: "bytes", logicalType: "decimal", precision: 5, scale: 2 };
  const one = ticketsOf(
    [
      { name: "id", type: "int" },
      { name: "revision", type: "int" },
      { name: "seat", type: "string" },
      { name: "ratio", type: "float" },
      { name: "price", type: price },
      { name: "counts", type: { type: "array", items: "int" } },
      { name: "stay", type: inner([{ name: "nights", type: "int" }]) },
      { name: "row", type: "int", default: 0 },
    ],
    {},
  );
  const two = ticketsOf(
    [
      { name: "ticket", type: "long", aliases: ["id"] },
      { name: "turn", type: "long", aliases: ["revision"] },
      { name: "place", type: "string", aliases: ["seat"] },
      { name: "ratio", type: ["null", "double"] },
      { name: "price", type: { ...price, precision: 20 } },
      { name: "counts", type: { type: "array", items: "long" } },
      {
        name: "stay",
        type: inner([
          { name: "nights", type: "long" },
          { name: "town", type: ["null", "string"], default: null },
        ]),
      },
      { name: "memo", type: ["null", "string"], default: null },
    ],
    { key: ["ticket"], order: ["turn"], partition: [{ field: "place", transform: "truncate", width: 1 }], removed: ["row"] },
  );
  let first: bigint;
  {
    await using world = await openRebuildWorld(directory.path, one);
    const row = { ratio: Math.fround(0.1), price: 12_345n, counts: [1, 2], stay: { nights: 2 }, row: 4 };
    await fill(world.pipeline, [
      { id: 1, revision: 1, seat: "A1", ...row },
      { id: -7, revision: 1, seat: "B1", ...row },
    ]);
    first = (await stateOf(world.pipeline)).current!.id;
  }
  await using world = await openRebuildWorld(directory.path, two);
  const row = { ratio: 0.1, price: 10n ** 19n, counts: [2 ** 40], stay: { nights: 2 ** 40, town: "Ulm" }, memo: "m" };
  await fill(world.pipeline, [{ ticket: 2 ** 40, turn: 2 ** 40, place: "C1", ...row }]);
  const { metadataLocation } = await stateOf(world.pipeline);
  const filters = ["ticket == 1", "ticket > 5", "price > 200", "place == 'B1'", "ratio < 0.100001"];
  const scans = [{}, { snapshot: String(first) }, ...filters.map((filter) => ({ filter }))];
  const answer = JSON.parse(await python.run(script, JSON.stringify({ do: "read", location: metadataLocation, scans }))) as {
    readonly table: { readonly schema: { readonly fields: readonly { readonly id: number; readonly name: string; readonly type: unknown }[] } };
    readonly scans: readonly { readonly files: number; readonly rows: readonly Readonly<Record<string, unknown>>[] }[];
  };
  const sorted = (rows: readonly Readonly<Record<string, unknown>>[], by: string) => rows.toSorted((a, b) => Number(a[by]) - Number(b[by]));
  const old = { ratio: Math.fround(0.1), price: "123.45", counts: [1, 2] };
  const now = { ...old, stay: { nights: 2, town: null }, memo: null };
  const rows = [
    { ticket: -7, turn: 1, place: "B1", ...now },
    { ticket: 1, turn: 1, place: "A1", ...now },
    { ticket: 2 ** 40, turn: 2 ** 40, place: "C1", ...row, price: "100000000000000000.00" },
  ];
  assert.deepEqual(sorted(answer.scans[0]!.rows, "ticket"), rows);
  const then = { ...old, stay: { nights: 2 }, row: 4 };
  assert.deepEqual(sorted(answer.scans[1]!.rows, "id"), [
    { id: -7, revision: 1, seat: "B1", ...then },
    { id: 1, revision: 1, seat: "A1", ...then },
  ]);
  assert.deepEqual(
    answer.scans.slice(2).map((scan) => [scan.files, ...sorted(scan.rows, "ticket").map(({ ticket }) => ticket)]),
    [
      [1, 1],
      [1, 2 ** 40],
      [1, 2 ** 40],
      [1, -7],
      [3, -7, 1, 2 ** 40],
    ],
  );
  const { fields: found } = answer.table.schema;
  assert.deepEqual(
    found.map(({ id, name }) => [id, name]),
    [
      [1, "ticket"],
      [2, "turn"],
      [3, "place"],
      [4, "ratio"],
      [5, "price"],
      [6, "counts"],
      [7, "stay"],
      [11, "memo"],
    ],
  );
});
