import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateRawSync, inflateRawSync } from "node:zlib";
import fc from "fast-check";
import { ContractError } from "../errors.ts";
import { compileDecoder } from "../records/decoder.ts";
import { timed } from "../testing/arbitraries.ts";
import { damaged } from "../testing/damage.ts";
import { createRandom, evolvedSchema, randomSchema, randomValue } from "../testing/random-schemas.ts";
import { snappy } from "../testing/snappy.ts";
import { ByteSink } from "./byte-sink.ts";
import { ByteSource } from "./byte-source.ts";
import type { ContainerCodec } from "./container.ts";
import { containerBlocks, decodeContainerHeader, encodeContainerBlock, encodeContainerHeader, openContainer } from "./container.ts";
import { compileReader, readWhole } from "./reader.ts";
import { compileResolvingReader } from "./resolving-reader.ts";
import type { AvroSchema } from "./schema.ts";
import { parseAvroRecordSchema, parseAvroSchema } from "./schema-parser.ts";
import { schemaText } from "./schema-text.ts";
import { snappyCodec } from "./snappy-codec.ts";
import { compileWriter } from "./writer.ts";

const seeds = fc.nat();

function encode(schema: AvroSchema, value: unknown): Uint8Array<ArrayBuffer> {
  const sink = new ByteSink();
  compileWriter(schema)(value, sink);
  return sink.copy();
}

/** Runs what may refuse, but only as malformed. */
function tolerant(run: () => unknown): void {
  try {
    run();
  } catch (error) {
    if (!(error instanceof ContractError && error.code === "avro.malformed")) throw error;
  }
}

test("readers of every kind take damaged bytes or call them malformed", () => {
  fc.assert(
    fc.property(seeds, seeds, (seed, damage) => {
      const random = createRandom(seed);
      const json = randomSchema(random);
      const [writer, reader] = [parseAvroRecordSchema(json), parseAvroRecordSchema(evolvedSchema(json, random))];
      const bytes = damaged(encode(writer, randomValue(writer, random)), damage);
      tolerant(() => readWhole(compileReader(writer), new ByteSource(bytes)));
      tolerant(() => readWhole(compileResolvingReader({ writer, reader }), new ByteSource(bytes)));
      tolerant(() => compileDecoder({ writer, reader })(bytes));
      tolerant(() => compileDecoder({ writer, reader: parseAvroRecordSchema({ type: "record", name: "Root", fields: [] }) })(bytes));
    }),
    timed(0.3),
  );
});

const codecs: readonly ContainerCodec[] = [
  { name: "deflate", compress: (bytes) => deflateRawSync(bytes), decompress: (bytes, max) => inflateRawSync(bytes, { maxOutputLength: max }) },
  snappyCodec(snappy),
];

test("container files take damage or call it malformed", async () => {
  await fc.assert(
    fc.asyncProperty(seeds, seeds, fc.nat({ max: 2 }), async (seed, damage, which) => {
      const random = createRandom(seed);
      const schema = parseAvroSchema(randomSchema(random, 1));
      const data = encode(schema, randomValue(schema, random));
      const codec = codecs[which];
      const sync = new Uint8Array(16).fill(1);
      const file = Buffer.concat([
        encodeContainerHeader({ schemaText: schemaText(schema), codec: codec?.name ?? "null", sync }),
        encodeContainerBlock({ count: 1, data: codec === undefined ? data : await codec.compress(data), sync }),
      ]);
      const bytes = damaged(new Uint8Array(file), damage);
      const read = async (): Promise<void> => {
        const { header, blocks } = await openContainer(once(bytes), { codecs, blockBytesMax: 1_000_000 });
        const values = compileReader(header.schema);
        for await (const block of blocks) {
          const source = new ByteSource(block.bytes);
          for (let index = 0; index < block.count; index++) values(source);
        }
      };
      await read().catch(ours);
      try {
        const { header, next } = decodeContainerHeader(bytes);
        for (const block of containerBlocks(bytes, { header, next })) assert.ok(block.count >= 0);
      } catch (error) {
        ours(error);
      }
    }),
    timed(0.3),
  );
});

/** A damaged header can also hold another schema, or none. */
function ours(error: unknown): void {
  if (!(error instanceof ContractError)) throw error;
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

test("items that take no bytes are believed up to a limit, in all of a value together", () => {
  const nulls = { type: "array", items: "null" };
  const count = (value: bigint): Uint8Array => {
    const sink = new ByteSink();
    sink.writeBigLong(value);
    return sink.copy();
  };
  for (const claimed of [2n ** 60n, -(2n ** 60n), 2n ** 63n - 1n, -(2n ** 63n), 70_000n])
    for (const type of [nulls, { type: "array", items: { type: "record", name: "e", fields: [] } }, { type: "map", values: "null" }])
      assert.throws(() => compileReader(parseAvroSchema(type))(new ByteSource(Buffer.concat([count(claimed), count(0n), count(0n)]))), {
        code: "avro.malformed",
      });
  // A thousand arrays of 60,000 nulls each, in 4 kB.
  const many = Buffer.concat([count(1000n), ...Array.from({ length: 1000 }, () => Buffer.concat([count(60_000n), count(0n)])), count(0n)]);
  const read = compileReader(parseAvroSchema({ type: "array", items: nulls }));
  assert.throws(() => read(new ByteSource(many)), { code: "avro.malformed" });
  const source = new ByteSource(Buffer.concat([count(1n), count(60_000n), count(0n), count(0n), count(1n), count(60_000n), count(0n), count(0n)]));
  assert.equal((read(source) as unknown[][])[0]?.length, 60_000);
  assert.equal((read(source) as unknown[][])[0]?.length, 60_000, "each value has the limit for itself");
});
