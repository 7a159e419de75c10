import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import type { Answer, IngestLimits, IngestRequest } from "./ingest.ts";
import { ask, inChunks, openRooms, orders, readTopic, type Rooms } from "./testing/open-rooms.ts";

const interruptAfterTimeLimit = Number(process.env["MAINSTEM_TEST_SECONDS"] ?? 3) * 1_000;

const text = fc.oneof(fc.string({ maxLength: 20, unit: "grapheme" }), fc.constantFrom("\ud800", '"', "\\", "\n", "\u2028", "x".repeat(390)));
const valid = fc.record({ orderId: text, revision: fc.integer({ min: -5, max: 5 }), amount: fc.constantFrom("1.5", "-0.01"), note: fc.option(text) });
/** Anything that is JSON: valid records, nearly valid ones, other values. */
const record = fc.oneof(
  { weight: 4, arbitrary: valid },
  fc.tuple(valid, fc.jsonValue()).map(([one, value]) => ({ ...one, note: value })),
  fc.jsonValue(),
  fc.constantFrom(70, 64, 65).map((depth) => Array.from({ length: depth }).reduce<unknown>((inner) => [inner], [])),
);
const sizes = fc.array(fc.integer({ min: 1, max: 300 }), { maxLength: 50 });
const small = { recordBytesMax: 400, batchBytesMax: 1_000, windowBytes: 3_000 };
const modes = fc.constantFrom<Partial<IngestRequest>[]>({}, { invalid: "inbox" }, { atomic: true });

interface Outcome {
  readonly answer: Answer;
  /** What the request added, the inbox's ids without the request's own. */
  readonly stored: readonly string[];
}

/** Rooms of a test's own: fast-check lets a run that its time limit interrupts go on in the background. */
async function openSender({ limits = small, requestsMax = 200 }: { readonly limits?: Partial<IngestLimits>; readonly requestsMax?: number } = {}): Promise<
  { readonly send: (request: IngestRequest) => Promise<Outcome> } & AsyncDisposable
> {
  const open = async (): Promise<Rooms> => {
    const rooms = await openRooms({ partitions: 2, limits });
    await rooms.registry.apply(orders);
    return rooms;
  };
  let rooms = await open();
  let requests = 0;
  const read = async (): Promise<readonly string[]> => {
    const { topics } = await rooms.registry.require("shop.orders");
    const records = await readTopic(rooms.log, topics.records);
    const entries = await readTopic(rooms.log, topics.inbox);
    return [
      ...records.map(({ partition, key, bytes }) => `${partition} ${key} ${bytes.toString("hex")}`),
      ...entries.map(({ key, bytes }) => `inbox ${key.split("/").at(-1)} ${bytes.toString("hex")}`),
    ];
  };
  let closed = false;
  let running: Promise<unknown> = Promise.resolve();
  const sendOne = async (request: IngestRequest): Promise<Outcome> => {
    // Reading everything for each request must not become the whole of the test.
    if (++requests % requestsMax === 0) {
      await rooms[Symbol.asyncDispose]();
      rooms = await open();
    }
    const known = await read();
    const answer = await rooms.ingest.accept(request);
    const stored = [...(await read())];
    for (const one of known) stored.splice(stored.indexOf(one), 1);
    return { answer, stored: stored.toSorted() };
  };
  return {
    send(request) {
      // A run that was interrupted goes on behind the test's back: it must not open rooms that nobody closes.
      if (closed) return Promise.reject(new Error("the test is over"));
      const outcome = sendOne(request);
      running = outcome.catch(() => undefined);
      return outcome;
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      await running;
      await rooms[Symbol.asyncDispose]();
    },
  };
}

