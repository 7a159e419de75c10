import duckdb from "@duckdb/node-bindings";
import { VARCHAR } from "@duckdb/node-api";
import { ByteSink, compileDecoder, compileNativeWriter, parseContract, type Contract, type NativeRecord } from "@mainstem/contract";
import type { Database } from "../database.ts";
import { loadedColumns } from "../shape.ts";
import { ColumnStage } from "./column-stage.ts";
import { Partitions } from "./partitions.ts";
import { Stage, type StagedShape } from "./stage.ts";

let outcome: { readonly fault: string | undefined } | undefined;

/**
 * What is wrong with writing columns into DuckDB's vectors as memory; undefined where it works. Tried once in each thread; where it fails, values are
 * handed over one by one.
 */
export async function vectorFault(database: Database): Promise<string | undefined> {
  outcome ??= { fault: await tryVectors(database) };
  return outcome.fault;
}

async function tryVectors(database: Database): Promise<string | undefined> {
  if (!cellsAreAsKnown()) return "texts do not lie in vectors as expected";
  try {
    return (await rowsAreSame(database)) ? undefined : "the trial's records became other rows";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Texts that DuckDB wrote itself must lie in cells as `ColumnVector` says. */
function cellsAreAsKnown(): boolean {
  const texts = ["", "é", "twelve bytes", "thirteen byte", "a text that is much longer than a cell"].map((text) => Buffer.from(text));
  const vector = duckdb.create_vector(VARCHAR.toLogicalType().logical_type, texts.length);
  for (const [index, text] of texts.entries()) duckdb.vector_assign_string_element_len(vector, index, text);
  const cells = Buffer.from(duckdb.vector_get_data(vector, texts.length * 16));
  const asKnown = texts.every((text, index) => {
    const cell = cells.subarray(index * 16, index * 16 + 16);
    if (cell.readUInt32LE(0) !== text.length) return false;
    if (text.length <= 12) return cell.subarray(4).equals(Buffer.concat([text, Buffer.alloc(12 - text.length)]));
    if (!cell.subarray(4, 8).equals(text.subarray(0, 4))) return false;
    const pointer = Uint8Array.from(cell.subarray(8));
    return text.equals(duckdb.get_data_from_pointer(pointer.buffer, 0, text.length));
  });
  // The vector, which owns the texts, must not be collected before they are read.
  return asKnown && duckdb.vector_get_data(vector, 0).length === 0;
}

/** The same records must make the same rows on both ways. */
async function rowsAreSame(database: Database): Promise<boolean> {
  const contract = parseContract(trialContract);
  const shape = { columns: loadedColumns(contract), position: [], takesValueless: false };
  const natives = Array.from({ length: trialRecords }, (_, index) => trialRecord(index));
  try {
    await fill(database, { contract, shape, natives, table: "trial_rows", asColumns: false });
    if (!(await fill(database, { contract, shape, natives, table: "trial_columns", asColumns: true }))) return false;
    const differences = await database.number(`SELECT count(*) FROM (
      (FROM trial_rows EXCEPT ALL FROM trial_columns) UNION ALL (FROM trial_columns EXCEPT ALL FROM trial_rows))`);
    return differences === 0 && (await database.number("SELECT count(*) FROM trial_columns")) === trialRecords;
  } finally {
    await database.run("DROP TABLE IF EXISTS trial_rows; DROP TABLE IF EXISTS trial_columns");
  }
}

async function fill(
  database: Database,
  {
    contract,
    shape,
    natives,
    table,
    asColumns,
  }: {
    readonly contract: Contract;
    readonly shape: StagedShape;
    readonly natives: readonly NativeRecord[];
    readonly table: string;
    readonly asColumns: boolean;
  },
): Promise<boolean> {
  const { schema } = contract;
  const stage = await Stage.open(database, shape, table);
  const vectors = asColumns ? ColumnStage.open(stage, { contract, shape, partitions: new Partitions() }) : undefined;
  const decoder = vectors?.decoderOf(schema);
  if (asColumns && decoder === undefined) throw new Error("code that fills columns may not be generated here");
  const decode = compileDecoder({ writer: schema, reader: schema });
  const write = compileNativeWriter(schema);
  const sink = new ByteSink();
  const ends = natives.map((native) => {
    write(native, sink);
    return sink.position;
  });
  const bytes = sink.copy();
  vectors?.use(bytes);
  let whole = true;
  for (const [index, end] of ends.entries()) {
    const start = ends[index - 1] ?? 0;
    if (!asColumns) stage.add(decode(bytes, start, end), { part: 0, bytes: end - start });
    else whole &&= vectors!.add(decoder!, { start, end });
  }
  vectors?.hand();
  stage.finish();
  return whole;
}

const trialRecords = 160;
/** One list has more items than a new vector of DuckDB, and than a new one of ours. */
const longListAt = 97;
const longListItems = 5_000;
const trialContract = {
  name: "mainstem.trial",
  schema: {
    type: "record",
    name: "trial",
    namespace: "mainstem",
    fields: [
      { name: "id", type: "long" },
      { name: "text", type: "string" },
      { name: "note", type: ["null", "string"] },
      { name: "flag", type: ["null", "boolean"] },
      { name: "amount", type: { type: "bytes", logicalType: "decimal", precision: 24, scale: 2 } },
      { name: "ratio", type: "double" },
      { name: "kind", type: { type: "enum", name: "Kind", symbols: ["a", "symbol_that_is_longer_than_a_cell"] } },
      { name: "uuid", type: { type: "string", logicalType: "uuid" } },
      { name: "at", type: { type: "long", logicalType: "timestamp-micros" } },
      { name: "tags", type: ["null", { type: "array", items: ["null", "string"] }] },
      { name: "counts", type: { type: "map", values: "int" } },
      {
        name: "place",
        type: [
          "null",
          {
            type: "record",
            name: "Place",
            fields: [
              { name: "city", type: "string" },
              { name: "numbers", type: { type: "array", items: "int" } },
            ],
          },
        ],
      },
    ],
  },
  key: ["id"],
  order: ["at"],
};

/** A record of that contract, short and long texts, nulls and lists in changing order. */
function trialRecord(index: number): NativeRecord {
  const text = "öa long text without an end".slice(0, index % 27);
  const list = (length: number): readonly number[] => Array.from({ length }, (_, item) => (item * index) | 0);
  return {
    id: index % 7 === 0 ? -index * 1_000_000_007 : index,
    text,
    note: index % 3 === 0 ? null : `${text}${index}`,
    flag: index % 5 === 0 ? null : index % 2 === 0,
    amount: (index % 2 === 0 ? -1n : 1n) * BigInt(index) ** 6n,
    ratio: index / 7,
    kind: index % 4 === 0 ? "a" : "symbol_that_is_longer_than_a_cell",
    uuid: `0123abcd-${String(index % 10_000).padStart(4, "0")}-4000-8000-0123456789ab`,
    at: 1_766_000_000_000_000 + index,
    tags: index % 6 === 0 ? null : list(index % 4).map((item) => (item % 5 === 3 ? null : `tag number ${item}`)),
    counts: new Map(list(index % 3).map((item, place) => [`${text}${place}`, item])),
    place: index % 2 === 0 ? null : { city: text, numbers: list(index === longListAt ? longListItems : index % 5) },
  };
}
