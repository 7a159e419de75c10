import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { afterEach, describe, test } from "node:test";
import { limits } from "../runtime/limits.ts";
import type { Code } from "../runtime/errors.ts";
import { at, group, instant, position, readRecords, readValues, toBatch, toSpec, toTextRecords } from "./log-testing.ts";
import { until } from "../runtime/testing/until.ts";
import type { Log, LogPosition, Offset, TopicInfo, TopicSpec } from "./log.ts";
import type { RecordBatch } from "./record-batch.ts";

/** A log to be tested. It may hold other topics; the suite makes its own, with names that nobody else uses. */
export interface LogUnderTest extends AsyncDisposable {
  log: Log;
  /** Closes the log and opens it again on what it stored; `log` is the new one. */
  reopen(): Promise<void>;
  /** What a driver can do only where the test owns its surroundings; without it the tests that need it are skipped. */
  readonly clock?: { set(now: number): void } | undefined;
  /** Lets retention look now; segments are small then, so that batches of some kilobytes fill them. */
  readonly retain?: (() => void) | undefined;
}

/** The promises of `Log`, as every driver has to keep them. `capabilities` tells what `open` gives. */
export function testLog(name: string, open: () => Promise<LogUnderTest>, capabilities: { readonly clock: boolean; readonly retain: boolean }): void {
  describe(`the ${name} log`, () => {
    const opened: LogUnderTest[] = [];
    afterEach(async () => {
      for (const one of opened.splice(0)) await one[Symbol.asyncDispose]();
    });
    const start: Start = async (spec = {}) => {
      const under = await open();
      opened.push(under);
      return { under, topic: await under.log.createTopic(toSpec(`contract.${randomBytes(8).toString("hex")}`, spec)) };
    };
    testTopics(start);
    testAppend(start, capabilities);
    testRead(start);
    testTimes(start, capabilities);
    testGroups(start);
    testRetention(start, capabilities);
    testClosing(start);
  });
}

type Start = (spec?: Partial<TopicSpec>) => Promise<{ readonly under: LogUnderTest; readonly topic: TopicInfo }>;

function testTopics(start: Start): void {
  describe("topics", () => {
    test("are made once, and given back when they are made again", async () => {
      const { under, topic } = await start({ partitions: 3 });
      assert.match(topic.id, /^[A-Za-z0-9_-]{22}$/);
      assert.deepEqual(await under.log.createTopic(topic), topic);
      assert.deepEqual(await under.log.describeTopic(topic.name), topic);
      assert.ok((await under.log.topics()).some(({ id }) => id === topic.id));
      await under.reopen();
      assert.deepEqual(await under.log.describeTopic(topic.name), topic);
    });

    test("take a new retention, but no other number of partitions or kind of time", async () => {
      const { under, topic } = await start({ partitions: 2 });
      const changed = { ...topic, retention: { ms: 1_000_000, bytes: 5_000_000 }, retainFor: [group("some.group")] };
      assert.deepEqual(await under.log.createTopic(changed), changed);
      await under.reopen();
      assert.deepEqual(await under.log.describeTopic(topic.name), changed);
      await rejects(under.log.createTopic({ ...topic, partitions: 3 }), "log.topicConflict");
      await rejects(under.log.createTopic({ ...topic, timestampType: "create" }), "log.topicConflict");
    });

    test("have a new id after they were deleted and made again, under which nothing of before is found", async () => {
      const { under, topic } = await start();
      await under.log.append(at(topic), toBatch(["before"]));
      await under.log.commit(group("reader"), [position(topic, 1)]);
      await under.log.deleteTopic(topic.name, topic.id);
      assert.equal(await under.log.describeTopic(topic.name), undefined);
      await rejects(under.log.append(at(topic), toBatch(["x"])), "log.topicUnknown");
      await rejects(readValues(under.log, position(topic, 0)), "log.topicUnknown");
      await rejects(under.log.deleteTopic(topic.name, topic.id), "log.topicUnknown");
      const again = await under.log.createTopic(toSpec(topic.name));
      assert.notEqual(again.id, topic.id);
      await rejects(under.log.append(at(topic), toBatch(["x"])), "log.topicReplaced");
      await rejects(readValues(under.log, position(topic, 0)), "log.topicReplaced");
      await rejects(under.log.bounds(at(topic)), "log.topicReplaced");
      await rejects(under.log.commit(group("reader"), [position(topic, 1)]), "log.topicReplaced");
      await rejects(under.log.deleteTopic(topic.name, topic.id), "log.topicReplaced");
      assert.deepEqual(await under.log.bounds(at(again)), { first: 0, stable: 0, end: 0 });
      assert.equal((await under.log.committed(group("reader"), idOf(again))).size, 0);
      assert.equal((await under.log.committed(group("reader"), idOf(topic))).size, 0);
      await under.reopen();
      assert.equal((await under.log.describeTopic(topic.name))?.id, again.id);
      assert.deepEqual(await readValues(under.log, position(again, 0)), []);
    });

    test("that are unknown are named, and so are partitions that they do not have", async () => {
      const { under, topic } = await start({ partitions: 2 });
      const unknown = { ...topic, name: `${topic.name}.unknown` as TopicInfo["name"] };
      assert.equal(await under.log.describeTopic(unknown.name), undefined);
      await rejects(under.log.append(at(unknown), toBatch(["x"])), "log.topicUnknown");
      await rejects(under.log.append(at(topic, 2), toBatch(["x"])), "log.topicUnknown");
      await rejects(under.log.bounds(at(topic, 2)), "log.topicUnknown");
      await rejects(under.log.offsetAt(at(unknown), instant(0)), "log.topicUnknown");
      await rejects(readValues(under.log, position(topic, 0, 2)), "log.topicUnknown");
    });

    test("of impossible names or settings are refused", async () => {
      const { under, topic } = await start();
      for (const name of ["", ".", "..", "a/b", "a b", "a".repeat(250), "ä"]) await rejects(under.log.createTopic(toSpec(name)), "log.invalid");
      for (const partitions of [0, -1, 1.5, 1e9]) await rejects(under.log.createTopic({ ...topic, partitions }), "log.invalid");
      await rejects(under.log.createTopic({ ...topic, retention: { ms: -1 } }), "log.invalid");
    });
  });
}

