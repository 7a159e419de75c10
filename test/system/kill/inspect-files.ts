import assert from "node:assert/strict";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { openChunk, readChain } from "../../../packages/mainstem/src/archive/index.ts";
import { openIcebergTables, type DataFile } from "../../../packages/mainstem/src/iceberg/index.ts";
import {
  RecordCursor,
  type Log,
  type Offset,
  type Partition,
  type TopicInfo,
  type TopicName,
  type TopicPartition,
} from "../../../packages/mainstem/src/log/index.ts";
import { openEmbeddedLog } from "../../../packages/mainstem/src/log/embedded/index.ts";
import { openDirectoryStore } from "../../../packages/mainstem/src/objects/directory/index.ts";
import type { ObjectStore } from "../../../packages/mainstem/src/objects/index.ts";
import { systemEnv } from "../../../packages/mainstem/src/runtime/env.ts";
import { silentLogger } from "../../../packages/mainstem/src/runtime/logger.ts";
import { openSqliteState } from "../../../packages/mainstem/src/state/sqlite/index.ts";
import { datasetName } from "./generator.ts";

/** What a platform that has ended left in its data directory: the archive is the log, and every snapshot names files that are there and hold what it says. */
export async function checkFiles(dataDir: string): Promise<{ readonly chunks: number; readonly snapshots: number }> {
  const shared = { env: systemEnv, logger: silentLogger };
  await using log = await openEmbeddedLog({ ...shared, directory: join(dataDir, "log") });
  await using objects = await openDirectoryStore({ directory: join(dataDir, "objects") });
  await using state = await openSqliteState({ file: join(dataDir, "state.sqlite") });
  const topic = await log.describeTopic(datasetName as TopicName);
  assert.ok(topic);
  let chunks = 0;
  for (let partition = 0; partition < topic.partitions; partition++)
    chunks += await checkChain({ log, objects }, { topic: topic.name, topicId: topic.id, partition: partition as Partition });
  const tables = openIcebergTables({ ...shared, objects, pointers: state.pointers });
  const table = await tables.load(datasetName);
  assert.ok(table?.current);
  for (const snapshot of table.snapshots) {
    const files = await tables.files(datasetName, table, snapshot);
    assert.equal(
      sum(files, ({ records }) => records),
      Number(snapshot.summary["total-records"]),
      `snapshot ${snapshot.id} has other rows than its summary says`,
    );
    await checkDataFiles(objects, files);
  }
  await checkCheckpoint(log, { topic, checkpoint: table.current.summary["mainstem.checkpoint"] });
  return { chunks, snapshots: table.snapshots.length };
}

/** The chain covers every offset of the log once, and its chunks hold the log's bytes. Gives the number of chunks. */
async function checkChain({ log, objects }: { readonly log: Log; readonly objects: ObjectStore }, of: TopicPartition): Promise<number> {
  const inLog = await readPartition(log, of);
  let next = 0;
  let chunks = 0;
  for await (const entry of readChain(objects, { ...of, from: 0 as Offset })) {
    assert.equal(entry.start, next, "the chain has a hole or an overlap");
    assert.equal(entry.kind, "data");
    next = entry.next;
    if (entry.path === undefined) continue;
    chunks++;
    await using chunk = await openChunk(objects, entry);
    for await (const cursor of chunk.blocks)
      while (cursor.next()) {
        const { key, value } = inLog.get(cursor.offset) ?? {};
        assert.ok(value !== undefined && value.equals(cursor.value() ?? Buffer.alloc(0)), `offset ${cursor.offset} has another value in the archive`);
        assert.ok(key?.equals(cursor.key() ?? Buffer.alloc(0)), `offset ${cursor.offset} has another key in the archive`);
        inLog.delete(cursor.offset);
      }
  }
  const { end } = await log.bounds(of);
  assert.equal(next, end, "the archive ends before the log");
  assert.equal(inLog.size, 0, "records of the log are in no chunk");
  return chunks;
}

async function readPartition(log: Log, of: TopicPartition): Promise<Map<number, { readonly key: Buffer; readonly value: Buffer }>> {
  const records = new Map<number, { readonly key: Buffer; readonly value: Buffer }>();
  for await (const batch of log.read({ ...of, offset: 0 as Offset }, { until: "end", batchBytesMax: 1_000_000 })) {
    const cursor = new RecordCursor(batch);
    while (cursor.next()) records.set(cursor.offset, { key: Buffer.from(cursor.key() ?? []), value: Buffer.from(cursor.value() ?? []) });
  }
  return records;
}

/** Each file is there, as long as its manifest says, and has as many rows. */
async function checkDataFiles(objects: ObjectStore, files: readonly DataFile[]): Promise<void> {
  const database = await DuckDBInstance.create(":memory:");
  const connection = await database.connect();
  try {
    for (const { key, bytes, records } of files) {
      await using local = await objects.local(key);
      assert.equal((await stat(local.path)).size, bytes, `${key} has another size than its manifest says`);
      const reader = await connection.runAndReadAll(`SELECT count(*) FROM read_parquet('${local.path.replaceAll("'", "''")}')`);
      assert.equal(Number(reader.getRows()[0]?.[0]), records, `${key} has other rows than its manifest says`);
    }
  } finally {
    connection.closeSync();
    database.closeSync();
  }
}

/** The last snapshot was built from everything: its checkpoint stands at the log's end. */
async function checkCheckpoint(log: Log, { topic, checkpoint }: { readonly topic: TopicInfo; readonly checkpoint: string | undefined }): Promise<void> {
  assert.ok(checkpoint, "the current snapshot has no checkpoint");
  for (let partition = 0; partition < topic.partitions; partition++) {
    const { end } = await log.bounds({ topic: topic.name, topicId: topic.id, partition: partition as Partition });
    if (end > 0) assert.ok(checkpoint.includes(String(end)), `the checkpoint ${checkpoint} lacks the end ${end} of partition ${partition}`);
  }
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
