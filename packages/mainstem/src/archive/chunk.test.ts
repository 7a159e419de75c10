import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { zstdDecompress } from "node:zlib";
import avro from "avsc";
import { RecordCursor, type Offset } from "../log/index.ts";
import { decodeChunkHeader, encodeChunkHeader, syncMarker } from "./chunk-container.ts";
import { openChunk, openChunkFile } from "./chunk-reader.ts";
import { ChunkWriter } from "./chunk-writer.ts";
import { allOf } from "./testing/all-of.ts";
import { batchOf } from "./testing/batches.ts";
import { chunkOf, collect, entryFor, expected, of, records, schemas, start } from "./testing/chunks.ts";
import { openTestDirectory, openTestStore } from "./testing/stores.ts";

test("gives every record back, read in a worker's way or from the store", async () => {
  await using objects = await openTestStore();
  for (const blockBytes of [1, 700, 262_144]) {
    const { bytes, entry } = await chunkOf(objects.path, blockBytes);
    const path = join(objects.path, "chunk.avro");
    await writeFile(path, bytes);
    const fromFile: unknown[] = [];
    {
      using chunk = openChunkFile(path, entry);
      assert.deepEqual(chunk.schemas, schemas);
      for (const block of chunk.blocks()) collect(block, fromFile);
    }
    assert.deepEqual(fromFile, expected);

    assert.ok(entry.path !== undefined);
    await objects.store.put(entry.path, [bytes]);
    const fromStore: unknown[] = [];
    await using chunk = await openChunk(objects.store, entry);
    assert.deepEqual(chunk.schemas, schemas);
    for await (const block of chunk.blocks) collect(block, fromStore);
    assert.deepEqual(fromStore, expected);
  }
});

test("is an Avro container file that avsc reads, and names the schemas in its header", async () => {
  await using directory = await openTestDirectory();
  const { bytes } = await chunkOf(directory.path, 700);
  const decoder = new avro.streams.BlockDecoder({
    codecs: { zstandard: zstdDecompress },
    parseHook: (schema) => avro.Type.forSchema(schema, { wrapUnions: false }),
  });
  let metadata: Record<string, Buffer> = {};
  decoder.on("metadata", (_type: unknown, _codec: unknown, header: { meta: Record<string, Buffer> }) => (metadata = header.meta));
  decoder.end(bytes);
  const read = (await allOf(decoder as AsyncIterable<object>)).map((envelope) => ({ ...envelope }));
  assert.equal(read.length, expected.length);
  assert.deepEqual(JSON.parse(JSON.stringify(read)), JSON.parse(JSON.stringify(expected)));
  assert.deepEqual(
    Object.entries(metadata)
      .filter(([key]) => key !== "avro.schema")
      .map(([key, value]) => `${key}: ${value.toString()}`)
      .sort((a, b) => (a < b ? -1 : 1)),
    [
      "avro.codec: zstandard",
      "mainstem.format: 1",
      "mainstem.next: 1503",
      "mainstem.partition: 0",
      'mainstem.schemas: {"7":{"type":"record","name":"orders","namespace":"shop","fields":[{"name":"id","type":"string"}]}}',
      "mainstem.start: 1000",
      "mainstem.topic: shop.orders",
      "mainstem.topicId: AAAAAAAAAAAAAAAAAAAAAA",
    ],
  );
});

test("says of a chunk of a later version that it is one", async () => {
  await using directory = await openTestDirectory();
  const { bytes, entry } = await chunkOf(directory.path, 700);
  const place = bytes.indexOf("mainstem.format") + "mainstem.format".length + 1;
  assert.equal(bytes.toString("latin1", place, place + 1), "1");
  const later = Buffer.from(bytes);
  later.write("2", place, "latin1");
  assert.throws(() => decodeChunkHeader(later, entry), { code: "archive.newer", message: new RegExp(`Chunk ${entry.path} was written by a newer version`) });
});

test("writes the same bytes for the same records", async () => {
  await using directory = await openTestDirectory();
  assert.ok((await chunkOf(directory.path, 700)).bytes.equals((await chunkOf(directory.path, 700)).bytes));
});

test("makes no scratch file for a small chunk, and leaves none of a large one, whether it was finished or not", async () => {
  await using directory = await openTestDirectory();
  await chunkOf(directory.path, 700);
  const path = join(directory.path, "sub", "blocks");
  {
    await using writer = new ChunkWriter({ path, sync: syncMarker(of, start), timestampType: "append", blockBytes: 1 });
    addNoise(writer, 100);
    await writer.flush();
    assert.deepEqual(await readdir(directory.path), []);
    addNoise(writer, 100_000);
    await writer.finish();
    assert.deepEqual(await readdir(join(directory.path, "sub")), ["blocks"]);
  }
  assert.deepEqual(await readdir(directory.path), ["sub"]);
  assert.deepEqual(await readdir(join(directory.path, "sub")), []);
});

test("puts the blocks that were in memory before those of the scratch file", async () => {
  await using objects = await openTestStore();
  const noise = Array.from({ length: 60 }, (_, index) => ({ key: Buffer.from(`${index}`), value: randomBytes(1 + index * 200) }));
  await using writer = new ChunkWriter({ path: join(objects.path, "blocks"), sync: syncMarker(of, start), timestampType: "append", blockBytes: 1 });
  const cursor = new RecordCursor(batchOf(noise, { baseOffset: start, timestamp: 1 }));
  while (cursor.next()) {
    writer.add(cursor);
    await writer.flush();
  }
  await writer.finish();
  const next = (start + noise.length) as Offset;
  const bytes = Buffer.concat(await allOf(writer.body(encodeChunkHeader({ of, start, next, schemas: new Map() }))));
  assert.ok(writer.bytes > 300_000 && writer.bytes < bytes.length);
  const path = join(objects.path, "chunk.avro");
  await writeFile(path, bytes);
  using chunk = openChunkFile(path, entryFor(bytes, next, noise.length));
  const values: unknown[] = [];
  for (const block of chunk.blocks()) while (block.next()) values.push(Buffer.from(block.value() ?? []));
  assert.deepEqual(
    values,
    noise.map(({ value }) => value),
  );
});

test("says what is wrong with the scratch directory", async () => {
  await using directory = await openTestDirectory();
  await writeFile(join(directory.path, "file"), "");
  await using writer = new ChunkWriter({ path: join(directory.path, "file", "blocks"), sync: syncMarker(of, start), timestampType: "append" });
  addNoise(writer, 100_000);
  await assert.rejects(writer.finish(), { code: "archive.scratch", message: /scratch file .*ENOTDIR/ });
});

test("refuses a chunk whose records are not as many as its entry says", async () => {
  await using directory = await openTestDirectory();
  const { bytes, entry } = await chunkOf(directory.path, 2_000);
  const path = join(directory.path, "chunk.avro");
  await writeFile(path, bytes);
  using chunk = openChunkFile(path, entryFor(bytes, entry.next, records.length - 1));
  assert.throws(() => [...chunk.blocks()], { code: "archive.corrupt", message: /holds 500 records instead of 499/ });
});

/** Adds a record that no compression makes smaller. */
function addNoise(writer: ChunkWriter, bytes: number): void {
  const cursor = new RecordCursor(batchOf([{ key: null, value: randomBytes(bytes) }], { baseOffset: start }));
  cursor.next();
  writer.add(cursor);
}
