import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateRawSync, inflateRawSync } from "node:zlib";
import { ContractError } from "../errors.ts";
import { ByteSink } from "./byte-sink.ts";
import { ByteSource } from "./byte-source.ts";
import { type ContainerCodec, containerBlocks, decodeContainerHeader, encodeContainerBlock, encodeContainerHeader, openContainer } from "./container.ts";
import { compileReader } from "./reader.ts";
import { parseAvroSchema } from "./schema-parser.ts";
import { schemaText } from "./schema-text.ts";
import { compileWriter } from "./writer.ts";

const schema = parseAvroSchema({
  type: "record",
  name: "r",
  fields: [
    { name: "n", type: "long", "field-id": 7 },
    { name: "s", type: ["null", "string"] },
  ],
});
const records = [
  { n: 1, s: "one" },
  { n: -(2n ** 63n), s: null },
  { n: 3, s: "drei" },
];
const sync = Uint8Array.from({ length: 16 }, (_, index) => index * 7);
const deflate: ContainerCodec = {
  name: "deflate",
  compress: (bytes) => deflateRawSync(bytes),
  decompress: (bytes, bytesMax) => inflateRawSync(bytes, { maxOutputLength: bytesMax }),
};

function makeFile(codec: string): Uint8Array<ArrayBuffer> {
  const sink = new ByteSink();
  sink.writeRaw(encodeContainerHeader({ schemaText: schemaText(schema), codec, sync, metadata: { "mainstem.note": "ä", raw: Uint8Array.of(0, 255) } }));
  const write = compileWriter(schema);
  for (const part of [records.slice(0, 2), records.slice(2)]) {
    const block = new ByteSink();
    for (const record of part) write(record, block);
    const data = codec === "deflate" ? (deflate.compress(block.view()) as Uint8Array) : block.copy();
    sink.writeRaw(encodeContainerBlock({ count: part.length, data, sync }));
  }
  return sink.copy();
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function readAll(bytes: Uint8Array, options: { readonly blockBytesMax?: number } = {}): Promise<readonly unknown[]> {
  const { header, blocks } = await openContainer(once(bytes), { codecs: [deflate], ...options });
  const read = compileReader(header.schema);
  const found: unknown[] = [];
  for await (const block of blocks) {
    const source = new ByteSource(block.bytes);
    for (let index = 0; index < block.count; index++) found.push(read(source));
  }
  return found;
}

test("a file comes back with its records, its metadata and the attributes of its schema", async () => {
  for (const codec of ["null", "deflate"]) {
    const bytes = makeFile(codec);
    assert.deepEqual(await readAll(bytes), records);
    const { header } = decodeContainerHeader(bytes);
    assert.equal(header.codec, codec);
    assert.equal(header.schemaText, schemaText(schema));
    assert.match(header.schemaText, /"field-id":7/);
    assert.deepEqual(header.metadata.get("raw"), Uint8Array.of(0, 255));
    assert.equal(new TextDecoder().decode(header.metadata.get("mainstem.note")), "ä");
  }
});

test("a file without blocks has no records", async () => {
  const bytes = encodeContainerHeader({ schemaText: schemaText(schema), codec: "null", sync });
  assert.deepEqual(await readAll(bytes), []);
});

test("a file that is cut anywhere but between blocks is malformed", async () => {
  const bytes = makeFile("null");
  const { header, next } = decodeContainerHeader(bytes);
  const ends = new Set([next, ...[...containerBlocks(bytes, { header, next })].map((block) => block.position)]);
  for (let length = 0; length < bytes.length; length++) {
    const cut = bytes.subarray(0, length);
    if (ends.has(length)) {
      assert.ok((await readAll(cut)).length < records.length);
    } else {
      await assert.rejects(readAll(cut), { code: "avro.malformed" }, `cut at ${length}`);
      assert.throws(
        () => {
          const head = decodeContainerHeader(cut);
          return [...containerBlocks(cut, head)];
        },
        { code: "avro.malformed" },
      );
    }
  }
});

test("a file with any byte flipped is read or refused with a code", async () => {
  for (const codec of ["null", "deflate"]) {
    const bytes = makeFile(codec);
    for (let at = 0; at < bytes.length; at++) {
      const flipped = bytes.slice();
      flipped[at] = (flipped[at] as number) ^ (1 << (at % 8));
      try {
        await readAll(flipped);
      } catch (error) {
        assert.ok(error instanceof ContractError && (error.code === "avro.malformed" || error.code === "avro.schema"), `byte ${at}: ${String(error)}`);
      }
    }
  }
});

test("a block that claims or holds more than the limit is refused before it is held", async () => {
  await assert.rejects(readAll(makeFile("null"), { blockBytesMax: 8 }), { code: "avro.malformed" });
  const sink = new ByteSink();
  sink.writeRaw(encodeContainerHeader({ schemaText: schemaText(schema), codec: "deflate", sync }));
  sink.writeRaw(encodeContainerBlock({ count: 1, data: deflateRawSync(new Uint8Array(1_000_000)), sync }));
  await assert.rejects(readAll(sink.copy(), { blockBytesMax: 100_000 }), { code: "avro.malformed" });
});

test("errors of a stream tell the position in the file, not in its block", async () => {
  const bytes = makeFile("null");
  const { header, next } = decodeContainerHeader(bytes);
  const [first, second] = [...containerBlocks(bytes, { header, next })].map((block) => block.position) as [number, number];
  const tailed = (tail: readonly number[]) => readAll(Uint8Array.from([...bytes.subarray(0, second), ...tail]));
  await assert.rejects(tailed([1, 2, 3]), { message: new RegExp(`at byte ${second + 1}\\.`), facts: { position: second + 1 } });
  await assert.rejects(tailed([2, 128]), { facts: { position: second + 2 } });
  await assert.rejects(tailed([2, 2, 0, ...sync.map((byte) => byte ^ 1)]), { facts: { position: second + 3 } });
  assert.ok(first > 0);
});

test("a codec that is not there is named", async () => {
  const bytes = encodeContainerHeader({ schemaText: schemaText(schema), codec: "snappy", sync });
  await assert.rejects(readAll(bytes), { code: "avro.malformed", message: /"snappy"/ });
});

test("the stream is closed when the reader stops early, and when the header is wrong", async () => {
  let closed = 0;
  async function* watched(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
    try {
      for (const byte of bytes) yield Uint8Array.of(byte);
    } finally {
      closed++;
    }
  }
  const { blocks } = await openContainer(watched(makeFile("null")), { codecs: [] });
  for await (const block of blocks) {
    assert.equal(block.count, 2);
    break;
  }
  assert.equal(closed, 1);
  await assert.rejects(openContainer(watched(new TextEncoder().encode("PAR1 and so on")), { codecs: [] }), { code: "avro.malformed" });
  assert.equal(closed, 2);
});
