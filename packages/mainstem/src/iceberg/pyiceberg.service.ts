import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { DuckDBInstance, type DuckDBConnection } from "@duckdb/node-api";
import { parseContract, type Contract } from "@mainstem/contract";
import { openPyiceberg, type PythonEnvironment } from "../../../../tools/services/python.ts";
import { parseObjectKey, type ObjectKey } from "../objects/index.ts";
import { fieldIds, shapeOf } from "../tables/duckdb/shape.ts";
import { decodeBound } from "./bounds.ts";
import { icebergSchemaOf, newTableOf } from "./from-contract.ts";
import type { DataFile, IcebergTables, PartitionScalar, TableState } from "./model.ts";
import { dataFileFromStats } from "./parquet-stats.ts";
import { openTestStores, type TestStores } from "./testing/stores.ts";
import { transformValue } from "./testing/transform-value.ts";
import { parseTransform } from "./transforms.ts";
import { changeOf } from "./testing/samples.ts";

const dataset = "shop.kinds";
const script = fileURLToPath(new URL("testing/ask-pyiceberg.py", import.meta.url));

/** What PyIceberg says: see testing/ask-pyiceberg.py. */
interface Answer {
  readonly table: {
    readonly schema: { readonly fields: readonly { readonly id: number; readonly name: string; readonly required: boolean; readonly type: unknown }[] };
    readonly identifiers: readonly string[];
    readonly spec: string;
    readonly sort: string;
    readonly snapshots: readonly { readonly id: string; readonly operation: string; readonly summary: Readonly<Record<string, string>> }[];
    readonly manifests: readonly {
      readonly partition_summaries: readonly { readonly contains_null: boolean; readonly lower_bound: string | null; readonly upper_bound: string | null }[];
    }[];
  };
  readonly scans: readonly { readonly files: number; readonly rows: readonly Row[] }[];
}
type Row = Readonly<Record<string, unknown>>;

let python: PythonEnvironment;
before(async () => {
  python = await openPyiceberg();
});

async function ask(request: object): Promise<Answer> {
  return JSON.parse(await python.run(script, JSON.stringify(request))) as Answer;
}

const logical = (type: string, logicalType: string): object => ({ type, logicalType });
const decimal = (precision: number, scale: number): object => ({ type: "bytes", logicalType: "decimal", precision, scale });

