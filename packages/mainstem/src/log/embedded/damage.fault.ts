import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { MainstemError } from "../../runtime/errors.ts";
import { silentLogger } from "../../runtime/logger.ts";
import type { Log, TopicInfo } from "../log.ts";
import { at, createManualEnv, group, instant, position, readRecords, toBatch, toSpec, toTextRecords } from "../log-testing.ts";
import { until } from "../../runtime/testing/until.ts";
import type { TextRecord } from "../log-testing.ts";
import { openEmbeddedLog } from "./embedded-log.ts";
import { SimulatedFileSystem } from "./simulated-file-system.ts";

/** Damage at every byte of every file of a small log: what was vouched for is named, a torn tail is cut, nothing is read as data that was not written. */

const clockStart = 1_800_000_000_000;
const batchCount = 24;

interface Stored {
  readonly disk: SimulatedFileSystem;
  readonly topic: TopicInfo;
  readonly records: readonly TextRecord[];
  /** Where the last segment ends, and the bases of all. */
  readonly segments: readonly string[];
  readonly partition: string;
}

describe("damage", () => {
  test("of a segment below the recovery point is named, with file and position, and nothing is cut", async () => {
    const stored = await store();
    for (const path of stored.segments) {
      const whole = stored.disk.peek(path);
      for (const byte of tellingBytes(whole)) {
        await expectNamed(stored, path, flipped(whole, byte));
        await expectNamed(stored, path, whole.subarray(0, byte));
      }
      await expectNamed(stored, path, Buffer.concat([whole, Buffer.alloc(100)]), { tail: path === stored.segments.at(-1) });
    }
  });

  test("of a tail beyond the recovery point costs that tail and nothing else", async () => {
    const stored = await storeTail();
    const path = stored.segments.at(-1)!;
    const whole = stored.disk.peek(path);
    const ends = batchStarts(whole)
      .slice(1)
      .filter((end) => end > stored.durable);
    assert.equal(ends.length, 3);
    for (let byte = stored.durable; byte < whole.length; byte++) {
      for (const bytes of [flipped(whole, byte), whole.subarray(0, byte), Buffer.concat([whole.subarray(0, byte), Buffer.alloc(700)])]) {
        // Where zeros take the place of zeros there is no damage.
        const kept = ends.filter((end) => bytes.subarray(0, end).equals(whole.subarray(0, end))).length;
        await expectTailCut(stored, path, bytes, kept);
      }
    }
  });

  test("of an index costs time, not truth", async () => {
    const stored = await store();
    const indexes = stored.disk.files().filter((path) => path.endsWith("index") && stored.disk.peek(path).length > 0);
    assert.ok(indexes.some((path) => path.endsWith(".timeindex")) && indexes.some((path) => path.endsWith(".index")));
    for (const path of indexes) {
      const whole = stored.disk.peek(path);
      for (let byte = 0; byte < whole.length; byte++) {
        await expectAll(stored, path, flipped(whole, byte));
        await expectAll(stored, path, whole.subarray(0, byte));
      }
      await expectAll(stored, path, Buffer.alloc(whole.length));
      await expectAll(stored, path, undefined);
    }
  });

  test("of one slot of the recovery point leaves the other, of both is named", async () => {
    const stored = await store();
    const path = `${stored.partition}/recovery-point`;
    const whole = stored.disk.peek(path);
    for (const slot of [0, 4_096]) for (let byte = slot; byte < slot + 76; byte++) await expectAll(stored, path, flipped(whole, byte));
    for (let byte = 0; byte < 76; byte++) await expectCorruptOnOpen(stored, path, flipped(flipped(whole, byte), byte + 4_096));
    for (const length of [0, 10, 75]) await expectCorruptOnOpen(stored, path, whole.subarray(0, length));
    await expectCorruptOnOpen(stored, path, undefined);
  });

  test("of one slot of the recovery point does not bring back what retention dropped", async () => {
    const disk = new SimulatedFileSystem({ random: () => 0 });
    const log = await open(disk);
    const topic = await log.createTopic(toSpec("shop.orders", { retention: { bytes: 0 } }));
    for (let index = 0; index < batchCount; index++) await log.append(at(topic), toBatch([`${index}`, "x".repeat(420)]));
    await until("segments are dropped", () => segmentsOf(disk).length === 1);
    const { first, end } = await log.bounds(at(topic));
    await log[Symbol.asyncDispose]();
    const path = `/log/topics/${topic.name}/${topic.id}/0/recovery-point`;
    const whole = disk.peek(path);
    for (const slot of [0, 4_096]) {
      for (let byte = slot; byte < slot + 76; byte++) {
        const damaged = disk.clone();
        damaged.poke(path, flipped(whole, byte));
        await using again = await open(damaged);
        assert.deepEqual(await again.bounds(at(topic)), { first, stable: end, end });
      }
    }
  });

  test("of a topic's or a group's file is named", async () => {
    const stored = await store();
    const files = stored.disk.files().filter((path) => path.endsWith(".json"));
    assert.equal(files.length, 2);
    for (const path of files) {
      const whole = stored.disk.peek(path);
      for (let byte = 0; byte < whole.length; byte++) {
        await expectCorruptOnOpen(stored, path, flipped(whole, byte));
        await expectCorruptOnOpen(stored, path, whole.subarray(0, byte));
      }
    }
    await expectCorruptOnOpen(
      stored,
      files.find((path) => path.endsWith("topic.json"))!,
      undefined,
    );
  });

  test("that takes a whole segment is named", async () => {
    const stored = await store();
    for (const path of stored.segments) {
      const disk = stored.disk.clone();
      await disk.unlink(path);
      await assert.rejects(
        async () => {
          await using log = await open(disk);
          await readRecords(log, position(stored.topic, 0));
        },
        { code: "log.corrupt" },
      );
    }
  });
});

