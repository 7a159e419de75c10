import assert from "node:assert/strict";
import { test } from "node:test";
import { randomId, systemEnv } from "../runtime/env.ts";
import type { Offset, Partition, TopicId, TopicName, TopicPartition } from "../log/index.ts";
import { parseObjectKey, type ObjectStore } from "../objects/index.ts";
import { chainEntryBytesMax } from "./chain-entry.ts";
import { findEntryStart, putChainEntry, readChain, readChainEnd, readChainEntry } from "./chain.ts";
import type { ChainEntry } from "./chunk.ts";
import { chainKey } from "./paths.ts";
import { allOf } from "./testing/all-of.ts";
import { Faults, withFaults } from "./testing/faults.ts";
import { openTestStore } from "./testing/stores.ts";

const of: TopicPartition = { topic: "shop.orders" as TopicName, topicId: "AAAAAAAAAAAAAAAAAAAAAA" as TopicId, partition: 0 as Partition };

function entryOf(start: number, next: number): ChainEntry {
  return { formatVersion: 1, kind: "gap", start: start as Offset, next: next as Offset, attempt: randomId(systemEnv), records: 0, bytes: 0 };
}

/** Entries that end at the given offsets, each beginning where the one before ends. */
async function putChain(store: ObjectStore, ends: readonly number[]): Promise<readonly ChainEntry[]> {
  const entries = ends.map((end, index) => entryOf(index === 0 ? 0 : (ends[index - 1] ?? 0), end));
  for (const entry of entries) assert.deepEqual(await putChainEntry(store, of, entry), { kind: "stored" });
  return entries;
}

async function chainFrom(store: ObjectStore, from: number): Promise<readonly ChainEntry[]> {
  return await allOf(readChain(store, { ...of, from: from as Offset }));
}

test("gives the entries from any link on, in order", async () => {
  await using objects = await openTestStore();
  const entries = await putChain(objects.store, [5, 9, 10, 1_000, 1_000_000_000_000]);
  assert.deepEqual(await chainFrom(objects.store, 0), entries);
  assert.deepEqual(await chainFrom(objects.store, 10), entries.slice(3));
  assert.deepEqual(await chainFrom(objects.store, 1_000_000_000_000), []);
  assert.deepEqual(await readChainEntry(objects.store, of, 9 as Offset), entries[2]);
  assert.equal(await readChainEntry(objects.store, of, 8 as Offset), undefined);
});

test("finds where the entry begins that holds an offset, however far back", async () => {
  await using objects = await openTestStore();
  assert.equal(await findEntryStart(objects.store, of, 7 as Offset), undefined);
  await putChain(objects.store, [5, 9, 10, 1_000, 1_000_000]);
  const found = await Promise.all([0, 4, 5, 8, 9, 10, 999, 1_000, 999_999, 2_000_000].map((offset) => findEntryStart(objects.store, of, offset as Offset)));
  assert.deepEqual(found, [0, 0, 5, 5, 9, 10, 10, 1_000, 1_000, 1_000]);
});

test("gives nothing of an empty chain", async () => {
  await using objects = await openTestStore();
  assert.deepEqual(await chainFrom(objects.store, 0), []);
  assert.equal(await readChainEnd(objects.store, of), undefined);
  assert.equal(await readChainEnd(objects.store, of, { hint: 1_000_000 as Offset }), undefined);
});

test("names a missing entry, wherever it is missing", async () => {
  await using objects = await openTestStore();
  await putChain(objects.store, [5, 9, 10, 20]);
  await objects.store.delete([chainKey(of, 5 as Offset)]);
  await assert.rejects(chainFrom(objects.store, 0), { code: "archive.gap", message: /partition 0 of shop\.orders has no entry that begins at offset 5/ });
  await assert.rejects(chainFrom(objects.store, 5), { code: "archive.gap" });
  assert.equal((await chainFrom(objects.store, 9)).length, 2);
});

test("names a start that is no link of the chain", async () => {
  await using objects = await openTestStore();
  await putChain(objects.store, [5, 9]);
  await assert.rejects(chainFrom(objects.store, 3), { code: "archive.gap" });
});

test("names entries that overlap", async () => {
  await using objects = await openTestStore();
  await putChain(objects.store, [5, 9]);
  await putChainEntry(objects.store, of, entryOf(7, 12));
  await assert.rejects(chainFrom(objects.store, 0), { code: "archive.gap", message: /begins at offset 7, although its predecessor reaches to 9/ });
});

test("is not misled by a listing that ran while entries were put", async () => {
  await using objects = await openTestStore();
  const entries = await putChain(objects.store, [5, 9, 10, 20]);
  const hidden = new Set([chainKey(of, 5 as Offset), chainKey(of, 9 as Offset)]);
  const store: ObjectStore = {
    ...withFaults(objects.store, new Faults()),
    async *list(prefix, options) {
      for await (const object of objects.store.list(prefix, options)) if (!hidden.has(object.key)) yield object;
    },
  };
  assert.deepEqual(await chainFrom(store, 0), entries);
});