/** A column of each type: how DuckDB reads it from JSON, and the values of its rows, as PyIceberg shows them too. */
const columns: readonly { readonly name: string; readonly avro: unknown; readonly sql: string; readonly values: readonly unknown[] }[] = [
  { name: "flag", avro: "boolean", sql: "BOOLEAN", values: [true, false, null] },
  { name: "small", avro: "int", sql: "INTEGER", values: [-2147483648, 2147483647, 0, null] },
  { name: "real", avro: "float", sql: "FLOAT", values: [0.5, -1.25, null] },
  { name: "wide", avro: "double", sql: "DOUBLE", values: [1e300, -1e-300, 0, null] },
  { name: "text", avro: "string", sql: "VARCHAR", values: ["", "a rather long text that is shortened in bounds", "é😀\u{10FFFF}", null] },
  {
    name: "code",
    avro: logical("string", "uuid"),
    sql: "UUID",
    values: ["f79c3e09-677c-4bbd-a479-3f349cb785e7", "00000000-0000-0000-0000-000000000001", null],
  },
  { name: "blob", avro: "bytes", sql: "VARCHAR", values: ["AP8=", "", "////////////////////////////////", null] },
  { name: "three", avro: { type: "fixed", name: "three", size: 3 }, sql: "VARCHAR", values: ["AAEC", "////", null] },
  { name: "kind", avro: { type: "enum", name: "colour", symbols: ["zebra", "apple"] }, sql: "VARCHAR", values: ["zebra", "apple", null] },
  { name: "price", avro: decimal(9, 2), sql: "DECIMAL(9, 2)", values: ["-0.05", "9999999.99", "12.30", null] },
  { name: "share", avro: decimal(38, 10), sql: "DECIMAL(38, 10)", values: ["-1234567890123456789012345678.0123456789", "0.0000000001", null] },
  { name: "born", avro: logical("int", "date"), sql: "DATE", values: ["0001-01-01", "1969-12-31", "9999-12-31", null] },
  { name: "opens", avro: logical("long", "time-micros"), sql: "TIME", values: ["00:00:00.000000", "23:59:59.999999", null] },
  {
    name: "local",
    avro: logical("long", "local-timestamp-micros"),
    sql: "TIMESTAMP",
    values: ["1969-12-31T23:59:59.999999", "2026-11-21T10:00:00.000001", null],
  },
  {
    name: "seen",
    avro: logical("long", "timestamp-millis"),
    sql: "TIMESTAMPTZ",
    values: ["1900-01-01T00:00:00.001000+00:00", "2026-11-21T10:00:00.500000+00:00", null],
  },
  { name: "tags", avro: { type: "array", items: ["null", "string"] }, sql: "VARCHAR[]", values: [["a", null], [], null] },
  {
    name: "counts",
    avro: { type: "map", values: "long" },
    sql: "MAP(VARCHAR, BIGINT)",
    values: [
      [
        ["x", 1],
        ["y", -2],
      ],
      [],
      null,
    ],
  },
  {
    name: "place",
    avro: {
      type: "record",
      name: "place",
      fields: [
        { name: "city", type: ["null", "string"], default: null },
        { name: "at", type: { type: "record", name: "point", fields: [{ name: "x", type: "int" }] } },
      ],
    },
    sql: 'STRUCT(city VARCHAR, "at" STRUCT(x INTEGER))',
    values: [{ city: "Graz", at: { x: 1 } }, { city: null, at: { x: -1 } }, null],
  },
];

const days = ["1969-12-30", "1969-12-31", "1970-01-01", "2026-11-21", null] as const;
const buckets = 4;

function contractOf({ withNote }: { readonly withNote: boolean }): Contract {
  const fields = [
    { name: "id", type: "long" },
    { name: "revision", type: "int" },
    { name: "placedAt", type: ["null", logical("long", "timestamp-micros")], default: null },
    ...columns.map(({ name, avro }) => ({ name, type: ["null", avro], default: null })),
    ...(withNote ? [{ name: "note", type: ["null", "string"], default: null }] : []),
  ];
  return parseContract({
    formatVersion: 1,
    name: dataset,
    schema: { type: "record", name: "kinds", namespace: "shop", fields },
    key: ["id"],
    order: ["revision"],
    merge: { kind: "latest" },
    partition: [
      { field: "placedAt", transform: "day" },
      { field: "id", transform: "bucket", width: buckets },
    ],
  });
}

/** Row number `id`; values of a column repeat at another pace than those of the others. */
function rowOf(id: number, { withNote = false } = {}): Row {
  const day = days[id % days.length] ?? null;
  const own = columns.map(({ name, values }) => [name, values[id % values.length]] as const);
  const placedAt = day === null ? null : `${day}T${String(id % 24).padStart(2, "0")}:59:59.999999+00:00`;
  return { id, revision: 1, placedAt, ...Object.fromEntries(own), ...(withNote ? { note: `note ${id}` } : {}) };
}

function partitionOf(row: Row): readonly PartitionScalar[] {
  const micros = row["placedAt"] === null ? null : BigInt(Date.parse(row["placedAt"] as string)) * 1000n;
  return [
    transformValue(parseTransform("day")!, "timestamptz", micros),
    transformValue(parseTransform(`bucket[${buckets}]`)!, "long", BigInt(row["id"] as number)),
  ];
}