/** A closed log of one partition with several segments, times that ascend, and a group. */
async function store(): Promise<Stored> {
  const disk = new SimulatedFileSystem({ random: () => 0 });
  const env = createManualEnv(clockStart);
  await using log = await open(disk, env);
  const topic = await log.createTopic(toSpec("shop.orders"));
  for (let index = 0; index < batchCount; index++) {
    env.set(clockStart + index * 10);
    await log.append(at(topic), toBatch([`${index}`, "x".repeat(420)], { key: "k" }));
  }
  await log.commit(group("reader"), [position(topic, 9)]);
  const records = await readRecords(log, position(topic, 0));
  const partition = `/log/topics/${topic.name}/${topic.id}/0`;
  await log[Symbol.asyncDispose]();
  return { disk, topic, records, partition, segments: segmentsOf(disk) };
}

/** As `store`, but the recovery point is one of before the last batches, as after a loss of power that took only its last writes. */
async function storeTail(): Promise<Stored & { readonly durable: number }> {
  const stored = await store();
  const disk = stored.disk.clone();
  const path = stored.segments.at(-1)!;
  const pointPath = `${stored.partition}/recovery-point`;
  const [before, point] = [disk.peek(path), disk.peek(pointPath)];
  {
    await using log = await open(disk);
    for (const value of ["tail 1", "tail 2", "tail 3"]) await log.append(at(stored.topic), toBatch([value, "y".repeat(30)]));
  }
  disk.poke(pointPath, point);
  assert.deepEqual(segmentsOf(disk), stored.segments);
  return { ...stored, disk, durable: before.length };
}

function segmentsOf(disk: SimulatedFileSystem): string[] {
  return disk.files().filter((path) => path.endsWith(".log"));
}

/** Where each batch begins, and where the last one ends. */
function batchStarts(whole: Buffer): number[] {
  const starts = [0];
  while (starts.at(-1)! < whole.length) starts.push(starts.at(-1)! + 12 + whole.readInt32BE(starts.at(-1)! + 8));
  return starts;
}

/** Every byte of some batches' headers, and some bytes of everything: to the checksum all bytes are alike. */
function tellingBytes(whole: Buffer): number[] {
  const headers = batchStarts(whole).filter((_, index) => index % 4 === 0);
  return Array.from(whole.keys()).filter((byte) => byte % 29 === 0 || headers.some((start) => byte >= start && byte < start + 63));
}

