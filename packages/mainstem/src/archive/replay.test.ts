import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { RecordCursor, type Log, type Offset, type RecordHeader, type TopicPartition } from "../log/index.ts";
import { silentLogger } from "../runtime/logger.ts";
import { until } from "../runtime/testing/until.ts";
import { openSqliteState } from "../state/sqlite/store.ts";
import { openTasks } from "../tasks/index.ts";
import { openReplays, type Replay, type Replays } from "./replays.ts";
import type { TestRecord } from "./testing/batches.ts";
import { Faults, logWithFaults } from "./testing/faults.ts";
import { archiveAll, createTestClock, datasetName, openPipeline, readLog, type Pipeline, type TestClock } from "./testing/pipeline.ts";
import { openTestDirectory } from "./testing/stores.ts";

const nineOClock = Date.UTC(2026, 10, 21, 9);
const mark: RecordHeader = { key: "mainstem-idempotency", value: Buffer.from("{}") };

interface World extends AsyncDisposable {
  readonly pipeline: Pipeline;
  readonly env: TestClock;
  readonly directory: string;
}

/** Ten records of nine o'clock and ten of ten o'clock in each of two partitions, archived: a chunk for each partition. */
async function openWorld({ valueBytes = 0 }: { readonly valueBytes?: number } = {}): Promise<World> {
  await using stack = new AsyncDisposableStack();
  const directory = stack.use(await openTestDirectory());
  const env = createTestClock(nineOClock);
  const pipeline = stack.use(await openPipeline({ directory: directory.path, env, partitions: 2 }));
  for (const hour of [0, 1])
    for (const partition of [0, 1]) {
      env.ms = nineOClock + hour * 3_600_000;
      await pipeline.append(partition, recordsOf(`${hour}-${partition}`, valueBytes));
    }
  await archiveAll(pipeline);
  const owned = stack.move();
  return { pipeline, env, directory: directory.path, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

function recordsOf(prefix: string, valueBytes: number): readonly TestRecord[] {
  return Array.from({ length: 10 }, (_, index) => ({
    key: Buffer.from(`${prefix}-${index}`),
    value: index === 9 ? null : Buffer.from(`value ${index}`.padEnd(valueBytes)),
    headers: index === 0 ? [mark] : [],
  }));
}

async function openTestReplays({ pipeline, env, directory }: World, log: Log = pipeline.log) {
  const { objects, registry } = pipeline;
  await using stack = new AsyncDisposableStack();
  const state = stack.use(await openSqliteState({ file: join(directory, "tasks.sqlite") }));
  const tasks = stack.use(openTasks({ env, logger: silentLogger, state, owner: "test" }));
  const replays = await openReplays({ log, objects, registry, tasks, env, logger: silentLogger, whileOpen: (_dataset, append) => append() });
  const owned = stack.move();
  return { replays, tasks, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

async function finished(replays: Replays, { spec }: Replay): Promise<Replay> {
  await until("its end is fixed", async () => (await replays.get(datasetName, spec.id)).end !== undefined);
  return replays.get(datasetName, spec.id);
}

const at = ({ spec }: Replay, partition: number): TopicPartition => ({ topic: spec.topic, topicId: spec.topicId, partition: partition as never });

/** The content of replayed records, without the header of their origin, which has to name the record with that content. */
async function replayed(log: Log, of: TopicPartition, from = 0) {
  const records: {
    readonly origin: { readonly offset: number; readonly timestamp: number };
    readonly key: string;
    readonly timestamp: number;
    readonly headers: number;
  }[] = [];
  for await (const batch of log.read({ ...of, offset: from as Offset }, { until: "end", batchBytesMax: 1_048_576 })) {
    const cursor = new RecordCursor(batch);
    while (cursor.next()) {
      const headers = cursor.headers();
      const origin = headers.find(({ key }) => key === "mainstem-origin")?.value;
      assert.ok(origin !== undefined && origin !== null);
      records.push({
        origin: JSON.parse(Buffer.from(origin).toString()),
        key: Buffer.from(cursor.key() ?? []).toString(),
        timestamp: cursor.timestamp,
        headers: headers.length - 1,
      });
    }
  }
  return records;
}

test("copies a time range into a shadow topic, with the archived times and each record's origin", async () => {
  await using world = await openWorld();
  await using running = await openTestReplays(world);
  const { log } = world.pipeline;
  const replay = await finished(
    running.replays,
    await running.replays.start(datasetName, { target: "shadow", from: nineOClock + 1, to: nineOClock + 3_600_001 }),
  );
  assert.equal(replay.end?.kind, "finished");
  assert.equal(replay.end.records, 20);
  for (const partition of [0, 1]) {
    const records = await replayed(log, at(replay, partition));
    assert.deepEqual(
      records.map(({ key }) => key),
      Array.from({ length: 10 }, (_, index) => `1-${partition}-${index}`),
    );
    assert.deepEqual(
      records.map(({ origin }) => origin.offset),
      Array.from({ length: 10 }, (_, index) => 10 + index),
    );
    assert.ok(records.every(({ timestamp, origin }) => timestamp === nineOClock + 3_600_000 && origin.timestamp === timestamp));
    assert.equal(records[0]?.headers, 1, "headers of its own stay");
  }
  await running.replays.remove(datasetName, replay.spec.id);
  assert.equal(await log.describeTopic(replay.spec.topic), undefined);
  assert.deepEqual(await running.replays.list(datasetName), []);
  assert.deepEqual(running.tasks.status(), [], "its task is gone too");
});

test("goes on where it was, also within a chunk, after any number of failures and restarts, and writes no record twice", async () => {
  // Each chunk fills several batches of the target.
  await using world = await openWorld({ valueBytes: 60_000 });
  const { log } = world.pipeline;
  let replay: Replay | undefined;
  let lost = 0;
  // Every run loses the answer of its first append: the batch is there, and the task never knew.
  for (let run = 0; run < 6; run++) {
    let appends = 0;
    const faults = new Faults((_, what) => (what.startsWith("append") && appends++ === 0 ? "after" : undefined));
    await using running = await openTestReplays(world, logWithFaults(log, faults));
    replay ??= await running.replays.start(datasetName, { target: "shadow" });
    const { spec } = replay;
    await until("it appends or has its end", async () => appends > 1 || (await running.replays.get(datasetName, spec.id)).end !== undefined);
    lost += Math.min(appends, 1);
  }
  assert.ok(lost > 1, `${lost} answers were lost`);
  await using last = await openTestReplays(world);
  assert.ok(replay !== undefined);
  const { end } = await finished(last.replays, replay);
  assert.equal(end?.records, 40);
  for (const partition of [0, 1]) {
    const keys: readonly string[] = (await replayed(log, at(replay, partition))).map(({ key }) => key);
    assert.deepEqual(
      keys,
      (await readLog(log, world.pipeline.at(partition))).map(({ key }) => Buffer.from(key ?? "", "hex").toString()),
    );
  }
});

test("goes into the live topic only after it was seen in a shadow topic, once, and without idempotency keys", async () => {
  await using world = await openWorld();
  await using running = await openTestReplays(world);
  const { replays } = running;
  const { log } = world.pipeline;
  await assert.rejects(replays.start(datasetName, { target: "live", repeats: "0123456789abcdef" }), { code: "archive.replayUnknown" });
  const shadow = await finished(replays, await replays.start(datasetName, { target: "shadow", to: nineOClock + 1 }));
  world.env.ms += 60_000;
  // Of two at once one goes.
  const asked = await Promise.allSettled([1, 2].map(async () => replays.start(datasetName, { target: "live", repeats: shadow.spec.id })));
  const [live] = await Promise.all(asked.flatMap((one) => (one.status === "fulfilled" ? [finished(replays, one.value)] : [])));
  assert.ok(live !== undefined && asked.some((one) => one.status === "rejected"));
  assert.equal(live.end?.records, 20);
  const records = await replayed(log, world.pipeline.at(0), 20);
  assert.equal(records.length, 10);
  assert.ok(records.every(({ timestamp, origin, headers }) => timestamp === world.env.ms && origin.timestamp === nineOClock && headers === 0));
  await assert.rejects(replays.start(datasetName, { target: "live", repeats: live.spec.id }), { code: "archive.replayRefused" });
  await assert.rejects(replays.start(datasetName, { target: "live", repeats: shadow.spec.id }), { code: "archive.replayRefused", message: /already/ });
  assert.equal((await replays.list(datasetName)).length, 2);
  await assert.rejects(replays.remove(datasetName, live.spec.id), { code: "archive.replayRefused" });
});

test("refuses a range that ends before it begins, and unknown replays and datasets", async () => {
  await using world = await openWorld();
  await using running = await openTestReplays(world);
  await assert.rejects(running.replays.start(datasetName, { target: "shadow", from: 2, to: 1 }), { code: "archive.replayRefused" });
  await assert.rejects(running.replays.start("no.such", { target: "shadow" }), { code: "registry.datasetUnknown" });
  await assert.rejects(running.replays.get(datasetName, "../x"), { code: "archive.replayUnknown" });
});
