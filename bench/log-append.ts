// Durable appends to the embedded log, against SQLite and LMDB that commit the same number of batches at a time.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { open as openLmdb } from "lmdb";
import { openEmbeddedLog } from "../packages/mainstem/src/log/embedded/index.ts";
import { RecordBatchBuilder, type Log, type Partition, type RecordBatch, type TopicName, type TopicPartition } from "../packages/mainstem/src/log/index.ts";
import { systemEnv } from "../packages/mainstem/src/runtime/env.ts";
import { silentLogger } from "../packages/mainstem/src/runtime/logger.ts";
import { compare, type Bench, type Comparison, type Contender } from "./harness.ts";

interface Load {
  readonly title: string;
  readonly batches: readonly RecordBatch[];
  /** How many batches are handed over at once, and made durable by one commit. */
  readonly group: number;
}

/** Values like those of ten-field records in Avro. */
const valueBytes = 90;
const keyBytes = 16;

export const run: Bench = async (options) => {
  const { quick } = options;
  const reps = quick ? 3 : 7;
  const loads: readonly Load[] = [
    { title: "57 KB batches, 16 a commit", batches: createBatches({ count: quick ? 160 : 800, records: 500 }), group: 16 },
    { title: "1 KB batches, 64 a commit", batches: createBatches({ count: quick ? 1_280 : 6_400, records: 9 }), group: 64 },
  ];
  const comparisons: Comparison[] = [];
  for (const load of loads) {
    const { title } = load;
    options.note(`${title}: ${load.batches.length} batches of ${load.batches[0]?.records.length} bytes, ${reps} times each`);
    const [ours, ...peers] = [createOurs(load), createSqlite(load), createLmdb(load)];
    comparisons.push(...(await compare({ bench: "log-append", case: title, unit: "MB", ours, peers, reps })));
  }
  return comparisons;
};

/** The log as the door uses it: each batch an append of its own, answered when it is durable. */
function createOurs(load: Load): Contender {
  let directory = "";
  let log: Log;
  let to: TopicPartition;
  return {
    name: "Mainstem",
    async before() {
      directory = await mkdtemp(join(tmpdir(), "mainstem-bench-log-"));
      log = await openEmbeddedLog({ directory, env: systemEnv, logger: silentLogger });
      const topic = await log.createTopic({ name: "bench" as TopicName, partitions: 1, timestampType: "append", retention: {}, retainFor: [] });
      to = { topic: topic.name, topicId: topic.id, partition: 0 as Partition };
    },
    async run() {
      for (const group of groups(load)) await Promise.all(group.map((batch) => log.append(to, batch)));
      return { units: megabytes(load) };
    },
    async after() {
      await log[Symbol.asyncDispose]();
      await rm(directory, { recursive: true });
    },
  };
}

/** node:sqlite, WAL with synchronous=FULL: a commit is synced before it returns. */
function createSqlite(load: Load): Contender {
  let directory = "";
  let database: DatabaseSync;
  return {
    name: "SQLite",
    async before() {
      directory = await mkdtemp(join(tmpdir(), "mainstem-bench-sqlite-"));
      database = new DatabaseSync(join(directory, "log.db"));
      database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000");
      database.exec("CREATE TABLE log (first INTEGER PRIMARY KEY, count INTEGER NOT NULL, records BLOB NOT NULL)");
    },
    run() {
      const insert = database.prepare("INSERT INTO log VALUES (?, ?, ?)");
      let next = 0;
      for (const group of groups(load)) {
        database.exec("BEGIN");
        for (const { count, records } of group) {
          insert.run(next, count, records);
          next += count;
        }
        database.exec("COMMIT");
      }
      return { units: megabytes(load) };
    },
    async after() {
      database.close();
      await rm(directory, { recursive: true });
    },
  };
}

/** LMDB, whose transactions are synced before they return. */
function createLmdb(load: Load): Contender {
  let directory = "";
  let database: ReturnType<typeof openLmdb<Uint8Array, number>>;
  return {
    name: "LMDB",
    async before() {
      directory = await mkdtemp(join(tmpdir(), "mainstem-bench-lmdb-"));
      database = openLmdb({ path: join(directory, "log"), encoding: "binary", keyEncoding: "uint32", mapSize: 2 ** 30, overlappingSync: false });
    },
    run() {
      let next = 0;
      for (const group of groups(load)) {
        database.transactionSync(() => {
          for (const { count, records } of group) {
            database.putSync(next, records);
            next += count;
          }
        });
      }
      return { units: megabytes(load) };
    },
    async after() {
      await database.close();
      await rm(directory, { recursive: true });
    },
  };
}

function createBatches({ count, records }: { readonly count: number; readonly records: number }): RecordBatch[] {
  const builder = new RecordBatchBuilder();
  const bytes = Buffer.alloc(keyBytes + valueBytes);
  return Array.from({ length: count }, (_, batch) => {
    for (let record = 0; record < records; record++) {
      // Bytes that do not repeat: whatever lies between us and the disk shall not compress them away.
      for (let index = 0; index < bytes.length; index += 2) bytes.writeUInt16LE(Math.imul(batch * records + record + index, 2_654_435_761) & 0xffff, index);
      builder.add({ key: bytes.subarray(0, keyBytes), value: bytes.subarray(keyBytes) });
    }
    return builder.finish();
  });
}

function* groups({ batches, group }: Load): Generator<readonly RecordBatch[]> {
  for (let start = 0; start < batches.length; start += group) yield batches.slice(start, start + group);
}

function megabytes({ batches }: Load): number {
  return batches.reduce((sum, { records }) => sum + records.length, 0) / 1e6;
}
