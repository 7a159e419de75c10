import assert from "node:assert/strict";
import { request } from "node:http";
import { test } from "node:test";
import { ask } from "../ingest/testing/open-rooms.ts";
import { openApi } from "./testing/open-api.ts";

test("a client that takes nothing of the inbox is cut off, and what it did not take waits as before", async () => {
  await using api = await openApi({ config: { limits: { idleMs: 300 } } });
  const lines = Array.from({ length: 20 }, (_, index) => JSON.stringify({ orderId: index, note: "n".repeat(900_000) })).join("\n");
  const path = "/v1/datasets/shop.orders/inbox/records?all=true";
  for (let round = 1; ; round++) {
    assert.equal((await api.rooms.ingest.accept(ask(Buffer.from(lines), { invalid: "inbox" }))).quarantined, 20);
    const { promise, resolve, reject } = Promise.withResolvers<boolean>();
    request(`${api.server.url}${path}`, (response) => {
      response.on("error", () => undefined).on("close", () => resolve(response.complete));
      setTimeout(() => response.resume(), 1_500);
    })
      .on("error", reject)
      .end();
    const whole = await promise;
    assert.equal((await api.call(path)).lines.length, round * 20);
    if (!whole) return;
    // The buffers of both ends may hold as much: then there has to be more.
    assert.ok(round < 10, "it was never cut off");
  }
});