/** Writes rows with DuckDB into one Parquet file a partition, as the engine does, and gives them as the table's new files. */
async function writeRows(
  stores: TestStores,
  state: TableState,
  { contract, rows }: { readonly contract: Contract; readonly rows: readonly Row[] },
): Promise<readonly DataFile[]> {
  const groups = Map.groupBy(rows, (row) => partitionOf(row).join("/"));
  const instance = await DuckDBInstance.create(":memory:", { threads: "1" });
  const connection = await instance.connect();
  try {
    await connection.run("SET TimeZone = 'UTC'");
    const files: DataFile[] = [];
    for (const group of groups.values()) files.push(await writeFileOf(stores, state, { contract, rows: group, connection }));
    return files;
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

let written = 0;
async function writeFileOf(
  stores: TestStores,
  { schema, spec, sortOrderId }: TableState,
  { contract, rows, connection }: { readonly contract: Contract; readonly rows: readonly Row[]; readonly connection: DuckDBConnection },
): Promise<DataFile> {
  written += 1;
  const folder = join(stores.path, "drafts");
  await mkdir(folder, { recursive: true });
  const [source, target] = [join(folder, `${written}.json`), join(folder, `${written}.parquet`)];
  const lines = rows.map((row) => JSON.stringify({ ...row, counts: toObject(row["counts"]) }));
  await writeFile(source, lines.join("\n"));
  const { columns: shape } = shapeOf(contract, schema);
  const known = new Map<string, string>([
    ["id", "BIGINT"],
    ["revision", "INTEGER"],
    ["placedAt", "TIMESTAMPTZ"],
    ["note", "VARCHAR"],
    ...columns.map(({ name, sql }) => [name, sql] as const),
  ]);
  const types = shape.map(({ field }) => `"${field.name}": '${known.get(field.name)}'`).join(", ");
  const select = shape
    .map(({ field }) => (field.name === "blob" || field.name === "three" ? `from_base64("${field.name}") AS "${field.name}"` : `"${field.name}"`))
    .join(", ");
  const copy = `COPY (SELECT ${select} FROM read_json('${source}', format = 'newline_delimited', columns = {${types}}) ORDER BY id) TO '${target}'
    (FORMAT parquet, COMPRESSION zstd, FIELD_IDS ${fieldIds(shape)}, RETURN_STATS)`;
  const [stats] = (await connection.runAndReadAll(copy)).getRowObjectsJson() as unknown as readonly {
    readonly count: string;
    readonly file_size_bytes: string;
    readonly column_statistics: readonly { readonly key: string; readonly value: readonly { readonly key: string; readonly value: string }[] }[];
  }[];
  assert.ok(stats !== undefined);
  const key = parseObjectKey(`tables/shop/kinds/data/${written}.parquet`);
  await stores.objects.putFile(key, target);
  const statistics = new Map(stats.column_statistics.map((column) => [column.key, Object.fromEntries(column.value.map((item) => [item.key, item.value]))]));
  const partition = partitionOf(rows[0]!);
  return dataFileFromStats({
    key,
    schema,
    specId: spec["spec-id"],
    partition,
    records: Number(stats.count),
    bytes: Number(stats.file_size_bytes),
    columns: statistics,
    sortOrderId,
  });
}

/** PyIceberg shows a map as its pairs, DuckDB reads it as an object. */
function toObject(pairs: unknown): unknown {
  return pairs === null ? null : Object.fromEntries(pairs as readonly (readonly [string, unknown])[]);
}

function byId(rows: readonly Row[]): readonly Row[] {
  return [...rows].sort((a, b) => (a["id"] as number) - (b["id"] as number));
}

async function commitOf(tables: IcebergTables, change: Parameters<IcebergTables["commit"]>[1]): Promise<TableState> {
  const commit = await tables.commit(dataset, change);
  assert.ok(commit.kind === "committed");
  return commit.state;
}

/** Three snapshots: rows 0 to 59, then those of one day replaced, then, with one column more, rows 60 to 69. */
async function writeTable(stores: TestStores): Promise<{ readonly states: readonly TableState[]; readonly rows: readonly (readonly Row[])[] }> {
  const tables = stores.open();
  const contract = contractOf({ withNote: false });
  const made = await tables.create(dataset, newTableOf(contract));
  const first = Array.from({ length: 60 }, (_, id) => rowOf(id));
  const one = await commitOf(
    tables,
    changeOf(made, { added: await writeRows(stores, made, { contract, rows: first }), summary: { "mainstem.checkpoint": '{"x":1}' } }),
  );
  const isReplaced = (row: Row): boolean => row["placedAt"] !== null && (row["placedAt"] as string).startsWith("1969-12-31");
  const second = first.map((row) => (isReplaced(row) ? { ...row, revision: 2 } : row));
  const removed = (await tables.files(dataset, one, one.current!)).filter((file) => file.partition[0] === -1);
  assert.ok(removed.length > 0);
  const two = await commitOf(tables, changeOf(one, { added: await writeRows(stores, one, { contract, rows: second.filter(isReplaced) }), removed }));
  const wider = contractOf({ withNote: true });
  const added = await tables.changeColumns(dataset, { expected: two.schema["schema-id"], schema: icebergSchemaOf(wider, two) });
  const more = Array.from({ length: 10 }, (_, at) => rowOf(60 + at, { withNote: true }));
  const three = await commitOf(tables, changeOf(added.state, { added: await writeRows(stores, added.state, { contract: wider, rows: more }) }));
  const third = [...second.map((row) => ({ ...row, note: null })), ...more];
  return { states: [one, two, three], rows: [first, second, third] };
}

test("PyIceberg reads our tables as we wrote them, at every snapshot", async () => {
  await using stores = await openTestStores();
  const { states, rows } = await writeTable(stores);
  const last = states[2]!;
  const scans = states.map((state) => ({ snapshot: String(state.current!.id) }));
  const answer = await ask({ do: "read", location: last.metadataLocation, scans: [{}, ...scans] });
  assert.deepEqual(byId(answer.scans[0]!.rows), rows[2]);
  for (const [at, expected] of rows.entries()) assert.deepEqual(byId(answer.scans[at + 1]!.rows), expected, `snapshot ${at}`);
  const { table } = answer;
  assert.deepEqual(table.identifiers, ["id"]);
  assert.deepEqual(
    table.schema.fields.map(({ id, name, required, type }) => ({ id, name, required, type })),
    last.schema.fields.map(({ id, name, required, type }) => ({ id, name, required, type })),
  );
  assert.match(table.spec, /1000: placedAt_day: day\(3\)\s+1001: id_bucket: bucket\[4\]\(1\)/);
  assert.match(table.sort, /1 ASC NULLS FIRST/);
  assert.deepEqual(
    table.snapshots.map((snapshot) => [snapshot.id, snapshot.operation]),
    states.map((state, at) => [String(state.current!.id), ["append", "overwrite", "append"][at]]),
  );
  assert.equal(table.snapshots[0]!.summary["mainstem.checkpoint"], '{"x":1}');
  assert.equal(table.snapshots[2]!.summary["total-records"], "70");
  const summaries = table.manifests.flatMap((manifest) => manifest.partition_summaries);
  assert.ok(
    summaries.some((summary) => summary.contains_null && summary.lower_bound === "1969-12-30" && summary.upper_bound === "2026-11-21"),
    JSON.stringify(summaries),
  );
});

test("PyIceberg leaves out files by partition and bounds, and loses no row by it", async () => {
  await using stores = await openTestStores();
  const { states, rows } = await writeTable(stores);
  const state = states[2]!;
  const files = await stores.open().files(dataset, state, state.current!);
  const all = rows[2]!;
  const day = (text: string): readonly Row[] => all.filter((row) => (row["placedAt"] as string | null)?.startsWith(text) === true);
  const partitionsOf = (found: readonly Row[]): number =>
    files.filter((file) => found.some((row) => partitionOf(row).join("/") === file.partition.join("/"))).length;
  const literals = columns.flatMap(({ name, sql, values }) =>
    values
      .filter(
        (value) =>
          value !== null &&
          /^(?!.*(\[\]|MAP|STRUCT)).*$/.test(sql) &&
          name !== "blob" &&
          name !== "three" &&
          !(typeof value === "number" && /e/.test(String(value))),
      )
      .map((value) => ({ name, value, literal: literalOf(sql, value) })),
  );
  const cases: readonly { readonly filter: string; readonly expected: readonly Row[]; readonly files?: number }[] = [
    ...["1969-12-30", "1969-12-31", "1970-01-01", "2026-11-21"].map((text) => ({
      filter: `placedAt >= '${text}T00:00:00+00:00' and placedAt < '${nextDay(text)}T00:00:00+00:00'`,
      expected: day(text),
      files: partitionsOf(day(text)),
    })),
    { filter: "placedAt is null", expected: all.filter((row) => row["placedAt"] === null), files: partitionsOf(all.filter((row) => row["placedAt"] === null)) },
    // By bucket and by the bounds of the key.
    ...[0, 17, 59, 65].map((id) => ({ filter: `id == ${id}`, expected: all.filter((row) => row["id"] === id) })),
    { filter: "id > 1000", expected: [], files: 0 },
    { filter: "note is not null", expected: all.filter((row) => row["note"] !== null) },
    ...columns
      .filter(({ sql }) => !/\[\]|MAP|STRUCT/.test(sql))
      .map(({ name }) => ({ filter: `${name} is null`, expected: all.filter((row) => row[name] === null) })),
    ...literals.map(({ name, value, literal }) => ({ filter: `${name} == ${literal}`, expected: all.filter((row) => row[name] === value) })),
  ];
  const answer = await ask({ do: "read", location: state.metadataLocation, scans: cases.map(({ filter }) => ({ filter, fields: ["id"] })) });
  for (const [at, { filter, expected, files: count }] of cases.entries()) {
    const found = answer.scans[at]!;
    assert.deepEqual(
      byId(found.rows),
      byId(expected).map(({ id }) => ({ id })),
      filter,
    );
    if (count !== undefined) assert.equal(found.files, count, filter);
    if (filter.startsWith("id == ")) assert.ok(found.files <= days.length, `${filter}: ${found.files} files`);
    assert.ok(found.files <= files.length);
  }
  assert.ok(literals.length > 25, `only ${literals.length} values were looked for`);
});

/** A value in PyIceberg's filter expressions. */
function literalOf(sql: string, value: unknown): string {
  return /BOOLEAN|INTEGER|FLOAT|DOUBLE|DECIMAL/.test(sql) ? String(value) : `'${String(value)}'`;
}

function nextDay(text: string): string {
  return new Date(Date.parse(text) + 86_400_000).toISOString().slice(0, 10);
}

const foreignRows = Array.from({ length: 40 }, (_, id) => ({
  id,
  day: [null, "1969-12-31", "0001-01-01", "2026-11-21"][id % 4],
  country: ["AT", null, "Côte d'Ivoire/x=1"][id % 3],
  amount: ["-0.05", "12.34"][id % 2],
}));

test("we read a table that PyIceberg made, change it, and PyIceberg reads on", async () => {
  await using stores = await openTestStores();
  const location = stores.objects.uri(parseObjectKey("tables/shop/foreign"));
  const request = { database: join(stores.path, "catalog.sqlite"), warehouse: stores.path, location };
  const batches = [foreignRows.slice(0, 20), foreignRows.slice(20)];
  const made = JSON.parse(await python.run(script, JSON.stringify({ ...request, do: "create", batches, delete: "country == 'AT'" }))) as {
    readonly location: string;
  };
  await adopt(stores, "shop.foreign", keyOf(stores, made.location));
  const tables = stores.open();
  const state = (await tables.load("shop.foreign"))!;
  const left = foreignRows.filter((row) => row.country !== "AT");
  const files = await tables.files("shop.foreign", state, state.current!);
  assert.equal(sum(files), left.length);
  assert.equal(sum(await tables.files("shop.foreign", state, state.snapshots[1]!)), foreignRows.length);
  assert.deepEqual(new Set(files.map((file) => file.partition[1])), new Set([null, "Côte d'Ivoire/x=1"]));
  const months = new Set(left.map((row) => transformValue(parseTransform("month")!, "date", row.day == null ? null : Date.parse(row.day) / 86_400_000)));
  assert.deepEqual(new Set(files.map((file) => file.partition[0])), months);
  for (const file of files) {
    const bounds = [file.lowerBounds.get(4), file.upperBounds.get(4)].map((bytes) => decodeBound("decimal(9, 2)", bytes!));
    assert.ok(
      bounds.every((bound) => bound === -5n || bound === 1234n),
      String(bounds),
    );
  }
  // Ours: the files without a country go.
  const removed = files.filter((file) => file.partition[1] === null);
  const commit = await tables.commit("shop.foreign", changeOf(state, { removed }));
  assert.ok(commit.kind === "committed");
  const snapshots = [{}, { snapshot: String(state.current!.id) }];
  const answer = await ask({ do: "read", location: commit.state.metadataLocation, scans: snapshots });
  const rowsOf = (at: number): readonly Row[] => byId(answer.scans[at]!.rows);
  assert.deepEqual(
    rowsOf(0),
    left.filter((row) => row.country !== null),
  );
  assert.deepEqual(rowsOf(1), left);
});

test("PyIceberg builds on our table, and we on what it made", async () => {
  await using stores = await openTestStores();
  const { states } = await writeTable(stores);
  const request = { database: join(stores.path, "catalog.sqlite"), warehouse: stores.path };
  const ours = states[2]!;
  const change = { ...request, do: "append", location: ours.metadataLocation, ids: [1_000, 1_001, 1_002] };
  const answer = JSON.parse(await python.run(script, JSON.stringify(change))) as { readonly location: string };
  await adopt(stores, dataset, keyOf(stores, answer.location));
  const tables = stores.open();
  const state = (await tables.load(dataset))!;
  assert.equal(state.snapshots.length, 4);
  assert.deepEqual(state.schemas, ours.schemas);
  assert.equal(sum(await tables.files(dataset, state, state.current!)), 73);
  const next = await commitOf(tables, changeOf(state, {}));
  assert.equal(next.snapshots[3]!.parentId, ours.current!.id);
  const read = await ask({ do: "read", location: next.metadataLocation, scans: [{ filter: "id >= 1000", fields: ["id"] }, {}] });
  assert.deepEqual(byId(read.scans[0]!.rows), [{ id: 1_000 }, { id: 1_001 }, { id: 1_002 }]);
  assert.equal(read.scans[1]!.rows.length, 73);
});

function sum(files: readonly DataFile[]): number {
  return files.reduce((total, file) => total + file.records, 0);
}

/** The key of an object by the address that another program gave it. */
function keyOf(stores: TestStores, address: string): ObjectKey {
  const base = stores.objects.uri(parseObjectKey("tables"));
  assert.ok(address.startsWith(`${base}/`), address);
  return parseObjectKey(`tables/${address.slice(base.length + 1)}`);
}

/** Makes metadata that another program wrote the current one. */
async function adopt(stores: TestStores, name: string, key: ObjectKey): Promise<void> {
  const { pointers } = stores.state;
  const pointer = await pointers.get(`table/${name}`);
  const swap = await pointers.swap(`table/${name}`, { expected: pointer?.version ?? "absent", value: key });
  assert.equal(swap.kind, "committed");
}
