// Archive chunks: records of the log into a container file and back, against avsc's BlockEncoder and BlockDecoder.
import { createHash, randomUUID } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { once } from "node:events";
import { constants, zstdCompress, zstdDecompressSync } from "node:zlib";
import avro from "avsc";
import { encodeChunkHeader, syncMarker } from "../packages/mainstem/src/archive/chunk-container.ts";
import { openChunkFile } from "../packages/mainstem/src/archive/chunk-reader.ts";
import { ChunkWriter } from "../packages/mainstem/src/archive/chunk-writer.ts";
import type { ChainEntry } from "../packages/mainstem/src/archive/index.ts";
import { dataKey } from "../packages/mainstem/src/archive/paths.ts";
import { envelopeSchema } from "../packages/mainstem/src/archive/envelope.ts";
import {
  RecordBatchBuilder,
  RecordCursor,
  type FetchedBatch,
  type Instant,
  type Offset,
  type Partition,
  type TopicId,
  type TopicName,
  type TopicPartition,
} from "../packages/mainstem/src/log/index.ts";
import { compare, type Bench, type Comparison, type Contender } from "./harness.ts";

const blockBytes = 262_144;
/** One piece for each block, as ours does: the library's default of 16 KB would burden the peer with what is not its fault. */
const zstd = { params: { [constants.ZSTD_c_compressionLevel]: 1 }, chunkSize: blockBytes + 65_536 };
const of: TopicPartition = { topic: "bench.events" as TopicName, topicId: "A".repeat(22) as TopicId, partition: 0 as Partition };
const attempt = "B".repeat(22);
const start = 0 as Offset;
const appendedAt = Date.UTC(2026, 10, 21);

/** Ten fields, about 200 bytes as JSON and 90 as Avro. */
const valueType = avro.Type.forSchema({
  type: "record",
  name: "Event",
  fields: [
    { name: "id", type: "string" },
    { name: "at", type: "long" },
    { name: "account", type: "string" },
    { name: "status", type: { type: "enum", name: "Status", symbols: ["NEW", "PENDING", "SETTLED", "REJECTED", "REVERSED"] } },
    { name: "quantity", type: "int" },
    { name: "amount", type: "double" },
    { name: "note", type: "string" },
    { name: "reference", type: "long" },
    { name: "ok", type: "boolean" },
    { name: "tags", type: { type: "array", items: "string" } },
  ],
});
const statuses = ["NEW", "PENDING", "SETTLED", "REJECTED", "REVERSED"];
const words = ["invoice", "refund", "monthly", "order", "late fee", "gift", "transfer", "salary"];
const envelopeType = avro.Type.forSchema(envelopeSchema as never, { wrapUnions: false });

export const run: Bench = async (options) => {
  const { quick } = options;
  const records = quick ? 20_000 : 200_000;
  const reps = quick ? 3 : 9;
  const directory = await mkdtemp(join(tmpdir(), "mainstem-bench-"));
  try {
    const batches = batchesOf(records);
    const { path, entry } = await writeChunk(directory, batches, records);
    options.note(`${records} records, ${entry.bytes} bytes as a chunk; read: ours also checks the chunk's SHA-256, the peer does not`);
    const comparisons: Comparison[] = [];
    for (const [title, ours, peer] of [
      ["write a chunk from the log's batches (zstd 1, SHA-256)", oursWrite(directory, batches, records), peerWrite(directory, batches, records)],
      ["read a chunk (zstd)", oursRead(path, entry), peerRead(path, records)],
    ] as const)
      comparisons.push(...(await compare({ bench: "container", case: title, unit: "records", ours, peers: [peer], reps })));
    return comparisons;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
};

/** Batches as a reader of the log gets them: a thousand records each, key and value. */
function batchesOf(records: number): readonly FetchedBatch[] {
  const batches: FetchedBatch[] = [];
  for (let base = 0; base < records; base += 1_000) {
    const builder = new RecordBatchBuilder();
    const count = Math.min(1_000, records - base);
    for (let index = 0; index < count; index++) {
      const id = randomUUID();
      builder.add({ key: Buffer.from(id), value: Buffer.concat([Buffer.from([0, 0, 0, 0, 1]), valueType.toBuffer(eventOf(id, base + index))]) });
    }
    const [baseOffset, lastOffset, next] = [base, base + count - 1, base + count].map((offset) => offset as Offset) as [Offset, Offset, Offset];
    batches.push({ ...builder.finish(), baseOffset, lastOffset, next, timestampType: "append", timestamp: (appendedAt + base / 10) as Instant });
  }
  return batches;
}

function eventOf(id: string, index: number): object {
  const pick = Math.floor(Math.random() * 1_000_000);
  return {
    id,
    at: 1_766_000_000_000_000 + index * 137,
    account: `acc-${String(pick % 50_000).padStart(6, "0")}`,
    status: statuses[pick % statuses.length],
    quantity: (pick % 2_000) - 100,
    amount: pick / 100,
    note: `${words[pick % words.length]} ${pick % 1_000}`,
    reference: pick * 9_000,
    ok: pick % 3 > 0,
    tags: words.slice(0, pick % 3),
  };
}

async function writeChunk(
  directory: string,
  batches: readonly FetchedBatch[],
  records: number,
): Promise<{ readonly path: string; readonly entry: ChainEntry }> {
  const parts: Uint8Array[] = [];
  const { sha256, bytes } = await write(directory, batches, records, (part) => void parts.push(part));
  const path = join(directory, "chunk.avro");
  await writeFile(path, Buffer.concat(parts));
  const next = records as Offset;
  const data = dataKey(of, { firstTime: appendedAt, last: (records - 1) as Offset, attempt });
  return {
    path,
    entry: { formatVersion: 1, kind: "data", start, next, path: data, attempt, sha256, records, bytes, times: { first: appendedAt, last: appendedAt } },
  };
}

async function write(
  directory: string,
  batches: readonly FetchedBatch[],
  records: number,
  sink: (part: Uint8Array) => void,
): Promise<{ readonly sha256: string; readonly bytes: number }> {
  await using writer = new ChunkWriter({ path: join(directory, "blocks"), sync: syncMarker(of, start), timestampType: "append" });
  for (const batch of batches) {
    const cursor = new RecordCursor(batch);
    while (cursor.next()) {
      writer.add(cursor);
      if (writer.full) await writer.flush();
    }
  }
  await writer.finish();
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const part of writer.body(encodeChunkHeader({ of, start, next: records as Offset, schemas: new Map() }))) {
    hash.update(part);
    bytes += part.length;
    sink(part);
  }
  return { sha256: hash.digest("hex"), bytes };
}

