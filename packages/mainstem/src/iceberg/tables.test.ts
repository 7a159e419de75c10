import assert from "node:assert/strict";
import { cp, rm } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openDirectoryStore } from "../objects/directory/store.ts";
import { systemEnv } from "../runtime/env.ts";
import { silentLogger } from "../runtime/logger.ts";
import { formatJson, parseJson, type JsonObject } from "./json.ts";
import { parseObjectKey, readWhole } from "../objects/index.ts";
import type { DataFile, TableState } from "./model.ts";
import { inheritedSummary, summaryKeys } from "./snapshot-summary.ts";
import { openIcebergTables } from "./tables.ts";
import { schemaOf, snapshotAt, snapshotById } from "./table-state.ts";
import { changeOf, dataset, fileOf, newTable, schema } from "./testing/samples.ts";
import { keysOf, openTestStores } from "./testing/stores.ts";

function byKey(files: readonly DataFile[]): readonly DataFile[] {
  return [...files].sort((a, b) => (a.key < b.key ? -1 : 1));
}

test("makes a table once and gives the same one afterwards", async () => {
  await using stores = await openTestStores();
  const tables = stores.open();
  assert.equal(await tables.load(dataset), undefined);
  const made = await tables.create(dataset, newTable);
  assert.match(made.metadataKey, /^tables\/shop\/orders\/metadata\/00000-[0-9a-f-]{36}\.metadata\.json$/);
  assert.equal(made.metadataLocation, stores.objects.uri(made.metadataKey));
  assert.deepEqual(made.schema, schema);
  assert.equal(made.current, undefined);
  assert.equal(made.sortOrderId, 1);
  assert.equal(made.lastColumnId, 5);
  const again = await stores.open().create(dataset, { ...newTable, sort: [] });
  assert.deepEqual(again, made);
  assert.equal((await stores.state.pointers.get("table/shop.orders"))?.value, made.metadataKey);
});

test("commits files that are read again as they were written", async () => {
  await using stores = await openTestStores();
  const tables = stores.open();
  const table = await tables.create(dataset, newTable);
  const added = [fileOf({ day: -1 }), fileOf({ day: 20_000 }), fileOf({ day: null, records: 3 })];
  const summary = { [summaryKeys.checkpoint]: '{"next":1}', operation: "nonsense" };
  const commit = await tables.commit(dataset, changeOf(table, { added, summary }));
  assert.ok(commit.kind === "committed");
  assert.deepEqual(commit.snapshot, commit.state.current);
  assert.ok(commit.snapshot.id > 0n && commit.snapshot.id < 1n << 63n);
  assert.equal(commit.snapshot.sequenceNumber, 1);
  assert.match(commit.snapshot.manifestList, new RegExp(`^tables/shop/orders/metadata/snap-${commit.snapshot.id}-1-[0-9a-f-]{36}\\.avro$`));
  const loaded = await stores.open().load(dataset);
  assert.deepEqual(loaded, commit.state);
  assert.deepEqual(byKey(await stores.open().files(dataset, loaded, loaded.current!)), byKey(added));
  assert.deepEqual(commit.snapshot.summary, {
    [summaryKeys.checkpoint]: '{"next":1}',
    operation: "append",
    "added-data-files": "3",
    "added-records": "23",
    "added-files-size": "2300",
    "changed-partition-count": "3",
    "manifests-created": "1",
    "manifests-kept": "0",
    "manifests-replaced": "0",
    "total-data-files": "3",
    "total-records": "23",
    "total-files-size": "2300",
    "total-delete-files": "0",
    "total-position-deletes": "0",
    "total-equality-deletes": "0",
  });
});

