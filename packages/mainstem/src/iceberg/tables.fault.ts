import assert from "node:assert/strict";
import { test } from "node:test";
import { MainstemError } from "../runtime/errors.ts";
import type { IcebergTables, TableState } from "./model.ts";
import { changeOf, dataset, fileOf, newTable, schema } from "./testing/samples.ts";
import { createFaultyObjects, createFaultyPointers, type Fault } from "./testing/faults.ts";
import { keysOf, openTestStores, type TestStores } from "./testing/stores.ts";

const wider = { ...schema, fields: [...schema.fields, { id: 6, name: "note", required: false, type: "string" }] };

/** What is done to a table of one snapshot with two files, and how one sees that it was done. */
const operations: Readonly<
  Record<string, { run(tables: IcebergTables, state: TableState): Promise<{ readonly kind: string }>; done(state: TableState): boolean }>
> = {
  "a commit that adds": {
    run: (tables, state) => tables.commit(dataset, changeOf(state, { added: [fileOf({ day: 7 })] })),
    done: (state) => state.snapshots.length === 2,
  },
  "a commit that replaces": {
    run: async (tables, state) => {
      const [first] = await tables.files(dataset, state, state.current!);
      return tables.commit(dataset, changeOf(state, { added: [fileOf({ day: 7 })], removed: [first!] }));
    },
    done: (state) => state.snapshots.length === 2,
  },
  "an added column": {
    run: (tables) => tables.changeColumns(dataset, { expected: 0, schema: wider }),
    done: (state) => state.schemas.length === 2,
  },
};

interface Outcome {
  readonly calls: number;
  readonly result: { readonly kind: string } | MainstemError;
}

/** Runs an operation in which the call number `at` fails, and everything after it if the process is to be dead by then. */
async function runWithFault(
  stores: TestStores,
  name: string,
  options: { readonly at: number; readonly fault: Fault; readonly dead: boolean },
): Promise<Outcome> {
  const state = (await stores.open().load(dataset))!;
  let calls = 0;
  const decide = (): Fault | undefined => {
    const call = calls;
    calls += 1;
    if (call === options.at) return options.fault;
    return options.dead && call > options.at ? "before" : undefined;
  };
  const objects = createFaultyObjects(stores.objects, decide);
  const tables = stores.open({ objects, pointers: createFaultyPointers(stores.state.pointers, decide) });
  try {
    return { calls, result: await operations[name]!.run(tables, state) };
  } catch (error) {
    assert.ok(error instanceof MainstemError && /injected fault/.test(error.message), String(error));
    return { calls, result: error };
  }
}

/** A table with one snapshot. */
async function prepare(stores: TestStores): Promise<void> {
  const table = await stores.open().create(dataset, newTable);
  await stores.open().commit(dataset, changeOf(table, { added: [fileOf({ day: 1 }), fileOf({ day: 2 })] }));
}

/** Every live file of every snapshot can be listed, and a further commit succeeds. */
async function assertWhole(stores: TestStores): Promise<TableState> {
  const tables = stores.open();
  const state = (await tables.load(dataset))!;
  for (const snapshot of state.snapshots) {
    const files = await tables.files(dataset, state, snapshot);
    assert.equal(String(files.length), snapshot.summary["total-data-files"]);
    assert.equal(String(files.reduce((sum, file) => sum + file.records, 0)), snapshot.summary["total-records"]);
  }
  const commit = await tables.commit(dataset, changeOf(state, { added: [fileOf()] }));
  assert.equal(commit.kind, "committed");
  return state;
}

for (const name of Object.keys(operations)) {
  for (const dead of [false, true]) {
    test(`${name} is done or not, never half, when ${dead ? "the process dies" : "a call fails"} at any call`, async () => {
      let at = 0;
      for (let finished = false; !finished; at += 1) {
        for (const fault of ["before", "after"] as const) {
          await using stores = await openTestStores();
          await prepare(stores);
          const { calls, result } = await runWithFault(stores, name, { at, fault, dead });
          const done = operations[name]!.done(await assertWhole(stores));
          // What was said to be done is done. After an error it may be done only if the process died before it could look.
          if (result instanceof MainstemError) assert.ok(dead || !done, `call ${at} ${fault}: an error although it was done`);
          else assert.deepEqual([result.kind, done], ["committed", true], `call ${at} ${fault}`);
          finished = calls <= at;
        }
      }
    });
  }
}

test("a swap whose answer was lost is looked up, and counts", async () => {
  await using stores = await openTestStores();
  await prepare(stores);
  const state = (await stores.open().load(dataset))!;
  const pointers = createFaultyPointers(stores.state.pointers, (what) => (what.startsWith("swap") ? "after" : undefined));
  const commit = await stores.open({ pointers }).commit(dataset, changeOf(state, { added: [fileOf()] }));
  assert.equal(commit.kind, "committed");
  assert.deepEqual(commit.state, await stores.open().load(dataset));
});

test("a swap whose answer was lost counts although others have built on it since", async () => {
  await using stores = await openTestStores();
  await prepare(stores);
  const state = (await stores.open().load(dataset))!;
  const { pointers } = stores.state;
  const slow: typeof pointers = {
    get: (name) => pointers.get(name),
    swap: async (name, change) => {
      await pointers.swap(name, change);
      for (let count = 0; count < 3; count += 1) {
        const next = (await stores.open().load(dataset))!;
        await stores.open().commit(dataset, changeOf(next, { added: [fileOf()] }));
      }
      throw new MainstemError("state.failed", "the connection was lost");
    },
  };
  const commit = await stores.open({ pointers: slow }).commit(dataset, changeOf(state, { added: [fileOf()] }));
  assert.equal(commit.kind, "committed");
  assert.equal(commit.state.snapshots.length, 2);
  assert.equal((await assertWhole(stores)).snapshots.length, 5);
});

test("a swap that was lost to another after all is a conflict, and its objects go", async () => {
  await using stores = await openTestStores();
  await prepare(stores);
  const state = (await stores.open().load(dataset))!;
  const { pointers } = stores.state;
  let others: readonly string[] = [];
  const slow: typeof pointers = {
    get: (name) => pointers.get(name),
    swap: async () => {
      await stores.open().commit(dataset, changeOf(state, { added: [fileOf()] }));
      others = await keysOf(stores.objects);
      throw new MainstemError("state.failed", "the connection was lost");
    },
  };
  const commit = await stores.open({ pointers: slow }).commit(dataset, changeOf(state, { added: [fileOf()] }));
  assert.equal(commit.kind, "conflict");
  const left = await keysOf(stores.objects);
  assert.equal(left.length, others.length - 3);
  assert.equal((await assertWhole(stores)).snapshots.length, 2);
});

test("objects stay while it is not known whether the swap will still happen", async () => {
  await using stores = await openTestStores();
  await prepare(stores);
  const state = (await stores.open().load(dataset))!;
  const { pointers } = stores.state;
  let late: (() => Promise<unknown>) | undefined;
  const slow: typeof pointers = {
    get: (name) => pointers.get(name),
    swap: (name, change) => {
      late = () => pointers.swap(name, change);
      return Promise.reject(new MainstemError("state.failed", "no answer"));
    },
  };
  await assert.rejects(stores.open({ pointers: slow }).commit(dataset, changeOf(state, { added: [fileOf()] })), { code: "state.failed" });
  await late?.();
  assert.equal((await assertWhole(stores)).snapshots.length, 2);
});
