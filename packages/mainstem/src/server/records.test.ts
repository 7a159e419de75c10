import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { order, toLines } from "../ingest/testing/open-rooms.ts";
import { RecordBatchBuilder, type TopicPartition } from "../log/index.ts";
import { until } from "../runtime/testing/until.ts";
import { openApi, type TestApi } from "./testing/open-api.ts";

const records = "/v1/datasets/shop.orders/records";
const json = { "content-type": "application/json" };

describe("POST records", () => {
  let api: TestApi;
  before(async () => {
    api = await openApi();
  });
  after(() => api[Symbol.asyncDispose]());

  test("answers with what became of the records", async () => {
    const { status, body, headers } = await api.post(records, toLines([order(1), { ...order(2), amount: true }]));
    assert.equal(status, 200);
    assert.equal(headers.get("content-type"), "application/json");
    assert.deepEqual({ ...body, refused: undefined }, { accepted: 1, quarantined: 0, refused: undefined });
    const [refused] = body["refused"] as readonly Record<string, unknown>[];
    assert.equal(refused?.["index"], 1);
    assert.equal(refused["code"], "record.invalid");
    assert.deepEqual(Object.keys((refused["errors"] as readonly object[])[0] ?? {}), ["path", "expected", "received"]);
  });

  test("takes one object, an array, NDJSON, and gzip of each", async () => {
    const bodies: readonly (readonly [Buffer, Readonly<Record<string, string>>, number])[] = [
      [Buffer.from(JSON.stringify(order(1))), json, 1],
      [Buffer.from(JSON.stringify([order(1), order(2)])), { "content-type": "Application/JSON; charset=UTF-8" }, 2],
      [toLines([order(1), order(2), order(3)]), {}, 3],
    ];
    for (const [body, headers, accepted] of bodies) {
      assert.equal((await api.post(records, body as never, headers)).body["accepted"], accepted);
      assert.equal((await api.post(records, gzipSync(body) as never, { ...headers, "content-encoding": "gzip" })).body["accepted"], accepted);
    }
  });

  test("answers 422 with the same body when there were records and none was taken, and 200 when there were none", async () => {
    const refused = await api.post(records, "nonsense\n");
    assert.equal(refused.status, 422);
    assert.deepEqual([refused.body["accepted"], (refused.body["refused"] as readonly unknown[]).length], [0, 1]);
    assert.equal((await api.post(records, JSON.stringify({}), json)).status, 422);
    assert.equal((await api.post(`${records}?atomic=true`, toLines([order(1), {}]))).status, 422);
    const kept = await api.post(`${records}?invalid=inbox`, "nonsense\n");
    assert.deepEqual([kept.status, kept.body], [200, { accepted: 0, quarantined: 1, refused: [] }]);
    for (const [body, headers] of [
      ["", {}],
      ["\n\n", {}],
      ["[]", json],
    ] as const)
      assert.deepEqual((await api.post(records, body, headers)).body, { accepted: 0, quarantined: 0, refused: [] });
  });

  test("judges an idempotency key: repeats, another body, a key that is busy", async () => {
    const key = { "idempotency-key": "k-1" };
    const body = toLines([order(100), order(101)]);
    const first = await api.post(records, body, key);
    const repeat = await api.post(records, gzipSync(body), { ...key, "content-encoding": "gzip" });
    assert.deepEqual([repeat.status, repeat.text], [first.status, first.text]);
    const other = await api.post(records, toLines([order(102)]), key);
    assert.deepEqual([other.status, other.body["code"]], [422, "ingest.keyReused"]);
    const { promise, resolve } = Promise.withResolvers<void>();
    const slow = api.post(
      records,
      new ReadableStream({
        async start(controller) {
          controller.enqueue(toLines([order(103)]));
          await promise;
          controller.close();
        },
      }),
      { "idempotency-key": "k-2" },
    );
    await until("the body is being taken", () => api.rooms.ingest.status().heldBytes > 0);
    const busy = await api.post(records, toLines([order(103)]), { "idempotency-key": "k-2" });
    assert.deepEqual([busy.status, busy.body["code"]], [409, "ingest.keyBusy"]);
    resolve();
    assert.equal((await slow).status, 200);
  });

  const problems: readonly (readonly [string, string, string, Readonly<Record<string, string>>, number, string])[] = [
    ["an unknown dataset", "/v1/datasets/shop.none/records", "{}", {}, 404, "registry.datasetUnknown"],
    ["a body that is not JSON", records, "{", json, 400, "ingest.notJson"],
    ["an empty JSON body", records, "", json, 400, "ingest.notJson"],
    ["an array that is not JSON", records, "[1,]", json, 400, "ingest.notJson"],
    ["another content type", records, "a,b", { "content-type": "text/csv" }, 415, "ingest.contentType"],
    ["another character set", records, "{}", { "content-type": "application/json; charset=latin1" }, 415, "ingest.contentType"],
    ["another content encoding", records, "{}", { "content-encoding": "br" }, 415, "ingest.contentType"],
    ["two content encodings", records, "{}", { "content-encoding": "gzip, gzip" }, 415, "ingest.contentType"],
    ["gzip that is none", records, "{}", { "content-encoding": "gzip" }, 400, "ingest.encoding"],
    ["atomic together with inbox", `${records}?atomic=true&invalid=inbox`, "{}", {}, 400, "ingest.parameter"],
    ["an unknown parameter", `${records}?atomc=true`, "{}", {}, 400, "ingest.parameter"],
    ["a parameter given twice", `${records}?invalid=inbox&invalid=refuse`, "{}", {}, 400, "ingest.parameter"],
    ["a second question mark", `${records}?invalid=refuse?atomic=true`, "{}", {}, 400, "ingest.parameter"],
    ["an unknown value of a parameter", `${records}?invalid=drop`, "{}", {}, 400, "ingest.parameter"],
    ["a boolean that is none", `${records}?atomic=yes`, "{}", {}, 400, "ingest.parameter"],
    ["an idempotency key that is too long", records, "{}", { "idempotency-key": "x".repeat(256) }, 400, "ingest.parameter"],
    ["a time that is none", records, "{}", { "mainstem-sent-at": "now" }, 400, "ingest.parameter"],
    ["a name that is not well-formed", "/v1/datasets/%ff/records", "{}", {}, 400, "server.request"],
  ];
  for (const [what, path, body, headers, status, code] of problems)
    test(`answers ${what} with ${status} ${code}`, async () => {
      const reply = await api.post(path, body, headers);
      assert.deepEqual([reply.status, reply.body["code"], reply.body["status"]], [status, code, status]);
      assert.equal(reply.headers.get("content-type"), "application/problem+json");
      for (const member of ["type", "title", "detail", "remedy"]) assert.equal(typeof reply.body[member], "string", member);
    });

  test("says which methods the route has", async () => {
    const reply = await api.call(records, { method: "DELETE" });
    assert.deepEqual([reply.status, reply.body["code"], reply.headers.get("allow")], [405, "server.method", "GET, HEAD, POST"]);
  });

  test("refuses a JSON body beyond its limit, whether its length is declared, chunked or packed", async () => {
    await using small = await openApi({ rooms: { limits: { bodyBytesMax: 50_000 } } });
    const array = Buffer.from(JSON.stringify(Array.from({ length: 2_000 }, (_, index) => order(index))));
    const stream = (): ReadableStream =>
      new ReadableStream({
        start(controller) {
          for (let at = 0; at < array.length; at += 10_000) controller.enqueue(array.subarray(at, at + 10_000));
          controller.close();
        },
      });
    for (const reply of [
      await small.post(records, array, json),
      await small.post(records, stream(), json),
      await small.post(records, gzipSync(array), { ...json, "content-encoding": "gzip" }),
    ])
      assert.deepEqual([reply.status, reply.body["code"]], [413, "ingest.tooLarge"]);
    assert.equal((await small.post(records, toLines([order(1)]))).status, 200);
  });

  test("tells when to come again if memory is taken, and if the disk is full", async () => {
    await using busy = await openApi({ rooms: { limits: { bytesMax: 100, bodyBytesMax: 25, waitingMax: 0 }, diskBytesMax: 1_000 } });
    const full = await busy.post(records, toLines(Array.from({ length: 1_000 }, (_, index) => order(index))));
    assert.deepEqual([full.status, full.body["code"]], [503, "log.full"]);
    assert.ok(Number(full.headers.get("retry-after")) > 0);
    const { promise, resolve } = Promise.withResolvers<void>();
    const holder = busy.post(
      records,
      new ReadableStream({
        async start(controller) {
          controller.enqueue(Buffer.alloc(1_000, "x"));
          await promise;
          controller.close();
        },
      }),
    );
    await until("the body is being taken", () => busy.rooms.ingest.status().heldBytes > 0);
    const late = await busy.post(records, toLines([order(1)]));
    assert.deepEqual([late.status, late.body["code"], late.headers.get("retry-after")], [503, "ingest.overloaded", "2"]);
    resolve();
    await holder;
  });
});

