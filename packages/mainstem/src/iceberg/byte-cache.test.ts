import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteCache } from "./byte-cache.ts";

test("keeps what was used last, within its bytes", async () => {
  const cache = new ByteCache({ bytesMax: 100 });
  const made: string[] = [];
  const use = (key: string, bytes = 40): Promise<string> =>
    cache.through(key, () => {
      made.push(key);
      return Promise.resolve({ value: key.toUpperCase(), bytes });
    });
  assert.deepEqual([await use("a"), await use("b"), await use("a"), await use("c")], ["A", "B", "A", "C"]);
  assert.deepEqual(made, ["a", "b", "c"]);
  assert.equal(cache.bytes, 80);
  await use("a");
  assert.deepEqual(made, ["a", "b", "c"], "a was used after b, so b went");
  await use("b");
  assert.deepEqual(made, ["a", "b", "c", "b"]);
  assert.equal(await use("huge", 1_000), "HUGE");
  assert.ok(cache.bytes <= 100);
});

test("two that make the same at once count once, and a failure is not kept", async () => {
  const cache = new ByteCache({ bytesMax: 100 });
  await Promise.all([1, 2].map(() => cache.through("a", () => Promise.resolve({ value: 1, bytes: 30 }))));
  assert.equal(cache.bytes, 30);
  await assert.rejects(cache.through("b", () => Promise.reject(new Error("no"))));
  assert.equal(await cache.through("b", () => Promise.resolve({ value: 2, bytes: 30 })), 2);
});
