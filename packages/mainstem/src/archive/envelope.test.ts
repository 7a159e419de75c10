import assert from "node:assert/strict";
import { test } from "node:test";
import avro from "avsc";
import { RecordCursor, type FetchedBatch } from "../log/index.ts";
import { EnvelopeCursor } from "./envelope-cursor.ts";
import { envelopeSchema } from "./envelope.ts";
import { EnvelopeWriter } from "./envelope-writer.ts";
import { batchOf, type TestRecord } from "./testing/batches.ts";

/** avsc as the independent reader and writer of the same schema. */
const oracle = avro.Type.forSchema(envelopeSchema as never, { wrapUnions: false });

function encode(batch: FetchedBatch): { readonly bytes: Buffer; readonly count: number; readonly schemaIds: Set<number> } {
  const schemaIds = new Set<number>();
  const writer = new EnvelopeWriter({ capacity: 16, schemaIds });
  const records = new RecordCursor(batch);
  while (records.next()) writer.add(records, batch.timestampType);
  const { buffer, bytes, count } = writer.take(undefined);
  return { bytes: Buffer.from(buffer.subarray(0, bytes)), count, schemaIds };
}

function cursorOver(bytes: Uint8Array, count: number, range = { start: 0, next: Number.MAX_SAFE_INTEGER }): EnvelopeCursor {
  return new EnvelopeCursor({ bytes, count, range, key: "archive/a/chunk.avro" });
}

const records: readonly TestRecord[] = [
  { key: Buffer.from("k"), value: Buffer.from([0, 0, 0, 0, 7, 1, 2, 3]) },
  { key: null, value: null },
  { key: Buffer.alloc(0), value: Buffer.alloc(0) },
  { key: Buffer.alloc(300, 1), value: Buffer.alloc(70_000, 2) },
  {
    key: Buffer.from("h"),
    value: Buffer.from("v"),
    headers: [
      { key: "", value: null },
      { key: "é", value: Buffer.alloc(0) },
      { key: "x".repeat(70), value: Buffer.alloc(9_000, 3) },
    ],
  },
  { key: Buffer.from([0xff, 0xfe]), value: Buffer.from([0, 0xff, 0xff, 0xff, 0xfe]) },
];

for (const timestampType of ["append", "create"] as const)
  for (const baseOffset of [0, 63, 8_191, 2 ** 30 - 3, 2 ** 31 - 2, 2 ** 40, Number.MAX_SAFE_INTEGER - records.length])
    test(`writes what avsc reads and would write, from offset ${baseOffset}, timestamp type ${timestampType}`, () => {
      const times = [1_763_712_000_000, 0, -1, 2 ** 52, -(2 ** 41), 5];
      const batch = batchOf(
        records.map((record, index) => ({ ...record, timestamp: times[index] ?? 0 })),
        { baseOffset, timestampType, timestamp: 1_763_712_000_123 },
      );
      const { bytes, count } = encode(batch);
      assert.equal(count, records.length);
      const expected = records.map(({ key, value, headers = [] }, index) => ({
        offset: baseOffset + index,
        timestamp: timestampType === "append" ? 1_763_712_000_123 : times[index],
        timestampType,
        key: key && Buffer.from(key),
        value: value && Buffer.from(value),
        headers,
      }));
      const parts = expected.map((envelope) => oracle.toBuffer(envelope));
      assert.ok(bytes.equals(Buffer.concat(parts)));

      const cursor = cursorOver(bytes, count);
      for (const one of expected) {
        assert.ok(cursor.next());
        assert.equal(cursor.offset, one.offset);
        assert.equal(cursor.timestamp, one.timestamp);
        assert.equal(cursor.timestampType, one.timestampType);
        assert.deepEqual(cursor.key(), one.key);
        assert.deepEqual(cursor.value(), one.value);
        assert.deepEqual(cursor.headers(), one.headers);
      }
      assert.equal(cursor.next(), false);
    });

test("notes the schema ids of the wire format, as unsigned numbers, and nothing else", () => {
  assert.deepEqual(encode(batchOf(records, { baseOffset: 0 })).schemaIds, new Set([7, 0xffff_fffe]));
  const short = [
    { key: null, value: Buffer.from([0, 0, 0, 7]) },
    { key: null, value: Buffer.from([1, 0, 0, 0, 7, 1]) },
  ];
  assert.deepEqual(encode(batchOf(short, { baseOffset: 0 })).schemaIds, new Set());
});