function idOf({ name, id }: TopicInfo): { readonly topic: TopicInfo["name"]; readonly topicId: TopicInfo["id"] } {
  return { topic: name, topicId: id };
}

function testAppend(start: Start, { clock }: { readonly clock: boolean }): void {
  describe("append", () => {
    test("gives records back byte for byte, with nulls and headers, also after the log was opened again", async () => {
      const { under, topic } = await start();
      const headers = [
        { key: "source", value: Buffer.from("door") },
        { key: "source", value: null },
      ];
      const range = await under.log.append(at(topic), toBatch(["one", null, ""], { key: "k", headers }));
      assert.deepEqual([range.first, range.last], [0, 2]);
      const expected = ["one", null, ""].map((value, offset) => {
        return { offset, timestamp: range.timestamp, key: "k", value, headers: [["source", "door"] as const, ["source", null] as const] };
      });
      assert.deepEqual(await readRecords(under.log, position(topic, 0)), expected);
      await under.reopen();
      assert.deepEqual(await readRecords(under.log, position(topic, 0)), expected);
      assert.deepEqual(await under.log.bounds(at(topic)), { first: 0, stable: 3, end: 3 });
      assert.equal((await under.log.append(at(topic), toBatch(["next"]))).first, 3);
    });

    test("gives each of many batches at once a range of its own, whole, over all partitions", async () => {
      const { under, topic } = await start({ partitions: 3 });
      const sent = Array.from({ length: 120 }, (_, index) => ({
        partition: index % 3,
        values: Array.from({ length: 1 + (index % 5) }, (_value, place) => `${index}-${place}`),
      }));
      const ranges = await Promise.all(sent.map(({ partition, values }) => under.log.append(at(topic, partition), toBatch(values))));
      for (const partition of [0, 1, 2]) {
        const expected: (string | null)[] = [];
        for (const [index, range] of ranges.entries()) {
          const { values } = sent[index]!;
          assert.equal(range.last - range.first + 1, values.length);
          if (sent[index]!.partition === partition) for (const [place, value] of values.entries()) expected[range.first + place] = value;
        }
        assert.deepEqual(await readValues(under.log, position(topic, 0, partition)), expected);
      }
    });

    test("keeps the order of a caller that awaits each batch", async () => {
      const { under, topic } = await start();
      const values = Array.from({ length: 30 }, (_, index) => `${index}`);
      for (const value of values) await under.log.append(at(topic), toBatch([value]));
      assert.deepEqual(await readValues(under.log, position(topic, 0)), values);
    });

    test("refuses a batch that is too large, empty, or not made of records", async () => {
      const { under, topic } = await start();
      const largest = toBatch(["x".repeat(limits.batchBytesMax - 100)]);
      await under.log.append(at(topic), largest);
      await rejects(under.log.append(at(topic), toBatch(["x".repeat(limits.batchBytesMax)])), "log.batchTooLarge");
      const batch = toBatch(["a", "b"]);
      const wrong: readonly RecordBatch[] = [
        { ...batch, count: 0, records: Buffer.alloc(0) },
        { ...batch, count: 1 },
        { ...batch, count: 3 },
        { ...batch, records: Buffer.alloc(20, 0xff) },
      ];
      for (const one of wrong) await rejects(under.log.append(at(topic), one), "log.invalid");
      assert.deepEqual(await under.log.bounds(at(topic)), { first: 0, stable: 1, end: 1 });
    });

    test("takes nothing when it was aborted before it began", async () => {
      const { under, topic } = await start();
      await assert.rejects(under.log.append(at(topic), toBatch(["x"]), { signal: AbortSignal.abort() }), { name: "AbortError" });
      assert.equal((await under.log.bounds(at(topic))).end, 0);
    });

    test("keeps the records' own times where the topic says so", async () => {
      const { under, topic } = await start({ timestampType: "create" });
      const range = await under.log.append(at(topic), toBatch(["a", "b"], { timestamp: 1_234_567 }));
      assert.equal(range.timestamp, 1_234_567);
      assert.deepEqual(
        (await readRecords(under.log, position(topic, 0))).map(({ timestamp }) => timestamp),
        [1_234_567, 1_234_567],
      );
    });

    test("never stamps a time before one that it was settled to, whatever the clock does and however it is opened again", { skip: !clock }, async () => {
      const { under, topic } = await start({ partitions: 3 });
      const now = 1_800_000_000_000;
      const dayMs = 86_400_000;
      let told = 0;
      for (const [partition, jumpMs] of [-60_000, -30 * dayMs, -1].entries()) {
        under.clock!.set(now + partition * dayMs);
        const { asOf, ...bounds } = await under.log.settled(at(topic, partition));
        assert.deepEqual(bounds, await under.log.bounds(at(topic, partition)));
        assert.ok(asOf >= now + partition * dayMs - 1_000 && asOf <= now + partition * dayMs, "it is at most a second behind the clock");
        told = asOf;
        under.clock!.set(now + partition * dayMs + jumpMs);
        if (partition === 1) await under.reopen();
        assert.ok((await under.log.settled(at(topic, partition))).asOf >= told);
        assert.ok((await under.log.append(at(topic, partition), toBatch(["later"]))).timestamp >= told);
      }
      under.clock!.set(1_000);
      for (const reopened of [false, true]) {
        if (reopened) await under.reopen();
        for (const partition of [0, 1, 2]) assert.ok((await under.log.append(at(topic, partition), toBatch(["much later"]))).timestamp >= told);
      }
    });

    test("is settled to the time of its last record at least", { skip: !clock }, async () => {
      const { under, topic } = await start();
      under.clock!.set(1_800_000_000_000);
      await under.log.settled(at(topic));
      under.clock!.set(1_800_000_000_900);
      const { timestamp } = await under.log.append(at(topic), toBatch(["one"]));
      assert.equal(timestamp, 1_800_000_000_900);
      assert.deepEqual(await under.log.settled(at(topic)), { first: 0, stable: 1, end: 1, asOf: timestamp });
    });

    test("stamps times that never run backwards, whatever the clock does", { skip: !clock }, async () => {
      const { under, topic } = await start();
      const times: number[] = [];
      for (const now of [2_000_000_000_000, 2_000_000_000_500, 1_999_999_999_000, 2_000_000_000_501]) {
        under.clock!.set(now);
        times.push((await under.log.append(at(topic), toBatch(["x"], { timestamp: 7 }))).timestamp);
      }
      under.clock!.set(1_000);
      await under.reopen();
      times.push((await under.log.append(at(topic), toBatch(["x"]))).timestamp);
      assert.deepEqual(times, [2_000_000_000_000, 2_000_000_000_500, 2_000_000_000_500, 2_000_000_000_501, 2_000_000_000_501]);
      assert.deepEqual(
        (await readRecords(under.log, position(topic, 0))).map(({ timestamp }) => timestamp),
        times,
      );
    });
  });
}

