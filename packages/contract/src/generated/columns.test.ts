import assert from "node:assert/strict";
import { isUtf8 as isStrictUtf8 } from "node:buffer";
import { test } from "node:test";
import { ByteSink } from "../avro/byte-sink.ts";
import type { AvroRecordSchema } from "../avro/schema.ts";
import { parseAvroRecordSchema } from "../avro/schema-parser.ts";
import { compileWriter } from "../avro/writer.ts";
import { isUtf8 } from "./column-bytes.ts";
import { compileCellReader } from "./column-values.ts";
import { createColumnBatch, type ColumnBatch, type ListVector, type ValueVector } from "./column-vectors.ts";
import { compileDecoder } from "../records/decoder.ts";
import { compileNativeWriter } from "../records/native-writer.ts";
import { compileColumnDecoder, type ColumnDecoder } from "./emit-columns.ts";

const record = (fields: readonly unknown[]) => parseAvroRecordSchema({ type: "record", name: "r", fields });

function written(schema: AvroRecordSchema, value: unknown): Uint8Array {
  const sink = new ByteSink();
  compileWriter(schema)(value, sink);
  return Uint8Array.from(sink.copy());
}

function open(schema: AvroRecordSchema, capacity = 8): { readonly batch: ColumnBatch; readonly decoder: ColumnDecoder } {
  const batch = createColumnBatch(schema, { capacity })!;
  return { batch, decoder: compileColumnDecoder({ writer: schema, reader: schema, batch })! };
}

test("UTF-8 is what Node takes for it, for every first, second and last byte", () => {
  for (let first = 0; first < 256; first++) {
    for (let second = 0; second < 256; second++) {
      for (const rest of [[], [0x80], [0x80, 0xbf], [0x80, 0x41], [0xc0, 0x80]]) {
        const bytes = Uint8Array.of(first, second, ...rest);
        assert.equal(isUtf8(bytes, 0, bytes.length), isStrictUtf8(bytes), String(bytes));
      }
    }
  }
});

test("a text lies in its cell up to 12 bytes; a longer one where its block was said to lie, also beyond 32 bits", () => {
  const schema = record([{ name: "a", type: "string" }]);
  const { batch, decoder } = open(schema);
  const [short, long] = [written(schema, { a: "twelve bytes" }), written(schema, { a: "thirteen byte" })];
  const block = Buffer.concat([short, long]);
  batch.use(block, { low: 0xffff_fff8, high: 7 });
  assert.ok(decoder.decode(0, short.length, 0));
  assert.ok(decoder.decode(short.length, block.length, 1));
  const { data } = batch.columns[0] as ValueVector;
  const view = new DataView(data.buffer);
  assert.equal(Buffer.from(data.buffer, 4, 12).toString(), "twelve bytes");
  assert.deepEqual([view.getUint32(16, true), Buffer.from(data.buffer, 20, 4).toString()], [13, "thir"]);
  assert.equal(view.getBigUint64(24, true), 0x7_ffff_fff8n + BigInt(short.length + 1));
  const read = compileCellReader(batch, batch.columns[0]!)!;
  assert.deepEqual([read(0), read(1)], ["twelve bytes", "thirteen byte"]);
});

