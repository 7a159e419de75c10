import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ByteSink,
  compileDecoder,
  compileNativeWriter,
  compilePartition,
  parseContract,
  type AvroRecordSchema,
  type Contract,
  type NativeRecord,
} from "@mainstem/contract";
import fc from "fast-check";
import { newTableOf } from "../../../iceberg/index.ts";
import { contractsOfAnyOrder, recordsOf } from "../../testing/arbitraries.ts";
import { assertForAWhile } from "../../testing/world.ts";
import { openDatabase, type Database } from "../database.ts";
import { shapeOf } from "../shape.ts";
import { ColumnStage } from "./column-stage.ts";
import { Partitions } from "./partitions.ts";
import { Stage, type StagedRow } from "./stage.ts";
import { vectorFault } from "./vector-trial.ts";

/** What a newer contract sees of older records: promoted, renamed by nothing, gone, new with defaults of every length. */
const enumOf = (name: string, symbols: readonly string[]): object => ({ type: "enum", name, symbols, default: symbols[0] });
const olderFields = [
  { name: "old0", type: "int" },
  { name: "old1", type: "string" },
  { name: "old2", type: ["null", "long"] },
  { name: "old3", type: "long" },
  { name: "old4", type: enumOf("Old4", ["a_first_symbol", "b", "c"]) },
  { name: "old5", type: { type: "array", items: "int" } },
  { name: "gone0", type: { type: "array", items: ["null", "string"] } },
  { name: "gone1", type: { type: "map", values: { type: "record", name: "Gone1", fields: [{ name: "x", type: "double" }] } } },
];
const newerFields = [
  { name: "old0", type: "long" },
  { name: "old1", type: "bytes" },
  { name: "old2", type: ["null", "double"] },
  { name: "old3", type: "float" },
  { name: "old4", type: enumOf("Old4", ["a_first_symbol", "c"]) },
  { name: "old5", type: { type: "array", items: "double" } },
  { name: "new0", type: "string", default: "a text that is longer than a cell" },
  { name: "new1", type: ["null", "string"], default: null },
  { name: "new2", type: { type: "array", items: "string" }, default: ["short", "longer than twelve bytes"] },
  { name: "new3", type: { type: "map", values: "long" }, default: { "a key that is longer than a cell": 1, b: 2 } },
  { name: "new4", type: { type: "record", name: "New4", fields: [{ name: "x", type: ["null", "int"] }] }, default: { x: null } },
  { name: "new5", type: enumOf("New5", ["a_symbol_beyond_a_cell", "b"]), default: "a_symbol_beyond_a_cell" },
];

interface Story {
  readonly contract: Contract;
  readonly writer: AvroRecordSchema;
  readonly natives: readonly NativeRecord[];
  /** How often they come: more rows, and more items of lists, than a vector of the engine has. */
  readonly times: number;
  readonly damages: readonly { readonly at: number; readonly byte: number }[];
}

const stories: fc.Arbitrary<Story> = fc.tuple(contractsOfAnyOrder, fc.boolean()).chain(([contract, older]) => {
  const writer = older ? withFields(contract, olderFields) : contract;
  return fc.record({
    contract: fc.constant(older ? withFields(contract, newerFields) : contract),
    writer: fc.constant(writer.schema),
    natives: recordsOf(writer, { minLength: 1, maxLength: 12 }),
    times: fc.oneof({ weight: 9, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: fc.constant(400) }),
    damages: fc.array(fc.record({ at: fc.nat(), byte: fc.nat({ max: 255 }) }), { maxLength: 12 }),
  });
});

test("records that go into columns make the rows that decoded records make, of older writers and damaged ones too", async () => {
  await using database = await openDatabase({ memoryBytesMax: 268_435_456, threads: 1, directory: "" });
  assert.equal(await vectorFault(database), undefined);
  let taken = 0;
  await assertForAWhile(
    fc.asyncProperty(stories, async (story) => {
      taken += await fillBoth(database, story);
    }),
  );
  assert.ok(taken > 0);
});

