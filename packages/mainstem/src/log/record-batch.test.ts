import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { MainstemError } from "../runtime/errors.ts";
import type { Instant, Offset } from "./log.ts";
import { batchHeaderBytes, checkBatchCrc, decodeBatchHeader, encodeBatchHeader } from "./batch-header.ts";
import { RecordBatchBuilder } from "./record-batch-builder.ts";
import type { FetchedBatch, RecordBatch, RecordHeader } from "./record-batch.ts";
import { RecordCursor } from "./record-cursor.ts";

interface PlainRecord {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly RecordHeader[];
  readonly timestamp: number;
}

const text = (value: string): Buffer => Buffer.from(value);
const samples: readonly PlainRecord[] = [
  { key: text("k"), value: text("v"), headers: [], timestamp: 1_700_000_000_000 },
  { key: null, value: null, headers: [], timestamp: 1_700_000_000_001 },
  { key: text(""), value: text(""), headers: [{ key: "", value: null }], timestamp: 0 },
  { key: Buffer.alloc(63, 1), value: Buffer.alloc(64, 2), headers: [{ key: "ä", value: text("") }], timestamp: 1_699_999_999_999 },
  { key: Buffer.alloc(8_191, 3), value: Buffer.alloc(200_000, 4), headers: [], timestamp: Number.MAX_SAFE_INTEGER - 1 },
  {
    key: text("k"),
    value: text("x"),
    headers: [
      { key: "a", value: text("1") },
      { key: "a", value: Buffer.alloc(300, 5) },
    ],
    timestamp: 5,
  },
];

describe("a record batch", () => {
  test("gives back every record that was put in", () => {
    const builder = new RecordBatchBuilder({ capacity: 16 });
    for (const record of samples) builder.add(record);
    assert.equal(builder.count, samples.length);
    assert.deepEqual(walk(fetched(builder.finish(), "create")), samples);
  });

  test("takes more records than one byte of offset can count", () => {
    const builder = new RecordBatchBuilder();
    const many = Array.from({ length: 20_000 }, (_, index) => ({ key: text(`${index}`), value: text("v"), headers: [], timestamp: index }));
    for (const record of many) builder.add(record);
    assert.deepEqual(walk(fetched(builder.finish(), "create")), many);
  });

  test("gives the append time for every record where the topic stamps it", () => {
    const builder = new RecordBatchBuilder();
    for (const record of samples) builder.add(record);
    const batch = { ...fetched(builder.finish(), "append"), timestamp: 77 as Instant };
    assert.deepEqual(
      walk(batch).map((record) => record.timestamp),
      samples.map(() => 77),
    );
  });

  test("is not touched again by the builder that made it", () => {
    const builder = new RecordBatchBuilder({ capacity: 64 });
    for (const size of [10, 40, 500, 3]) {
      const record = { key: null, value: Buffer.alloc(size, size & 0xff), headers: [], timestamp: 9 };
      builder.add(record);
      const batch = builder.finish();
      const before = Buffer.from(batch.records);
      builder.add({ key: text("other"), value: Buffer.alloc(600, 0xee) });
      builder.finish();
      assert.deepEqual(Buffer.from(batch.records), before);
      assert.equal(builder.count + builder.bytes, 0);
    }
  });

  test("is laid out as Kafka's documentation says", () => {
    const builder = new RecordBatchBuilder();
    builder.add({ key: text("k"), value: text("vv"), headers: [{ key: "h", value: null }], timestamp: 1_000 });
    builder.add({ key: null, value: null, timestamp: 999 });
    // length 12, attributes, delta 0, offset 0, key 1, value 2, one header: key 1, value null; length 6, attributes, delta -1, offset 1, null, null, no headers
    assert.equal(Buffer.from(builder.finish().records).toString("hex"), "18000000026b047676020268010c000102010100");
  });
});

describe("a record cursor", () => {
  test("names bytes that are no records, wherever they are cut or changed", () => {
    const builder = new RecordBatchBuilder();
    for (const record of [samples[0]!, samples[1]!, samples[3]!, samples[5]!]) builder.add(record);
    const batch = fetched(builder.finish(), "create");
    for (let end = 0; end < batch.records.length; end++) assert.throws(() => walk({ ...batch, records: batch.records.subarray(0, end) }), isCorrupt);
    assert.throws(() => walk({ ...batch, records: Buffer.concat([batch.records, Buffer.alloc(1)]) }), isCorrupt);
    for (let position = 0; position < batch.records.length; position++) {
      for (const flip of [1, 0x80, 0xff]) {
        const records = Buffer.from(batch.records);
        records[position]! ^= flip;
        walkOrCorrupt({ ...batch, records });
      }
    }
  });

  test("refuses numbers that are longer than their type", () => {
    const endless = Buffer.from([0x28, 0, ...Array.from({ length: 18 }, () => 0xff), 0]);
    const batch = { count: 1, records: endless, baseTimestamp: 0, maxTimestamp: 0 };
    assert.throws(() => walk(fetched(batch, "create")), isCorrupt);
    const wide = Buffer.from([0xff, 0xff, 0xff, 0xff, 0x7f, 0, 0, 0, 0, 0]);
    assert.throws(() => walk(fetched({ ...batch, records: wide }, "create")), isCorrupt);
  });
});