function testRead(start: Start): void {
  describe("read", () => {
    test("begins with the batch that holds the position and gives whole batches", async () => {
      const { under, topic } = await start();
      await fill(under.log, topic, 10, 5);
      for (const offset of [0, 1, 7, 24, 49]) {
        const batches = [];
        for await (const batch of under.log.read(position(topic, offset), { until: "end", batchBytesMax: 1 })) batches.push(batch);
        assert.ok(batches[0]!.baseOffset <= offset && batches[0]!.lastOffset >= offset);
        for (const [index, batch] of batches.entries()) {
          assert.equal(batch.next, batch.lastOffset + 1);
          assert.equal(toTextRecords(batch).length, batch.count);
          if (index > 0) assert.equal(batch.baseOffset, batches[index - 1]!.next);
        }
        assert.equal(batches.at(-1)!.next, 50);
      }
    });

    test("ends at the end that was there when it began, or before the given offset", async () => {
      const { under, topic } = await start();
      await fill(under.log, topic, 4, 1);
      const reading = under.log.read(position(topic, 1), { until: "end", batchBytesMax: 1_000 });
      await under.log.append(at(topic), toBatch(["later"]));
      const seen = [];
      for await (const batch of reading) seen.push(...toTextRecords(batch).map(({ value }) => value));
      assert.deepEqual(seen, ["1", "2", "3"]);
      assert.deepEqual(await readValues(under.log, position(topic, 1), { until: 3 as Offset }), ["1", "2"]);
      assert.deepEqual(await readValues(under.log, position(topic, 3), { until: 3 as Offset }), []);
      assert.deepEqual(await readValues(under.log, position(topic, 5)), []);
    });

    test("waits for what comes, for each of several readers", async () => {
      const { under, topic } = await start();
      await fill(under.log, topic, 2, 1);
      const readers = [0, 1, 2].map((from) => take(under.log, position(topic, from), 20 - from));
      for (let index = 2; index < 20; index++) await under.log.append(at(topic), toBatch([`${index}`]));
      for (const [from, values] of (await Promise.all(readers)).entries()) {
        assert.deepEqual(
          values,
          Array.from({ length: 20 - from }, (_, index) => `${index + from}`),
        );
      }
      const beyond = readValues(under.log, position(topic, 18), { until: 22 as Offset });
      await under.log.append(at(topic), toBatch(["20"]));
      await under.log.append(at(topic), toBatch(["21"]));
      assert.deepEqual(await beyond, ["18", "19", "20", "21"]);
    });

    test("stops with the signal's reason when it is aborted while it waits", async () => {
      const { under, topic } = await start();
      await fill(under.log, topic, 1, 1);
      const abort = new AbortController();
      const reading = take(under.log, position(topic, 0), 2, abort.signal);
      setTimeout(() => abort.abort(), 20);
      await assert.rejects(reading, { name: "AbortError" });
    });

    test("can be left early, and begun again where it was left", async () => {
      const { under, topic } = await start();
      await fill(under.log, topic, 6, 2);
      let next = 0 as Offset;
      const seen: (string | null)[] = [];
      for (let round = 0; round < 6; round++) {
        for await (const batch of under.log.read({ ...at(topic), offset: next }, { until: "live", batchBytesMax: 100 })) {
          seen.push(...toTextRecords(batch).map(({ value }) => value));
          next = batch.next;
          break;
        }
      }
      assert.deepEqual(
        seen,
        Array.from({ length: 12 }, (_, index) => `${index}`),
      );
    });

    test("refuses positions that are not there", async () => {
      const { under, topic } = await start();
      await fill(under.log, topic, 3, 1);
      for (const offset of [4, -1, Number.NaN]) await rejects(readValues(under.log, position(topic, offset)), "log.offsetOutOfRange");
    });

    test("ends with an error when the topic is deleted under it", async () => {
      const { under, topic } = await start();
      const ended = rejects(take(under.log, position(topic, 0), 1), "log.topicUnknown");
      await under.log.deleteTopic(topic.name, topic.id);
      await ended;
    });
  });
}

