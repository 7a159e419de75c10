import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { MainstemError } from "../../runtime/errors.ts";
import { silentLogger } from "../../runtime/logger.ts";
import type { Log, Offset, TopicInfo } from "../log.ts";
import { at, createManualEnv, createRandom, group, position, readRecords, toBatch, toSpec, toTextRecords } from "../log-testing.ts";
import type { ManualEnv } from "../log-testing.ts";
import { openEmbeddedLog } from "./embedded-log.ts";
import { SimulatedFileSystem } from "./simulated-file-system.ts";

/**
 * Kills the process or cuts the power at random moments, again and again on the same disk, with unsynced sectors kept or lost at random and a disk that refuses
 * a write now and then: what was acknowledged or read is there ever after.
 */

const secondsMax = Number(process.env["MAINSTEM_TEST_SECONDS"] ?? 4);
const seedGiven = process.env["MAINSTEM_TEST_SEED"];
const partitions = 2;

/** What is known from outside about a log whose power may go at any moment. */
interface Model {
  topic: TopicInfo | undefined;
  /** Batches that were acknowledged or read, by partition and first offset. */
  readonly acknowledged: Map<number, string[]>[];
  /** Every batch that was ever handed over, acknowledged or not, by its first value. */
  readonly sent: Map<string, string[]>;
  /** The last acknowledged commit by partition, and later ones that were not. */
  readonly committed: Map<number, { offset: number; later: number[] }>;
  /** Nothing below was dropped before it was allowed. */
  readonly first: number[];
  count: number;
}

describe("a loss of power", () => {
  test("takes nothing that was acknowledged, and leaves whole batches in order", async (context) => {
    const end = performance.now() + secondsMax * 1_000;
    let runs = 0;
    for (let seed = Number(seedGiven ?? Date.now() % 1_000_000); ; seed++) {
      try {
        await run(seed);
      } catch (error) {
        throw new Error(`with MAINSTEM_TEST_SEED=${seed}`, { cause: error });
      }
      runs++;
      if (seedGiven !== undefined || performance.now() > end) break;
    }
    context.diagnostic(`${runs} runs`);
  });
});

async function run(seed: number): Promise<void> {
  const random = createRandom(seed);
  const env = { ...createManualEnv(), random: (bytes: number) => Uint8Array.from({ length: bytes }, () => Math.floor(random() * 256)) };
  let disk = new SimulatedFileSystem({ random });
  const model: Model = { topic: undefined, acknowledged: [], sent: new Map(), committed: new Map(), first: [], count: 0 };
  for (let partition = 0; partition < partitions; partition++) {
    model.acknowledged.push(new Map());
    model.first.push(0);
  }
  for (let life = 0; life < 6; life++) {
    disk.losePowerAt = 1 + Math.floor(random() ** 2 * 600);
    const refusals = random() < 0.5 ? 0 : 0.01;
    disk.refuse = () => (random() < refusals ? (random() < 0.3 ? "ENOSPC" : "EIO") : undefined);
    await Promise.race([disk.untilLost(), live(disk, env, model, random).catch(expectRefusal)]);
    disk = random() < 0.6 ? disk.losePower() : disk.kill();
  }
  await using log = await open(disk, env);
  await check(log, model);
}

/** One life of the log: opened, checked, written to until the power goes or it is closed. */
async function live(disk: SimulatedFileSystem, env: ManualEnv, model: Model, random: () => number): Promise<void> {
  const log = await open(disk, env);
  await check(log, model);
  const topic = (model.topic = await log.createTopic(toSpec("sim", { partitions, retention: { bytes: 30_000 }, retainFor: [group("reader")] })));
  const rounds = 2 + Math.floor(random() * 12);
  for (let round = 0; round < rounds; round++) {
    env.set(env.now() + Math.floor(random() * 50) - 5);
    const work = Array.from({ length: 1 + Math.floor(random() * 8) }, () => appendSome(log, topic, model, random));
    if (random() < 0.3) work.push(commitSome(log, topic, model, random));
    if (random() < 0.3) work.push(readSome(log, topic, model, random));
    if (random() < 0.05) work.push(replaceAnother(log));
    if (random() < 0.3) env.wake();
    for (const outcome of await Promise.allSettled(work)) if (outcome.status === "rejected") expectRefusal(outcome.reason);
  }
  await log[Symbol.asyncDispose]();
}

