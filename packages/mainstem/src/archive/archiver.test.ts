import assert from "node:assert/strict";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { GroupName, Instant, Log, Offset, TopicPartition } from "../log/index.ts";
import { systemEnv } from "../runtime/env.ts";
import { silentLogger } from "../runtime/logger.ts";
import { until } from "../runtime/testing/until.ts";
import type { ResetTarget } from "../tasks/index.ts";
import { chainKey } from "./paths.ts";
import { openChunk } from "./chunk-reader.ts";
import {
  appendRecords,
  archiveAll,
  checkArchive,
  createTestClock,
  datasetName,
  openPipeline,
  readArchive,
  readEntries,
  readLog,
  readMessages,
  startArchiver,
  type Pipeline,
} from "./testing/pipeline.ts";
import { Faults, logWithFaults } from "./testing/faults.ts";
import { openTestDirectory } from "./testing/stores.ts";
import type { TestRecord } from "./testing/batches.ts";

const nineOClock = Date.UTC(2026, 10, 21, 9);
const group = `mainstem.archive.${datasetName}` as GroupName;

function recordsOf({ schemaId }: { readonly schemaId: number }, count: number, bytes = 20): readonly TestRecord[] {
  const wire = Buffer.alloc(5);
  wire.writeUInt32BE(schemaId, 1);
  return Array.from({ length: count }, (_, index) => ({
    key: Buffer.from(`key-${index}`),
    value: Buffer.concat([wire, Buffer.from(systemEnv.random(bytes))]),
  }));
}

async function committedOf(pipeline: Pipeline, partition = 0): Promise<number | undefined> {
  const of = pipeline.at(partition);
  return (await pipeline.log.committed(group, of)).get(of.partition);
}

test("stores the log's records in a chunk, links it, announces it and commits the group", async () => {
  await using directory = await openTestDirectory();
  const env = createTestClock(nineOClock);
  await using pipeline = await openPipeline({ directory: directory.path, env });
  await pipeline.append(0, recordsOf(pipeline, 10));
  env.ms += 1_500;
  await pipeline.append(0, [{ key: null, value: null, headers: [{ key: "mainstem-sent-at", value: Buffer.from("1") }] }]);
  await archiveAll(pipeline);

  const of = pipeline.at(0);
  const [entry, ...more] = await readEntries(pipeline.objects, of);
  assert.ok(entry?.path !== undefined && more.length === 0);
  assert.match(entry.path, new RegExp(`^archive/shop\\.orders/${of.topicId}/0/2026-11-21/09/00000000000000000010-[\\w-]{22}\\.avro$`));
  const stored = await pipeline.objects.stat(entry.path);
  assert.deepEqual(
    { ...entry, path: "", attempt: "", sha256: "" },
    {
      formatVersion: 1,
      kind: "data",
      start: 0,
      next: 11,
      path: "",
      attempt: "",
      sha256: "",
      records: 11,
      bytes: stored?.bytes,
      times: { first: nineOClock, last: nineOClock + 1_500 },
    },
  );
  assert.deepEqual(await readMessages(pipeline.log, pipeline.dataset.topics.chunks), [
    { formatVersion: 1, dataset: datasetName, topicId: of.topicId, partition: 0, entry },
  ]);
  assert.equal(await committedOf(pipeline), 11);
  await checkArchive(pipeline);
  await using chunk = await openChunk(pipeline.objects, entry);
  assert.deepEqual(chunk.schemas, new Map([[pipeline.schemaId, await pipeline.registry.schema(pipeline.schemaId)]]));
  await assert.rejects(readdir(join(directory.path, "scratch")), { code: "ENOENT" }, "a small chunk stays in memory until it is stored");
});