test("what is read back from columns is what the record holds, of every kind that records are partitioned by", () => {
  const decimal = (precision: number) => ({ type: "bytes", logicalType: "decimal", precision, scale: 1 });
  const times = { "time-millis": "int", "time-micros": "long", "timestamp-millis": "long", "local-timestamp-micros": "long" };
  const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, (_, index) => 255 - index);
  const cases: readonly (readonly [type: unknown, values: readonly unknown[]])[] = [
    ["boolean", [true, false]],
    ["int", [-(2 ** 31), 7]],
    ["long", [-(2n ** 63n), 2n ** 63n - 1n, -1]],
    [{ type: "int", logicalType: "date" }, [-1, 20_000]],
    ...Object.entries(times).map(([logicalType, type]) => [{ type, logicalType }, [0, 86_399_999]] as const),
    ["string", ["", "é", "a text beyond its cell"]],
    [{ type: "enum", name: "E", symbols: ["a", "symbol_beyond_a_cell"] }, ["a"]],
    ["bytes", [bytes(0), bytes(12), bytes(13), bytes(70)]],
    [{ type: "fixed", name: "F", size: 20 }, [bytes(20)]],
    [
      { type: "string", logicalType: "uuid" },
      ["00000000-0000-0000-0000-000000000000", "ffffffff-0123-4567-89ab-cdef80000001", "7f000000-0000-0000-ffff-ffffffffffff"],
    ],
    [{ type: "fixed", name: "U", size: 16, logicalType: "uuid" }, ["80000000-7fff-ffff-8000-00000000ffff"]],
    ...[3, 9, 18, 38].map((precision) => [decimal(precision), [0n, -1n, 10n ** BigInt(precision) / 3n, -(10n ** BigInt(precision)) / 7n]] as const),
  ];
  for (const [type, values] of cases) {
    const schema = record([{ name: "a", type }]);
    const { batch, decoder } = open(schema);
    const write = compileNativeWriter(schema);
    const decode = compileDecoder({ writer: schema, reader: schema });
    const read = compileCellReader(batch, batch.columns[0]!)!;
    const sink = new ByteSink();
    const ends = values.map((a) => (write({ a }, sink), sink.position));
    const block = Uint8Array.from(sink.copy());
    batch.use(block, { low: 0xffff_fff0, high: 3 });
    decoder.place({ low: 0, high: 0 });
    for (const [row, end] of ends.entries()) {
      const start = ends[row - 1] ?? 0;
      assert.ok(decoder.decode(start, end, row));
      assert.deepEqual(read(row), decode(block, start, end)["a"], JSON.stringify(type));
      assert.deepEqual(read(row), values[row], JSON.stringify(type));
    }
  }
});

test("a record that is cut, longer than its bytes, or hostile in its lengths is not taken, and the next one has its row", () => {
  const schema = record([
    { name: "a", type: "string" },
    { name: "b", type: { type: "array", items: "long" } },
    { name: "c", type: { type: "map", values: "string" } },
  ]);
  const { batch, decoder } = open(schema);
  const good = written(schema, { a: "x".repeat(40), b: [1, 2, 3], c: new Map([["k", "v"]]) });
  const bad = [
    [0xfe, 0xff, 0xff, 0xff, 0x0f],
    [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
    [0x00, 0xfe, 0xff, 0xff, 0xff, 0x0f],
    [0x00, 0x01, 0x02, 0x02],
    [0x02, 0xff, 0x00, 0x00],
    [0x00, 0x00, 0x04, 0x02, 0x61, 0x00, 0x02, 0x61, 0x00, 0x00],
  ].map((bytes) => Uint8Array.from(bytes));
  const block = Buffer.concat([...bad, good]);
  batch.use(block, { low: 0, high: 0 });
  let start = 0;
  for (const bytes of bad) {
    assert.equal(decoder.decode(start, start + bytes.length, 0), false, String(bytes));
    start += bytes.length;
  }
  for (let end = start; end < block.length; end++) assert.equal(decoder.decode(start, end, 0), false);
  assert.ok(decoder.decode(start, block.length, 0));
  const list = batch.columns[1] as ListVector;
  assert.deepEqual([[...list.data.subarray(0, 4)], list.count], [[0, 0, 3, 0], 3]);
});

test("lists whose items would take far more memory than bytes are not taken", () => {
  const schema = record([{ name: "a", type: { type: "array", items: "string" } }]);
  const { batch, decoder } = open(schema);
  const items = 5_000_000;
  const bytes = Buffer.alloc(items + 5);
  const head = written(record([{ name: "n", type: "int" }]), { n: items });
  bytes.set(head);
  const end = head.length + items + 1;
  batch.use(bytes, { low: 0, high: 0 });
  assert.equal(decoder.decode(0, end, 0), false);
  assert.ok((batch.columns[0] as ListVector).capacity <= 4_194_304);
});

test("there are no columns of durations and nanoseconds", () => {
  for (const type of [
    { type: "long", logicalType: "timestamp-nanos" },
    { type: "fixed", name: "d", size: 12, logicalType: "duration" },
  ])
    assert.equal(createColumnBatch(record([{ name: "a", type }]), { capacity: 1 }), undefined);
});
