import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Code } from "../../runtime/errors.ts";
import { silentLogger } from "../../runtime/logger.ts";
import type { Log } from "../log.ts";
import { at, createManualEnv, group, position, readValues, toBatch, toSpec } from "../log-testing.ts";
import { until } from "../../runtime/testing/until.ts";
import { openEmbeddedLog } from "./embedded-log.ts";
import type { EmbeddedLogOptions } from "./options.ts";
import { SimulatedFileSystem } from "./simulated-file-system.ts";

/** Disks that refuse, that are full, and that lose power at the worst moment: found by simulation first, kept here one by one. */

describe("a disk that refuses", () => {
  test("a sync stops the partition until the log is opened again, and shows nobody what was not synced", async () => {
    const disk = losing();
    const log = await open(disk);
    const topic = await log.createTopic(toSpec("t", { partitions: 2 }));
    await log.append(at(topic), toBatch(["safe"]));
    disk.refuse = (operation, path) => (operation === "sync" && path.endsWith("/0/00000000000000000000.log") ? "EIO" : undefined);
    await rejects(log.append(at(topic), toBatch(["unsure"])), "log.writeFailed");
    disk.refuse = undefined;
    await rejects(log.append(at(topic), toBatch(["after"])), "log.writeFailed");
    assert.deepEqual(await readValues(log, position(topic, 0)), ["safe"]);
    // It has its append time, and the next opener may find it: until then nobody may say that all is known up to now.
    assert.deepEqual(await log.bounds(at(topic)), { first: 0, stable: 1, end: 2 });
    assert.equal((await log.append(at(topic, 1), toBatch(["elsewhere"]))).first, 0);
    await log[Symbol.asyncDispose]();

    await using again = await open(disk);
    assert.deepEqual(await readValues(again, position(topic, 0)), ["safe"]);
    assert.equal((await again.append(at(topic), toBatch(["after"]))).first, 1);
  });

  test("a sync, before the process is killed, leaves nothing that is read once and then lost with the power", async () => {
    const disk = losing();
    const log = await open(disk);
    const topic = await log.createTopic(toSpec("t"));
    await log.append(at(topic), toBatch(["safe"]));
    // The batch stays in the page cache, where nothing counts as unwritten any more.
    disk.refuse = (operation, path) => (path.endsWith(".log") && operation !== "write" ? "EIO" : undefined);
    await rejects(log.append(at(topic), toBatch(["in the cache alone"])), "log.writeFailed");

    const killed = disk.kill();
    const after = await open(killed);
    const seen = await readValues(after, position(topic, 0));
    assert.deepEqual(seen, ["safe", "in the cache alone"]);
    const powerless = killed.losePower();
    await using last = await open(powerless);
    assert.deepEqual(await readValues(last, position(topic, 0)), seen);
  });

  test("the recovery point is no matter while a segment is written, and stops the partition when it is to be closed", async () => {
    const disk = losing();
    const log = await open(disk);
    const topic = await log.createTopic(toSpec("t"));
    disk.refuse = (operation, path) => (operation === "write" && path.endsWith("recovery-point") ? "EIO" : undefined);
    const values: string[] = [];
    const fill = async (): Promise<void> => {
      for (let count = 0; ; count++) {
        await log.append(at(topic), toBatch([`${count} ${"x".repeat(500)}`]));
        values.push(`${count} ${"x".repeat(500)}`);
      }
    };
    await rejects(fill(), "log.writeFailed");
    assert.ok(values.length > 5);
    await using again = await open(disk.losePower());
    assert.deepEqual(await readValues(again, position(topic, 0)), values);
  });

  test("the recovery point is written once for all rounds of a moment, and on close at the latest", async () => {
    const disk = losing();
    const env = createManualEnv();
    const log = await open(disk, { env });
    const topic = await log.createTopic(toSpec("t"));
    let writes = 0;
    disk.refuse = (operation, path) => void (operation === "write" && path.endsWith("recovery-point") && writes++);
    const append = async (...values: readonly string[]): Promise<void> => {
      for (const value of values) await log.append(at(topic), toBatch([value]));
    };
    await append("a", "b", "c");
    assert.equal(writes, 0);
    env.wake();
    await until("it is written", async () => writes === 1);
    await append("d", "e");
    await log[Symbol.asyncDispose]();
    assert.equal(writes, 2);
    // What it vouches for is not cut, but named.
    const [path = ""] = disk.files().filter((name) => name.endsWith(".log"));
    disk.poke(path, disk.peek(path).subarray(0, -1));
    await rejects(open(disk), "log.corrupt");
  });

  test("indexes is no matter", async () => {
    const disk = losing();
    disk.refuse = (_, path) => (path.endsWith("index") ? "EIO" : undefined);
    const log = await open(disk);
    const topic = await log.createTopic(toSpec("t"));
    const values = Array.from({ length: 30 }, (_, index) => `${index} ${"x".repeat(900)}`);
    for (const value of values) await log.append(at(topic), toBatch([value]));
    for (const from of [0, 7, 29]) assert.deepEqual(await readValues(log, position(topic, from)), values.slice(from));
    await log[Symbol.asyncDispose]();
  });

  test("to hold a group's offsets says so, and takes them later", async () => {
    const disk = losing();
    await using log = await open(disk);
    const topic = await log.createTopic(toSpec("t"));
    disk.refuse = (_, path) => (path.includes("/groups/") ? "ENOSPC" : undefined);
    await rejects(log.commit(group("g"), [position(topic, 0)]), "log.writeFailed");
    disk.refuse = undefined;
    assert.equal((await log.committed(group("g"), { topic: topic.name, topicId: topic.id })).size, 0);
    await log.commit(group("g"), [position(topic, 0)]);
    assert.equal((await log.committed(group("g"), { topic: topic.name, topicId: topic.id })).size, 1);
  });

  test("anything of making or removing a topic leaves it there or gone, and it can be made again", async () => {
    for (const begun of ["create", "delete"] as const) {
      for (let operations = 0, done = false; !done; operations++) {
        const disk = losing();
        const log = await open(disk);
        const topic = begun === "delete" ? await log.createTopic(toSpec("t")) : undefined;
        let left = operations;
        disk.refuse = () => (left-- === 0 ? "ENOSPC" : undefined);
        const work = topic === undefined ? log.createTopic(toSpec("t")) : log.deleteTopic(topic.name, topic.id);
        const outcome = await work.then(
          () => undefined,
          (error: { code?: Code }) => error.code,
        );
        done = left >= 0;
        assert.equal(outcome, done ? undefined : "log.writeFailed", `${begun}, operation ${operations}`);
        disk.refuse = undefined;
        const again = await log.createTopic(toSpec("t"));
        await log.append(at(again), toBatch(["x"]));
        await log[Symbol.asyncDispose]();
        await using reopened = await open(disk.losePower());
        assert.deepEqual(await reopened.topics(), [again], `${begun}, operation ${operations}`);
        assert.deepEqual(await readValues(reopened, position(again, 0)), ["x"]);
      }
    }
  });
});

