import assert from "node:assert/strict";
import { test } from "node:test";
import { murmur2, partitionOf } from "./murmur2.ts";
import { murmur3 } from "./murmur3.ts";

const utf8 = new TextEncoder();

test("murmur2 is Kafka's", () => {
  // Source: Apache Kafka, UtilsTest.testMurmur2.
  const cases: Readonly<Record<string, number>> = {
    "21": -973932308,
    foobar: -790332482,
    "a-little-bit-long-string": -985981536,
    "a-little-bit-longer-string": -1486304829,
    lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8: -58897971,
    abc: 479470107,
  };
  for (const [text, hash] of Object.entries(cases)) assert.equal(murmur2(utf8.encode(text)), hash, text);
});

test("a key's partition is not negative, and a part of a buffer hashes as by itself", () => {
  for (const text of ["", "a", "21", "foobar", "ä€"]) {
    const partition = partitionOf(utf8.encode(text), 7);
    assert.ok(partition >= 0 && partition < 7);
    assert.equal(partition, (murmur2(utf8.encode(text)) & 0x7fffffff) % 7);
    assert.equal(murmur2(utf8.encode(`xx${text}yyy`), 2, 2 + utf8.encode(text).length), murmur2(utf8.encode(text)));
  }
});

test("murmur3 is the one of Iceberg's appendix B", () => {
  assert.equal(murmur3(utf8.encode("iceberg")), 1210000089);
  assert.equal(murmur3(Uint8Array.of(0, 1, 2, 3)), -188683207);
  assert.equal(murmur3(Uint8Array.of(34, 0, 0, 0, 0, 0, 0, 0)), 2017239379);
  assert.equal(murmur3(new Uint8Array(0)), 0);
});
