import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { promisify } from "node:util";
import { inflateRawSync, zstdDecompress } from "node:zlib";
import { ByteSource } from "./byte-source.ts";
import { containerBlocks, type ContainerCodec, decodeContainerHeader, openContainer } from "./container.ts";
import { compileReader } from "./reader.ts";
import { snappyCodec } from "./snappy-codec.ts";
import { snappy } from "../testing/snappy.ts";

const files = new URL("../../../../test/golden/avro/", import.meta.url);
const bytesOf = (name: string) => new Uint8Array(readFileSync(new URL(name, files)));
const never = () => assert.fail("nothing is compressed here");
const codecs: readonly ContainerCodec[] = [
  { name: "deflate", compress: never, decompress: (bytes, bytesMax) => inflateRawSync(bytes, { maxOutputLength: bytesMax }) },
  { name: "zstandard", compress: never, decompress: (bytes) => promisify(zstdDecompress)(bytes) },
  snappyCodec(snappy),
];

/** The stream in pieces of a size, which need not fit anything in it. */
async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size);
}

async function recordsOf(name: string, size: number): Promise<readonly unknown[]> {
  const { header, blocks } = await openContainer(pieces(bytesOf(name), size), { codecs });
  const read = compileReader(header.schema);
  const records: unknown[] = [];
  for await (const block of blocks) {
    const source = new ByteSource(block.bytes);
    for (let index = 0; index < block.count; index++) records.push(read(source));
    assert.equal(source.remaining, 0);
  }
  return records;
}

const weather = readFileSync(new URL("weather.json", files), "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as unknown);

for (const name of ["weather.avro", "weather-deflate.avro", "weather-zstd.avro", "weather-snappy.avro"]) {
  test(`${name} holds the records that Avro wrote into it, in whatever pieces it comes`, async () => {
    for (const size of [1, 7, 64, 100_000]) assert.deepEqual(await recordsOf(name, size), weather);
  });
}

test("a snappy block whose checksum is wrong is malformed", async () => {
  const bytes = bytesOf("weather-snappy.avro");
  // The last block ends with the checksum and the marker of 16 bytes.
  bytes[bytes.length - 17] = (bytes[bytes.length - 17] as number) ^ 1;
  const { blocks } = await openContainer(pieces(bytes, 100), { codecs });
  await assert.rejects(blocks.next(), { code: "avro.malformed" });
});

test("what snappyCodec writes it reads", async () => {
  const codec = snappyCodec(snappy);
  const plain = new Uint8Array(1000).map((_, index) => index);
  assert.deepEqual(await codec.decompress(await codec.compress(plain), 1000), plain);
});

test("a sync marker within the metadata misleads nobody", async () => {
  const records = (await recordsOf("syncInMeta.avro", 33)) as readonly { readonly ID: number }[];
  assert.deepEqual(
    records.map((record) => record.ID),
    Array.from({ length: 6001 }, (_, index) => index + 1),
  );
});

test("blocks of a file in memory are those of the stream", () => {
  const bytes = bytesOf("weather.avro");
  const { header, next } = decodeContainerHeader(bytes);
  const read = compileReader(header.schema);
  const records = [...containerBlocks(bytes, { header, next })].flatMap(({ count, data }) => {
    const source = new ByteSource(data);
    return Array.from({ length: count }, () => read(source));
  });
  assert.deepEqual(records, weather);
});
