// Avro to a table of DuckDB in memory: the contract's generated decoder to columns, copied into vectors as table builds do it, against avsc and the row
// appender; and against Python's fastavro and pyarrow, which make a table of Arrow in memory.
import { randomBytes } from "node:crypto";
import { DuckDBListValue, DuckDBMapValue, DuckDBStructValue, DuckDBTimestampTZValue, type DuckDBAppender, type DuckDBValue } from "@duckdb/node-api";
import { encodeContainerBlock, encodeContainerHeader, isUnion, kindOf, type AvroSchema } from "@mainstem/contract";
import { ColumnStage } from "../packages/mainstem/src/tables/duckdb/build/column-stage.ts";
import { Partitions } from "../packages/mainstem/src/tables/duckdb/build/partitions.ts";
import { Stage } from "../packages/mainstem/src/tables/duckdb/build/stage.ts";
import { vectorFault } from "../packages/mainstem/src/tables/duckdb/build/vector-trial.ts";
import { columnOf } from "../packages/mainstem/src/tables/duckdb/columns.ts";
import { openDatabase, type Database } from "../packages/mainstem/src/tables/duckdb/database.ts";
import { declarations, loadedColumns } from "../packages/mainstem/src/tables/duckdb/shape.ts";
import { compare, type Bench, type BenchOptions, type Comparison, type Contender } from "./harness.ts";
import { openPythonPeer } from "./records/python-peer.ts";
import { eventShape, type Shape } from "./records/shapes.ts";

export const run: Bench = (options) => benchColumns("columns", eventShape(), options);

/** `bytes`: of JSON that a run takes, unless it is a quick one. */
export async function benchColumns(
  bench: string,
  shape: Shape,
  { quick, note, bytes = 160_000_000 }: BenchOptions & { readonly bytes?: number },
): Promise<readonly Comparison[]> {
  const rounds = Math.ceil((quick ? 10_000_000 : bytes) / shape.body.length);
  const values = shape.lines.map((line) => shape.type.toBuffer(JSON.parse(line)));
  const block = Buffer.concat(values);
  note(`${rounds * values.length} records a run, ${Math.round(block.length / values.length)} bytes of Avro each`);
  await using database = await openDatabase({ memoryBytesMax: 2_147_483_648, threads: 1, directory: "" });
  const fault = await vectorFault(database);
  if (fault !== undefined) throw new Error(fault);
  const work = { shape, values, block, rounds };
  const peers = [rowAppender(database, work)];
  const files = { container: container(shape, values.length, block), schema: JSON.stringify(shape.contract.schema) };
  const python = { script: "python-columns.py", files, rounds, records: values.length };
  await using peer = await openPythonPeer("Python fastavro, pyarrow", python).catch((error: unknown) => {
    note(`without Python: ${String(error).slice(0, 200)}`);
    return undefined;
  });
  if (peer !== undefined) peers.push(peer);
  return await compare({ bench, case: `${shape.title}, Avro to columns`, unit: "records", ours: columns(database, work), peers, reps: quick ? 5 : 9 });
}

interface Records {
  readonly shape: Shape;
  readonly values: readonly Uint8Array[];
  /** The values, one after the other. */
  readonly block: Uint8Array;
  readonly rounds: number;
}

function columns(database: Database, { shape, values, block, rounds }: Records): Contender {
  const { contract } = shape;
  const loaded = { columns: loadedColumns(contract), position: [], takesValueless: false };
  const ends = endsOf(values);
  const round = (stage: ColumnStage, decoder: NonNullable<ReturnType<ColumnStage["decoderOf"]>>): void => {
    stage.use(block);
    let start = 0;
    for (const end of ends) {
      if (!stage.add(decoder, { start, end })) throw new Error("a record did not go into columns");
      start = end;
    }
  };
  return {
    name: "ours",
    async run() {
      const stage = await Stage.open(database, loaded, "ours");
      const vectors = ColumnStage.open(stage, { contract, shape: loaded, partitions: new Partitions() });
      const decoder = vectors?.decoderOf(contract.schema);
      if (vectors === undefined || decoder === undefined) throw new Error("there is no decoder to columns");
      for (let index = 0; index < rounds; index++) round(vectors, decoder);
      vectors.hand();
      stage.finish();
      return { units: rounds * values.length };
    },
    after: () => checkAndDrop(database, "ours", rounds * values.length),
  };
}