test("removes files, and earlier snapshots keep theirs", async () => {
  await using stores = await openTestStores();
  const tables = stores.open();
  const [a, b, c] = [fileOf({ day: 1 }), fileOf({ day: 2 }), fileOf({ day: 2 })];
  const first = await commitOf(stores, { added: [a, b] });
  const second = await commitOf(stores, { added: [c], removed: [b] });
  const third = await commitOf(stores, { removed: [a, c] });
  const fourth = await commitOf(stores, {});
  const state = (await tables.load(dataset))!;
  const filesAt = async (at: TableState): Promise<readonly DataFile[]> => byKey(await tables.files(dataset, state, snapshotById(state, at.current!.id)!));
  assert.deepEqual(await filesAt(first), byKey([a, b]));
  assert.deepEqual(await filesAt(second), byKey([a, c]));
  assert.deepEqual(await filesAt(third), []);
  assert.deepEqual(await filesAt(fourth), []);
  const operations = state.snapshots.map((snapshot) => [
    snapshot.summary["operation"],
    snapshot.summary["total-records"],
    snapshot.summary["total-files-size"],
  ]);
  assert.deepEqual(operations, [
    ["append", "20", "2000"],
    ["overwrite", "20", "2000"],
    ["delete", "0", "0"],
    ["append", "0", "0"],
  ]);
  assert.equal(second.current!.summary["deleted-data-files"], "1");
  assert.deepEqual(
    state.snapshots.map((snapshot) => snapshot.parentId),
    [undefined, ...state.snapshots.slice(0, 3).map((snapshot) => snapshot.id)],
  );
});

test("refuses a change from another base or for another schema, and leaves nothing behind", async () => {
  await using stores = await openTestStores();
  const tables = stores.open();
  const table = await tables.create(dataset, newTable);
  const winner = await commitOf(stores, { added: [fileOf()] });
  const before = await keysOf(stores.objects);
  const lost = await tables.commit(dataset, changeOf(table, { added: [fileOf()] }));
  assert.equal(lost.kind, "conflict");
  assert.deepEqual(lost.state, winner);
  const otherSchema = await tables.commit(dataset, { ...changeOf(winner, { added: [fileOf()] }), schemaId: 1 });
  assert.equal(otherSchema.kind, "conflict");
  assert.deepEqual(await keysOf(stores.objects), before);
});

test("of commits from one base exactly one wins, in one process and in several", async () => {
  await using stores = await openTestStores();
  const table = await stores.open().create(dataset, newTable);
  const before = (await keysOf(stores.objects)).length;
  const shared = stores.open();
  const commits = await Promise.all(
    Array.from({ length: 8 }, (_, at) => (at % 2 === 0 ? shared : stores.open()).commit(dataset, changeOf(table, { added: [fileOf({ day: at })] }))),
  );
  const winners = commits.filter((commit) => commit.kind === "committed");
  assert.equal(winners.length, 1);
  const loaded = await stores.open().load(dataset);
  for (const commit of commits) assert.deepEqual(commit.state, loaded);
  assert.equal(loaded?.snapshots.length, 1);
  // The losers' manifest, manifest list and metadata file are gone.
  assert.equal((await keysOf(stores.objects)).length, before + 3);
});

test("of tables made at once there is one", async () => {
  await using stores = await openTestStores();
  const made = await Promise.all(Array.from({ length: 5 }, () => stores.open().create(dataset, newTable)));
  assert.equal(new Set(made.map((table) => table.uuid)).size, 1);
  assert.equal((await keysOf(stores.objects)).length, 1);
});

test("adds columns without a snapshot, and refuses when the schema is another by now", async () => {
  await using stores = await openTestStores();
  const tables = stores.open();
  const table = await commitOf(stores, { added: [fileOf()] });
  const wider = { ...schema, fields: [...schema.fields, { id: 6, name: "note", required: false, type: "string" }] };
  const added = await tables.changeColumns(dataset, { expected: 0, schema: wider });
  assert.equal(added.kind, "committed");
  assert.equal(added.state.schema["schema-id"], 1);
  assert.equal(added.state.lastColumnId, 6);
  assert.deepEqual(
    added.state.schemas.map((known) => known["schema-id"]),
    [0, 1],
  );
  assert.deepEqual(added.state.current, table.current);
  assert.equal(schemaOf(added.state, added.state.current!)["schema-id"], 0);
  const late = await tables.changeColumns(dataset, { expected: 0, schema: wider });
  assert.deepEqual(late, { kind: "conflict", state: added.state });
  assert.equal((await tables.commit(dataset, changeOf(table, { added: [fileOf()] }))).kind, "conflict");
  const commit = await tables.commit(dataset, changeOf(added.state, { added: [{ ...fileOf(), schemaId: 1 }] }));
  assert.ok(commit.kind === "committed");
  assert.equal(commit.snapshot.schemaId, 1);
  // A file keeps the schema that it was written with, also when its manifest is written again.
  const files = await tables.files(dataset, commit.state, commit.snapshot);
  assert.deepEqual(
    files.map((file) => file.schemaId).sort((a, b) => a - b),
    [0, 1],
  );
});