test("names a damaged entry and gives none of it", async () => {
  await using objects = await openTestStore();
  await putChain(objects.store, [5, 9]);
  const key = chainKey(of, 5 as Offset);
  for (const damage of [Buffer.alloc(0), Buffer.from("{}"), Buffer.alloc(chainEntryBytesMax + 1, " "), Buffer.alloc(200_000, "x")]) {
    await objects.store.put(key, [damage]);
    await assert.rejects(chainFrom(objects.store, 5), { code: "archive.corrupt", facts: { key } });
    await assert.rejects(readChainEnd(objects.store, of), { code: "archive.corrupt", facts: { key } });
    await assert.rejects(putChainEntry(objects.store, of, entryOf(5, 9)), { code: "archive.corrupt", facts: { key } });
  }
});

test("finds the end whatever the hint says", async () => {
  await using objects = await openTestStore();
  const entries = await putChain(objects.store, [2_000, 4_000, 40_000, 50_000]);
  for (const hint of [0, 1, 2_000, 3_999, 40_000, 49_999, 50_000, 50_001, 60_000, 5_000_000, Number.MAX_SAFE_INTEGER])
    assert.deepEqual(await readChainEnd(objects.store, of, { hint: hint as Offset }), entries[3], `hint ${hint}`);
});

test("lists only the chain's end where the hint is right", async () => {
  await using objects = await openTestStore();
  await putChain(
    objects.store,
    Array.from({ length: 60 }, (_, index) => (index + 1) * 500),
  );
  let listed = 0;
  const store: ObjectStore = {
    ...withFaults(objects.store, new Faults()),
    async *list(prefix, options) {
      for await (const object of objects.store.list(prefix, options)) yield ((listed++, object));
    },
  };
  assert.equal((await readChainEnd(store, of, { hint: 30_000 as Offset }))?.next, 30_000);
  assert.ok(listed <= 3, `${listed} entries were listed`);
});

test("passes over objects that are no entries", async () => {
  await using objects = await openTestStore();
  const entries = await putChain(objects.store, [5]);
  for (const name of ["00000000000000000005.json.tmp", "5.json", "99999999999999999999.json", "readme.txt"])
    await objects.store.put(parseObjectKey(`archive/${of.topic}/${of.topicId}/0/_chain/${name}`), [Buffer.from("x")]);
  assert.deepEqual(await chainFrom(objects.store, 0), entries);
  assert.deepEqual(await readChainEnd(objects.store, of), entries[0]);
});

test("lets exactly one of many racing entries in, and shows it to all the others", async () => {
  await using objects = await openTestStore();
  const entries = Array.from({ length: 8 }, (_, index) => entryOf(0, 10 + index));
  const outcomes = await Promise.all(entries.map((entry) => putChainEntry(objects.store, of, entry)));
  const winners = entries.filter((_, index) => outcomes[index]?.kind === "stored");
  assert.equal(winners.length, 1);
  for (const outcome of outcomes) if (outcome.kind === "taken") assert.deepEqual(outcome.winner, winners[0]);
});

test("knows its own attempt when the acknowledgement of the put was lost", async () => {
  await using objects = await openTestStore();
  const faults = new Faults((_, what) => (what.startsWith("put ") ? "after" : undefined));
  const store = withFaults(objects.store, faults);
  const entry = entryOf(0, 10);
  assert.deepEqual(await putChainEntry(store, of, entry), { kind: "stored" });
  assert.equal(faults.calls.filter((what) => what.startsWith("put ")).length, 1);
  assert.deepEqual(await chainFrom(objects.store, 0), [entry]);
});

test("tries a put that had no effect again, and adopts what came in between", async () => {
  await using objects = await openTestStore();
  const again = withFaults(objects.store, new Faults((call) => (call === 0 ? "before" : undefined)));
  const first = entryOf(0, 10);
  assert.deepEqual(await putChainEntry(again, of, first), { kind: "stored" });
  const late = withFaults(objects.store, new Faults((call) => (call === 0 ? "before" : undefined)));
  assert.deepEqual(await putChainEntry(late, of, entryOf(0, 12)), { kind: "taken", winner: first });
});

test("leaves the outcome open when the store stays silent", async () => {
  await using objects = await openTestStore();
  const dead = withFaults(objects.store, new Faults((_, what) => (what.startsWith("put ") ? "before" : undefined)));
  await assert.rejects(putChainEntry(dead, of, entryOf(0, 10)), { code: "objects.failed" });
  const blind = withFaults(objects.store, new Faults((_, what) => (what.startsWith("put ") ? "after" : "before")));
  await assert.rejects(putChainEntry(blind, of, entryOf(0, 10)), { code: "objects.failed" });
  assert.equal((await chainFrom(objects.store, 0)).length, 1);
});