function rowAppender(database: Database, { shape, values, rounds }: Records): Contender {
  const { schema } = shape.contract;
  const appends = schema.fields.map(({ name, type }) => ({ name, append: appenderOf(type) }));
  const round = (appender: DuckDBAppender): void => {
    for (const value of values) {
      const record = shape.type.fromBuffer(value as Buffer) as Readonly<Record<string, unknown>>;
      for (const { name, append } of appends) append(appender, record[name]);
      appender.endRow();
    }
  };
  return {
    name: "avsc, row appender",
    async run() {
      await database.run(`CREATE TABLE peer (${declarations(loadedColumns(shape.contract))})`);
      const appender = await database.connection.createAppender("peer");
      for (let index = 0; index < rounds; index++) round(appender);
      appender.closeSync();
      return { units: rounds * values.length };
    },
    after: () => checkAndDrop(database, "peer", rounds * values.length),
  };
}

async function checkAndDrop(database: Database, table: string, rows: number): Promise<void> {
  if ((await database.number(`SELECT count(*) FROM ${table}`)) !== rows) throw new Error("rows are missing");
  await database.run(`DROP TABLE ${table}`);
}

function endsOf(values: readonly Uint8Array[]): readonly number[] {
  let end = 0;
  return values.map((value) => (end += value.length));
}

type Append = (appender: DuckDBAppender, value: unknown) => void;

function appenderOf(schema: AvroSchema): Append {
  if (isUnion(schema)) {
    const append = appenderOf(schema.find(({ type }) => type !== "null")!);
    return (appender, value) => (value === null ? appender.appendNull() : append(appender, value));
  }
  const kind = kindOf(schema);
  // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- the kinds of the benchmarks' records
  switch (kind) {
    case "boolean":
      return (appender, value) => appender.appendBoolean(value as boolean);
    case "int":
      return (appender, value) => appender.appendInteger(value as number);
    case "long":
      return (appender, value) => appender.appendBigInt(BigInt(value as number));
    case "double":
      return (appender, value) => appender.appendDouble(value as number);
    case "string":
    case "enum":
      return (appender, value) => appender.appendVarchar(value as string);
    case "timestampMicros":
      return (appender, value) => appender.appendTimestampTZ(new DuckDBTimestampTZValue(BigInt(value as number)));
    default: {
      const { type } = columnOf(schema);
      const toValue = valueOf(schema);
      return (appender, value) => appender.appendValue(toValue(value), type);
    }
  }
}

/** A nested value as the appender takes it. */
function valueOf(schema: AvroSchema): (value: unknown) => DuckDBValue {
  if (isUnion(schema)) {
    const inner = valueOf(schema.find(({ type }) => type !== "null")!);
    return (value) => (value === null ? null : inner(value));
  }
  if (schema.type === "array") {
    const item = valueOf(schema.items);
    return (value) => new DuckDBListValue((value as readonly unknown[]).map(item));
  }
  if (schema.type === "map") {
    const item = valueOf(schema.values);
    return (value) => new DuckDBMapValue(Object.entries(value as object).map(([key, of]) => ({ key, value: item(of) })));
  }
  if (schema.type === "record") {
    const fields = schema.fields.map(({ name, type }) => ({ name, of: valueOf(type) }));
    return (value) => new DuckDBStructValue(Object.fromEntries(fields.map(({ name, of }) => [name, of((value as Readonly<Record<string, unknown>>)[name])])));
  }
  return schema.type === "long" ? (value) => BigInt(value as number) : (value) => value as DuckDBValue;
}

/** The values in a container file. It knows no logical types, so that Python makes no objects of times. */
function container({ type }: Shape, count: number, data: Uint8Array): Uint8Array {
  const sync = randomBytes(16);
  return Buffer.concat([
    encodeContainerHeader({ schemaText: JSON.stringify(type.schema()), codec: "null", sync }),
    encodeContainerBlock({ count, data, sync }),
  ]);
}
