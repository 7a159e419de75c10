import assert from "node:assert/strict";
import { test } from "node:test";
import type { Offset, Partition, TopicId, TopicName, TopicPartition } from "../log/index.ts";
import { formatChainEntry, parseChainEntry, toChainEntry } from "./chain-entry.ts";
import type { ChainEntry } from "./chunk.ts";
import { chainKey, dataKey, parseChainKey, parseDataKey } from "./paths.ts";

const of: TopicPartition = { topic: "shop.orders" as TopicName, topicId: "AAAAAAAAAAAAAAAAAAAAAA" as TopicId, partition: 3 as Partition };
const attempt = "BBBBBBBBBBBBBBBBBBBB-_";
const start = 100 as Offset;
const firstTime = Date.UTC(2026, 10, 21, 9, 59, 59, 999);
const data: ChainEntry = {
  formatVersion: 1,
  kind: "data",
  start,
  next: 250 as Offset,
  path: dataKey(of, { firstTime, last: 249 as Offset, attempt }),
  attempt,
  sha256: "0123456789abcdef".repeat(4),
  records: 149,
  bytes: 12_345,
  times: { first: firstTime, last: firstTime },
};
const gap: ChainEntry = { formatVersion: 1, kind: "gap", start, next: 250 as Offset, attempt, records: 0, bytes: 0 };
const empty: ChainEntry = { ...gap, kind: "data" };
const place = { of, start, key: chainKey(of, start) };

test("keeps data, gaps and ranges without records as they are", () => {
  for (const entry of [data, gap, empty]) assert.deepEqual(parseChainEntry(formatChainEntry(entry), place), entry);
});

test("stores JSON that other programs read, with the fields of the format page", () => {
  const { check, ...stored } = JSON.parse(Buffer.from(formatChainEntry(data)).toString()) as Record<string, unknown>;
  assert.deepEqual(stored, data);
  assert.match(String(check), /^[0-9a-f]{64}$/);
});

test("puts objects where the design says", () => {
  assert.equal(data.path, `archive/shop.orders/AAAAAAAAAAAAAAAAAAAAAA/3/2026-11-21/09/00000000000000000249-${attempt}.avro`);
  assert.equal(place.key, "archive/shop.orders/AAAAAAAAAAAAAAAAAAAAAA/3/_chain/00000000000000000100.json");
  assert.equal(parseChainKey(of, place.key), 100);
  assert.deepEqual(parseDataKey(of, data.path ?? ""), { last: 249, attempt });
  for (const key of [place.key, `${data.path}.tmp`, "archive/shop.orders/x/3/2026-11-21/09/1-a.avro", ""]) assert.equal(parseDataKey(of, key), undefined);
  for (const time of [Number.MIN_SAFE_INTEGER, -1, Number.MAX_SAFE_INTEGER])
    assert.match(dataKey(of, { firstTime: time, last: start, attempt }), /\/(1970-01-01\/00|9999-12-31\/23)\//);
});

test("finds every changed, missing and added byte", () => {
  for (const entry of [data, gap, empty]) {
    const stored = Buffer.from(formatChainEntry(entry));
    const damaged = (bytes: Uint8Array): void =>
      assert.throws(() => parseChainEntry(bytes, place), {
        code: "archive.corrupt",
        facts: { key: place.key },
        message: /_chain\/00000000000000000100\.json is damaged/,
      });
    for (let at = 0; at < stored.length; at++) {
      damaged(stored.subarray(0, at));
      damaged(Buffer.concat([stored.subarray(0, at), stored.subarray(at + 1)]));
      for (const flip of [0x01, 0x20, 0x80]) {
        const changed = Buffer.from(stored);
        changed[at]! ^= flip;
        damaged(changed);
      }
    }
    damaged(Buffer.concat([stored, Buffer.from("\n")]));
    damaged(Buffer.alloc(stored.length));
  }
});

test("says of an entry of a later version that it is one, and not that it is damaged", () => {
  const later = formatChainEntry({ ...gap, formatVersion: 2 as never });
  assert.throws(() => parseChainEntry(later, place), { code: "archive.newer", message: /has format 2, and this one knows formats up to 1/ });
});

test("refuses an entry that was copied to another place", () => {
  const other = { ...of, partition: 4 as Partition };
  assert.throws(() => parseChainEntry(formatChainEntry(data), { of: other, start, key: chainKey(other, start) }), { code: "archive.corrupt" });
  assert.throws(() => parseChainEntry(formatChainEntry(gap), { of, start: 101 as Offset, key: chainKey(of, 101 as Offset) }), { code: "archive.corrupt" });
});

const refused: readonly (readonly [string, object])[] = [
  ["a version that is not known", { ...data, formatVersion: 2 }],
  ["a kind that is not known", { ...data, kind: "hole" }],
  ["an end that is its start", { ...data, next: 100 }],
  ["an offset that is no integer", { ...gap, next: 250.5 }],
  ["an offset beyond 2^53", { ...gap, next: 2 ** 53 }],
  ["a negative start", { ...gap, start: -1 }],
  ["records without a path", { ...data, path: undefined }],
  ["a path without records", { ...data, records: 0 }],
  ["records without a sum", { ...data, sha256: undefined }],
  ["records without bytes", { ...data, bytes: 0 }],
  ["records without times", { ...data, times: undefined }],
  ["a gap with records", { ...data, kind: "gap" }],
  ["more records than offsets", { ...data, records: 151 }],
  ["a path of another partition", { ...data, path: data.path?.replace("/3/", "/4/") }],
  ["a path that climbs", { ...data, path: `archive/shop.orders/AAAAAAAAAAAAAAAAAAAAAA/3/../../../../${data.path}` }],
  ["a path of another range", { ...data, path: data.path?.replace("249", "250") }],
  ["a path of another attempt", { ...data, attempt: "C".repeat(22) }],
  ["a field that it does not have", { ...gap, extra: 1 }],
  ["a text instead of a number", { ...gap, next: "250" }],
];
for (const [what, entry] of refused) test(`refuses ${what}`, () => assert.equal(typeof toChainEntry(entry, of), "string"));

test("refuses what is no object at all", () => {
  for (const json of [null, [], 7, "entry", undefined]) assert.equal(typeof toChainEntry(json, of), "string");
});