describe("a full disk", () => {
  test("refuses appends with a code and takes them again when there is room", async () => {
    const disk = losing();
    await using log = await open(disk);
    const topic = await log.createTopic(toSpec("t"));
    await log.append(at(topic), toBatch(["first"]));
    disk.refuse = (operation) => (operation === "write" ? "ENOSPC" : undefined);
    await rejects(log.append(at(topic), toBatch(["no room", "x".repeat(2_000)])), "log.full");
    disk.refuse = undefined;
    assert.equal((await log.append(at(topic), toBatch(["second"]))).first, 1);
    assert.deepEqual(await readValues(log, position(topic, 0)), ["first", "second"]);
  });

  test("leaves nothing behind that a loss of power could bring back with its old append time", async () => {
    const refusals = {
      refused: { operation: "write", errno: "ENOSPC", times: Number.POSITIVE_INFINITY, code: "log.full" },
      "refused when it was written through": { operation: "sync", errno: "ENOSPC", times: 1, code: "log.full" },
      "stopped, and the log opened again": { operation: "sync", errno: "EIO", times: Number.POSITIVE_INFINITY, code: "log.writeFailed" },
    } as const;
    for (const [ends, { operation: refused, errno, times, code }] of Object.entries(refusals)) {
      // What was written and then cut off comes back where the cut was not synced.
      let fate = 0;
      const disk = new SimulatedFileSystem({ random: () => fate });
      const log = await open(disk);
      const topic = await log.createTopic(toSpec("t"));
      await log.append(at(topic), toBatch(["first"]));
      let left: number = times;
      disk.refuse = (operation) => (operation === refused && left-- > 0 ? errno : undefined);
      await rejects(log.append(at(topic), toBatch(["no room"])), code);
      disk.refuse = undefined;
      let current = disk;
      if (code === "log.writeFailed") {
        current = disk.kill();
        await open(current);
      }
      fate = 0.6;
      await using again = await open(current.losePower());
      assert.deepEqual(await readValues(again, position(topic, 0)), ["first"], ends);
    }
  });

  test("leaves nothing behind in a segment that is closed next, also when the power goes then", async () => {
    // What was written and then cut off comes back where the cut was not synced.
    let fate = 0;
    const disk = new SimulatedFileSystem({ random: () => fate });
    const log = await open(disk);
    const topic = await log.createTopic(toSpec("t"));
    await log.append(at(topic), toBatch(["x".repeat(3_000)]));
    fate = 0.6;
    disk.refuse = (operation) => (operation === "write" ? "ENOSPC" : undefined);
    await rejects(log.append(at(topic), toBatch(["y".repeat(500)])), "log.full");
    disk.refuse = undefined;
    await log.append(at(topic), toBatch(["z".repeat(2_000)]));
    await using again = await open(disk.losePower());
    assert.deepEqual(
      (await readValues(again, position(topic, 0))).map((value) => value![0]),
      ["x", "z"],
    );
  });

  test("by our own limit waits for whom retention waits, and goes on after their commit", async () => {
    const disk = losing();
    const env = createManualEnv();
    await using log = await open(disk, { diskBytesMax: 12_000, env });
    const topic = await log.createTopic(toSpec("t", { retention: { bytes: 0 }, retainFor: [group("archive")] }));
    let appended = 0;
    const fill = async (): Promise<void> => {
      for (;;) {
        await log.append(at(topic), toBatch(["x".repeat(1_000)]));
        appended++;
      }
    };
    await assert.rejects(fill(), (error: { code?: Code; facts?: { waitsFor?: unknown } }) => {
      assert.equal(error.code, "log.full");
      assert.deepEqual(error.facts?.waitsFor, ["archive"]);
      return true;
    });
    assert.equal(appended, 11);
    assert.equal((await readValues(log, position(topic, 0))).length, 11);
    await log.commit(group("archive"), [position(topic, 11)]);
    assert.equal((await log.append(at(topic), toBatch(["y"]))).first, 11);
  });

  test("of waiting batches makes further appends wait, and lets those who give up go", async () => {
    const disk = losing();
    await using log = await open(disk, { queueBytesMax: 3_000 });
    const topic = await log.createTopic(toSpec("t"));
    const abort = new AbortController();
    const sent = Array.from({ length: 40 }, (_, index) => log.append(at(topic), toBatch([`${index} ${"x".repeat(700)}`])));
    const givenUp = log.append(at(topic), toBatch(["given up"]), { signal: abort.signal });
    abort.abort();
    await assert.rejects(givenUp, { name: "AbortError" });
    assert.deepEqual(
      (await Promise.all(sent)).map(({ first }) => first),
      sent.map((_, index) => index),
    );
    assert.equal((await log.bounds(at(topic))).end, 40);
  });
});

