import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { parseContract } from "@mainstem/contract";
import { systemEnv, type Env } from "../runtime/env.ts";
import { until } from "../runtime/testing/until.ts";
import { idempotencyHeader } from "./idempotency-header.ts";
import { ask, inChunks, openRooms, order, orders, ordersWithShop, readRecords, readTopic, toLines } from "./testing/open-rooms.ts";
import { ids, lines, numbered, openShop, reopen } from "./testing/open-shop.ts";

const day = 86_400_000;
describe("an idempotency key", () => {
  test("makes a repeat change nothing and get the same answer", async () => {
    await using rooms = await openShop();
    const body = Buffer.concat([lines(50), Buffer.from("nonsense\n"), toLines([{ orderId: 1 }])]);
    const request = { idempotencyKey: "request 1" };
    const first = await rooms.ingest.accept(ask(body, request));
    assert.equal(first.accepted, 50);
    assert.equal(first.refused.length, 2);
    for (let repeat = 0; repeat < 3; repeat++) assert.deepEqual(await rooms.ingest.accept(ask(inChunks(body, [10, 500]), request)), first);
    assert.deepEqual(await ids(rooms), numbered(50));
    await rooms.ingest.accept(ask(body, { idempotencyKey: "request 2" }));
    assert.equal((await ids(rooms)).length, 100);
  });

  test("is still known after the process was started anew", async () => {
    await using first = await openShop();
    const body = lines(50);
    const answer = await first.ingest.accept(ask(body, { idempotencyKey: "k" }));
    await using again = await reopen(first);
    assert.deepEqual(await again.ingest.accept(ask(body, { idempotencyKey: "k" })), answer);
    assert.deepEqual(await ids(again), numbered(50));
    await assert.rejects(again.ingest.accept(ask(lines(51), { idempotencyKey: "k" })), { code: "ingest.keyReused" });
  });

  test("belongs to one body in one form and mode", async () => {
    await using rooms = await openShop();
    const body = toLines([order(1)]);
    await rooms.ingest.accept(ask(body, { idempotencyKey: "k" }));
    const other = { idempotencyKey: "k" } as const;
    for (const request of [
      ask(toLines([order(2)]), other),
      ask(body, { ...other, format: "json" }),
      ask(body, { ...other, invalid: "inbox" }),
      ask(body, { ...other, atomic: true }),
    ])
      await assert.rejects(rooms.ingest.accept(request), { code: "ingest.keyReused" });
    assert.deepEqual(await ids(rooms), ["order-1"]);
  });

  test("is busy while its first request runs, even while that is still being sent", async () => {
    await using rooms = await openShop();
    const { promise, resolve } = Promise.withResolvers<void>();
    async function* slow(): AsyncGenerator<Uint8Array> {
      yield toLines([order(0)]);
      await promise;
    }
    const first = rooms.ingest.accept(ask(slow(), { idempotencyKey: "k" }));
    await until("the body is being taken", () => rooms.ingest.status().heldBytes > 0);
    await assert.rejects(rooms.ingest.accept(ask(toLines([order(0)]), { idempotencyKey: "k" })), { code: "ingest.keyBusy" });
    resolve();
    assert.equal((await first).accepted, 1);
    assert.equal((await rooms.ingest.accept(ask(toLines([order(0)]), { idempotencyKey: "k" }))).accepted, 1);
    assert.deepEqual(await ids(rooms), ["order-0"]);
  });

  test("stays free when the body broke off, or held nothing to keep", async () => {
    await using rooms = await openShop();
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield toLines([order(0)]);
      throw new Error("broken");
    }
    await assert.rejects(rooms.ingest.accept(ask(broken(), { idempotencyKey: "k" })), { message: "broken" });
    await rooms.ingest.accept(ask(toLines([{ bad: true }]), { idempotencyKey: "k" }));
    assert.equal((await rooms.ingest.accept(ask(lines(5), { idempotencyKey: "k" }))).accepted, 5);
    assert.deepEqual(await ids(rooms), numbered(5));
  });

  test("is one of its dataset", async () => {
    await using rooms = await openShop();
    await rooms.registry.apply(parseContract({ ...JSON.parse(JSON.stringify(orders)), name: "shop.returns", schema: { ...orders.schema, name: "returns" } }));
    await rooms.ingest.accept(ask(lines(3), { idempotencyKey: "k" }));
    assert.equal((await rooms.ingest.accept(ask(lines(4), { idempotencyKey: "k", dataset: "shop.returns" }))).accepted, 4);
    assert.equal((await readRecords(rooms, "shop.returns")).length, 4);
  });

  test("keeps a repeat to the contract version of the first time", async () => {
    await using rooms = await openShop();
    const body = toLines([order(1), { ...order(2), shop: "north" }]);
    const first = await rooms.ingest.accept(ask(body, { idempotencyKey: "k" }));
    assert.deepEqual([first.accepted, first.refused.map(({ index }) => index)], [1, [1]]);
    await rooms.registry.apply(ordersWithShop);
    assert.deepEqual(await rooms.ingest.accept(ask(body, { idempotencyKey: "k" })), first);
    assert.equal((await rooms.ingest.accept(ask(body, { idempotencyKey: "other" }))).accepted, 2);
    assert.equal((await readRecords(rooms)).length, 3);
  });

  test("keeps entries of the inbox from being put there twice, under ids that a repeat shares", async () => {
    await using rooms = await openShop();
    const body = Buffer.concat([lines(3), Buffer.from("bad 1\nbad 2\n")]);
    const request = { idempotencyKey: "k", invalid: "inbox" } as const;
    const first = await rooms.ingest.accept(ask(body, request));
    assert.deepEqual([first.accepted, first.quarantined], [3, 2]);
    assert.deepEqual(await rooms.ingest.accept(ask(body, request)), first);
    await using again = await reopen(rooms);
    assert.deepEqual(await again.ingest.accept(ask(body, request)), first);
    const { topics } = await again.registry.require("shop.orders");
    assert.equal((await readTopic(again.log, topics.inbox)).length, 2);
  });

  test("marks the first record of each batch, as docs/formats/idempotency.md says, and no other", async () => {
    await using rooms = await openShop({ partitions: 1, limits: { batchBytesMax: 2_000 } });
    const body = lines(100);
    await rooms.ingest.accept(ask(body, { idempotencyKey: "k", sentAt: "2026-11-21T10:00:00Z" }));
    const { topics, version } = await rooms.registry.require("shop.orders");
    const stored = await readTopic(rooms.log, topics.records);
    const marks = stored.flatMap(({ offset, headers }) =>
      headers.filter(({ key }) => key === idempotencyHeader).map(({ value }) => ({ offset, mark: JSON.parse(String(value)) as unknown })),
    );
    assert.ok(marks.length > 2 && marks.length < 20, `${marks.length} batches`);
    assert.equal(marks[0]?.offset, 0);
    const sha256 = createHash("sha256").update(body).digest("hex");
    const judged = Number((marks[0]?.mark as Readonly<Record<string, unknown>> | undefined)?.["judged"]);
    assert.ok(Number.isInteger(judged) && Math.abs(judged - Date.now() / 1_000) < 60, `${judged}`);
    for (const { mark } of marks) assert.deepEqual(mark, { formatVersion: 1, key: "k", sha256, mode: "ndjson refuse each", contractVersion: version, judged });
    assert.ok(stored.every(({ headers }) => headers.some(({ key }) => key === "mainstem-sent-at")));
  });

  test("has its repeats judged at the time of the first request, whatever the clock says by then", async () => {
    let now = Date.parse("2026-11-21T10:00:00Z");
    const env: Env = { ...systemEnv, now: () => now };
    await using rooms = await openRooms({ env, partitions: 1 });
    const fields = [
      { name: "orderId", type: "string" },
      { name: "at", type: { type: "long", logicalType: "timestamp-millis" } },
    ];
    const schema = { type: "record", name: "orders", namespace: "shop", fields };
    await rooms.registry.apply(parseContract({ name: "shop.orders", schema, key: ["orderId"], order: ["at"], maxAhead: "5m" }));
    const body = toLines([
      { orderId: "order-0", at: now },
      { orderId: "too early", at: now + 600_000 },
      { orderId: "order-1", at: now + 299_000 },
    ]);
    const first = await rooms.ingest.accept(ask(body, { idempotencyKey: "k" }));
    assert.equal(first.accepted, 2);
    assert.deepEqual(
      first.refused.map(({ index, code, errors }) => ({ index, code, paths: errors.map(({ path }) => path) })),
      [{ index: 1, code: "record.invalid", paths: ["at"] }],
    );
    now += 3_600_000;
    assert.deepEqual(await rooms.ingest.accept(ask(body, { idempotencyKey: "k" })), first);
    await using again = await reopen(rooms, { env });
    assert.deepEqual(await again.ingest.accept(ask(body, { idempotencyKey: "k" })), first);
    assert.deepEqual(await ids(again), numbered(2));
    assert.equal((await again.ingest.accept(ask(body))).accepted, 3);
  });

  test("is forgotten after a day, and not before", async () => {
    let now = 1_763_700_000_000;
    const env: Env = { ...systemEnv, now: () => now, monotonic: () => now };
    await using rooms = await openShop({ env });
    const send = (): Promise<unknown> => rooms.ingest.accept(ask(lines(1), { idempotencyKey: "k" }));
    await send();
    now += day - 2_000;
    await send();
    assert.equal((await ids(rooms)).length, 1);
    now += 4_000;
    await send();
    assert.equal((await ids(rooms)).length, 2);
    await send();
    assert.equal((await ids(rooms)).length, 2);
    now += day / 2;
    await using again = await reopen(rooms, { env });
    await again.ingest.accept(ask(lines(1), { idempotencyKey: "k" }));
    assert.equal((await ids(again)).length, 2);
  });

  test("that is used for something new a day later puts other entries into the inbox: each waits by itself", async () => {
    let now = Date.parse("2026-11-21T02:00:00Z");
    const env: Env = { ...systemEnv, now: () => now, monotonic: () => now };
    await using rooms = await openShop({ env });
    const nightly = { idempotencyKey: "nightly", invalid: "inbox" } as const;
    await rooms.ingest.accept(ask(Buffer.from("{not json\n"), nightly));
    now += day + 1_000;
    await rooms.ingest.accept(ask(Buffer.from("[other\n"), nightly));
    await rooms.ingest.accept(ask(Buffer.from("[other\n"), nightly));
    const { topics } = await rooms.registry.require("shop.orders");
    const entries = await readTopic(rooms.log, topics.inbox);
    assert.deepEqual(
      entries.map(({ bytes }) => bytes.toString()),
      ["{not json", "[other"],
    );
    assert.equal(new Set(entries.map(({ key }) => key)).size, 2);
  });

  test("is not forgotten because somebody set the clock ahead, or back", async () => {
    const right = 1_763_700_000_000;
    let now = right;
    const env: Env = { ...systemEnv, now: () => now };
    await using rooms = await openShop({ env });
    const send = (key: string): Promise<unknown> => rooms.ingest.accept(ask(lines(1), { idempotencyKey: key }));
    await send("before");
    now = right + 400 * day;
    await send("before");
    await send("ahead");
    now = right - 400 * day;
    for (const key of ["before", "ahead"]) await send(key);
    assert.equal((await ids(rooms)).length, 2);
    await using again = await reopen(rooms, { env });
    for (const key of ["before", "ahead"]) await again.ingest.accept(ask(lines(1), { idempotencyKey: key }));
    assert.equal((await ids(again)).length, 2);
  });

  test("is refused for later when no more can be remembered; those that are known still work", async () => {
    await using rooms = await openShop({ partitions: 1, limits: { keyBatchesMax: 3 } });
    for (let index = 0; index < 3; index++) await rooms.ingest.accept(ask(lines(1), { idempotencyKey: `k${index}` }));
    await assert.rejects(rooms.ingest.accept(ask(lines(1), { idempotencyKey: "k3" })), { code: "ingest.overloaded" });
    assert.equal((await rooms.ingest.accept(ask(lines(1), { idempotencyKey: "k1" }))).accepted, 1);
    assert.equal((await rooms.ingest.accept(ask(lines(1)))).accepted, 1);
  });

  test("has 1 to 255 printable characters", async () => {
    await using rooms = await openShop();
    for (const idempotencyKey of ["", " ", "a\nb", "ä", "x".repeat(256)])
      await assert.rejects(rooms.ingest.accept(ask(lines(1), { idempotencyKey })), { code: "ingest.parameter" });
    assert.equal((await rooms.ingest.accept(ask(lines(1), { idempotencyKey: '"x" y' }))).accepted, 1);
  });
});