function testTimes(start: Start, { clock }: { readonly clock: boolean }): void {
  describe("offsetAt", () => {
    test("finds the first batch that was appended at or after a time", { skip: !clock }, async () => {
      const { under, topic } = await start();
      const base = 2_000_000_000_000;
      const firsts: number[] = [];
      for (let index = 0; index < 40; index++) {
        under.clock!.set(base + Math.floor(index / 2) * 10);
        firsts.push((await under.log.append(at(topic), toBatch(["a".repeat(500), "b".repeat(500)]))).first);
      }
      const check = async (): Promise<void> => {
        for (let index = 0; index < 20; index++) {
          assert.equal(await under.log.offsetAt(at(topic), instant(base + index * 10)), firsts[index * 2]);
          assert.equal(await under.log.offsetAt(at(topic), instant(base + index * 10 - 9)), firsts[index * 2]);
        }
        assert.equal(await under.log.offsetAt(at(topic), instant(0)), 0);
        assert.equal(await under.log.offsetAt(at(topic), instant(base + 191)), 80);
      };
      await check();
      await under.reopen();
      await check();
    });

    test("goes by the records' own times where the topic keeps them", async () => {
      const { under, topic } = await start({ timestampType: "create" });
      const times = [50, 20, 70, 70, 10, 90];
      for (const timestamp of times) await under.log.append(at(topic), toBatch(["x".repeat(3_000)], { timestamp }));
      const check = async (): Promise<void> => {
        for (const [time, offset] of [
          [0, 0],
          [50, 0],
          [51, 2],
          [70, 2],
          [71, 5],
          [90, 5],
          [91, 6],
        ]) {
          assert.equal(await under.log.offsetAt(at(topic), instant(time!)), offset, `time ${time}`);
        }
      };
      await check();
      await under.reopen();
      await check();
    });

    test("is the end of an empty partition", async () => {
      const { under, topic } = await start();
      assert.equal(await under.log.offsetAt(at(topic), instant(0)), 0);
    });
  });
}

