import assert from "node:assert/strict";
import { request } from "node:http";
import { test } from "node:test";
import { ask } from "../ingest/testing/open-rooms.ts";
import { openApi } from "./testing/open-api.ts";

test("a client that takes nothing of the inbox is cut off, and what it did not take waits as before", { timeout: 30_000 }, async () => {
  await using api = await openApi({ config: { limits: { idleMs: 300 } } });
  const count = 20;
  const lines = Array.from({ length: count }, (_, index) => JSON.stringify({ orderId: index, note: "n".repeat(900_000) })).join("\n");
  assert.equal((await api.rooms.ingest.accept(ask(Buffer.from(lines), { invalid: "inbox" }))).quarantined, count);
  const path = "/v1/datasets/shop.orders/inbox/records?all=true";
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  request(`${api.server.url}${path}`, (response) => {
    response.on("error", () => undefined).on("close", () => resolve(response.complete));
    // More than the buffers of both ends hold is left when it begins to read.
    setTimeout(() => response.resume(), 1_500);
  })
    .on("error", reject)
    .end();
  assert.equal(await promise, false);
  assert.equal((await api.call(path)).lines.length, count);
});
