import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { parseAvroRecordSchema } from "@mainstem/contract";
import { RecordCursor, type Offset, type Partition, type TopicId, type TopicName, type TopicPartition } from "../../log/index.ts";
import { encodeChunkHeader, syncMarker } from "../chunk-container.ts";
import { ChunkWriter } from "../chunk-writer.ts";
import type { ChainEntry } from "../chunk.ts";
import type { EnvelopeCursor } from "../envelope-cursor.ts";
import { dataKey } from "../paths.ts";
import { allOf } from "./all-of.ts";
import { batchOf, type TestRecord } from "./batches.ts";

/** Where the test's chunk belongs. */
export const of: TopicPartition = { topic: "shop.orders" as TopicName, topicId: "AAAAAAAAAAAAAAAAAAAAAA" as TopicId, partition: 0 as Partition };
const attempt = "B".repeat(22);
export const start = 1_000 as Offset;
export const time = Date.UTC(2026, 10, 21, 9);
export const schemas = new Map([[7, parseAvroRecordSchema({ type: "record", name: "orders", namespace: "shop", fields: [{ name: "id", type: "string" }] })]]);

export const records: readonly TestRecord[] = Array.from({ length: 500 }, (_, index) => ({
  key: Buffer.from(`key-${index}`),
  value: index % 50 === 0 ? null : Buffer.concat([Buffer.from([0, 0, 0, 0, 7]), Buffer.from(`value ${index} `.repeat(index % 9))]),
  ...(index % 20 === 0
    ? {
        headers: [
          { key: "h", value: Buffer.from(String(index)) },
          { key: "n", value: null },
        ],
      }
    : {}),
}));

/** A whole chunk, in blocks of the given size, and the entry that vouches for it. */
export async function chunkOf(directory: string, blockBytes: number): Promise<{ readonly bytes: Buffer; readonly entry: ChainEntry }> {
  await using writer = new ChunkWriter({ path: join(directory, "blocks"), sync: syncMarker(of, start), timestampType: "append", blockBytes });
  const cursor = new RecordCursor(batchOf(records, { baseOffset: start, timestamp: time }));
  while (cursor.next()) {
    writer.add(cursor);
    if (writer.full) await writer.flush();
  }
  await writer.finish();
  assert.deepEqual(writer.schemaIds, new Set([7]));
  const next = (start + records.length + 3) as Offset;
  const bytes = Buffer.concat(await allOf(writer.body(encodeChunkHeader({ of, start, next, schemas }))));
  return { bytes, entry: entryFor(bytes, next) };
}

/** An entry that vouches for the bytes, whatever they are. */
export function entryFor(bytes: Buffer, next: Offset, count = records.length): ChainEntry {
  return {
    formatVersion: 1,
    kind: "data",
    start,
    next,
    path: dataKey(of, { firstTime: time, last: (next - 1) as Offset, attempt }),
    attempt,
    sha256: createHash("sha256").update(bytes).digest("hex"),
    records: count,
    bytes: bytes.length,
    times: { first: time, last: time },
  };
}

/** Appends the records of a block as objects. */
export function collect(block: EnvelopeCursor, into: unknown[]): void {
  while (block.next())
    into.push({
      offset: block.offset,
      timestamp: block.timestamp,
      timestampType: block.timestampType,
      key: block.key(),
      value: block.value(),
      headers: block.headers(),
    });
}

/** What a reader must find. */
export const expected = records.map(({ key, value, headers = [] }, index) => ({
  offset: start + index,
  timestamp: time,
  timestampType: "append",
  key,
  value,
  headers,
}));