test("changes columns, the order of rows and what it says of columns in one version", async () => {
  await using stores = await openTestStores();
  const tables = stores.open();
  const made = await tables.create(dataset, { ...newTable, properties: { "write.metadata.metrics.column.id": "counts", other: "stays" } });
  const [first, ...others] = schema.fields;
  const renamed = { ...schema, fields: [{ ...first!, name: "ticket" }, ...others.slice(0, -1)] };
  const sort = [{ sourceId: first!.id }];
  const properties = { "write.metadata.metrics.column.ticket": "counts" };
  const changed = await tables.changeColumns(dataset, { expected: made.schema["schema-id"], schema: renamed, sort, properties });
  assert.equal(changed.kind, "committed");
  const state = (await stores.open().load(dataset))!;
  assert.deepEqual(
    state.schema.fields.map(({ id, name }) => [id, name]),
    renamed.fields.map(({ id, name }) => [id, name]),
  );
  assert.equal(state.lastColumnId, made.lastColumnId, "the id of a column that went is not free again");
  const { properties: said, sortOrders, sortOrderId } = state;
  assert.deepEqual([said["other"], said["write.metadata.metrics.column.ticket"], said["write.metadata.metrics.column.id"]], ["stays", "counts", undefined]);
  assert.deepEqual(
    sortOrders.find((order) => order["order-id"] === sortOrderId)?.fields.map((field) => field["source-id"]),
    [first!.id],
  );
  assert.match(state.metadataKey, /\/00001-/, "one version");
});

test("two processes that add the same columns at once publish one schema", async () => {
  await using stores = await openTestStores();
  await stores.open().create(dataset, newTable);
  const wider = { ...schema, fields: [...schema.fields, { id: 6, name: "note", required: false, type: "string" }] };
  const env = { ...systemEnv, now: () => 5_000_000_000_000 };
  const outcomes = await Promise.all([1, 2, 3].map(() => stores.open({ env }).changeColumns(dataset, { expected: 0, schema: wider })));
  assert.ok(outcomes.some((outcome) => outcome.kind === "committed"));
  for (const outcome of outcomes) assert.equal(outcome.state.schema["schema-id"], 1);
  assert.equal((await stores.open().load(dataset))?.schemas.length, 2);
});

test("snapshots have growing times even while the clock goes back", async () => {
  await using stores = await openTestStores();
  // The first is taken when the tables are opened.
  const clock = [5_000, 5_000, 4_000, 4_500, 100, 9_000];
  const env = { ...systemEnv, now: () => clock.shift() ?? 9_000 };
  const tables = stores.open({ env });
  let state = await tables.create(dataset, newTable);
  for (let count = 0; count < 4; count += 1) {
    const commit = await tables.commit(dataset, changeOf(state, { added: [fileOf()] }));
    state = commit.state;
  }
  assert.deepEqual(
    state.snapshots.map((snapshot) => snapshot.timestamp),
    [5_001, 5_002, 5_003, 9_000],
  );
  const at = (time: number): bigint | undefined => snapshotAt(state, time)?.id;
  const ids = state.snapshots.map((snapshot) => snapshot.id);
  assert.deepEqual([at(5_000), at(5_001), at(5_002), at(8_999), at(9_000), at(1e15)], [undefined, ids[0], ids[1], ids[2], ids[3], ids[3]]);
});