describe("GET records", () => {
  let api: TestApi;
  const orderIds = (lines: readonly Record<string, unknown>[]): readonly unknown[] => lines.map(({ key }) => key);
  before(async () => {
    api = await openApi({ rooms: { partitions: 2 } });
    for (let index = 0; index < 20; index++) await api.post(records, toLines([order(index, { note: index % 2 === 0 ? null : "é" })]));
  });
  after(() => api[Symbol.asyncDispose]());

  test("gives every record with its place, time, key and value", async () => {
    const { status, headers, lines } = await api.call(records);
    assert.deepEqual([status, headers.get("content-type"), lines.length], [200, "application/x-ndjson", 20]);
    const [first] = lines;
    assert.deepEqual(Object.keys(first ?? {}), ["partition", "offset", "timestamp", "key", "value"]);
    assert.match(String(first?.["timestamp"]), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    const number = Number(String(first?.["key"]).slice("order-".length));
    assert.deepEqual(first?.["value"], { orderId: first?.["key"], revision: number, amount: "12.50", note: number % 2 === 0 ? null : "é" });
    assert.equal(new Set(orderIds(lines)).size, 20);
    const partitions = lines.map(({ partition }) => Number(partition));
    assert.deepEqual(
      partitions,
      partitions.toSorted((a, b) => a - b),
    );
  });

  test("begins where it is told to, and ends at the limit", async () => {
    const whole = (await api.call(`${records}?partition=1`)).lines;
    assert.ok(whole.length > 3 && whole.every(({ partition }) => partition === 1));
    assert.deepEqual((await api.call(`${records}?partition=1&from=2`)).lines, whole.slice(2));
    assert.deepEqual((await api.call(`${records}?partition=1&from=2&limit=1`)).lines, whole.slice(2, 3));
    assert.deepEqual((await api.call(`${records}?partition=1&from=end`)).lines, []);
    assert.deepEqual((await api.call(`${records}?partition=1&from=start&limit=0`)).lines, []);
    assert.deepEqual(
      (await api.call(`${records}?partition=1&from=${String(whole[3]?.["timestamp"])}`)).lines[0],
      whole.find(({ timestamp }) => timestamp === whole[3]?.["timestamp"]),
    );
    assert.equal((await api.call(`${records}?limit=15`)).lines.length, 15);
    assert.deepEqual((await api.call(`${records}?from=2999-01-01T00:00:00Z`)).lines, []);
  });

  const problems: readonly (readonly [string, number, string])[] = [
    ["partition=2", 400, "server.request"],
    ["partition=x", 400, "server.request"],
    ["partition=0&from=1000", 416, "log.offsetOutOfRange"],
    ["from=-1", 400, "server.request"],
    ["from=yesterday", 400, "server.request"],
    ["limit=1e3", 400, "server.request"],
    ["follow=maybe", 400, "server.request"],
    ["form=1", 400, "server.request"],
    ["limit=1&limit=2", 400, "server.request"],
  ];
  for (const [query, status, code] of problems)
    test(`answers ?${query} with ${status} ${code}`, async () => {
      const reply = await api.call(`${records}?${query}`);
      assert.deepEqual([reply.status, reply.body["code"]], [status, code]);
    });

  test("shows a record that cannot be read with its error, and goes on", async () => {
    const { topics } = await api.rooms.registry.require("shop.orders");
    const to: TopicPartition = { topic: topics.records.name, topicId: topics.records.id, partition: 0 as TopicPartition["partition"] };
    const { end } = await api.rooms.log.bounds(to);
    const batch = new RecordBatchBuilder();
    for (const value of [Buffer.from("text"), Buffer.from([0, 0, 0, 9, 9, 1]), Buffer.from([0, 0, 0, 0, 1, 0xff, 0xff]), Buffer.alloc(0), null])
      batch.add({ key: Buffer.from("key"), value });
    batch.add({ key: Buffer.from([0xff]), value: Buffer.from("x") });
    await api.rooms.log.append(to, batch.finish());
    await api.post(records, toLines(Array.from({ length: 10 }, (_, index) => order(index))));
    const { lines } = await api.call(`${records}?partition=0&from=${end}`);
    assert.deepEqual(
      lines.slice(0, 6).map(({ key, value, error }) => [key, value, (error as { readonly code?: string } | undefined)?.code]),
      [
        ["key", undefined, "avro.malformed"],
        ["key", undefined, "avro.malformed"],
        ["key", undefined, "avro.malformed"],
        ["key", undefined, "avro.malformed"],
        ["key", null, undefined],
        ["/w==", undefined, "avro.malformed"],
      ],
    );
    assert.ok(lines.length > 6 && lines.slice(6).every(({ value }) => typeof value === "object"));
  });

  test("follows the log until it is told to stop, or the limit is reached", async () => {
    const stop = new AbortController();
    const response = await fetch(`${api.server.url}${records}?follow=true&from=end`, { signal: stop.signal });
    const reader = (response.body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream()).getReader();
    await api.post(records, toLines([order(500)]));
    assert.match(String((await reader.read()).value), /"key":"order-500"/);
    await api.post(records, toLines([order(501)]));
    assert.match(String((await reader.read()).value), /"key":"order-501"/);
    stop.abort();
    const limited = await fetch(`${api.server.url}${records}?follow=true&from=end&limit=3`);
    await api.post(records, toLines(Array.from({ length: 10 }, (_, index) => order(index))));
    assert.equal((await limited.text()).match(/\n/g)?.length, 3);
  });

  test("ends followed logs in good order when the server closes", async () => {
    await using closing = await openApi();
    await closing.post(records, toLines([order(1)]));
    const followed = await fetch(`${closing.server.url}${records}?follow=true`);
    const reader = (followed.body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream()).getReader();
    assert.match(String((await reader.read()).value), /"key":"order-1"/);
    await closing.server[Symbol.asyncDispose]();
    assert.equal((await reader.read()).done, true);
  });
});