test("writes nothing for a quiet partition, and still says up to when it is complete", async () => {
  await using directory = await openTestDirectory();
  const env = createTestClock(nineOClock);
  await using pipeline = await openPipeline({ directory: directory.path, env, partitions: 2 });
  const archiver = pipeline.archiver({ everyMs: 60_000 });
  assert.deepEqual(archiver.progress(), []);
  await using running = new AsyncDisposableStack();
  running.use(startArchiver(archiver));
  await archiver.flush();
  await pipeline.append(1, recordsOf(pipeline, 3));
  env.ms += 30_000;
  await until(
    "both partitions are looked at",
    () => archiver.progress()[0]?.completeThrough === nineOClock + 29_999 && archiver.progress()[1]?.logStable === 3,
  );
  // Both partitions look again and again.
  await systemEnv.sleep(20);
  const { topicId } = pipeline.at(0);
  // Of partition 1 nothing beyond its first record that is not archived is complete.
  assert.deepEqual(archiver.progress(), [
    { topicId, generation: 1, partition: 0, chainNext: 0, logStable: 0, completeThrough: nineOClock + 29_999 },
    { topicId, generation: 1, partition: 1, chainNext: 0, logStable: 3, completeThrough: nineOClock - 1 },
  ]);
  env.ms += 31_000;
  await until("the claim goes on", () => archiver.progress()[1]?.completeThrough === nineOClock + 60_999);
  assert.deepEqual((await readEntries(pipeline.objects, pipeline.at(1))).length, 1);
  assert.deepEqual(await readEntries(pipeline.objects, pipeline.at(0)), []);
  assert.equal(await committedOf(pipeline, 0), 0);
});

test("says nothing of being complete while records have their append time, but are not durable yet", async () => {
  await using directory = await openTestDirectory();
  const env = createTestClock(nineOClock);
  await using pipeline = await openPipeline({ directory: directory.path, env });
  // Longer than any disk takes: the moment between the stamp and the answer.
  let onTheirWay = 2;
  let looks = 0;
  const log: Log = {
    ...logWithFaults(pipeline.log, new Faults()),
    async settled(of, options) {
      looks++;
      const bounds = await pipeline.log.settled(of, options);
      return { ...bounds, end: (bounds.end + onTheirWay) as Offset };
    },
  };
  const archiver = pipeline.archiver({ log });
  await using running = startArchiver(archiver);
  assert.ok(running.ended instanceof Promise);
  await until("it has looked some times", () => looks > 3);
  assert.equal(archiver.progress()[0]?.completeThrough, undefined);
  onTheirWay = 0;
  await until("the claim ends before the record", () => archiver.progress()[0]?.completeThrough === nineOClock - 1);
});

test("closes a chunk when its first record is old enough, not before", async () => {
  await using directory = await openTestDirectory();
  const env = createTestClock(nineOClock);
  await using pipeline = await openPipeline({ directory: directory.path, env });
  const archiver = pipeline.archiver({ everyMs: 300_000 });
  await using running = new AsyncDisposableStack();
  running.use(startArchiver(archiver));
  await pipeline.append(0, recordsOf(pipeline, 1));
  env.ms += 299_999;
  await pipeline.append(0, recordsOf(pipeline, 1));
  await until("both records are seen", () => archiver.progress()[0]?.logStable === 2);
  await systemEnv.sleep(20);
  assert.deepEqual(await readEntries(pipeline.objects, pipeline.at(0)), []);
  env.ms += 1;
  await until("both records are archived", () => archiver.progress()[0]?.chainNext === 2);
  assert.equal((await readEntries(pipeline.objects, pipeline.at(0))).length, 1);
});

test("closes chunks by size, also within a batch", async () => {
  await using directory = await openTestDirectory();
  await using pipeline = await openPipeline({ directory: directory.path });
  for (let batch = 0; batch < 4; batch++) await pipeline.append(0, recordsOf(pipeline, 500, 100));
  const maxBytes = 20_000;
  const archiver = pipeline.archiver({ maxBytes });
  await using running = new AsyncDisposableStack();
  running.use(startArchiver(archiver));
  await until("most is archived", () => (archiver.progress()[0]?.chainNext ?? 0) > 1_800);
  const sizes = (await readEntries(pipeline.objects, pipeline.at(0))).map(({ bytes }) => bytes);
  assert.ok(sizes.length > 8, `${sizes.length} chunks`);
  assert.ok(
    sizes.every((bytes) => bytes > maxBytes / 2 && bytes < maxBytes + 2_500),
    `sizes ${sizes.join(" ")}`,
  );
  await archiver.flush();
  await checkArchive(pipeline);
});