describe("an end at any operation of a life", () => {
  for (const [ends, ending] of Object.entries({ kill, "loss of power": (disk: SimulatedFileSystem) => disk.losePower() })) {
    test(`by a ${ends}, and a loss of power after the next one, takes nothing that was acknowledged or seen`, async () => {
      for (let operation = 1; ; operation++) {
        const disk = losing();
        disk.losePowerAt = operation;
        const acknowledged: string[] = [];
        const finished = await Promise.race([disk.untilLost().then(() => false), liveOnce(disk, acknowledged).then(() => true)]);
        const next = ending(disk);
        const seen = await see(next);
        const after = await see(next.losePower(), { add: false });
        assert.ok(seen.first <= 3 && seen.values.length >= acknowledged.length - seen.first, `operation ${operation}`);
        assert.deepEqual(after.values.slice(seen.first - after.first), seen.values, `operation ${operation}`);
        assert.equal(after.committed, seen.committed, `operation ${operation}`);
        if (finished) return assert.ok(operation > 100, "a life has many operations");
      }
    });
  }
});

function kill(disk: SimulatedFileSystem): SimulatedFileSystem {
  return disk.kill();
}

/** Makes a topic, fills three segments, commits, drops what may be dropped, and closes. */
async function liveOnce(disk: SimulatedFileSystem, acknowledged: string[]): Promise<void> {
  const env = createManualEnv();
  const log = await open(disk, { env });
  const topic = await log.createTopic(toSpec("t", { retention: { bytes: 0 }, retainFor: [group("g")] }));
  const append = async (value: string): Promise<void> => {
    await log.append(at(topic), toBatch([value]));
    acknowledged.push(value);
  };
  for (const value of ["a", "b", "c"]) await append(value.repeat(3_000));
  await append("d".repeat(3_000));
  await log.commit(group("g"), [position(topic, 1)]);
  env.wake();
  await until("the first segment is dropped", async () => (await log.bounds(at(topic))).first === 1);
  const another = await log.createTopic(toSpec("u"));
  await log.deleteTopic(another.name, another.id);
  await log[Symbol.asyncDispose]();
}

/** What a process finds, and what it adds to a topic that it finds. It ends without closing. */
async function see(
  disk: SimulatedFileSystem,
  { add = true }: { readonly add?: boolean } = {},
): Promise<{ readonly first: number; readonly values: readonly (string | null)[]; readonly committed: number | undefined }> {
  const log = await open(disk);
  const topic = await log.describeTopic(toSpec("t").name);
  if (topic === undefined) return { first: 0, values: [], committed: undefined };
  if (add) await log.append(at(topic), toBatch(["added"]));
  const { first } = await log.bounds(at(topic));
  const committed = await log.committed(group("g"), { topic: topic.name, topicId: topic.id });
  return { first, values: await readValues(log, position(topic, first)), committed: committed.get(at(topic).partition) };
}

/** A disk that loses everything unsynced. */
function losing(): SimulatedFileSystem {
  return new SimulatedFileSystem({ random: () => 0.95 });
}

function open(disk: SimulatedFileSystem, options: Partial<EmbeddedLogOptions> = {}): Promise<Log> {
  return openEmbeddedLog({ directory: "/log", env: createManualEnv(), logger: silentLogger, segmentBytesMax: 4_096, fileSystem: disk, ...options });
}

function rejects(promise: Promise<unknown>, code: Code): Promise<void> {
  return assert.rejects(promise, { code });
}
