import assert from "node:assert/strict";
import { test } from "node:test";
import { BufferPool } from "./buffer-pool.ts";
import { RecordBatchBuilder } from "./record-batch-builder.ts";

test("a buffer that was given back is used again, at any size that it can hold", () => {
  const pool = new BufferPool();
  const first = pool.take(20_000);
  assert.equal(first.length, 32_768);
  const second = pool.take(20_000);
  assert.notEqual(second.buffer, first.buffer, "what is lent is not lent twice");
  pool.give(first.subarray(100, 200));
  assert.equal(pool.take(32_768).buffer, first.buffer);
  for (const [bytes, size] of [
    [0, 16_384],
    [16_384, 16_384],
    [16_385, 32_768],
    [2_097_152, 2_097_152],
    [2_097_153, 2_097_153],
  ] as const)
    assert.equal(pool.take(bytes).length, size, String(bytes));
});

test("nothing comes back twice, and nothing that is not the pool's", () => {
  const pool = new BufferPool();
  const own = pool.take(1);
  pool.give(own);
  pool.give(own);
  pool.give(Buffer.allocUnsafeSlow(16_384));
  const again = [pool.take(1), pool.take(1), pool.take(1)].map(({ buffer }) => buffer);
  assert.equal(new Set(again).size, 3);
  assert.equal(again[0], own.buffer);
});

test("a pool keeps no more than its limit", () => {
  const pool = new BufferPool();
  const lent = Array.from({ length: 10 }, () => pool.take(2_097_152));
  for (const buffer of lent) pool.give(buffer);
  const before = new Set(lent.map(({ buffer }) => buffer));
  const kept = lent.filter(() => before.has(pool.take(2_097_152).buffer));
  assert.equal(kept.length, 4);
});

test("a builder's batches keep their bytes until they are given back, however it grows", () => {
  const pool = new BufferPool();
  const builder = new RecordBatchBuilder({ capacity: 16_384, pool });
  const plain = new RecordBatchBuilder();
  const held = [];
  for (let round = 0; round < 20; round++) {
    for (let index = 0; index <= round * 40; index++) {
      const record = { key: Buffer.from(`${round}/${index}`), value: Buffer.alloc(100, round) };
      builder.add(record);
      plain.add(record);
    }
    held.push({ batch: builder.finish(), expected: Buffer.from(plain.finish().records) });
    for (const { batch, expected } of held) assert.ok(expected.equals(batch.records));
    if (round % 3 === 2) for (const { batch } of held.splice(0)) pool.give(batch.records);
  }
});
