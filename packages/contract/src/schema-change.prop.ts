import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { ByteSink } from "./avro/byte-sink.ts";
import { formatContract } from "./contract-json.ts";
import { parseContract } from "./contract-parser.ts";
import type { Contract } from "./contract.ts";
import { compileDecoder, type NativeRecord } from "./records/decoder.ts";
import { compileKeyBytes } from "./records/key-bytes.ts";
import { compileMerge } from "./records/merge.ts";
import { compileNativeWriter } from "./records/native-writer.ts";
import { compileOrderBytes } from "./records/order-bytes.ts";
import { compileRowText } from "./records/row-text.ts";
import { checkSchemaChange } from "./schema-change.ts";
import { timed } from "./testing/arbitraries.ts";
import { randomChange } from "./testing/random-changes.ts";
import { createRandom } from "./testing/random-schemas.ts";
import { contractOf } from "./testing/samples.ts";

const digest = (text: string) => createHash("md5").update(text).digest("hex");
const decimal = { type: "bytes", logicalType: "decimal", precision: 5, scale: 2 };

/** Key, order and values of every type that can become wider, with defaults that a value often is. */
const first = contractOf(
  [
    { name: "level", type: { type: "enum", name: "level", symbols: ["low", "high"] } },
    { name: "price", type: decimal },
    { name: "turn", type: "int" },
    { name: "count", type: "int", default: 1 },
    { name: "ratio", type: "float", default: 0.5 },
    { name: "note", type: ["null", "string"], default: null },
    { name: "counts", type: { type: "array", items: "int" } },
    {
      name: "place",
      type: {
        type: "record",
        name: "place",
        fields: [
          { name: "zip", type: "int" },
          { name: "street", type: "string" },
        ],
      },
    },
    { name: "marks", type: { type: "map", values: "float" } },
  ],
  { key: ["k", "level", "price"], order: ["o", "turn"] },
  { k: "int", o: "int" },
);

const records = (contract: Contract, random: ReturnType<typeof createRandom>): NativeRecord => {
  const [k, level, o, turn] = [random(3), ["low", "high"][random(2)], random(3), random(2)];
  const values = {
    k,
    level,
    o,
    turn,
    price: BigInt(random(3) * 50),
    count: random(3),
    ratio: Math.fround([0.5, 0.1, 3][random(3)]!),
    note: [null, "n", ""][random(3)],
    counts: [[], [1, 2]][random(2)],
    place: { zip: random(2), street: "s" },
    marks: new Map([["m", Math.fround(0.1)]]),
  };
  return Object.fromEntries(contract.schema.fields.map((field) => [field.name, (values as NativeRecord)[field.name]]));
};

test("over any chain of changes keys, orders, texts and winners stay, and what is stored can be declared again", () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 1, max: 4 }), (seed, steps) => {
      const random = createRandom(seed);
      const chain = [first];
      for (let step = 0; step < steps; step++) chain.push(randomChange(chain.at(-1)!, random, { removing: false }));
      const last = chain.at(-1)!;
      assert.deepEqual(parseContract(formatContract(last)), last);
      assert.deepEqual(checkSchemaChange(last, last), { kind: "identical" });
      // A table may be many versions behind.
      for (const one of chain.slice(0, -1)) assert.notEqual(checkSchemaChange(one, last).kind, "refused");
      const natives = Array.from({ length: 8 }, () => records(first, random));
      const read = natives.map((native) => resolved(native, first, last));
      for (const [index, native] of natives.entries()) {
        assert.deepEqual(compileKeyBytes(last)(read[index]!), compileKeyBytes(first)(native));
        assert.deepEqual(compileOrderBytes(last)(read[index]!), compileOrderBytes(first)(native));
        assert.equal(compileRowText(last)(read[index]!), compileRowText(first)(native));
      }
      const [merge, mergeLater] = [compileMerge(first, digest), compileMerge(last, digest)];
      assert.deepEqual(read.reduce(mergeLater), resolved(natives.reduce(merge), first, last));
    }),
    timed(),
  );
});

test("of fields that go, the others keep keys, orders and their part of the text, in the same places", () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 1, max: 5 }), (seed, steps) => {
      const random = createRandom(seed);
      const chain = [first];
      for (let step = 0; step < steps; step++) chain.push(randomChange(chain.at(-1)!, random, { removing: true }));
      const last = chain.at(-1)!;
      assert.deepEqual(parseContract(formatContract(last)), last);
      const gone = new Set(last.removed?.map(({ place }) => place));
      const native = records(first, random);
      const read = resolved(native, first, last);
      assert.deepEqual(compileKeyBytes(last)(read), compileKeyBytes(first)(native));
      assert.deepEqual(compileOrderBytes(last)(read), compileOrderBytes(first)(native));
      const parts = first.schema.fields.flatMap((field, index) => {
        if (gone.has(index + 1)) return [];
        const only = { ...first, schema: { ...first.schema, fields: [field] } };
        return [compileRowText(only)({ [field.name]: native[field.name] }).slice(3, -1)].flatMap((text) => (text === "" ? [] : [`${index + 1}:${text}`]));
      });
      assert.equal(compileRowText(last)(read), `{${parts.join(",")}}`);
    }),
    timed(),
  );
});

function resolved(native: NativeRecord, writer: Contract, reader: Contract): NativeRecord {
  const sink = new ByteSink();
  compileNativeWriter(writer.schema)(native, sink);
  return compileDecoder({ writer: writer.schema, reader: reader.schema })(sink.copy());
}