function testGroups(start: Start): void {
  describe("groups", () => {
    test("keep what was committed last, by partition, also after the log was opened again", async () => {
      const { under, topic } = await start({ partitions: 3 });
      const name = group(`a group/with.any text ${topic.name}`);
      assert.equal((await under.log.committed(name, idOf(topic))).size, 0);
      await under.log.commit(name, [position(topic, 5, 0), position(topic, 7, 2)]);
      await under.log.commit(name, [position(topic, 3, 0)]);
      const expected = new Map([
        [0, 3],
        [2, 7],
      ]);
      assert.deepEqual(await under.log.committed(name, idOf(topic)), expected);
      await under.reopen();
      assert.deepEqual(await under.log.committed(name, idOf(topic)), expected);
      const listed = [];
      for await (const info of under.log.groups()) if (info.group === name) listed.push(...info.positions);
      assert.deepEqual(sorted(listed), [position(topic, 3, 0), position(topic, 7, 2)]);
    });

    test("take many commits at once, of which the later counts", async () => {
      const { under, topic } = await start({ partitions: 2 });
      const name = group(topic.name);
      await Promise.all(Array.from({ length: 50 }, (_, index) => under.log.commit(name, [position(topic, index, index % 2)])));
      assert.deepEqual(
        [...(await under.log.committed(name, idOf(topic)))].sort(([one], [other]) => one - other),
        [
          [0, 48],
          [1, 49],
        ],
      );
    });

    test("refuse what is no offset, no group or no partition", async () => {
      const { under, topic } = await start();
      for (const offset of [-1, 0.5, Number.NaN]) await rejects(under.log.commit(group("g"), [position(topic, offset)]), "log.invalid");
      await rejects(under.log.commit(group(""), [position(topic, 0)]), "log.invalid");
      await rejects(under.log.commit(group("g"), [position(topic, 0, 1)]), "log.topicUnknown");
    });
  });
}

