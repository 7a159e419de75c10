import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { until } from "../runtime/testing/until.ts";
import type { Answer } from "./ingest.ts";
import { inboxHeader } from "./inbox-entry.ts";
import { ask, inChunks, openRooms, order, orders, readRecords, readTopic, toLines, type Rooms } from "./testing/open-rooms.ts";

const counts = ({ records, accepted, quarantined, refused }: Answer) => ({
  records,
  accepted,
  quarantined,
  refused: refused.map(({ index, code }) => `${index} ${code}`),
});
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

describe("the door", () => {
  let rooms: Rooms;
  before(async () => {
    rooms = await openRooms({ limits: { lingerMs: 30 } });
    await rooms.registry.apply(orders);
  });
  after(() => rooms[Symbol.asyncDispose]());

  /** What a request adds to the log, sorted by key. */
  async function added(run: () => Promise<unknown>): Promise<readonly unknown[]> {
    const key = (record: Record<string, unknown>): string => JSON.stringify(record);
    const known = (await readRecords(rooms)).map(key);
    await run();
    const now = (await readRecords(rooms)).map(key);
    for (const one of known) now.splice(now.indexOf(one), 1);
    return now.toSorted().map((text) => JSON.parse(text) as unknown);
  }

  test("stores valid records and names what is wrong with the others", async () => {
    const lines = Buffer.concat([
      toLines([order(1)]),
      Buffer.from("\r\n{nonsense\n"),
      toLines([order(2, { amount: 3, color: "red" }), { ...order(3), note: "ok" }]),
      Buffer.from([0x7b, 0xff, 0x7d, 0x0a]),
      Buffer.from(`${"[".repeat(65)}${"]".repeat(65)}\n`),
      Buffer.from(`"${"x".repeat(1_000_000)}"\n`),
    ]);
    let answer: Answer | undefined;
    const records = await added(async () => (answer = await rooms.ingest.accept(ask(lines))));
    assert.ok(answer !== undefined);
    assert.deepEqual(counts(answer), {
      records: 7,
      accepted: 2,
      quarantined: 0,
      refused: ["1 record.notJson", "2 record.invalid", "4 record.notUtf8", "5 record.tooDeep", "6 record.tooLarge"],
    });
    assert.deepEqual(
      answer.refused[1]?.errors.map(({ path }) => path),
      ["amount", "color"],
    );
    assert.deepEqual(records, [
      { orderId: "order-1", revision: 1, amount: "12.50", note: null },
      { orderId: "order-3", revision: 3, amount: "12.50", note: "ok" },
    ]);
  });

  test("takes one object, an array, and NDJSON alike", async () => {
    const records = [order(10), order(11, { revision: "x" }), order(12)];
    const whole = await rooms.ingest.accept(ask(json(records), { format: "json" }));
    const lines = await rooms.ingest.accept(ask(toLines(records)));
    assert.deepEqual(whole, lines);
    assert.deepEqual(counts(whole), { records: 3, accepted: 2, quarantined: 0, refused: ["1 record.invalid"] });
    const one = await rooms.ingest.accept(ask(json(order(13)), { format: "json" }));
    assert.deepEqual(counts(one), { records: 1, accepted: 1, quarantined: 0, refused: [] });
  });

  test("gives the memory of a body back once it is read, but no memory that a chunk shares with others", async () => {
    // Rooms of its own: the other tests read all that is there.
    await using own = await openRooms();
    await own.registry.apply(orders);
    const lines = toLines(Array.from({ length: 2_000 }, (_, index) => order(100 + index)));
    const copyOf = (bytes: Uint8Array): Buffer => {
      const chunk = Buffer.allocUnsafeSlow(bytes.length);
      chunk.set(bytes);
      return chunk;
    };
    const chunk = copyOf(lines.subarray(0, 60_001));
    const shared = copyOf(lines);
    const part = shared.subarray(60_001);
    const body = async function* (): AsyncGenerator<Buffer> {
      yield chunk;
      yield part;
    };
    assert.equal((await own.ingest.accept({ ...ask(lines), body: body() })).accepted, 2_000);
    assert.deepEqual([chunk.length, part.length], [0, lines.length - 60_001]);
    const again = copyOf(lines.subarray(0, 60_001));
    const whole = async function* (): AsyncGenerator<Buffer> {
      yield again;
      yield part;
    };
    assert.equal((await own.ingest.accept({ ...ask(lines), body: whole(), idempotencyKey: "memory" })).accepted, 2_000);
    assert.deepEqual([again.length, part.length], [0, lines.length - 60_001]);
    const large = copyOf(lines);
    assert.equal((await own.ingest.accept(ask(inChunks(large)))).accepted, 2_000);
    assert.deepEqual([lines.length > 65_536, large.length], [true, 0]);
    const zipped = gzipSync(lines);
    assert.equal((await own.ingest.accept(ask(zipped, { encoding: "gzip" }))).accepted, 2_000);
    assert.equal(zipped.length, gzipSync(lines).length);
  });

  test("refuses what is JSON but no object, one by one", async () => {
    const values = [1, "text", null, [order(1)], true];
    const whole = await rooms.ingest.accept(ask(json(values), { format: "json" }));
    const lines = await rooms.ingest.accept(ask(toLines(values)));
    assert.equal(whole.accepted, 0);
    assert.deepEqual(whole, lines);
    const alone = await rooms.ingest.accept(ask(json("text"), { format: "json" }));
    assert.deepEqual(counts(alone), { records: 1, accepted: 0, quarantined: 0, refused: ["0 record.invalid"] });
  });

  test("answers zeros to nothing", async () => {
    for (const request of [ask(Buffer.alloc(0)), ask(Buffer.from(" \n\r\n")), ask(json([]), { format: "json" })])
      assert.deepEqual(counts(await rooms.ingest.accept(request)), { records: 0, accepted: 0, quarantined: 0, refused: [] });
  });

  const notJson: readonly (readonly [string, string | Buffer])[] = [
    ["nothing", ""],
    ["half an object", '{"orderId":'],
    ["an array that is not closed", `[${JSON.stringify(order(1))}`],
    ["an array with a fault behind a valid record", `[${JSON.stringify(order(1))}, nonsense]`],
    ["something behind the array", `[${JSON.stringify(order(1))}] 1`],
    ["two objects", `${JSON.stringify(order(1))}\n${JSON.stringify(order(2))}`],
    ["bytes that are no UTF-8", Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d])],
    ["brackets without end", "[".repeat(100_000)],
  ];
  for (const [what, body] of notJson)
    test(`stores nothing of a JSON body that is ${what}`, async () => {
      const records = await added(() => assert.rejects(rooms.ingest.accept(ask(Buffer.from(body as string), { format: "json" })), { code: "ingest.notJson" }));
      assert.deepEqual(records, []);
    });

  test("refuses a deeply nested element of an array, and takes its neighbours", async () => {
    const deep = "[".repeat(200_000) + "]".repeat(200_000);
    const body = Buffer.from(`[${JSON.stringify(order(20))},${deep},${JSON.stringify(order(21))}]`);
    assert.deepEqual(counts(await rooms.ingest.accept(ask(body, { format: "json" }))), {
      records: 3,
      accepted: 2,
      quarantined: 0,
      refused: ["1 record.tooDeep"],
    });
  });

  test("takes a body that must be whole only up to its limit, after decompression", async () => {
    await using small = await openRooms({ limits: { bodyBytesMax: 10_000 } });
    await small.registry.apply(orders);
    const lines = toLines(Array.from({ length: 300 }, (_, index) => order(index)));
    const records = Array.from({ length: 300 }, (_, index) => order(index));
    assert.equal((await small.ingest.accept(ask(lines))).accepted, 300, "streams have no such limit");
    await assert.rejects(small.ingest.accept(ask(lines, { atomic: true })), { code: "ingest.tooLarge" });
    await assert.rejects(small.ingest.accept(ask(lines, { idempotencyKey: "k" })), { code: "ingest.tooLarge" });
    await assert.rejects(small.ingest.accept(ask(json(records), { format: "json" })), { code: "ingest.tooLarge" });
    await assert.rejects(small.ingest.accept(ask(gzipSync(json(records)), { format: "json", encoding: "gzip" })), { code: "ingest.tooLarge" });
    assert.equal(small.ingest.status().heldBytes, 0);
  });

  test("reads gzip, and says so when it is none, cut or damaged", async () => {
    const lines = toLines(Array.from({ length: 500 }, (_, index) => order(index)));
    const packed = gzipSync(lines);
    assert.equal((await rooms.ingest.accept(ask(inChunks(packed, [1, 7, 100]), { encoding: "gzip" }))).accepted, 500);
    const members = Buffer.concat([gzipSync(toLines([order(1)])), gzipSync(toLines([order(2)]))]);
    assert.equal((await rooms.ingest.accept(ask(members, { encoding: "gzip" }))).accepted, 2);
    const flipped = Buffer.from(packed);
    flipped[flipped.length - 6]! ^= 0xff;
    for (const broken of [lines, packed.subarray(0, packed.length - 9), flipped, Buffer.from([0x1f, 0x8b])])
      await assert.rejects(rooms.ingest.accept(ask(broken, { encoding: "gzip" })), { code: "ingest.encoding" });
  });

  test("appends nothing of an atomic request in which one record is invalid", async () => {
    const bad = [order(30), order(31), { orderId: 5 }];
    const lines = toLines([...bad, ...Array.from({ length: 5_000 }, (_, index) => order(index))]);
    for (const request of [ask(lines, { atomic: true }), ask(json(bad), { format: "json", atomic: true })]) {
      const records = await added(async () => {
        const answer = await rooms.ingest.accept(request);
        assert.equal(answer.accepted, 0);
        assert.deepEqual(
          answer.refused.map(({ index }) => index),
          [2],
        );
      });
      assert.deepEqual(records, []);
    }
    assert.equal((await rooms.ingest.accept(ask(toLines([order(30), order(31)]), { atomic: true }))).accepted, 2);
    await assert.rejects(rooms.ingest.accept(ask(lines, { atomic: true, invalid: "inbox" })), { code: "ingest.parameter" });
  });

  test("keeps refused records in the inbox with their cause and original bytes", async () => {
    const originals = [
      Buffer.from('  {"orderId": 7 , "revision":1}'),
      Buffer.from("{nonsense"),
      Buffer.from([0x22, 0xff, 0x22]),
      Buffer.from(`"${"long ".repeat(220_000)}`),
    ];
    const body = Buffer.concat([toLines([order(40)]), ...originals.flatMap((original) => [original, Buffer.from("\r\n")])]);
    const answer = await rooms.ingest.accept(ask(body, { invalid: "inbox" }));
    assert.deepEqual(counts(answer), { records: 5, accepted: 1, quarantined: 4, refused: [] });
    const { topics, version } = await rooms.registry.require("shop.orders");
    const entries = (await readTopic(rooms.log, topics.inbox)).slice(-4);
    const causes = entries.map(({ headers }) => JSON.parse(String(headers.find(({ key }) => key === inboxHeader)?.value)) as Record<string, unknown>);
    assert.deepEqual(
      causes.map(({ code }) => code),
      ["record.invalid", "record.notJson", "record.notUtf8", "record.tooLarge"],
    );
    entries.forEach(({ key, bytes }, index) => {
      const cause = causes[index];
      assert.equal(cause?.["id"], key);
      assert.match(key, new RegExp(`^door/[^/]+/${index + 1}$`));
      assert.equal(cause["contractVersion"], version);
      assert.deepEqual(bytes, originals[index]?.subarray(0, 1_000_000));
    });
    assert.equal(causes[3]?.["cutFrom"], originals[3]?.length);
  });

  test("keeps the original bytes of array elements, with all that stands in them", async () => {
    const element = '{ "orderId" : "é\\n", \n "revision": 1.5 }';
    const answer = await rooms.ingest.accept(ask(Buffer.from(`[ ${element} , ${JSON.stringify(order(1))} ]`), { format: "json", invalid: "inbox" }));
    assert.deepEqual(counts(answer), { records: 2, accepted: 1, quarantined: 1, refused: [] });
    const { topics } = await rooms.registry.require("shop.orders");
    assert.equal((await readTopic(rooms.log, topics.inbox)).at(-1)?.bytes.toString(), element);
  });

  test("keeps the order of records with one key, over many batches", async () => {
    await using narrow = await openRooms({ limits: { batchBytesMax: 2_000, windowBytes: 10_000 } });
    await narrow.registry.apply(orders);
    const records = Array.from({ length: 5_000 }, (_, index) => order(index % 10, { revision: index }));
    assert.equal(
      (
        await narrow.ingest.accept(
          ask(
            inChunks(
              toLines(records),
              Array.from({ length: 1_000 }, () => 500),
            ),
          ),
        )
      ).accepted,
      5_000,
    );
    const byKey = Map.groupBy(await readRecords(narrow), ({ orderId }) => orderId);
    assert.equal(byKey.size, 10);
    for (const [, stored] of byKey)
      assert.deepEqual(
        stored.map(({ revision }) => revision),
        stored.map(({ revision }) => revision as number).toSorted((a, b) => a - b),
      );
    assert.equal([...byKey.values()].flat().length, 5_000);
  });

  test("puts each record where Kafka's partitioner puts its key", async () => {
    const { topics } = await rooms.registry.require("shop.orders");
    await rooms.ingest.accept(ask(toLines(Array.from({ length: 100 }, (_, index) => order(index)))));
    const places = Map.groupBy(await readTopic(rooms.log, topics.records), ({ key }) => key);
    for (const [key, stored] of places) assert.equal(new Set(stored.map(({ partition }) => partition)).size, 1, key);
    assert.equal(new Set([...places.values()].flat().map(({ partition }) => partition)).size, topics.records.partitions);
  });

  test("stores records of a body that trickles in before the body is over", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    async function* slow(): AsyncGenerator<Uint8Array> {
      yield toLines([order(50)]);
      await promise;
      yield toLines([order(51)]);
    }
    const known = (await readRecords(rooms)).length;
    const answer = rooms.ingest.accept(ask(slow()));
    await until("the first record is stored", async () => (await readRecords(rooms)).length > known).finally(resolve);
    assert.equal((await answer).accepted, 2);
  });

  test("takes no half line for a record when the body breaks off", async () => {
    const failure = new Error("broken");
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield toLines([order(60)]);
      yield Buffer.from('{"orderId":"order-61","revision":1,"amount":"1"}');
      throw failure;
    }
    const records = await added(() => assert.rejects(rooms.ingest.accept(ask(broken())), failure));
    assert.ok(!JSON.stringify(records).includes("order-61"));
    assert.equal(rooms.ingest.status().heldBytes, 0);
  });

  test("keeps a producer's own time as a header", async () => {
    await rooms.ingest.accept(ask(toLines([order(70)]), { sentAt: "2026-11-21T10:00:00.5+01:00" }));
    const { topics } = await rooms.registry.require("shop.orders");
    const stored = (await readTopic(rooms.log, topics.records)).filter(({ key }) => key === "order-70").at(-1);
    assert.deepEqual(
      stored?.headers.map(({ key, value }) => [key, String(value)]),
      [["mainstem-sent-at", "2026-11-21T10:00:00.5+01:00"]],
    );
    await assert.rejects(rooms.ingest.accept(ask(toLines([]), { sentAt: "yesterday" })), { code: "ingest.parameter" });
  });

  test("names so many refused records as an answer may hold, and counts the rest", async () => {
    const answer = await rooms.ingest.accept(ask(Buffer.from("x\n".repeat(25_000))));
    assert.equal(answer.records, 25_000);
    assert.equal(answer.refused.length, 10_000);
    assert.equal(answer.refusedMore, 15_000);
  });

  test("knows no dataset that was not declared", async () => {
    await assert.rejects(rooms.ingest.accept(ask(toLines([order(1)]), { dataset: "shop.nothing" })), { code: "registry.datasetUnknown" });
  });

  test("counts what passes", async () => {
    await using fresh = await openRooms();
    await fresh.registry.apply(orders);
    const body = toLines([order(1), { bad: 1 }]);
    await fresh.ingest.accept(ask(body));
    await fresh.ingest.accept(ask(body, { invalid: "inbox" }));
    assert.deepEqual(fresh.ingest.counts().get("shop.orders"), { accepted: 2, quarantined: 1, refused: 1, bytes: body.length * 2 });
  });
});

