import assert from "node:assert/strict";
import { test } from "node:test";
import avsc from "avsc";
import fc from "fast-check";
import { parseExact } from "../exact-json.ts";
import { timed } from "../testing/arbitraries.ts";
import { createRandom, evolvedSchema, randomSchema, randomValue } from "../testing/random-schemas.ts";
import { ByteSink } from "./byte-sink.ts";
import { ByteSource } from "./byte-source.ts";
import { compileReader, readWhole } from "./reader.ts";
import { compileResolvingReader } from "./resolving-reader.ts";
import type { AvroSchema } from "./schema.ts";
import { parseAvroSchema } from "./schema-parser.ts";
import { schemaText, toSchemaJson } from "./schema-text.ts";
import { compileWriter } from "./writer.ts";

const seeds = fc.nat();

function encode(schema: AvroSchema, value: unknown): Uint8Array<ArrayBuffer> {
  const sink = new ByteSink();
  compileWriter(schema)(value, sink);
  return sink.copy();
}

test("values of schemas of every shape are read as they were written, and a schema reads itself", () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const random = createRandom(seed);
      const schema = parseAvroSchema(randomSchema(random));
      const value = randomValue(schema, random);
      const bytes = encode(schema, value);
      assert.deepStrictEqual(readWhole(compileReader(schema), new ByteSource(bytes)), value);
      assert.deepStrictEqual(readWhole(compileResolvingReader({ writer: schema, reader: schema }), new ByteSource(bytes)), value);
      const text = schemaText(schema);
      assert.equal(schemaText(parseAvroSchema(parseExact(text))), text);
      assert.equal(schemaText(structuredClone(schema)), text);
    }),
    timed(0.3),
  );
});

test("avsc resolves as we do, where it is not stricter than the specification", () => {
  let [compared, refused] = [0, 0];
  fc.assert(
    fc.property(seeds, (seed) => {
      const random = createRandom(seed);
      // Longs are numbers in avsc: they are left out.
      const json = JSON.parse(JSON.stringify(randomSchema(random, 2)).replaceAll('"long"', '"int"')) as unknown;
      const [writer, reader] = [parseAvroSchema(json), parseAvroSchema(evolvedSchema(json, random, { far: false }))];
      const bytes = encode(writer, randomValue(writer, random));
      const [from, to] = [writer, reader].map((one) => avsc.Type.forSchema(toSchemaJson(one) as avsc.Schema, { wrapUnions: true })) as [avsc.Type, avsc.Type];
      let theirs: Buffer;
      try {
        theirs = to.toBuffer(to.fromBuffer(Buffer.from(bytes), to.createResolver(from)));
      } catch {
        refused++;
        return;
      }
      compared++;
      const ours = encode(reader, readWhole(compileResolvingReader({ writer, reader }), new ByteSource(bytes)));
      assert.equal(theirs.toString("hex"), Buffer.from(ours).toString("hex"), JSON.stringify({ seed }));
    }),
    timed(0.3),
  );
  assert.ok(compared > refused, `${compared} compared, ${refused} refused by avsc`);
});

test("avsc deviates: names with their namespace, unions as plain types, defaults of later branches", () => {
  const record = (type: unknown, extra: object = {}) => ({ type: "record", name: "r", fields: [{ name: "f", type, ...extra }] });
  const pairs: readonly (readonly [unknown, unknown])[] = [
    [
      { ...record("int"), namespace: "a" },
      { ...record("int"), namespace: "b" },
    ],
    [record(["null", "int"]), record("int")],
  ];
  for (const [writer, reader] of pairs) {
    assert.throws(() => avsc.Type.forSchema(reader as avsc.Schema).createResolver(avsc.Type.forSchema(writer as avsc.Schema)));
    compileResolvingReader({ writer: parseAvroSchema(writer), reader: parseAvroSchema(reader) });
  }
  const late = record(["null", "int"], { default: 7 });
  assert.throws(() => avsc.Type.forSchema(late as unknown as avsc.Schema));
  parseAvroSchema(late);
});
