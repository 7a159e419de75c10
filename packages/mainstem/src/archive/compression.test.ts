import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { constants, zstdCompressSync } from "node:zlib";
import { compressBlock, decompressBlock, decompressBlockSync } from "./compression.ts";

const blocks = [
  Buffer.from("a"),
  Buffer.from("order ".repeat(50_000)),
  randomBytes(262_144),
  // More than a compressor makes room for at once.
  randomBytes(3_000_000),
  Buffer.alloc(5_000_000),
];

test("gives each block back, however many are compressed at once", async () => {
  const many = Array.from({ length: 20 }, (_, index) => blocks[index % blocks.length] ?? Buffer.alloc(0));
  const compressed = await Promise.all(many.map(compressBlock));
  for (const [index, block] of many.entries()) {
    const one = compressed[index] ?? Buffer.alloc(0);
    assert.ok(decompressBlockSync(one).every((byte, at) => byte === block[at]));
    assert.ok(Buffer.from(await decompressBlock(one)).equals(block));
  }
});

test("makes frames of their own, the same as one call would, so that any reader takes them", async () => {
  const params = { [constants.ZSTD_c_compressionLevel]: 1 };
  for (const block of blocks) {
    const expected = zstdCompressSync(block, { params, pledgedSrcSize: block.length });
    assert.ok(Buffer.from(await compressBlock(block)).equals(expected), `a block of ${block.length} bytes`);
  }
});

test("refuses blocks that are no frames, are cut, or would become too large", async () => {
  const cut = (await compressBlock(blocks[2] ?? Buffer.alloc(0))).subarray(0, 1_000);
  const bomb = zstdCompressSync(Buffer.alloc(67_108_865));
  for (const damaged of [Buffer.from("no frame at all"), cut, bomb]) {
    assert.throws(() => decompressBlockSync(damaged));
    await assert.rejects(decompressBlock(damaged));
  }
});
