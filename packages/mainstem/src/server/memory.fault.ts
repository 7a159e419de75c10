import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createGzip } from "node:zlib";
import { order, toLines } from "../ingest/testing/open-rooms.ts";
import { until } from "../runtime/testing/until.ts";

const records = "/v1/datasets/shop.orders/records";
const mebibyte = 1_048_576;
/**
 * How much the server's memory may grow over what it had before, whatever is sent. It is several times what the door may hold: the collector comes when
 * it thinks fit, and what it frees is not given back to the system at once. Most bodies are larger, so that to hold one would show.
 */
const growthMax = 256 * mebibyte;

describe("the server's memory stays within its bounds", () => {
  // Longer than a client of this test pauses where the machine is busy with other tests.
  const limits = { idleMs: 30_000 };
  const options = { rooms: { limits: { bodyBytesMax: 8 * mebibyte, bytesMax: 32 * mebibyte, waitMs: 1_000 } }, config: { limits } };
  // A small heap: garbage is collected sooner, and objects that were kept would end the process.
  const heap = ["--max-semi-space-size=8", "--max-old-space-size=192"];
  const child = spawn(process.execPath, [...heap, join(import.meta.dirname, "testing/api.child.ts"), JSON.stringify(options)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  let port = 0;
  let memoryBefore = 0;
  before(async () => {
    const died = once(child, "exit").then(([code, signal]) => assert.fail(`the server ended at its start: ${code ?? signal}`));
    const [text] = (await Promise.race([once(child.stdout, "data"), died])) as [Buffer];
    // From here on its end shows in what the tests see.
    died.catch(() => undefined);
    port = Number(text.toString());
    // What a first request allocates once is no growth.
    for (let index = 0; index < 3; index++) await send({ body: repeat(toLines(Array.from({ length: 1_000 }, (_, at) => order(at))), 5 * mebibyte) });
    memoryBefore = await memory();
  });
  after(async () => {
    child.stdin.end();
    if (child.exitCode === null && child.signalCode === null) await once(child, "close");
  });

  /** Sends a body, and watches the server's memory meanwhile. */
  async function send({ body, headers = {} }: { readonly body: AsyncIterable<Buffer>; readonly headers?: Readonly<Record<string, string>> }) {
    let most = 0;
    const sending = request({ port, method: "POST", path: records, headers: { "content-type": "application/x-ndjson", ...headers } });
    const answered = new Promise<string>((resolve) => {
      sending.on("response", (response: IncomingMessage) => {
        let text = "";
        response.on("data", (chunk) => (text += String(chunk))).on("close", () => resolve(`${response.statusCode} ${text}`));
      });
      sending.on("error", (error) => resolve(`error ${error.message}`));
    });
    let wake = (): void => undefined;
    sending.on("drain", () => wake());
    const drained = (): Promise<unknown> => Promise.race([new Promise<void>((resolve) => (wake = resolve)), answered]);
    const watch = { done: false };
    const watching = (async () => {
      while (!watch.done) {
        most = Math.max(most, await memory());
        await sleep(20);
      }
    })();
    for await (const chunk of body) {
      if (sending.destroyed || sending.errored !== null) break;
      if (!sending.write(chunk)) await drained();
    }
    sending.end();
    const answer = await answered;
    watch.done = true;
    await watching;
    return { answer, most };
  }

  async function memory(): Promise<number> {
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    return Number(/^process_resident_memory_bytes (\d+)/m.exec(text)?.[1]);
  }

  async function* repeat(bytes: Buffer, total: number): AsyncGenerator<Buffer> {
    for (let sent = 0; sent < total; sent += bytes.length) yield bytes;
  }

  async function* packed(bytes: Buffer, total: number): AsyncGenerator<Buffer> {
    const gzip = createGzip();
    // Who stops reading ends it.
    const feeding = pipeline(repeat(bytes, total), gzip).catch(() => undefined);
    yield* gzip as AsyncIterable<Buffer>;
    await feeding;
  }

  const block = (text: string): Buffer => Buffer.from(text.repeat(Math.ceil(65_536 / text.length)));
  const bodies: readonly {
    readonly what: string;
    readonly body: () => AsyncIterable<Buffer>;
    readonly headers?: Readonly<Record<string, string>>;
    readonly answer: RegExp;
  }[] = [
    { what: "an endless line", body: () => repeat(block("x"), 600 * mebibyte), answer: /^422 .*record\.tooLarge/ },
    {
      what: "records without end",
      body: () => repeat(toLines(Array.from({ length: 1_000 }, (_, index) => order(index))), 40 * mebibyte),
      answer: /^200 \{"accepted":\d{6,}/,
    },
    { what: "nonsense without end", body: () => repeat(block("nonsense\n"), 20 * mebibyte), answer: /^422 .*"refusedMore":\d{6,}/ },
    { what: "blank lines without end", body: () => repeat(block("\n"), 20 * mebibyte), answer: /^200 \{"accepted":0,"quarantined":0,"refused":\[\]\}/ },
    { what: "lines of brackets", body: () => repeat(Buffer.from(`${"[".repeat(900_000)}\n`), 40 * mebibyte), answer: /^422 .*record\.tooDeep/ },
    {
      what: "an array without end",
      body: () => repeat(block("[{},"), 200 * mebibyte),
      headers: { "content-type": "application/json" },
      answer: /^413 .*ingest\.tooLarge/,
    },
    {
      what: "an array of empty objects as large as it may be",
      body: () => arrayOf("{}", 7 * mebibyte),
      headers: { "content-type": "application/json" },
      answer: /^422 .*"refusedMore":\d{6,}/,
    },
    {
      what: "a gzip bomb of one line",
      body: () => packed(block("x"), 1_024 * mebibyte),
      headers: { "content-encoding": "gzip" },
      answer: /^422 .*record\.tooLarge/,
    },
    {
      what: "a gzip bomb of an array",
      body: () => packed(block("["), 600 * mebibyte),
      headers: { "content-encoding": "gzip", "content-type": "application/json" },
      answer: /^413 .*ingest\.tooLarge/,
    },
  ];
  for (const { what, body, headers = {}, answer } of bodies)
    test(`against ${what}`, async (context) => {
      const outcome = await send({ body: body(), headers });
      assert.match(outcome.answer, answer);
      context.diagnostic(`grew by ${Math.round((outcome.most - memoryBefore) / mebibyte)} MiB`);
      assert.ok(outcome.most - memoryBefore < growthMax, `grew by ${Math.round((outcome.most - memoryBefore) / mebibyte)} MiB`);
    });

  test("against many clients that each hold a line that does not end", async (context) => {
    const head = `POST ${records} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\nContent-Length: 2000000\r\n\r\n`;
    const sockets = Array.from({ length: 200 }, () => {
      const socket = connect(port, "127.0.0.1").on("error", () => undefined);
      socket.resume().write(head);
      socket.write(Buffer.alloc(900_000, "x"));
      return socket;
    });
    let most = 0;
    for (let look = 0; look < 50; look++) {
      most = Math.max(most, await memory());
      await sleep(20);
    }
    for (const socket of sockets) socket.destroy();
    context.diagnostic(`grew by ${Math.round((most - memoryBefore) / mebibyte)} MiB`);
    assert.ok(most - memoryBefore < growthMax, `grew by ${Math.round((most - memoryBefore) / mebibyte)} MiB`);
    // Those who held the memory are gone: the door is open again, as soon as it has seen that.
    await until("the door is open again", async () => {
      const { answer } = await send({ body: repeat(toLines([order(1)]), 1) });
      assert.match(answer, /^(200|503)/);
      return answer.startsWith("200");
    });
  });

  test("against clients that do not read what they asked for", async (context) => {
    const sockets = Array.from({ length: 20 }, () => {
      const socket = connect(port, "127.0.0.1").on("error", () => undefined);
      socket.pause().write(`GET ${records} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
      return socket;
    });
    let most = 0;
    for (let look = 0; look < 50; look++) {
      most = Math.max(most, await memory());
      await sleep(20);
    }
    for (const socket of sockets) socket.destroy();
    context.diagnostic(`grew by ${Math.round((most - memoryBefore) / mebibyte)} MiB`);
    assert.ok(most - memoryBefore < growthMax, `grew by ${Math.round((most - memoryBefore) / mebibyte)} MiB`);
  });

  async function* arrayOf(element: string, total: number): AsyncGenerator<Buffer> {
    yield Buffer.from(`[${element}`);
    yield* repeat(block(`,${element}`), total - 100_000);
    yield Buffer.from("]");
  }
});