function open(disk: SimulatedFileSystem, env = createManualEnv(clockStart)): Promise<Log> {
  return openEmbeddedLog({ directory: "/log", env, logger: silentLogger, segmentBytesMax: 6_000, fileSystem: disk });
}

function flipped(bytes: Buffer, byte: number): Buffer {
  const changed = Buffer.from(bytes);
  changed[byte]! ^= 1 << (byte % 8);
  return changed;
}

/** Reads until the damage: everything before it is right, and the error names the file. With `tail` there may be none: what follows the last batch is cut. */
async function expectNamed(stored: Stored, path: string, bytes: Buffer, { tail = false }: { readonly tail?: boolean } = {}): Promise<void> {
  const disk = stored.disk.clone();
  disk.poke(path, bytes);
  const seen: TextRecord[] = [];
  const outcome = await (async () => {
    await using log = await open(disk);
    for await (const batch of log.read(position(stored.topic, 0), { until: "end", batchBytesMax: 3_000 })) seen.push(...toTextRecords(batch));
  })().then(
    () => undefined,
    (error: unknown) => error,
  );
  assert.deepEqual(seen, stored.records.slice(0, seen.length));
  if (tail && outcome === undefined) return assert.equal(seen.length, stored.records.length);
  assert.ok(outcome instanceof MainstemError && outcome.code === "log.corrupt", String(outcome));
  assert.equal(outcome.facts["file"], path);
  assert.equal(typeof outcome.facts["position"], "number");
  if (!tail) assert.deepEqual(disk.peek(path), Buffer.from(bytes), "nothing is cut");
}

async function expectTailCut(stored: Stored & { readonly durable: number }, path: string, bytes: Buffer, batches: number): Promise<void> {
  const disk = stored.disk.clone();
  disk.poke(path, bytes);
  const expected = stored.records.length + batches * 2;
  {
    await using log = await open(disk);
    const records = await readRecords(log, position(stored.topic, 0));
    assert.deepEqual(records.slice(0, stored.records.length), stored.records);
    assert.deepEqual(
      records.slice(stored.records.length).map(({ value }) => value),
      ["tail 1", "y".repeat(30), "tail 2", "y".repeat(30), "tail 3", "y".repeat(30)].slice(0, batches * 2),
    );
    assert.equal((await log.append(at(stored.topic), toBatch(["after"]))).first, expected);
  }
  await using again = await open(disk);
  assert.equal((await readRecords(again, position(stored.topic, 0))).length, expected + 1);
}

/** Every record is read, from every offset, and every time is found. */
async function expectAll(stored: Stored, path: string, bytes: Buffer | undefined): Promise<void> {
  const disk = stored.disk.clone();
  if (bytes === undefined) await disk.unlink(path);
  else disk.poke(path, bytes);
  await using log = await open(disk);
  assert.deepEqual(await readRecords(log, position(stored.topic, 0)), stored.records);
  for (let offset = 1; offset < stored.records.length; offset += 7) {
    assert.deepEqual(await readRecords(log, position(stored.topic, offset)), stored.records.slice(offset), `from offset ${offset}`);
  }
  for (let index = 0; index <= batchCount; index += 3) {
    assert.equal(await log.offsetAt(at(stored.topic), instant(clockStart + index * 10)), index * 2, `time ${index}`);
  }
  assert.equal((await log.append(at(stored.topic), toBatch(["after"]))).first, stored.records.length);
}

async function expectCorruptOnOpen(stored: Stored, path: string, bytes: Buffer | undefined): Promise<void> {
  const disk = stored.disk.clone();
  if (bytes === undefined) await disk.unlink(path);
  else disk.poke(path, bytes);
  await assert.rejects(open(disk), (error: unknown) => {
    assert.ok(error instanceof MainstemError && error.code === "log.corrupt", String(error));
    assert.equal(error.facts["file"], path);
    return true;
  });
}