function testRetention(start: Start, { clock, retain }: { readonly clock: boolean; readonly retain: boolean }): void {
  describe("retention", () => {
    test("drops the oldest by size, and never what is within it", { skip: !retain }, async () => {
      const { under, topic } = await start({ retention: { bytes: 20_000 } });
      await fill(under.log, topic, 60, 1, 1_000);
      await retained(under, "something is dropped", topic, (first) => first > 0);
      const { first, end } = await under.log.bounds(at(topic));
      assert.equal(end, 60);
      assert.ok(first <= 40, `${first}`);
      assert.equal((await readValues(under.log, position(topic, first))).length, 60 - first);
      await rejects(readValues(under.log, position(topic, first - 1)), "log.offsetOutOfRange");
      await under.reopen();
      assert.equal((await under.log.bounds(at(topic))).first, first);
    });

    test("drops what is older than its time, all of it in the end", { skip: !retain || !clock }, async () => {
      const { under, topic } = await start({ retention: { ms: 60_000 } });
      under.clock!.set(2_000_000_000_000);
      await fill(under.log, topic, 10, 1, 1_000);
      under.clock!.set(2_000_000_050_000);
      await fill(under.log, topic, 10, 1, 1_000);
      under.clock!.set(2_000_000_070_000);
      await retained(under, "the older half is dropped", topic, (first) => first > 0);
      assert.ok((await under.log.bounds(at(topic))).first <= 10);
      under.clock!.set(2_000_000_200_000);
      await retained(under, "everything is dropped", topic, (first) => first === 20);
      assert.deepEqual(await readValues(under.log, position(topic, 20)), []);
      await under.reopen();
      assert.deepEqual(await under.log.bounds(at(topic)), { first: 20, stable: 20, end: 20 });
      assert.equal((await under.log.append(at(topic), toBatch(["x"]))).first, 20);
    });

    test("waits for the groups that the topic names, also before their first commit", { skip: !retain }, async () => {
      const { under, topic } = await start({ retention: { bytes: 0 }, retainFor: [group("mainstem.archive.x"), group("other")] });
      await fill(under.log, topic, 40, 1, 1_000);
      const dropped = async (): Promise<number> => {
        under.retain!();
        // Retention has nothing to show for a look that drops nothing: give it time to do what it must not. What it must do is waited for below.
        await new Promise((resolve) => setTimeout(resolve, 30));
        return (await under.log.bounds(at(topic))).first;
      };
      assert.equal(await dropped(), 0);
      await under.log.commit(group("other"), [position(topic, 40)]);
      assert.equal(await dropped(), 0);
      await under.log.commit(group("mainstem.archive.x"), [position(topic, 25)]);
      await retained(under, "something is dropped", topic, (first) => first > 0);
      assert.ok((await dropped()) <= 25);
      await under.reopen();
      assert.ok((await dropped()) <= 25);
    });
  });
}

function testClosing(start: Start): void {
  describe("a closed log", () => {
    test("finished what it had accepted, ends its readers and refuses the rest", async () => {
      const { under, topic } = await start();
      const { log } = under;
      const appended = log.append(at(topic), toBatch(["accepted"]));
      const ended = rejects(take(log, position(topic, 0), 2), "resource.closed");
      await under.reopen();
      await appended;
      await ended;
      await log[Symbol.asyncDispose]();
      for (const refused of [
        log.append(at(topic), toBatch(["x"])),
        log.createTopic(toSpec("other")),
        log.bounds(at(topic)),
        log.commit(group("g"), [position(topic, 0)]),
        readValues(log, position(topic, 0)),
      ]) {
        await rejects(refused, "resource.closed");
      }
      assert.deepEqual(await readValues(under.log, position(topic, 0)), ["accepted"]);
    });
  });
}

/** Appends batches of counted values: `0`, `1`, … or, with `bytes`, values of that length. */
async function fill(log: Log, topic: TopicInfo, batches: number, perBatch: number, bytes?: number): Promise<void> {
  for (let batch = 0; batch < batches; batch++) {
    const values = Array.from({ length: perBatch }, (_, index) => (bytes === undefined ? `${batch * perBatch + index}` : "x".repeat(bytes)));
    await log.append(at(topic), toBatch(values));
  }
}

/** Has retention look until the first offset is as expected. */
function retained(under: LogUnderTest, what: string, topic: TopicInfo, expected: (first: number) => boolean): Promise<true> {
  return until(what, async () => {
    under.retain!();
    return expected((await under.log.bounds(at(topic))).first);
  });
}

/** The first `count` values from the position on, waiting for them. */
async function take(log: Log, from: LogPosition, count: number, signal?: AbortSignal): Promise<(string | null)[]> {
  const values: (string | null)[] = [];
  for await (const batch of log.read(from, { until: "live", batchBytesMax: 1_000, signal })) {
    for (const record of toTextRecords(batch)) if (record.offset >= from.offset) values.push(record.value);
    if (values.length >= count) break;
  }
  return values;
}

function sorted(positions: readonly LogPosition[]): LogPosition[] {
  return [...positions].sort((one, other) => one.partition - other.partition);
}

function rejects(promise: Promise<unknown>, code: Code): Promise<void> {
  return assert.rejects(promise, { code });
}
