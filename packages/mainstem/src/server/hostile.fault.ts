import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { after, before, describe, test } from "node:test";
import { order, readRecords, toLines } from "../ingest/testing/open-rooms.ts";
import { until } from "../runtime/testing/until.ts";
import { openApi, type TestApi } from "./testing/open-api.ts";

const records = "/v1/datasets/shop.orders/records";
const post = (headers: readonly string[]): string =>
  [`POST ${records} HTTP/1.1`, "Host: 127.0.0.1", "Content-Type: application/x-ndjson", ...headers, "", ""].join("\r\n");
const chunk = (bytes: Buffer | string): string => `${Buffer.byteLength(bytes).toString(16)}\r\n${bytes.toString()}\r\n`;
const line = (index: number): string => toLines([order(index)]).toString();

/** The answers in what a connection gave back: status, and the code of a problem. */
function answersOf(text: string): readonly (readonly [number, string | undefined])[] {
  return text
    .split(/(?=HTTP\/1\.1 \d)/)
    .filter((part) => part !== "" && !part.startsWith("HTTP/1.1 100"))
    .map((part) => [Number(part.slice(9, 12)), /"code":"([^"]+)"/.exec(part)?.[1]]);
}

/** Cuts nobody off who pauses because the machine is busy with other tests. */
const openPatient = (): Promise<TestApi> => openApi({ config: { limits: { idleMs: 5_000, wholeBodyMs: 600 } } });