function oursWrite(directory: string, batches: readonly FetchedBatch[], records: number): Contender {
  return {
    name: "mainstem",
    async run() {
      await write(directory, batches, records, () => undefined);
      return { units: records };
    },
  };
}

/** What one would write with avsc: an object for each record, its block encoder, a file, a hash. */
function peerWrite(directory: string, batches: readonly FetchedBatch[], records: number): Contender {
  return {
    name: "avsc BlockEncoder",
    async run() {
      const encoder = new avro.streams.BlockEncoder(envelopeType, {
        codec: "zstandard",
        blockSize: blockBytes,
        codecs: { zstandard: (block: Buffer, done: (error: Error | null, block: Buffer) => void) => zstdCompress(block, zstd, done) },
      });
      const hash = createHash("sha256");
      const file = createWriteStream(join(directory, "peer.avro"));
      encoder.on("data", (part: Buffer) => hash.update(part));
      encoder.pipe(file);
      for (const batch of batches) {
        const cursor = new RecordCursor(batch);
        while (cursor.next()) {
          const envelope = {
            offset: cursor.offset,
            timestamp: cursor.timestamp,
            timestampType: "append",
            key: bufferOf(cursor.key()),
            value: bufferOf(cursor.value()),
            headers: cursor.headers(),
          };
          if (!encoder.write(envelope)) await once(encoder, "drain");
        }
      }
      encoder.end();
      await once(file, "finish");
      hash.digest("hex");
      return { units: records };
    },
  };
}

function bufferOf(view: Uint8Array | null): Buffer | null {
  return view && Buffer.from(view.buffer, view.byteOffset, view.length);
}

function oursRead(path: string, entry: ChainEntry): Contender {
  return {
    name: "mainstem",
    run() {
      let bytes = 0;
      let count = 0;
      using chunk = openChunkFile(path, entry);
      for (const block of chunk.blocks())
        while (block.next()) {
          count++;
          bytes += block.valueEnd - block.valueStart;
        }
      if (count !== entry.records || bytes === 0) throw new Error(`${count} records were read`);
      return { units: count };
    },
  };
}

function peerRead(path: string, records: number): Contender {
  return {
    name: "avsc BlockDecoder",
    async run() {
      let bytes = 0;
      let count = 0;
      const decoder = new avro.streams.BlockDecoder({
        parseHook: () => envelopeType,
        codecs: { zstandard: (block, done) => done(null, zstdDecompressSync(block, { chunkSize: zstd.chunkSize })) },
      });
      createReadStream(path, { highWaterMark: 1_048_576 }).pipe(decoder);
      decoder.on("data", (envelope: { readonly value: Buffer }) => {
        count++;
        bytes += envelope.value.length;
      });
      await once(decoder, "end");
      if (count !== records || bytes === 0) throw new Error(`${count} records were read`);
      return { units: count };
    },
  };
}
