import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "./idempotency-header.ts";
import { KeyTable } from "./key-table.ts";

const body = digestOf("body");

test("finds every key among many, in each of its lanes", () => {
  const table = new KeyTable();
  const keys = 5_000;
  for (let index = 0; index < keys; index++)
    for (const lane of [0, index % 7, 0xffff_ffff]) table.add(digestOf(`key ${index}`), { body, contractVersion: 3, lane, records: index + 1, second: index });
  assert.equal(table.find(digestOf("another")).length, 0);
  for (let index = 0; index < keys; index++) {
    const rows = table.find(digestOf(`key ${index}`));
    assert.equal(rows.length, index % 7 === 0 ? 2 : 3);
    const records = new Map(rows.map((row) => [row.lane, row.records]));
    assert.equal(records.get(0xffff_ffff), index + 1);
    assert.equal(records.get(0), index % 7 === 0 ? 2 * (index + 1) : index + 1);
    assert.ok(rows.every((row) => row.contractVersion === 3 && row.second === index && row.body.join() === body.join()));
  }
});

test("adds the batches of one lane up, and keeps the latest time", () => {
  const table = new KeyTable();
  const key = digestOf("key");
  for (const second of [7, 9, 8]) table.add(key, { body, contractVersion: 1, lane: 2, records: 10, second, judged: 6 });
  assert.deepEqual(table.find(key), [{ body, contractVersion: 1, lane: 2, records: 30, second: 9, judged: 6 }]);
  assert.equal(table.rows, 1);
});
