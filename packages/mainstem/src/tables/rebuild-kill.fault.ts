// A process that rebuilds a table is killed at its writes, one run for each; the next process goes on, or finds nothing of it.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { cp, rm } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { mergeRecords, type NativeRecord } from "@mainstem/contract";
import { rowDigest } from "./duckdb/build/ties.ts";
import { openDirectory, type Pipeline } from "./testing/pipeline.ts";
import { contract, order, records, reordered, rowsOf } from "./testing/rebuild-orders.ts";
import { fill, openRebuildWorld, ready, type RebuildWorld } from "./testing/rebuild-world.ts";

/** At least two kills, more for as long as this; every kill takes some seconds. */
const seconds = Number(process.env["MAINSTEM_TEST_SECONDS"] ?? 5);
const seed = Number(process.env["MAINSTEM_TEST_SEED"] ?? randomInt(1_000_000));

const ends = ["swap", "discard"] as const;
type End = (typeof ends)[number];

test(`a rebuild that is killed at any of its writes goes on or is gone, and the table is the old one or the new one (MAINSTEM_TEST_SEED=${seed})`, async () => {
  await using directory = await openDirectory();
  const template = join(directory.path, "template");
  {
    await using world = await openRebuildWorld(template, contract);
    await fill(world.pipeline, records);
    await world.pipeline.registry.apply(reordered, { rebuild: true });
  }
  const kills: Kill[] = [];
  for (const end of ends) {
    const { signal, writes } = await run(await copy(template, `whole-${end}`), end);
    assert.equal(signal, null, "the rebuild that nobody kills ends by itself");
    assert.match(writes.join("\n"), /^put tables[^]*^swap table[^]*^put rebuilds\/[^]*^swap table[^]*^delete rebuilds\//m);
    writes.forEach((what, index) => kills.push({ end, what, at: index + 1, moment: "before" }, { end, what, at: index + 1, moment: "after" }));
  }
  const until = Date.now() + seconds * 1_000;
  for (let round = 0; round < kills.length && (round < 2 || Date.now() < until); round++) {
    // A step that has no factor in common with the count comes to each once.
    const kill = kills[(seed + round * stepFor(kills.length)) % kills.length]!;
    const path = await copy(template, String(round));
    assert.equal((await run(path, kill.end, kill)).signal, "SIGKILL");
    await check(path, { kill, discard: (kill.at + seed) % 3 === 0 });
    await rm(path, { recursive: true });
  }
});

interface Kill {
  readonly end: End;
  readonly what: string;
  readonly at: number;
  readonly moment: "before" | "after";
}

async function check(path: string, { kill, discard }: { readonly kill: Kill; readonly discard: boolean }): Promise<void> {
  const where = `killed ${kill.moment} write ${kill.at} until the ${kill.end}: ${kill.what}`;
  await using world = await openRebuildWorld(path, reordered);
  const { pipeline, rebuilds } = world;
  const rows = (of: typeof contract, all: readonly NativeRecord[]) => mergeRecords(of, all, rowDigest).rows;
  const swapped = (await rebuilds.pending(contract.name)).length === 0;
  assert.ok(!swapped || kill.end === "swap", where);
  assert.deepEqual(await rowsOf(pipeline), rows(swapped ? reordered : contract, records), where);
  const found = await rebuilds.get(contract.name);
  // Nothing is compared twice, and nothing is kept of what is no more.
  const stored = await keysOf(pipeline, "rebuilds/");
  assert.deepEqual(stored, found?.state === "ready" ? [`rebuilds/shop/orders/${found.id}.json`] : [], where);
  assert.equal(world.tasks.status().length, found?.state === "building" ? 1 : 0, where);
  if (!swapped) {
    if (found === undefined) await rebuilds.start(contract.name);
    else if (discard) {
      await rebuilds.discard(contract.name);
      assert.deepEqual(await rowsOf(pipeline), rows(contract, records), where);
      await rebuilds.start(contract.name);
    }
    const { comparison } = await ready(world, contract.name);
    assert.deepEqual([comparison?.before.rows, comparison?.after.rows, comparison?.differences.changed.rows], [20, 20, 20], where);
    await rebuilds.swap(contract.name);
  }
  const more = [order(1, 50), order(90, 1)];
  await fill(pipeline, more);
  assert.deepEqual(await rowsOf(pipeline), rows(reordered, [...records, ...more]), where);
  await checkWhole(world, where);
}

/** Nothing but the table is left once expiry has looked. */
async function checkWhole({ pipeline }: RebuildWorld, where: string): Promise<void> {
  const { tables } = pipeline;
  await tables.expiry.sweep(contract.name, { marginMs: 0 });
  const state = (await tables.load(contract.name))!;
  assert.deepEqual([...state.refs.keys()], ["main"], where);
  const named = new Set<string>();
  for (const snapshot of state.snapshots) {
    named.add(snapshot.manifestList);
    for (const { key } of await tables.files(contract.name, state, snapshot)) named.add(key);
  }
  const left = (await keysOf(pipeline, "tables/")).filter((key) => /\/snap-[^/]*$|\.parquet$/.test(key));
  assert.deepEqual(left, [...named].sort(), where);
  assert.deepEqual(await keysOf(pipeline, "rebuilds/"), [], where);
}

async function keysOf({ objects }: Pipeline, prefix: string): Promise<readonly string[]> {
  const keys: string[] = [];
  for await (const { key } of objects.list(prefix)) keys.push(key);
  return keys;
}

async function copy(template: string, name: string): Promise<string> {
  const path = join(template, "..", name);
  await cp(template, path, { recursive: true, preserveTimestamps: true });
  return path;
}

async function run(directory: string, end: End, { at, moment }: { readonly at?: number; readonly moment?: string } = {}) {
  const program = fileURLToPath(new URL("testing/rebuilding.child.ts", import.meta.url));
  const child = spawn(process.execPath, [program, directory, end, String(at ?? 0), moment ?? ""], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "exit") as Promise<[number | null, NodeJS.Signals | null]>;
  const writes: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) writes.push(line);
  const [code, signal] = await ended;
  assert.ok(code === 0 || signal === "SIGKILL", `the child ended with ${code ?? signal}`);
  return { writes, signal };
}

function stepFor(count: number): number {
  const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));
  let step = Math.max(1, Math.floor(count * 0.38));
  while (divisor(step, count) !== 1) step++;
  return step;
}
