import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Log } from "../log/index.ts";
import { MainstemError } from "../runtime/errors.ts";
import { ask, readTopic, toLines } from "./testing/open-rooms.ts";
import { ids, lines, numbered, openShop, reopen } from "./testing/open-shop.ts";

describe("a crash in the midst of a request with a key", () => {
  /** A log that takes so many batches and is then as if the process had died: the next ones are `lost`, or written but never answered. */
  const dying =
    (batches: number, { lost }: { readonly lost: boolean }) =>
    (append: Log["append"]): Log["append"] =>
    async (...given) => {
      if (batches-- > 0) return append(...given);
      if (!lost) await append(...given);
      throw new MainstemError("log.writeFailed", "The disk is gone.");
    };
  const options = { partitions: 3, limits: { batchBytesMax: 800 } };
  const body = Buffer.concat([lines(200), Buffer.from("bad\n"), toLines([{ orderId: "bad" }])]);
  const request = { idempotencyKey: "k", invalid: "inbox" } as const;

  for (const lost of [true, false])
    for (const batches of [0, 1, 2, 3, 5, 8])
      for (const restart of [true, false])
        test(`after ${batches} batches, the next ones ${lost ? "lost" : "written but unanswered"}, is mended by a repeat ${restart ? "after a restart" : "in the same process"}`, async () => {
          let broken = true;
          const wrapAppend = (append: Log["append"]): Log["append"] => {
            const dead = dying(batches, { lost })(append);
            return (...given) => (broken ? dead : append)(...given);
          };
          await using rooms = await openShop({ ...options, wrapAppend });
          await assert.rejects(rooms.ingest.accept(ask(body, request)), { code: "log.writeFailed" });
          broken = false;
          await using again = restart ? await reopen(rooms, options) : rooms;
          for (let repeat = 0; repeat < 2; repeat++) {
            const answer = await again.ingest.accept(ask(body, request));
            assert.deepEqual([answer.accepted, answer.quarantined], [200, 2]);
          }
          assert.deepEqual(await ids(again), numbered(200));
          const { topics } = await again.registry.require("shop.orders");
          const inbox = await readTopic(again.log, topics.inbox);
          assert.deepEqual(
            inbox.map(({ bytes }) => bytes.toString()),
            ["bad", '{"orderId":"bad"}'],
          );
        });
});