test("closes at the hour, so that all records of a chunk are of one hour", async () => {
  await using directory = await openTestDirectory();
  const env = createTestClock(nineOClock + 3_599_000);
  await using pipeline = await openPipeline({ directory: directory.path, env });
  await pipeline.append(0, recordsOf(pipeline, 2));
  env.ms = nineOClock + 3_600_000;
  await pipeline.append(0, recordsOf(pipeline, 3));
  const archiver = pipeline.archiver();
  await using running = new AsyncDisposableStack();
  running.use(startArchiver(archiver));
  await until("the first chunk is written", () => archiver.progress()[0]?.chainNext === 2);
  // No record comes in the next hour: the clock closes the chunk.
  env.ms += 3_600_000;
  await until("the second chunk is written", () => archiver.progress()[0]?.chainNext === 5);
  await archiver.flush();
  const hours = (await readEntries(pipeline.objects, pipeline.at(0))).map(({ path }) => path?.split("/").slice(4, 6).join(" "));
  assert.deepEqual(hours, ["2026-11-21 09", "2026-11-21 10"]);
  await checkArchive(pipeline);
});

test("neither closes at the hour nor trusts a producer's time where records keep it", async () => {
  await using directory = await openTestDirectory();
  const env = createTestClock(nineOClock);
  await using pipeline = await openPipeline({ directory: directory.path, env });
  const topic = await pipeline.log.createTopic({ ...pipeline.dataset.topics.records, name: "shop.foreign" as never, timestampType: "create" });
  const dataset = { ...pipeline.dataset, topics: { ...pipeline.dataset.topics, records: topic }, generations: [{ generation: 1, topicId: topic.id }] };
  const registry = { require: () => Promise.resolve(dataset), schema: (id: number) => pipeline.registry.schema(id) };
  const of = { ...pipeline.at(0), topic: topic.name, topicId: topic.id };
  const records = recordsOf(pipeline, 4).map((record, index) => ({ ...record, timestamp: [-5, 7_200_000, nineOClock, 2 ** 50][index] ?? 0 }));
  await appendRecords(pipeline.log, of, records);
  const archiver = pipeline.archiver({ registry, everyMs: 60_000 });
  await using running = new AsyncDisposableStack();
  running.use(startArchiver(archiver));
  await until("all four records are seen", () => archiver.progress()[0]?.logStable === 4);
  await systemEnv.sleep(20);
  assert.equal(archiver.progress()[0]?.chainNext, 0);
  env.ms += 60_000;
  await until("all four records are archived", () => archiver.progress()[0]?.chainNext === 4);
  const [entry] = await readEntries(pipeline.objects, of);
  assert.match(entry?.path ?? "", /\/1970-01-01\/00\//);
  assert.deepEqual(entry?.times, { first: -5, last: 2 ** 50 });
  assert.deepEqual(await readArchive(pipeline.objects, of), await readLog(pipeline.log, of));
});

test("goes on at the chain's end, whatever the group's offset says, and announces the last entry again", async () => {
  await using directory = await openTestDirectory();
  await using pipeline = await openPipeline({ directory: directory.path });
  await pipeline.append(0, recordsOf(pipeline, 5));
  await archiveAll(pipeline);
  for (const wrong of [0, 3, 1_000_000]) {
    await pipeline.log.commit(group, [{ ...pipeline.at(0), offset: wrong as Offset }]);
    await archiveAll(pipeline);
    assert.equal(await committedOf(pipeline), 5);
  }
  await pipeline.append(0, recordsOf(pipeline, 5));
  await archiveAll(pipeline);
  const starts = (await readMessages(pipeline.log, pipeline.dataset.topics.chunks)).map(({ entry }) => entry.start);
  assert.deepEqual(starts, [0, 0, 0, 0, 0, 5]);
  await checkArchive(pipeline);
});

test("records as a gap what retention removed before the archive saw it", async () => {
  await using directory = await openTestDirectory();
  await using pipeline = await openPipeline({ directory: directory.path, segmentBytesMax: 4_000, retentionBytes: 8_000 });
  for (let batch = 0; batch < 10; batch++) await pipeline.append(0, recordsOf(pipeline, 20, 100));
  // Somebody says that the archive had it all.
  await pipeline.log.commit(group, [{ ...pipeline.at(0), offset: 200 as Offset }]);
  for (let batch = 0; batch < 10; batch++) await pipeline.append(0, recordsOf(pipeline, 20, 100));
  await until("the log drops something", async () => (await pipeline.log.bounds(pipeline.at(0))).first > 0);
  const { first } = await pipeline.log.bounds(pipeline.at(0));
  await archiveAll(pipeline);
  const [gap, data] = await readEntries(pipeline.objects, pipeline.at(0));
  assert.deepEqual({ ...gap, attempt: "" }, { formatVersion: 1, kind: "gap", start: 0, next: first, attempt: "", records: 0, bytes: 0 });
  assert.equal(data?.start, first);
  assert.deepEqual(
    (await readMessages(pipeline.log, pipeline.dataset.topics.chunks)).map(({ entry }) => entry.kind),
    ["gap", "data"],
  );
  await checkArchive(pipeline);
});

test("follows another archiver through all that it archived and retention removed meanwhile", async () => {
  await using directory = await openTestDirectory();
  await using pipeline = await openPipeline({ directory: directory.path, segmentBytesMax: 4_000, retentionBytes: 8_000 });
  // It looks at the log only when it is told to.
  const sleeps = (_ms: number, { signal }: { readonly signal?: AbortSignal | undefined } = {}): Promise<never> =>
    new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
  const slow = pipeline.archiver({ env: { ...systemEnv, sleep: sleeps } });
  await using running = new AsyncDisposableStack();
  running.use(startArchiver(slow));
  await slow.flush();
  for (let batch = 0; batch < 20; batch++) {
    await pipeline.append(0, recordsOf(pipeline, 20, 100));
    await archiveAll(pipeline);
  }
  await until("the log drops what is archived", async () => (await pipeline.log.bounds(pipeline.at(0))).first > 200);
  await slow.flush({ signal: AbortSignal.timeout(20_000) });
  assert.equal(slow.progress()[0]?.chainNext, 400);
  assert.deepEqual(
    (await readEntries(pipeline.objects, pipeline.at(0))).map(({ kind, next }) => [kind, next]),
    Array.from({ length: 20 }, (_, batch) => ["data", 20 * batch + 20]),
  );
});

test("lets two archivers of one partition work at once without hole or overlap", async () => {
  await using directory = await openTestDirectory();
  await using pipeline = await openPipeline({ directory: directory.path, partitions: 2 });
  const archivers = [1, 2].map((number) => pipeline.archiver({ everyMs: 1, maxBytes: 2_000 * number }));
  await using running = new AsyncDisposableStack();
  for (const archiver of archivers) running.use(startArchiver(archiver));
  for (let batch = 0; batch < 30; batch++) await pipeline.append(batch % 2, recordsOf(pipeline, 1 + ((batch * 7) % 40), 60));
  await Promise.all(archivers.map((archiver) => archiver.flush()));
  await checkArchive(pipeline, { partitions: 2 });
});

test("leaves no chunk, entry or file behind when it is stopped", async () => {
  await using directory = await openTestDirectory();
  await using pipeline = await openPipeline({ directory: directory.path });
  await pipeline.append(0, recordsOf(pipeline, 1_000, 500));
  const archiver = pipeline.archiver();
  const running = startArchiver(archiver);
  const scratch = (): Promise<readonly string[]> => readdir(join(directory.path, "scratch")).catch(() => []);
  await until("a chunk is on its way", async () => (await scratch()).length === 1);
  await running.stop();
  assert.deepEqual(await scratch(), []);
  assert.deepEqual(await readEntries(pipeline.objects, pipeline.at(0)), []);
  await archiveAll(pipeline);
  await checkArchive(pipeline);
});

test("keeps a flush that was asked for before it runs, and lets go of one whose asker gave up", async () => {
  await using directory = await openTestDirectory();
  await using pipeline = await openPipeline({ directory: directory.path });
  await pipeline.append(0, recordsOf(pipeline, 1));
  const archiver = pipeline.archiver();
  const early = archiver.flush();
  await assert.rejects(archiver.flush({ signal: AbortSignal.timeout(5) }), { name: "TimeoutError" });
  await using running = new AsyncDisposableStack();
  running.use(startArchiver(archiver));
  await early;
  assert.equal(archiver.progress()[0]?.chainNext, 1);
  await pipeline.append(0, recordsOf(pipeline, 1));
  await Promise.all([archiver.flush(), archiver.flush()]);
  assert.equal((await readEntries(pipeline.objects, pipeline.at(0))).length, 2);
});

test("archives the topic that took a deleted one's place from offset 0, and keeps the deleted one's chain", async () => {
  await using directory = await openTestDirectory();
  let before: TopicPartition;
  {
    await using pipeline = await openPipeline({ directory: directory.path });
    before = pipeline.at(0);
    await pipeline.append(0, recordsOf(pipeline, 5));
    await archiveAll(pipeline);
    const archiver = pipeline.archiver();
    const running = startArchiver(archiver);
    await archiver.flush();
    await pipeline.log.deleteTopic(pipeline.at(0).topic, pipeline.at(0).topicId);
    assert.match(String(((await running.ended) as { code?: string }).code), /^log\.topic(Unknown|Replaced)$/);
  }
  await using pipeline = await openPipeline({ directory: directory.path });
  assert.equal(pipeline.dataset.generations.length, 2);
  await pipeline.append(0, recordsOf(pipeline, 3));
  await archiveAll(pipeline);
  await checkArchive(pipeline);
  assert.equal((await readEntries(pipeline.objects, before))[0]?.next, 5);
});

test("archives values of unknown schemas, and values that are none of ours", async () => {
  await using directory = await openTestDirectory();
  await using pipeline = await openPipeline({ directory: directory.path });
  await pipeline.append(0, [
    { key: null, value: Buffer.from([0, 0xff, 0, 0, 9, 1]) },
    { key: null, value: Buffer.from("text") },
    { key: Buffer.from("k"), value: null },
  ]);
  const warnings: unknown[] = [];
  await archiveAll(pipeline, { logger: { ...silentLogger, warn: (_, facts) => warnings.push(facts) } });
  assert.deepEqual(warnings, [{ dataset: datasetName, schemaId: 0xff000009 }]);
  await checkArchive(pipeline);
});

test("stops rather than skip offsets when the log ends before its archive", async () => {
  await using directory = await openTestDirectory();
  await using pipeline = await openPipeline({ directory: directory.path });
  await pipeline.append(0, recordsOf(pipeline, 5));
  await archiveAll(pipeline);
  const behind = { first: 0 as Offset, stable: 4 as Offset, end: 4 as Offset, asOf: 0 as Instant };
  const log = { ...logWithFaults(pipeline.log, new Faults()), settled: () => Promise.resolve(behind) };
  const error = await startArchiver(pipeline.archiver({ log })).ended;
  assert.equal((error as { code?: string }).code, "archive.logBehind");
  assert.match(String(error), /reaches to offset 5, but the log ends at 4/);
});

test("stops at a damaged end of the chain and writes nothing after it", async () => {
  await using directory = await openTestDirectory();
  await using pipeline = await openPipeline({ directory: directory.path });
  await pipeline.append(0, recordsOf(pipeline, 5));
  await archiveAll(pipeline);
  const key = chainKey(pipeline.at(0), 0 as Offset);
  const path = join(directory.path, "objects", key);
  const { size } = await stat(path);
  await pipeline.objects.put(key, [Buffer.alloc(size, "x")]);
  await pipeline.append(0, recordsOf(pipeline, 5));
  const error = await startArchiver(pipeline.archiver()).ended;
  assert.equal((error as { code?: string }).code, "archive.corrupt");
  assert.deepEqual((error as { facts?: object }).facts, { key });
});

test("begins anew at the chain's end and nowhere else, and says why", async () => {
  await using directory = await openTestDirectory();
  await using pipeline = await openPipeline({ directory: directory.path });
  const reset = (to: ResetTarget) => pipeline.archiver().reset(to, { signal: new AbortController().signal });
  await reset({ kind: "beginning" });
  await pipeline.append(0, recordsOf(pipeline, 3));
  await archiveAll(pipeline);
  await pipeline.append(0, recordsOf(pipeline, 2));
  await reset({ kind: "chain-end" });
  await reset({ kind: "offset", offset: 3 });
  const refused = { code: "task.resetRefused", facts: { dataset: datasetName, partition: 0, chainEnd: 3, offset: 0 } };
  await assert.rejects(reset({ kind: "beginning" }), refused);
  await assert.rejects(reset({ kind: "time", time: 0 }), refused);
  await assert.rejects(reset({ kind: "offset", offset: 4 }), { code: "task.resetRefused", message: /left out/ });
});