test("however a body is cut, encoded and put in a form, the same records are stored and the same answer is given", async () => {
  await using sender = await openSender();
  const { send } = sender;
  let keys = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(record, { maxLength: 12 }), modes, sizes, fc.constantFrom("\n", "\r\n", "\n \n"), async (records, mode, cuts, end) => {
      const lines = Buffer.from(records.map((one) => JSON.stringify(one) + end).join(""));
      const array = Buffer.from(JSON.stringify(records));
      const whole = await send(ask(lines, mode));
      const { accepted, quarantined, refused } = whole.answer;
      const nothing = mode.atomic === true && refused.length > 0;
      assert.equal(whole.answer.records, records.length);
      assert.equal(accepted + quarantined + refused.length, nothing ? refused.length : records.length);
      assert.deepEqual(await send(ask(inChunks(lines, cuts), mode)), whole);
      assert.deepEqual(await send(ask(inChunks(gzipSync(lines), cuts), { ...mode, encoding: "gzip" })), whole);
      assert.deepEqual(await send(ask(inChunks(array, cuts), { ...mode, format: "json" })), whole);
      assert.deepEqual(await send(ask(lines, { ...mode, idempotencyKey: `key ${keys++}` })), whole);
    }),
    { interruptAfterTimeLimit, numRuns: 10_000 },
  );
});

/** Chunks with memory of their own, as sockets give them. */
async function* owned(body: Uint8Array | string, cuts: Iterable<number>): AsyncGenerator<Uint8Array> {
  for await (const part of inChunks(Buffer.from(body), cuts)) {
    const chunk = Buffer.allocUnsafeSlow(part.length);
    chunk.set(part);
    yield chunk;
  }
}

test("whatever memory the chunks of a body have, which is given back once they are read, its records are stored as they are", async () => {
  await using sender = await openSender({ limits: { recordBytesMax: 60_000, batchBytesMax: 100_000, windowBytes: 200_000 }, requestsMax: 40 });
  const { send } = sender;
  const long = fc.tuple(fc.constantFrom("a", "é", '"', "~"), fc.nat(45_000)).map(([character, length]) => character.repeat(length));
  const large = fc.record({ orderId: text, revision: fc.constantFrom<unknown>(1, 2, "none", null), amount: fc.constantFrom("1.5", "x"), note: long });
  const wide = fc.array(fc.oneof(fc.integer({ min: 16_300, max: 200_000 }), fc.integer({ min: 1, max: 20_000 })), { maxLength: 40 });
  let keys = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(large, { minLength: 1, maxLength: 25 }), modes, wide, async (records, mode, cuts) => {
      const lines = records.map((one) => `${JSON.stringify(one)}\n`).join("");
      const whole = await send(ask(Buffer.from(lines), mode));
      const { accepted, quarantined } = whole.answer;
      assert.equal(whole.stored.length, accepted + quarantined);
      assert.deepEqual(await send(ask(owned(lines, cuts), mode)), whole);
      assert.deepEqual(await send(ask(owned(lines, cuts), { ...mode, idempotencyKey: `key ${keys++}` })), whole);
      assert.deepEqual(await send(ask(owned(JSON.stringify(records), cuts), { ...mode, format: "json" })), whole);
      // Without compression, too: what gunzip is given are then large chunks.
      for (const level of [0, 6]) assert.deepEqual(await send(ask(owned(gzipSync(lines, { level }), cuts), { ...mode, encoding: "gzip" })), whole);
    }),
    { interruptAfterTimeLimit, numRuns: 10_000 },
  );
});

test("any bytes at all get an answer, and leave nothing behind that was not asked for", async () => {
  await using sender = await openSender();
  const pieces = ["{", "}", "[", "]", '"', ":", ",", "\n", "\r", "\\", "1", "-", "e", "null", '"orderId"', "\u0000", "\ufeff", "é"];
  const texts = fc.array(fc.constantFrom(...pieces), { maxLength: 60 }).map((parts) => Buffer.from(parts.join("")));
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.uint8Array({ maxLength: 200 }), texts), sizes, async (body, cuts) => {
      const { answer, stored } = await sender.send(ask(inChunks(body, cuts)));
      assert.deepEqual([answer.accepted, stored], [0, []]);
      assert.equal(answer.refused.length, answer.records);
      for (const request of [ask(body, { format: "json" }), ask(body, { encoding: "gzip" })]) {
        const outcome = await sender.send(request).catch((error: Error & { readonly code?: string }) => error.code ?? error.message);
        if (typeof outcome === "string") assert.match(outcome, /^ingest\.(notJson|encoding)$/);
        else assert.deepEqual(outcome.stored, []);
      }
    }),
    { interruptAfterTimeLimit, numRuns: 10_000 },
  );
});