/** Fills a table in each way and compares them. Gives the number of records that went into columns. */
async function fillBoth(database: Database, { contract, writer, natives, times, damages }: Story): Promise<number> {
  const shape = shapeOf(contract, newTableOf(contract).schema);
  const partOf = compilePartition(contract);
  const [byRow, byColumn] = [new Partitions(), new Partitions()];
  await database.run("DROP TABLE IF EXISTS by_row; DROP TABLE IF EXISTS by_column");
  const rows = await Stage.open(database, shape, "by_row");
  const stage = await Stage.open(database, shape, "by_column");
  let taken = 0;
  try {
    const vectors = ColumnStage.open(stage, { contract, shape, partitions: byColumn });
    const decoder = vectors?.decoderOf(writer);
    assert.ok(vectors !== undefined && decoder !== undefined);
    const decode = compileDecoder({ writer, reader: contract.schema });
    const { bytes, ends } = encode(writer, natives);
    const intact = Uint8Array.from(bytes);
    for (let time = 0; time < times; time++) {
      // The first time whole, the last time damaged.
      if (time === Math.max(1, times - 1) || times === 1) for (const { at, byte } of damages) bytes[at % bytes.length] = byte;
      else bytes.set(intact);
      vectors.use(bytes);
      for (const [index, end] of ends.entries()) {
        const start = ends[index - 1] ?? 0;
        const position = { generation: time + 1, offset: index * 3_000_000_001 };
        const native = decoded(() => decode(bytes, start, end));
        const rowOf = (partitions: Partitions): StagedRow => ({ part: partitions.number(partOf(native!)), bytes: end - start, position });
        assert.ok(!vectors.add(decoder, { start, end: bytes.length + 1 }), "nothing is read beyond a block");
        if (native !== undefined) assert.ok(!vectors.add(decoder, { start, end: end - 1 }), "a cut record is none");
        if (vectors.add(decoder, { start, end }, position)) {
          assert.ok(native !== undefined, "what columns take can be decoded");
          taken += 1;
        } else if (native !== undefined) stage.add(native, rowOf(byColumn));
        if (native !== undefined) rows.add(native, rowOf(byRow));
      }
    }
    vectors.hand();
  } finally {
    rows.finish();
    stage.finish();
  }
  // Without fields there is one partition, which is there before the first record.
  if (contract.partition.length > 0) assert.deepEqual(byColumn.values, byRow.values);
  const differences = "SELECT src, t::VARCHAR FROM";
  const [left, right] = [
    await database.rows(`${differences} by_row t ORDER BY src LIMIT 20`),
    await database.rows(`${differences} by_column t ORDER BY src LIMIT 20`),
  ];
  assert.deepEqual(right, left);
  const counts = await database.rows(
    "SELECT (SELECT count(*) FROM by_row), (SELECT count(*) FROM by_row a JOIN by_column b USING (src) WHERE a::VARCHAR = b::VARCHAR), (SELECT count(*) FROM by_column)",
  );
  assert.deepEqual(new Set(counts[0]).size, 1, `rows, equal ones, rows in columns: ${String(counts[0])}`);
  return taken;
}

function decoded(decode: () => NativeRecord): NativeRecord | undefined {
  try {
    return decode();
  } catch {
    return undefined;
  }
}

function encode(writer: AvroRecordSchema, natives: readonly NativeRecord[]): { readonly bytes: Uint8Array; readonly ends: readonly number[] } {
  const write = compileNativeWriter(writer);
  const sink = new ByteSink();
  const ends = natives.map((native) => {
    write(native, sink);
    return sink.position;
  });
  return { bytes: Uint8Array.from(sink.copy()), ends };
}

/** The contract with more fields. */
function withFields(contract: Contract, fields: readonly object[]): Contract {
  const more = parseContract({
    name: "shop.more",
    schema: { type: "record", name: "more", namespace: "shop", fields: [{ name: "id", type: "int" }, ...fields] },
    key: ["id"],
    order: ["id"],
  });
  return { ...contract, schema: { ...contract.schema, fields: [...contract.schema.fields, ...more.schema.fields.slice(1)] } };
}
