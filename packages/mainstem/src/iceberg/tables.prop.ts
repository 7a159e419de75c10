import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { icebergLimits } from "./limits.ts";
import type { DataFile, TableState } from "./model.ts";
import { readManifests, createView } from "./table-objects.ts";
import { ByteCache } from "./byte-cache.ts";
import { tablePrefix } from "./addresses.ts";
import { systemEnv } from "../runtime/env.ts";
import { snapshotById } from "./table-state.ts";
import { changeOf, dataset, fileOf, newTable } from "./testing/samples.ts";
import { openTestStores, type TestStores } from "./testing/stores.ts";

const seconds = Number(process.env["MAINSTEM_TEST_SECONDS"] ?? 3);

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("commit" as const),
      adds: fc.integer({ min: 0, max: 4 }),
      removes: fc.array(fc.nat(), { maxLength: 3 }),
      days: fc.nat({ max: 3 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("column" as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("restart" as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("stale" as const) }) },
);

test("after any changes every snapshot has exactly the files that it had, and a change from an older base changes nothing", async () => {
  let running: Promise<void> = Promise.resolve();
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), (steps) => (running = run(steps))),
    { interruptAfterTimeLimit: seconds * 1_000, numRuns: 100_000 },
  );
  await running;
});

type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

async function run(steps: readonly Step[]): Promise<void> {
  await using stores = await openTestStores();
  let tables = stores.open();
  let state = await tables.create(dataset, newTable);
  let live: readonly DataFile[] = [];
  let stale: TableState | undefined;
  const expected = new Map<bigint, readonly DataFile[]>();
  for (const one of steps) {
    if (one.kind === "restart") tables = stores.open();
    if (one.kind === "column") {
      const id = state.lastColumnId + 1;
      const fields = [...state.schema.fields, { id, name: `c${id}`, required: false, type: "long" }];
      const added = await tables.changeColumns(dataset, { expected: state.schema["schema-id"], schema: { ...state.schema, fields } });
      assert.equal(added.kind, "committed");
      state = added.state;
    }
    if (one.kind === "stale" && stale !== undefined) {
      const lost = await tables.commit(dataset, changeOf(stale, { added: [fileOf()] }));
      assert.equal(lost.kind, "conflict");
    }
    if (one.kind === "commit") {
      const removed = live.filter((_, at) => one.removes.some((pick) => pick % live.length === at));
      const added = Array.from({ length: one.adds }, () => ({ ...fileOf({ day: one.days }), schemaId: state.schema["schema-id"] }));
      stale = state;
      const commit = await tables.commit(dataset, changeOf(state, { added, removed }));
      assert.ok(commit.kind === "committed");
      state = commit.state;
      live = [...live.filter((file) => !removed.includes(file)), ...added];
      expected.set(commit.snapshot.id, live);
    }
  }
  assert.deepEqual(await stores.open().load(dataset), state);
  assert.deepEqual(
    state.snapshots.map((snapshot) => snapshot.id),
    [...expected.keys()],
  );
  for (const [id, files] of expected) {
    const found = await stores.open().files(dataset, state, snapshotById(state, id)!);
    assert.deepEqual(byKey(found), byKey(files));
  }
}

test("manifests are merged once there are many, so that their number stays small", async () => {
  await using stores = await openTestStores();
  const tables = stores.open();
  let state = await tables.create(dataset, newTable);
  const files: DataFile[] = [];
  let most = 0;
  for (let count = 0; count < icebergLimits.manifestsBeforeMerge + 20; count += 1) {
    const file = fileOf({ day: count });
    files.push(file);
    const commit = await tables.commit(dataset, changeOf(state, { added: [file] }));
    state = commit.state;
    most = Math.max(most, (await manifestsOf(stores, state)).length);
  }
  const manifests = await manifestsOf(stores, state);
  assert.equal(most, icebergLimits.manifestsBeforeMerge);
  assert.ok(manifests.length < 30, `${manifests.length} manifests`);
  assert.deepEqual(byKey(await stores.open().files(dataset, state, state.current!)), byKey(files));
  // What was merged keeps the sequence number with which it came.
  assert.equal(Math.min(...manifests.map((manifest) => manifest.minSequenceNumber)), 1);
  assert.equal(state.current?.summary["total-data-files"], String(files.length));
});

function manifestsOf(stores: TestStores, state: TableState): ReturnType<typeof readManifests> {
  const readers = { objects: stores.objects, env: systemEnv, cache: new ByteCache({ bytesMax: 0 }) };
  return readManifests(readers, state.current!.manifestList, createView(state, tablePrefix(dataset)));
}

function byKey(files: readonly DataFile[]): readonly DataFile[] {
  return [...files].sort((a, b) => (a.key < b.key ? -1 : 1));
}
