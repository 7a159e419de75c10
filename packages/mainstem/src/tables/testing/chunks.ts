import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ByteSink, compileKeyBytes, compileNativeWriter, wireHeader, type AvroRecordSchema, type Contract, type NativeRecord } from "@mainstem/contract";
import { encodeChunkHeader, syncMarker } from "../../archive/chunk-container.ts";
import { ChunkWriter } from "../../archive/chunk-writer.ts";
import type { ChunkRef } from "../../archive/index.ts";
import { dataKey } from "../../archive/paths.ts";
import { batchOf, type TestRecord } from "../../archive/testing/batches.ts";
import { RecordCursor, type Offset, type Partition, type TopicId, type TopicName } from "../../log/index.ts";
import type { ObjectStore } from "../../objects/index.ts";

/** Of generations 1 and 2. */
export const chunkTopics = ["AAAAAAAAAAAAAAAAAAAAAA", "BBBBBBBBBBBBBBBBBBBBBB"] as unknown as readonly TopicId[];

/** Native records as the log holds them: the key's bytes, and the value in the wire format. */
export function toRecords(contract: Contract, natives: readonly NativeRecord[], { schemaId }: { readonly schemaId: number }): readonly TestRecord[] {
  const key = compileKeyBytes(contract);
  const write = compileNativeWriter(contract.schema);
  return natives.map((native) => {
    const sink = new ByteSink();
    sink.writeRaw(wireHeader(schemaId));
    write(native, sink);
    return { key: key(native), value: sink.copy() };
  });
}

/** Stores one chunk of the dataset with the archive's own writer. */
export async function putChunk(
  objects: ObjectStore,
  chunk: {
    readonly topic: string;
    readonly generation?: number;
    readonly start: number;
    readonly records: readonly TestRecord[];
    readonly schemas: ReadonlyMap<number, AvroRecordSchema>;
  },
): Promise<ChunkRef> {
  const { generation = 1 } = chunk;
  const topicId = chunkTopics[generation - 1]!;
  const of = { topic: chunk.topic as TopicName, topicId, partition: 0 as Partition };
  const start = chunk.start as Offset;
  const next = (start + chunk.records.length) as Offset;
  const directory = await mkdtemp(join(tmpdir(), "mainstem-chunk-"));
  try {
    await using writer = new ChunkWriter({ path: join(directory, "blocks"), sync: syncMarker(of, start), timestampType: "append" });
    const cursor = new RecordCursor(batchOf(chunk.records, { baseOffset: start, timestamp: start }));
    while (cursor.next()) {
      writer.add(cursor);
      if (writer.full) await writer.flush();
    }
    await writer.finish();
    const pieces: Uint8Array[] = [];
    for await (const piece of writer.body(encodeChunkHeader({ of, start, next, schemas: chunk.schemas }))) pieces.push(piece);
    const bytes = Buffer.concat(pieces);
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    const attempt = createHash("sha256").update(`${start}`).digest("base64url").slice(0, 22);
    const path = dataKey(of, { firstTime: 0, last: (next - 1) as Offset, attempt });
    await objects.put(path, [bytes]);
    const times = { first: start, last: start };
    const entry = { formatVersion: 1, kind: "data", start, next, path, attempt, sha256, records: chunk.records.length, bytes: bytes.length, times } as const;
    return { topicId, generation, partition: of.partition, entry };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
