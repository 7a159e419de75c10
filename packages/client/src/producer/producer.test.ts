import assert from "node:assert/strict";
import { test } from "node:test";
import { createProducer } from "./producer.ts";

/** Nobody listens there, and fetch does not refuse it by itself, as it does port 9. */
const url = "http://127.0.0.1:3";

test("a loop that sends leaves the rest of the program its turns: requests begin before the buffer is full", async () => {
  const problems: string[] = [];
  const producer = await createProducer({ url, dataset: "shop.orders", batchRecordsMax: 10, closeMs: 0, onProblem: ({ code }) => problems.push(code) });
  // Of these records the buffer holds more than a million.
  for (let index = 0; index < 200_000 && problems.length === 0; index++) await producer.send({ id: index });
  const begun = problems.length;
  await assert.rejects(producer.close(), { code: "client.unsent" });
  assert.ok(begun > 0);
});