describe("a batch header", () => {
  const records = text("any bytes will do");
  const header = {
    baseOffset: (2 ** 40 + 5) as Offset,
    count: 3,
    timestampType: "append",
    baseTimestamp: 1_700_000_000_123,
    maxTimestamp: 1_700_000_000_124,
  } as const;

  test("comes back as it was written", () => {
    const bytes = Buffer.alloc(7 + batchHeaderBytes + records.length);
    encodeBatchHeader(bytes, 7, header, records);
    records.copy(bytes, 7 + batchHeaderBytes);
    const decoded = decodeBatchHeader(bytes, 7, { bytesMax: 1_000 });
    assert.deepEqual(decoded, { ...header, recordsBytes: records.length });
    assert.ok(typeof decoded !== "string" && checkBatchCrc(bytes, 7, decoded));
  });

  test("shows a change of any byte by its checks, its CRC or its base offset", () => {
    const bytes = Buffer.alloc(batchHeaderBytes + records.length);
    encodeBatchHeader(bytes, 0, header, records);
    records.copy(bytes, batchHeaderBytes);
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      const decoded = decodeBatchHeader(bytes, 0, { bytesMax: 1_000 });
      const fits = typeof decoded !== "string" && batchHeaderBytes + decoded.recordsBytes <= bytes.length;
      assert.ok(!fits || decoded.baseOffset !== header.baseOffset || !checkBatchCrc(bytes, 0, decoded), `bit ${bit}`);
      bytes[bit >> 3]! ^= 1 << (bit & 7);
    }
  });
});

function fetched(batch: RecordBatch, timestampType: "append" | "create"): FetchedBatch {
  const lastOffset = 1_000 + batch.count - 1;
  const offsets = { baseOffset: 1_000 as Offset, lastOffset: lastOffset as Offset, next: (lastOffset + 1) as Offset };
  return { ...batch, ...offsets, timestampType, timestamp: batch.maxTimestamp as Instant };
}

function walk(batch: FetchedBatch): PlainRecord[] {
  const cursor = new RecordCursor(batch);
  const records: PlainRecord[] = [];
  while (cursor.next()) {
    assert.equal(cursor.offset, batch.baseOffset + records.length);
    records.push({ key: copy(cursor.key()), value: copy(cursor.value()), headers: cursor.headers().map(plain), timestamp: cursor.timestamp });
  }
  return records;
}

function walkOrCorrupt(batch: FetchedBatch): void {
  const cursor = new RecordCursor(batch);
  try {
    while (cursor.next()) {
      const inside = Math.max(cursor.keyEnd, cursor.valueEnd, cursor.headersEnd);
      assert.ok(inside <= batch.records.length);
    }
  } catch (error) {
    assert.ok(isCorrupt(error), String(error));
  }
}

function plain({ key, value }: RecordHeader): RecordHeader {
  return { key, value: copy(value) };
}

function copy(bytes: Uint8Array | null): Buffer | null {
  return bytes === null ? null : Buffer.from(bytes);
}

function isCorrupt(error: unknown): boolean {
  return error instanceof MainstemError && error.code === "log.corrupt";
}

test("slices of a larger array make the same batch as keys and values of their own", () => {
  const whole = Uint8Array.from({ length: 1_000 }, (_, index) => index);
  const view = new DataView(whole.buffer);
  const own = new RecordBatchBuilder();
  const sliced = new RecordBatchBuilder({ capacity: 64 });
  for (const [start, end, keyStart, keyEnd] of [
    [0, 0, 0, 0],
    [3, 90, 5, 41],
    [1, 1_000, 0, 300],
    ...Array.from({ length: 200 }, (_, index) => [index, index * 4, index, index + 1] as const),
  ] as const) {
    own.add({ key: whole.subarray(keyStart, keyEnd), value: whole.subarray(start, end) });
    sliced.addSlices({ bytes: whole, start, end, view, keyStart, keyEnd });
  }
  assert.deepEqual({ ...sliced.finish() }, { ...own.finish() });
});