describe("the door's limits", () => {
  test("a full log is told with its code, nothing is half acknowledged, and the door works again after it", async () => {
    await using rooms = await openRooms({ diskBytesMax: 200_000 });
    await rooms.registry.apply(orders);
    const lines = toLines(Array.from({ length: 10_000 }, (_, index) => order(index)));
    await assert.rejects(rooms.ingest.accept(ask(lines)), { code: "log.full" });
    assert.equal(rooms.ingest.status().failing?.code, "log.full");
    assert.equal(rooms.ingest.status().heldBytes, 0);
    assert.equal((await rooms.ingest.accept(ask(Buffer.alloc(0)))).records, 0);
    assert.equal(rooms.ingest.status().failing, undefined);
  });

  test("memory stays within its bounds while many requests stream at once and the log is slow", async () => {
    let appending = 0;
    await using rooms = await openRooms({
      limits: { bytesMax: 2_000_000, bodyBytesMax: 500_000, windowBytes: 500_000, waitMs: 30_000 },
      wrapAppend: (append) => async (to, batch, waits) => {
        appending++;
        await new Promise((resolve) => setTimeout(resolve, 5));
        return append(to, batch, waits);
      },
    });
    await rooms.registry.apply(orders);
    const lines = toLines(Array.from({ length: 20_000 }, (_, index) => order(index)));
    let most = 0;
    async function* watched(): AsyncGenerator<Uint8Array> {
      for await (const chunk of inChunks(
        lines,
        Array.from({ length: 1_000 }, () => 16_384),
      )) {
        most = Math.max(most, rooms.ingest.status().heldBytes);
        yield chunk;
      }
    }
    const answers = await Promise.all(Array.from({ length: 12 }, () => rooms.ingest.accept(ask(watched()))));
    assert.ok(answers.every(({ accepted }) => accepted === 20_000));
    assert.ok(appending > 12 && most < 3_000_000, `held at most ${most} bytes`);
    assert.equal(rooms.ingest.status().heldBytes, 0);
  });

  test("requests beyond those that may wait are told to come later", async () => {
    await using rooms = await openRooms({ limits: { bytesMax: 1_000, bodyBytesMax: 250, waitingMax: 1, waitMs: 60 } });
    await rooms.registry.apply(orders);
    const { promise, resolve } = Promise.withResolvers<void>();
    async function* stuck(): AsyncGenerator<Uint8Array> {
      yield Buffer.alloc(5_000, "x");
      await promise;
    }
    const holder = rooms.ingest.accept(ask(stuck()));
    await until("the body is being taken", () => rooms.ingest.status().heldBytes > 0);
    const waiting = rooms.ingest.accept(ask(toLines([order(1)])));
    const refused = rooms.ingest.accept(ask(toLines([order(2)])));
    await assert.rejects(
      refused,
      (error: { readonly code: string; readonly facts: Record<string, unknown> }) =>
        error.code === "ingest.overloaded" && error.facts["retryAfterSeconds"] !== undefined,
    );
    await assert.rejects(waiting, { code: "ingest.overloaded" });
    resolve();
    assert.equal((await holder).refused.length, 1);
    assert.equal((await rooms.ingest.accept(ask(toLines([order(3)])))).accepted, 1);
  });
});
