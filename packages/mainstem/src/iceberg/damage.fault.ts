import assert from "node:assert/strict";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { CodedError } from "@mainstem/contract";
import type { TableState } from "./model.ts";
import { changeOf, dataset, fileOf, newTable } from "./testing/samples.ts";
import { keysOf, openTestStores, type TestStores } from "./testing/stores.ts";

const seconds = Number(process.env["MAINSTEM_TEST_SECONDS"] ?? "3");

/** A table of three snapshots, and the objects that its current state needs. */
async function prepare(stores: TestStores): Promise<readonly string[]> {
  let state: TableState = await stores.open().create(dataset, newTable);
  for (let count = 0; count < 3; count += 1) {
    const commit = await stores.open().commit(dataset, changeOf(state, { added: [fileOf({ day: count }), fileOf({ day: null })] }));
    state = commit.state;
  }
  const keys = await keysOf(stores.objects);
  return keys.filter((key) => !key.endsWith(".metadata.json") || key === state.metadataKey);
}

async function readAll(stores: TestStores): Promise<unknown> {
  const tables = stores.open();
  const state = (await tables.load(dataset))!;
  const files = [];
  for (const snapshot of state.snapshots) files.push(await tables.files(dataset, state, snapshot));
  return { state, files };
}

function fileAt(stores: TestStores, key: string): string {
  return join(stores.path, "objects", key);
}

test("whatever changes in a metadata object, it is named and nothing is read from it", async () => {
  await using stores = await openTestStores();
  const keys = await prepare(stores);
  assert.equal(keys.length, 7);
  // A run that is under way when the time is over must put its object back before the test goes on.
  let running: Promise<void> = Promise.resolve();
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...keys),
      fc.constantFrom("flip" as const, "cut" as const, "add" as const, "empty" as const),
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      (key, how, seed, mask) => (running = damageAndRead(stores, key, { how, seed, mask })),
    ),
    { interruptAfterTimeLimit: seconds * 1_000, numRuns: 10_000 },
  );
  await running;
  await readAll(stores);
});

async function damageAndRead(
  stores: TestStores,
  key: string,
  { how, seed, mask }: { readonly how: "flip" | "cut" | "add" | "empty"; readonly seed: number; readonly mask: number },
): Promise<void> {
  const path = fileAt(stores, key);
  const bytes = await readFile(path);
  const at = seed % bytes.length;
  const flipped = Buffer.from(bytes);
  flipped[at]! ^= mask;
  const damaged = { flip: flipped, cut: bytes.subarray(0, at), add: Buffer.concat([bytes, Buffer.from([mask])]), empty: Buffer.alloc(0) }[how];
  try {
    await writeFile(path, damaged);
    const named = (error: unknown): boolean =>
      error instanceof CodedError && error.code === "table.corrupt" && error.message.includes(key) && error.facts["key"] === key;
    await assert.rejects(readAll(stores), named);
  } finally {
    await writeFile(path, bytes);
  }
}

test("an object that is gone is named", async () => {
  await using stores = await openTestStores();
  for (const key of await prepare(stores)) {
    const bytes = await readFile(fileAt(stores, key));
    await rm(fileAt(stores, key));
    await assert.rejects(readAll(stores), (error) => error instanceof CodedError && error.code === "objects.notFound" && error.message.includes(key));
    await writeFile(fileAt(stores, key), bytes);
  }
});