test("the nearest ancestor's summary counts", async () => {
  await using stores = await openTestStores();
  const first = await commitOf(stores, { summary: { [summaryKeys.checkpoint]: "1" } });
  await commitOf(stores, { added: [fileOf()] });
  const state = await commitOf(stores, { added: [fileOf()] });
  const found = inheritedSummary(state, state.current, summaryKeys.checkpoint);
  assert.deepEqual(found, { value: "1", snapshot: first.current });
  assert.equal(inheritedSummary(state, state.current, summaryKeys.contractVersion), undefined);
  assert.equal(inheritedSummary(state, undefined, summaryKeys.checkpoint), undefined);
});

test("keeps the metadata files that its log names, and deletes older ones", async () => {
  await using stores = await openTestStores();
  const properties = { "write.metadata.previous-versions-max": "3" };
  await stores.open().create(dataset, { ...newTable, properties });
  for (let count = 0; count < 6; count += 1) await commitOf(stores, { added: [fileOf()] });
  const metadata = (await keysOf(stores.objects)).filter((key) => key.endsWith(".metadata.json"));
  assert.deepEqual(
    metadata.map((key) => /\/(\d{5})-/.exec(key)?.[1]),
    ["00003", "00004", "00005", "00006"],
  );
  assert.equal((await stores.open().load(dataset))?.snapshots.length, 6);
});

test("keeps what other programs wrote into the metadata", async () => {
  await using stores = await openTestStores();
  const table = await commitOf(stores, { added: [fileOf()] });
  const raw = parseJson((await readWhole(stores.objects, table.metadataKey, { bytesMax: 1e6 })).toString(), { key: "test" }) as JsonObject;
  const tag = { "snapshot-id": table.current!.id, type: "tag", "max-ref-age-ms": 9007199254740993n };
  const foreign = { ...raw, "next-row-id": 5n, refs: { ...(raw["refs"] as JsonObject), audit: tag }, statistics: [{ "snapshot-id": table.current!.id }] };
  const key = `tables/shop/orders/metadata/00077-${"0".repeat(8)}-0000-4000-8000-${"0".repeat(12)}.metadata.json`;
  await stores.objects.put(parseObjectKey(key), [Buffer.from(formatJson(foreign))]);
  const pointer = await stores.state.pointers.get("table/shop.orders");
  await stores.state.pointers.swap("table/shop.orders", { expected: pointer!.version, value: key });
  const next = await commitOf(stores, { added: [fileOf()] });
  assert.match(next.metadataKey, /\/00078-/);
  const after = parseJson((await readWhole(stores.objects, next.metadataKey, { bytesMax: 1e6 })).toString(), { key: "test" }) as Record<string, unknown>;
  assert.equal(after["next-row-id"], 5);
  assert.deepEqual(after["statistics"], foreign.statistics);
  assert.deepEqual((after["refs"] as Record<string, unknown>)["audit"], tag);
});

test("a moved data directory still reads its tables and can be built on", async () => {
  await using stores = await openTestStores();
  const file = fileOf();
  await commitOf(stores, { added: [file] });
  const moved = join(stores.path, "moved");
  await cp(join(stores.path, "objects"), moved, { recursive: true });
  await rm(join(stores.path, "objects", "tables"), { recursive: true });
  await using objects = await openDirectoryStore({ directory: moved });
  const tables = openIcebergTables({ objects, pointers: stores.state.pointers, env: systemEnv, logger: silentLogger });
  const state = (await tables.load(dataset))!;
  assert.deepEqual(await tables.files(dataset, state, state.current!), [file]);
  const second = fileOf();
  const commit = await tables.commit(dataset, changeOf(state, { added: [second] }));
  assert.ok(commit.kind === "committed");
  assert.deepEqual(byKey(await tables.files(dataset, commit.state, commit.snapshot)), byKey([file, second]));
});

type Stores = Awaited<ReturnType<typeof openTestStores>>;
async function commitOf(stores: Stores, change: Parameters<typeof changeOf>[1]): Promise<TableState> {
  const tables = stores.open();
  const commit = await tables.commit(dataset, changeOf(await tables.create(dataset, newTable), change));
  assert.ok(commit.kind === "committed");
  return commit.state;
}
