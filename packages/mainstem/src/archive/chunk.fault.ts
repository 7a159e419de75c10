import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { ObjectStore } from "../objects/index.ts";
import { openChunk, openChunkFile } from "./chunk-reader.ts";
import type { ChainEntry } from "./chunk.ts";
import { chunkOf, collect, entryFor } from "./testing/chunks.ts";
import { Faults, withFaults } from "./testing/faults.ts";
import { openTestStore } from "./testing/stores.ts";

test("gives nothing of an object in which any byte was changed, cut or added", async () => {
  await using objects = await openTestStore();
  const { bytes, entry } = await chunkOf(objects.path, 2_000);
  assert.ok(entry.path !== undefined);
  const path = join(objects.path, "damaged.avro");
  const damages: Buffer[] = [Buffer.alloc(0), Buffer.concat([bytes, Buffer.from([0])]), Buffer.alloc(bytes.length)];
  for (let at = 0; at < bytes.length; at += 37) {
    const changed = Buffer.from(bytes);
    changed[at]! ^= 1 << (at % 8);
    damages.push(changed, bytes.subarray(0, at));
  }
  for (const damage of damages) {
    await writeFile(path, damage);
    assert.throws(() => openChunkFile(path, entry), { code: "archive.corrupt", facts: { key: entry.path, start: entry.start, next: entry.next } });
  }
  for (const damage of damages.slice(0, 6)) {
    await objects.store.put(entry.path, [damage]);
    await assert.rejects(openChunk(objects.store, entry), { code: "archive.corrupt" });
  }
  await objects.store.delete([entry.path]);
  await assert.rejects(openChunk(objects.store, entry), { code: "archive.corrupt", message: /it is gone/ });
});

test("stays within its bounds where even the entry vouches for nonsense", async () => {
  await using objects = await openTestStore();
  const { bytes, entry } = await chunkOf(objects.path, 2_000);
  const path = join(objects.path, "nonsense.avro");
  let named = 0;
  for (let at = 0; at < bytes.length; at += at < 900 ? 7 : 211)
    for (const damage of [flipped(bytes, at), bytes.subarray(0, at)]) {
      const vouched = entryFor(damage, entry.next);
      await writeFile(path, damage);
      for (const read of [readSync, readAsync])
        try {
          await read(vouched);
        } catch (error) {
          assert.equal((error as { code?: string }).code, "archive.corrupt", String(error));
          named++;
        }
    }
  assert.ok(named > 200, `${named} damages were named`);

  async function readSync(vouched: ChainEntry): Promise<void> {
    using chunk = openChunkFile(path, vouched);
    for (const block of chunk.blocks()) collect(block, []);
  }
  async function readAsync(vouched: ChainEntry): Promise<void> {
    const local: ObjectStore["local"] = async () => ({ path, [Symbol.asyncDispose]: () => Promise.resolve() });
    await using chunk = await openChunk({ ...withFaults(objects.store, new Faults()), local }, vouched);
    for await (const block of chunk.blocks) collect(block, []);
  }
});

function flipped(bytes: Buffer, at: number): Buffer {
  const changed = Buffer.from(bytes);
  changed[at]! ^= 0x81;
  return changed;
}
