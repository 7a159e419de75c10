import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ByteSink } from "../avro/byte-sink.ts";
import type { AvroRecordSchema } from "../avro/schema.ts";
import { parseAvroRecordSchema } from "../avro/schema-parser.ts";
import { toSchemaJson } from "../avro/schema-text.ts";
import { compileWriter } from "../avro/writer.ts";
import { ContractError } from "../errors.ts";
import type { Decode } from "../records/native-reader.ts";
import { compileNativeDecoder } from "../records/native-reader.ts";
import { compileRecordEncoder } from "../records/record-encoder.ts";
import { contractsWithRecords, timed } from "../testing/arbitraries.ts";
import { damaged } from "../testing/damage.ts";
import { createRandom, evolvedSchema, randomSchema, randomValue } from "../testing/random-schemas.ts";
import { compileGeneratedDecoder } from "./decoder.ts";

const seeds = fc.nat();

/** The record, or what is wrong with the bytes: code, sentence and position. */
function outcomeOf(decode: Decode, bytes: Uint8Array, start?: number, end?: number): unknown {
  try {
    return decode(bytes, start, end);
  } catch (error) {
    if (!(error instanceof ContractError)) throw error;
    return { code: error.code, message: error.message, facts: error.facts };
  }
}

/** Compares both ways on what was written, and on the same bytes with damage. Gives whether code was generated. */
function compared(options: { readonly writer: AvroRecordSchema; readonly reader: AvroRecordSchema }, all: readonly Uint8Array[], damage: number): boolean {
  const compiled = compileNativeDecoder(options);
  const generated = compileGeneratedDecoder(options, compiled);
  if (generated.kind === "compiled") {
    assert.equal(generated.reason, "unsupported");
    return false;
  }
  for (const bytes of all) {
    assert.deepStrictEqual(outcomeOf(generated.decode, bytes), outcomeOf(compiled, bytes));
    const within = Buffer.concat([Uint8Array.of(2, 2), bytes, Uint8Array.of(2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2)]);
    for (const end of [bytes.length + 2, bytes.length + 1, bytes.length + 3])
      assert.deepStrictEqual(outcomeOf(generated.decode, within, 2, end), outcomeOf(compiled, within, 2, end));
    for (let index = 0; index < 4; index++) {
      const bad = damaged(bytes, damage + index);
      assert.deepStrictEqual(outcomeOf(generated.decode, bad), outcomeOf(compiled, bad));
    }
  }
  return true;
}

const nothing = (name: string) => parseAvroRecordSchema({ type: "record", name, fields: [] });

test("generated decoders give what closures give for schemas of every shape, older writers and damaged bytes", () => {
  let generated = 0;
  let all = 0;
  fc.assert(
    fc.property(seeds, seeds, (seed, damage) => {
      const random = createRandom(seed);
      const json = randomSchema(random, 2);
      const [writer, reader] = [parseAvroRecordSchema(json), parseAvroRecordSchema(evolvedSchema(json, random))];
      const values = Array.from({ length: 3 }, () => {
        const sink = new ByteSink();
        compileWriter(writer)(randomValue(writer, random), sink);
        return sink.copy();
      });
      for (const one of [reader, writer, nothing("Root")]) {
        all++;
        if (compared({ writer, reader: one }, values, damage)) generated++;
      }
    }),
    timed(0.3),
  );
  assert.ok(generated * 3 > all, `${generated} of ${all} were generated`);
});

test("generated decoders give what closures give for contracts of every kind of value", () => {
  let generated = 0;
  fc.assert(
    fc.property(contractsWithRecords({ min: 1, max: 4 }), seeds, ({ contract, records }, seed) => {
      const encoder = compileRecordEncoder(contract);
      const writer = contract.schema;
      const bytes = records.map((record) => {
        const result = encoder.encode(record);
        assert.equal(result.kind, "valid");
        return result.kind === "valid" ? result.value.slice() : new Uint8Array(0);
      });
      const evolved = parseAvroRecordSchema(evolvedSchema(toSchemaJson(writer), createRandom(seed)));
      for (const reader of [writer, evolved, nothing("thing")]) if (compared({ writer, reader }, bytes, seed)) generated++;
    }),
    timed(0.3),
  );
  assert.ok(generated > 0);
});