describe("a hostile client", () => {
  let api: TestApi;
  before(async () => {
    api = await openApi({ config: { limits: { headersMs: 300, idleMs: 300, wholeBodyMs: 600, connectionsMax: 40 } } });
  });
  after(() => api[Symbol.asyncDispose]());

  const malformed: readonly (readonly [string, string | Buffer, number, string])[] = [
    ["something that is not HTTP", "hello\r\n\r\n", 400, "server.malformed"],
    ["bytes of another protocol", Buffer.from("16030100ba010000b60303deadbeef", "hex"), 400, "server.malformed"],
    ["headers beyond all measure", `GET /health HTTP/1.1\r\nHost: localhost\r\nX-Long: ${"x".repeat(20_000)}\r\n\r\n`, 431, "server.headersTooLarge"],
    ["an address beyond all measure", `GET /${"x".repeat(20_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`, 431, "server.headersTooLarge"],
    ["a header that is none", "GET /health HTTP/1.1\r\nHost: localhost\r\nno header\r\n\r\n", 400, "server.malformed"],
    ["no host", "GET /health HTTP/1.1\r\nConnection: close\r\n\r\n", 400, "server.malformed"],
    ["both a length and chunks", `${post(["Content-Length: 5", "Transfer-Encoding: chunked"])}0\r\n\r\n`, 400, "server.malformed"],
    ["two lengths", `${post(["Content-Length: 5", "Content-Length: 6"])}hello`, 400, "server.malformed"],
    ["a length that is none", post(["Content-Length: -1"]), 400, "server.malformed"],
    ["a chunk size that is none", `${post(["Transfer-Encoding: chunked"])}ZZZ\r\n`, 400, "server.malformed"],
    ["garbage behind a chunk", `${post(["Transfer-Encoding: chunked"])}3\r\n{}\ngarbage\r\n`, 400, "server.malformed"],
    ["headers given twice", post(["Idempotency-Key: a", "Idempotency-Key: b", "Content-Length: 0", "Connection: close"]), 400, "ingest.parameter"],
  ];
  for (const [what, bytes, status, code] of malformed)
    test(`who sends ${what} gets ${status} ${code}`, async () => {
      assert.deepEqual(answersOf(await api.raw(bytes)), [[status, code]]);
    });

  test("who sends the headers slowly is told so and cut off", async () => {
    const text = await api.raw(async (socket) => {
      for (const character of "GET /health HTTP/1.1\r\nHost: localhost\r\nX-Slow: 12345678901234567890") {
        socket.write(character);
        await sleep(40);
      }
    });
    assert.deepEqual(answersOf(text), [[408, "server.timeout"]]);
  });

  test("who stops in the midst of a body is told so and cut off; the lines before are stored", async () => {
    const text = await api.raw(`${post(["Content-Length: 1000"])}${line(1)}{"half`);
    assert.deepEqual(answersOf(text), [[408, "server.timeout"]]);
    assert.equal(api.rooms.ingest.status().heldBytes, 0);
  });

  test("who drips a body that has to be whole is cut off in the end, however steadily", async () => {
    const text = await api.raw(async (socket) => {
      socket.write(post(["Content-Length: 1000", "Idempotency-Key: slow"]));
      for (let byte = 0; byte < 100; byte++) {
        socket.write(" ");
        await sleep(50);
      }
    });
    assert.deepEqual(answersOf(text), [[408, "server.timeout"]]);
  });

  test("who drips a stream is served as long as it goes on", async () => {
    await using patient = await openPatient();
    const text = await patient.raw(async (socket) => {
      socket.write(post(["Transfer-Encoding: chunked", "Connection: close"]));
      for (let index = 0; index < 8; index++) {
        socket.write(chunk(line(index)));
        await sleep(100);
      }
      socket.write("0\r\n\r\n");
    });
    assert.deepEqual(answersOf(text), [[200, undefined]]);
    assert.match(text, /"accepted":8/);
  });

  test("who breaks off leaves whole records behind, nothing half, and no memory taken", async () => {
    await using own = await openApi();
    for (const [headers, stored] of [
      [["Content-Length: 100000"], 2],
      [["Transfer-Encoding: chunked"], 4],
      [["Content-Length: 100000", "Idempotency-Key: k"], 4],
    ] as const) {
      const body = `${line(1)}${line(2)}{"orderId":"order-3","revision":3,"amount":"1"}`;
      const socket = connect(own.server.port, "127.0.0.1");
      socket.write(post(headers) + (headers[0].startsWith("T") ? chunk(body) : body));
      await until("half a record is held", () => own.rooms.ingest.status().heldBytes > 0);
      await until("the whole records are stored", async () => (await readRecords(own.rooms)).length === stored);
      socket.destroy();
      await until("its memory is given back", () => own.rooms.ingest.status().heldBytes === 0);
    }
    const stored = (await readRecords(own.rooms)).map(({ orderId }) => String(orderId));
    assert.deepEqual(stored.toSorted(), ["order-1", "order-1", "order-2", "order-2"]);
    assert.equal((await own.post(records, line(9), { "idempotency-key": "k" })).status, 200, "the key is free");
  });

  test("pipelined requests are answered in their order, before garbage behind them is", async () => {
    const body = line(1);
    const one = (more: readonly string[] = []): string => `${post([`Content-Length: ${body.length}`, ...more])}${body}`;
    const text = await api.raw(`${one()}GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n${one()}garbage\r\n\r\n`);
    assert.deepEqual(answersOf(text), [
      [200, undefined],
      [404, "server.notFound"],
      [200, undefined],
      [400, "server.malformed"],
    ]);
  });

  test("who asks before sending hears what is wrong instead of being told to go on", async () => {
    const expect = ["Content-Length: 1000000", "Expect: 100-continue"];
    const refused = await api.raw(post(expect).replace("shop.orders", "shop.none"), { enough: (text) => text.includes("registry.datasetUnknown") });
    assert.match(refused, /^HTTP\/1\.1 404/);
    await using patient = await openPatient();
    const text = await patient.raw(
      async (socket) => {
        socket.write(post(["Content-Length: 5", "Expect: 100-continue", "Connection: close"]));
        await sleep(50);
        socket.write("{}\n\n\n");
      },
      { enough: (all) => all.includes("refused") },
    );
    assert.match(text, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 422/);
  });

  test("who sends on after it was refused gets to see the answer", async () => {
    for (const [headers, status, code] of [
      [["Content-Type: application/json", "Content-Length: 30000000"], 413, "ingest.tooLarge"],
      [["Content-Type: text/csv", "Content-Length: 30000000"], 415, "ingest.contentType"],
    ] as const) {
      const request = [`POST ${records} HTTP/1.1`, "Host: 127.0.0.1", ...headers, "", ""].join("\r\n");
      const text = await api.raw(async (socket) => {
        socket.write(request);
        await flood(socket, Buffer.alloc(65_536, " "), 30_000_000);
      });
      assert.deepEqual(answersOf(text), [[status, code]]);
    }
  });

  test("who opens connections without end does not keep others from being served", async () => {
    const sockets = Array.from({ length: 60 }, () => connect(api.server.port, "127.0.0.1").on("error", () => undefined));
    await sleep(100);
    for (const socket of sockets.slice(0, 30)) socket.destroy();
    await until("there is room for another", async () => (await api.call("/health").catch(() => undefined))?.status === 200);
    for (const socket of sockets) socket.destroy();
  });

  test("odd requests get some answer, and the server lives on", async () => {
    for (const request of [
      "CONNECT door:443 HTTP/1.1\r\nHost: localhost\r\n\r\n",
      "GET // HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
      "GET /v1/datasets//records HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
      "GET /v1/datasets/%00/records HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
      "GET http://other/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
      "GET /health HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade, close\r\n\r\n",
      "OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
      "GET /health HTTP/1.0\r\n\r\n",
      `GET ${records}?limit=%zz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
      "HEAD /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
      "POST /v1/query HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\nConnection: close\r\n\r\n{",
    ]) {
      const text = await api.raw(request);
      for (const [status] of answersOf(text)) assert.ok(status >= 200 && status < 500, `${request}: ${text}`);
    }
    assert.equal((await api.call("/health")).status, 200);
  });
});

/** Sends so much, or until nobody takes it any more. */
async function flood(socket: Socket, bytes: Buffer, total: number): Promise<void> {
  const closed = once(socket, "close");
  for (let sent = 0; sent < total && socket.writable; sent += bytes.length) if (!socket.write(bytes)) await Promise.race([once(socket, "drain"), closed]);
}
