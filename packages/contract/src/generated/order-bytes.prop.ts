import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { AvroTypeSchema } from "../avro/schema.ts";
import { parseAvroSchema } from "../avro/schema-parser.ts";
import { compareBytes, compileClosures, compileValueOrder, generatedFor } from "../records/order-bytes.ts";
import { bytes, longs, texts, timed } from "../testing/arbitraries.ts";

/** Types that an order may have, each with its values; `precision: 38` decimals reach as far as 17 bytes do. */
const decimals = fc.bigInt({ min: -(10n ** 38n) + 1n, max: 10n ** 38n - 1n });
const kinds: readonly (readonly [unknown, fc.Arbitrary<unknown>])[] = [
  ["boolean", fc.boolean()],
  ["int", fc.integer()],
  ["long", longs],
  [{ type: "int", logicalType: "date" }, fc.integer({ min: -719_162, max: 2_932_896 })],
  [{ type: "int", logicalType: "time-millis" }, fc.nat({ max: 86_399_999 })],
  [{ type: "long", logicalType: "timestamp-micros" }, longs],
  [{ type: "long", logicalType: "timestamp-nanos" }, longs],
  [{ type: "bytes", logicalType: "decimal", precision: 38, scale: 2 }, fc.oneof(decimals, fc.constantFrom(0n, -1n, 1n, 2n ** 64n, -(2n ** 64n), -(2n ** 63n)))],
  ["string", fc.oneof(texts, fc.string({ minLength: 200, maxLength: 400 }))],
  [{ type: "string", logicalType: "uuid" }, fc.uuid()],
  ["bytes", fc.oneof(bytes, fc.uint8Array({ minLength: 200, maxLength: 300, max: 2 }))],
  [{ type: "fixed", name: "f", size: 5 }, fc.uint8Array({ minLength: 5, maxLength: 5 })],
];

const chosen = fc.uniqueArray(fc.nat({ max: kinds.length - 1 }), { minLength: 1, maxLength: 4 });

test("generated code gives the bytes that closures give, and they compare as the values do", () => {
  fc.assert(
    fc.property(
      chosen.chain((places) => fc.tuple(fc.constant(places), ...[1, 2].map(() => fc.tuple(...places.map((place) => kinds[place]![1]))))),
      ([places, ...rows]) => {
        const fields = (places as readonly number[]).map((place, index) => ({ name: `f${index}`, type: parseAvroSchema(kinds[place]![0]) as AvroTypeSchema }));
        const closures = compileClosures(fields);
        const generated = generatedFor(fields, () => assert.fail("generated code takes every value"));
        const natives = (rows as readonly (readonly unknown[])[]).map((values) => Object.fromEntries(values.map((value, index) => [`f${index}`, value])));
        const [a, b] = natives.map(generated) as [Uint8Array, Uint8Array];
        assert.deepEqual([a, b], natives.map(closures));
        const [first, second] = natives as [Record<string, unknown>, Record<string, unknown>];
        const expected = fields.reduce((order, { name, type }) => order || Math.sign(compileValueOrder(type)(first[name], second[name])), 0);
        assert.equal(Math.sign(compareBytes(a, b)), expected);
      },
    ),
    timed(0.8),
  );
});
