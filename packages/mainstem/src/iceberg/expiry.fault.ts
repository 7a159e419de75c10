import assert from "node:assert/strict";
import { test } from "node:test";
import { systemEnv } from "../runtime/env.ts";
import { MainstemError } from "../runtime/errors.ts";
import type { IcebergTables, TableState } from "./model.ts";
import { changeOf, dataset, fileOf, newTable } from "./testing/samples.ts";
import { createFaultyObjects, createFaultyPointers, type Fault } from "./testing/faults.ts";
import { keysOf, openTestStores, type TestStores } from "./testing/stores.ts";

const retention = { keepMs: 0, least: 2, most: 2, graceMs: 0 };
const run = (tables: IcebergTables) => tables.expiry.run(dataset, { retention });

async function commit({ objects }: TestStores, tables: IcebergTables, state: TableState): Promise<TableState> {
  const [old] = state.current === undefined ? [] : await tables.files(dataset, state, state.current);
  const added = fileOf({ day: 1 });
  await objects.put(added.key, [Buffer.from("data")]);
  const done = await tables.commit(dataset, changeOf(state, { added: [added], removed: old === undefined ? [] : [old] }));
  assert.ok(done.kind === "committed");
  return done.state;
}

/** Every object that a snapshot names, data files and lists, all of which have to be there. */
async function assertWhole(stores: TestStores): Promise<ReadonlySet<string>> {
  const tables = stores.open();
  const state = (await tables.load(dataset))!;
  const named = new Set<string>();
  for (const snapshot of state.snapshots) {
    named.add(snapshot.manifestList);
    for (const { key } of await tables.files(dataset, state, snapshot)) named.add(key);
  }
  for (const key of named) assert.notEqual(await stores.objects.stat(key as never), undefined, `${key} is gone`);
  return named;
}

test("whenever the process dies, no snapshot loses an object, and the next rounds leave none behind", async () => {
  await using stores = await openTestStores();
  const tables = stores.open();
  let state = await tables.create(dataset, newTable);
  for (let at = 0, finished = false; !finished; at += 1) {
    for (const fault of ["before", "after"] as const) {
      for (let count = 0; count < 3; count += 1) state = await commit(stores, tables, state);
      let writes = 0;
      // A death at a read is one before the next write.
      const decide = (what: string): Fault | undefined => {
        if (!/^(put|delete|swap)/.test(what)) return writes > at ? "before" : undefined;
        writes += 1;
        return writes <= at ? undefined : writes === at + 1 ? fault : "before";
      };
      const dying = stores.open({
        objects: createFaultyObjects(stores.objects, decide),
        pointers: createFaultyPointers(stores.state.pointers, decide),
        env: systemEnv,
      });
      try {
        // The first forgets, the second deletes.
        for (let round = 0; round < 2; round += 1) await run(dying);
      } catch (error) {
        assert.ok(error instanceof MainstemError && /injected fault/.test(error.message), String(error));
      }
      await assertWhole(stores);
      for (let round = 0; round < 3; round += 1) await run(stores.open());
      const named = await assertWhole(stores);
      const left = (await keysOf(stores.objects, "tables/")).filter((key) => /\/snap-[^/]*$|\.parquet$/.test(key));
      assert.deepEqual(new Set(left), named, `call ${at} ${fault}`);
      assert.deepEqual(await keysOf(stores.objects, "expired/"), [], `call ${at} ${fault}`);
      state = (await stores.open().load(dataset))!;
      assert.equal(state.snapshots.length, 2);
      finished = writes <= at;
    }
  }
});