test("gives the schema id of a value, or -1", () => {
  const { bytes, count } = encode(batchOf(records, { baseOffset: 0 }));
  const cursor = cursorOver(bytes, count);
  const ids: number[] = [];
  while (cursor.next()) ids.push(cursor.schemaId());
  assert.deepEqual(ids, [7, -1, -1, -1, -1, 0xffff_fffe]);
});

test("goes on in a spare buffer without touching what was taken", () => {
  const writer = new EnvelopeWriter({ capacity: 16, schemaIds: new Set() });
  const first = new RecordCursor(batchOf([{ key: null, value: Buffer.from("first") }], { baseOffset: 0 }));
  first.next();
  writer.add(first, "append");
  const taken = writer.take(undefined);
  const before = Buffer.from(taken.buffer);
  const second = new RecordCursor(batchOf([{ key: null, value: Buffer.from("second") }], { baseOffset: 1 }));
  second.next();
  writer.add(second, "append");
  assert.ok(before.equals(taken.buffer));
  assert.equal(writer.count, 1);
  assert.equal(writer.take(taken.buffer).count, 1);
});

test("refuses offsets that repeat, go back, or lie outside the chunk", () => {
  const { bytes, count } = encode(
    batchOf(
      [
        { key: null, value: null },
        { key: null, value: null },
      ],
      { baseOffset: 10 },
    ),
  );
  const corrupt = { code: "archive.corrupt", facts: { key: "archive/a/chunk.avro", record: 0, position: 1 } };
  assert.throws(() => cursorOver(bytes, count, { start: 11, next: 20 }).next(), corrupt);
  assert.throws(() => cursorOver(bytes, count, { start: 0, next: 10 }).next(), corrupt);
  const twice = Buffer.concat([bytes.subarray(0, bytes.length / 2), bytes.subarray(0, bytes.length / 2)]);
  const cursor = cursorOver(twice, 2);
  assert.ok(cursor.next());
  assert.throws(() => cursor.next(), { code: "archive.corrupt" });
});

test("names the object whenever a block is cut, and never reads beyond it", () => {
  const { bytes, count } = encode(
    batchOf(
      records.filter((record) => (record.value?.length ?? 0) < 100 || record.headers !== undefined),
      { baseOffset: 5 },
    ),
  );
  for (let length = 0; length < bytes.length; length += length < 200 ? 1 : 997) {
    const cursor = cursorOver(bytes.subarray(0, length), count);
    assert.throws(
      () => {
        while (cursor.next());
      },
      { code: "archive.corrupt", message: /Chunk archive\/a\/chunk\.avro is damaged/ },
    );
  }
});

test("either refuses a changed byte or stays within the block", () => {
  const { bytes, count } = encode(batchOf(records, { baseOffset: 5 }));
  for (let at = 0; at < bytes.length; at += at < 400 || at > bytes.length - 400 ? 1 : 1_013)
    for (const flip of [0x01, 0x80, 0xff]) {
      const changed = Buffer.from(bytes);
      changed[at]! ^= flip;
      const cursor = cursorOver(changed, count);
      try {
        while (cursor.next()) {
          assert.ok(cursor.valueEnd <= changed.length && cursor.keyEnd <= changed.length);
          cursor.headers();
        }
      } catch (error) {
        assert.equal((error as { code?: string }).code, "archive.corrupt");
      }
    }
});

test("refuses numbers that are endless, or claim more headers than there are bytes", () => {
  assert.throws(() => cursorOver(Buffer.alloc(100, 0x80), 1).next(), { code: "archive.corrupt" });
  assert.throws(() => cursorOver(Buffer.from([0, 0, 2, 0, 0, 0xfe, 0xff, 0xff, 0xff, 0x0f]), 1).next(), { code: "archive.corrupt" });
  assert.throws(() => cursorOver(Buffer.from([0, 0, 2, 0, 0, 0, 0]), 1).next() && cursorOver(Buffer.from([0, 0, 4, 0, 0, 0]), 1).next(), {
    code: "archive.corrupt",
  });
});
