import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { deflateRawSync, inflateRawSync, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { openFastavro } from "../../../../tools/services/python.ts";
import { formatExact } from "../exact-json.ts";
import { createRandom, evolvedSchema, randomSchema, randomValue } from "../testing/random-schemas.ts";
import { snappy } from "../testing/snappy.ts";
import { ByteSink } from "./byte-sink.ts";
import { ByteSource } from "./byte-source.ts";
import type { ContainerCodec } from "./container.ts";
import { encodeContainerBlock, encodeContainerHeader, nullCodec, openContainer } from "./container.ts";
import { compileReader, readWhole } from "./reader.ts";
import { compileResolvingReader } from "./resolving-reader.ts";
import { parseAvroSchema } from "./schema-parser.ts";
import { schemaText } from "./schema-text.ts";
import { snappyCodec } from "./snappy-codec.ts";
import { compileWriter } from "./writer.ts";

const script = fileURLToPath(new URL("../testing/ask-fastavro.py", import.meta.url));
const seed = Number(process.env["MAINSTEM_TEST_SEED"] ?? Date.now() % 2 ** 31);
const pairs = 3_000;

function encode(schema: ReturnType<typeof parseAvroSchema>, value: unknown): string {
  const sink = new ByteSink();
  compileWriter(schema)(value, sink);
  return Buffer.from(sink.view()).toString("hex");
}
const bytesOf = (hex: string) => new ByteSource(new Uint8Array(Buffer.from(hex, "hex")));

test(`fastavro writes, reads and resolves as we do (MAINSTEM_TEST_SEED=${seed})`, async () => {
  const fastavro = await openFastavro();
  const random = createRandom(seed);
  const cases = Array.from({ length: pairs }, () => {
    const writer = randomSchema(random);
    const schema = parseAvroSchema(writer);
    const reader = evolvedSchema(writer, random);
    return { kind: "pair", writer, reader, hex: encode(schema, randomValue(schema, random)) };
  });
  const answers = JSON.parse(await fastavro.run(script, formatExact(cases))) as readonly { same: string; resolved?: string; refused?: string }[];
  assert.equal(answers.length, pairs);
  let resolved = 0;
  for (const [index, { writer, reader, hex }] of cases.entries()) {
    const answer = answers[index] as (typeof answers)[number];
    const told = `case ${index}: ${formatExact({ writer, reader, hex, answer })}`;
    const schema = parseAvroSchema(writer);
    assert.equal(answer.same, hex, told);
    assert.equal(encode(schema, readWhole(compileReader(schema), bytesOf(hex))), hex, told);
    const target = parseAvroSchema(reader);
    const value = readWhole(compileResolvingReader({ writer: schema, reader: target }), bytesOf(hex));
    assert.equal(answer.resolved, encode(target, value), told);
    resolved++;
  }
  assert.ok(resolved > pairs / 2);
});

test("fastavro follows the letter, we and Avro for Java do not: in a reader's union a promotion that stands first would come before the writer's own type", async () => {
  const fastavro = await openFastavro();
  const record = (type: unknown) => ({ type: "record", name: "r", fields: [{ name: "f", type }] });
  const [writer, reader] = [record("string"), record(["bytes", "string"])];
  const [answer] = JSON.parse(await fastavro.run(script, JSON.stringify([{ kind: "pair", writer, reader, hex: "0261" }]))) as [{ resolved: string }];
  assert.equal(answer.resolved, "000261");
  const value = compileResolvingReader({ writer: parseAvroSchema(writer), reader: parseAvroSchema(reader) })(bytesOf("0261"));
  assert.deepEqual(value, { f: { string: "a" } });
});

const codecs: readonly ContainerCodec[] = [
  nullCodec,
  { name: "deflate", compress: (bytes) => deflateRawSync(bytes), decompress: (bytes, max) => inflateRawSync(bytes, { maxOutputLength: max }) },
  { name: "zstandard", compress: (bytes) => zstdCompressSync(bytes), decompress: (bytes, max) => zstdDecompressSync(bytes, { maxOutputLength: max }) },
  snappyCodec(snappy),
];

test("fastavro reads our container files of every codec, and we read its", async () => {
  const fastavro = await openFastavro();
  const random = createRandom(seed + 1);
  const made = [];
  for (const codec of codecs) {
    const json = randomSchema(random);
    const schema = parseAvroSchema(json);
    const records = Array.from({ length: 200 }, () => encode(schema, randomValue(schema, random)));
    const sync = new Uint8Array(16).fill(7);
    const parts: Uint8Array[] = [encodeContainerHeader({ schemaText: schemaText(schema), codec: codec.name, sync })];
    for (let start = 0; start < records.length; start += 50) {
      const data = Buffer.from(records.slice(start, start + 50).join(""), "hex");
      parts.push(encodeContainerBlock({ count: 50, data: await codec.compress(new Uint8Array(data)), sync }));
    }
    made.push({ kind: "container", codec: codec.name, schema: json, file: Buffer.concat(parts).toString("base64"), records });
  }
  const answers = JSON.parse(await fastavro.run(script, JSON.stringify(made))) as readonly { file: string; records: number }[];
  for (const [index, one] of made.entries()) {
    const answer = answers[index] as (typeof answers)[number];
    assert.equal(answer.records, 200);
    const file = new Uint8Array(Buffer.from(answer.file, "base64"));
    const { header, blocks } = await openContainer(pieces(file), { codecs });
    assert.equal(header.codec, one.codec);
    const read = compileReader(header.schema);
    const records: string[] = [];
    for await (const block of blocks) {
      const source = new ByteSource(block.bytes);
      for (let count = 0; count < block.count; count++) records.push(encode(header.schema, read(source)));
      assert.equal(source.remaining, 0);
    }
    assert.deepEqual(records, one.records);
  }
});

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += 1000) yield bytes.subarray(start, start + 1000);
}