async function appendSome(log: Log, topic: TopicInfo, model: Model, random: () => number): Promise<void> {
  const partition = Math.floor(random() * partitions);
  const values = Array.from({ length: 1 + Math.floor(random() * 4) }, () => `${model.count++} ${"v".repeat(Math.floor(random() ** 4 * 3_000))}`);
  model.sent.set(values[0]!, values);
  const { first } = await log.append(at(topic, partition), toBatch(values));
  const before = model.acknowledged[partition]!.get(first);
  assert.ok(before === undefined || before[0] === values[0], `offset ${first} of partition ${partition} was given twice`);
  model.acknowledged[partition]!.set(first, values);
}

async function commitSome(log: Log, topic: TopicInfo, model: Model, random: () => number): Promise<void> {
  const partition = Math.floor(random() * partitions);
  const { end } = await log.bounds(at(topic, partition));
  const offset = Math.floor(random() * (end + 1));
  const known = model.committed.get(partition) ?? { offset: 0, later: [] };
  model.committed.set(partition, known);
  known.later.push(offset);
  await log.commit(group("reader"), [position(topic, offset, partition)]);
  known.offset = offset;
  known.later = [];
}

/** What was read once must be there ever after: nobody sees what is not durable. */
async function readSome(log: Log, topic: TopicInfo, model: Model, random: () => number): Promise<void> {
  const partition = Math.floor(random() * partitions);
  const { first } = await log.bounds(at(topic, partition));
  for await (const batch of log.read(position(topic, first, partition), { until: "end", batchBytesMax: 2_000 })) {
    model.acknowledged[partition]!.set(
      batch.baseOffset,
      toTextRecords(batch).map(({ value }) => value!),
    );
  }
}

/** Another topic comes and goes: whatever is left of it, the log can be opened. */
async function replaceAnother(log: Log): Promise<void> {
  const topic = await log.createTopic(toSpec("another"));
  await log.append(at(topic), toBatch(["x"]));
  await log.deleteTopic(topic.name, topic.id);
}

function expectRefusal(error: unknown): void {
  const codes: readonly unknown[] = ["log.writeFailed", "log.full", "log.offsetOutOfRange", "log.topicUnknown", "log.topicReplaced"];
  assert.ok(error instanceof MainstemError && codes.includes(error.code), String(error));
}

/** Everything acknowledged is where it was said to be; between it there are only whole batches that were sent. */
async function check(log: Log, model: Model): Promise<void> {
  const topic = await log.describeTopic(toSpec("sim").name);
  if (model.topic !== undefined) assert.equal(topic?.id, model.topic.id, "the topic is there");
  if (topic === undefined) return;
  model.topic = topic;
  const committed = await log.committed(group("reader"), { topic: topic.name, topicId: topic.id });
  for (let partition = 0; partition < partitions; partition++) {
    const known = model.committed.get(partition) ?? { offset: 0, later: [] };
    const found = committed.get(at(topic, partition).partition) ?? 0;
    assert.ok(found === known.offset || known.later.includes(found), `committed ${found}, not ${known.offset} or one of ${known.later.join()}`);
    known.offset = found;
    known.later = [];
    if (model.committed.has(partition) || found > 0) model.committed.set(partition, known);
    await checkPartition(log, { topic, partition, model });
  }
}

async function checkPartition(
  log: Log,
  { topic, partition, model }: { readonly topic: TopicInfo; readonly partition: number; readonly model: Model },
): Promise<void> {
  const { first, end } = await log.bounds(at(topic, partition));
  assert.ok(first >= model.first[partition]!, "what was dropped does not come back");
  model.first[partition] = first;
  const values = new Map((await readRecords(log, position(topic, first, partition))).map(({ offset, value }) => [offset, value]));
  assert.equal(values.size, end - first);
  const acknowledged = model.acknowledged[partition]!;
  for (const [start, batch] of acknowledged) {
    for (const [index, value] of batch.entries()) {
      if (start + index < first) continue;
      assert.equal(values.get((start + index) as Offset), value, `offset ${start + index} of partition ${partition}`);
    }
  }
  for (let offset: number = first; offset < end;) {
    const batch = acknowledged.get(offset) ?? model.sent.get(values.get(offset) ?? "");
    assert.ok(batch !== undefined, `offset ${offset} begins no batch that was sent`);
    for (const [index, value] of batch.entries()) assert.equal(values.get(offset + index), value);
    acknowledged.set(offset, batch);
    offset += batch.length;
  }
}

function open(disk: SimulatedFileSystem, env: ManualEnv): Promise<Log> {
  return openEmbeddedLog({ directory: "/data/log", env, logger: silentLogger, segmentBytesMax: 8_000, fileSystem: disk });
}
