import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { parseContract, type NativeRecord } from "@mainstem/contract";
import { MainstemError } from "../../runtime/errors.ts";
import type { QueryEngine, QueryTable, RowBatch } from "../engine.ts";
import { openDirectory, openPipeline, type Pipeline } from "../testing/pipeline.ts";
import { openDuckdbQueryEngine } from "./query-engine.ts";

const contract = parseContract({
  name: "shop.orders",
  schema: {
    type: "record",
    name: "orders",
    namespace: "shop",
    fields: [
      { name: "id", type: "string" },
      { name: "revision", type: "long" },
      { name: "at", type: { type: "long", logicalType: "timestamp-micros" } },
      { name: "local", type: { type: "long", logicalType: "local-timestamp-millis" } },
      { name: "day", type: { type: "int", logicalType: "date" } },
      { name: "clock", type: { type: "int", logicalType: "time-millis" } },
      { name: "amount", type: { type: "bytes", logicalType: "decimal", precision: 20, scale: 2 } },
      { name: "raw", type: "bytes" },
      { name: "ref", type: { type: "string", logicalType: "uuid" } },
      { name: "ratio", type: "double" },
      { name: "tags", type: { type: "array", items: "string" } },
      { name: "counts", type: { type: "map", values: "long" } },
      {
        name: "address",
        type: [
          "null",
          {
            type: "record",
            name: "Address",
            fields: [
              { name: "city", type: "string" },
              { name: "moved", type: { type: "long", logicalType: "timestamp-millis" } },
            ],
          },
        ],
      },
      { name: "order", type: ["null", "string"], default: null },
    ],
  },
  key: ["id"],
  order: ["revision"],
});
const grown = parseContract({
  name: "shop.orders",
  schema: { ...contract.schema, fields: [...contract.schema.fields, { name: "later", type: ["null", "int"], default: null }] },
  key: ["id"],
  order: ["revision"],
});
const records: readonly NativeRecord[] = Array.from({ length: 10_000 }, (_, index) => ({
  id: `o${String(index).padStart(5, "0")}`,
  revision: index === 0 ? 9_223_372_036_854_775_807n : index,
  at: index === 1 ? -1 : index * 1_000_000 + 250_000,
  local: 1_500,
  day: index === 1 ? -1 : index,
  clock: 34_218_007,
  amount: BigInt(index) * 100n - 5n,
  raw: Uint8Array.of(index & 0xff, 255),
  ref: "0d4f3c2b-1a09-4e8d-8c7b-6a5f4e3d2c1b",
  ratio: index === 2 ? Number.NaN : index / 4,
  tags: index % 2 === 0 ? ["a", "b"] : [],
  counts: new Map<string, number | bigint>([
    ["x", index],
    ["big", 9_007_199_254_740_993n],
  ]),
  address: index % 3 === 0 ? { city: "Kraków", moved: index } : null,
  order: null,
}));

describe("queries", () => {
  let directory: Awaited<ReturnType<typeof openDirectory>>;
  let pipeline: Pipeline;
  let engine: QueryEngine;
  let tables: ReadonlyMap<string, QueryTable>;

  before(async () => {
    directory = await openDirectory();
    pipeline = await openPipeline({ directory: directory.path, contract });
    await pipeline.append(records);
    await pipeline.archive();
    await pipeline.build();
    engine = await openDuckdbQueryEngine({ objects: pipeline.objects, directory: join(directory.path, "query") });
    const state = (await pipeline.tables.load(contract.name))!;
    const snapshot = state.current!;
    const files = await pipeline.tables.files(contract.name, state, snapshot);
    tables = new Map([[contract.name, { contract: grown, version: { state, snapshot, files } }]]);
  });
  after(async () => {
    await engine[Symbol.asyncDispose]();
    await pipeline[Symbol.asyncDispose]();
    await directory[Symbol.asyncDispose]();
  });

  const query = async (
    sql: string,
    options: { readonly timeoutMs?: number; readonly tables?: ReadonlyMap<string, QueryTable>; readonly signal?: AbortSignal } = {},
  ) => {
    const batches: RowBatch[] = [];
    for await (const batch of engine.query(sql, { tables: options.tables ?? tables, timeoutMs: options.timeoutMs ?? 60_000, signal: options.signal }))
      batches.push(batch);
    return { columns: batches[0]!.columns, rows: batches.flatMap(({ rows }) => rows), batches };
  };
  const refuses = (sql: string, code: string, pattern = /./) =>
    assert.rejects(query(sql), (error: unknown) =>
      error instanceof MainstemError && error.code === code && pattern.test(error.message) ? true : assert.fail(`${sql}: ${String(error)}`),
    );

  test("values are JSON as the door takes it", async () => {
    const { columns, rows } = await query(`SELECT * FROM "shop"."orders" ORDER BY id LIMIT 3`);
    assert.deepEqual(
      columns.map(({ name }) => name),
      grown.schema.fields.map(({ name }) => name),
    );
    assert.equal(columns[2]!.type, "TIMESTAMP WITH TIME ZONE");
    const ref = "0d4f3c2b-1a09-4e8d-8c7b-6a5f4e3d2c1b";
    assert.deepEqual(rows, [
      [
        "o00000",
        "9223372036854775807",
        "1970-01-01T00:00:00.250000Z",
        "1970-01-01T00:00:01.500000",
        "1970-01-01",
        "09:30:18.007000",
        "-0.05",
        "AP8=",
        ref,
        0,
        ["a", "b"],
        { x: 0, big: "9007199254740993" },
        { city: "Kraków", moved: "1970-01-01T00:00:00.000000Z" },
        null,
        null,
      ],
      [
        "o00001",
        1,
        "1969-12-31T23:59:59.999999Z",
        "1970-01-01T00:00:01.500000",
        "1969-12-31",
        "09:30:18.007000",
        "0.95",
        "Af8=",
        ref,
        0.25,
        [],
        { x: 1, big: "9007199254740993" },
        null,
        null,
        null,
      ],
      [
        "o00002",
        2,
        "1970-01-01T00:00:02.250000Z",
        "1970-01-01T00:00:01.500000",
        "1970-01-03",
        "09:30:18.007000",
        "1.95",
        "Av8=",
        ref,
        "NaN",
        ["a", "b"],
        { x: 2, big: "9007199254740993" },
        null,
        null,
        null,
      ],
    ]);
    JSON.stringify(rows);
  });

  test("the first batch carries the columns, also of an empty result", async () => {
    const { batches } = await query(`SELECT id, count(*) AS n FROM shop.orders WHERE false GROUP BY id`);
    assert.deepEqual(batches, [
      {
        columns: [
          { name: "id", type: "VARCHAR" },
          { name: "n", type: "BIGINT" },
        ],
        rows: [],
      },
    ]);
  });

  test("rows come in batches, and stopping early ends the query", async () => {
    const { rows, batches } = await query("SELECT id, range FROM shop.orders, range(5)");
    assert.equal(rows.length, 50_000);
    assert.ok(batches.length > 4);
    for await (const batch of engine.query("SELECT * FROM range(1000000000000)", { tables: new Map(), timeoutMs: 60_000 })) if (batch.rows.length > 0) break;
  });

  test("a dataset without a snapshot is an empty table with the contract's columns", async () => {
    const { columns, rows } = await query("SELECT * FROM shop.orders", { tables: new Map([[contract.name, { contract, version: undefined }]]) });
    assert.deepEqual(
      columns.map(({ name }) => name),
      contract.schema.fields.map(({ name }) => name),
    );
    assert.deepEqual(rows, []);
  });

  test("the datasets of a statement are found wherever they stand", async () => {
    const cases: readonly (readonly [string, readonly string[]])[] = [
      [`SELECT * FROM "shop"."orders" o JOIN b.c x ON true`, ["b.c", "shop.orders"]],
      [
        "WITH t AS (SELECT * FROM a.b) SELECT *, (SELECT max(x) FROM c.d) FROM t WHERE EXISTS (FROM e.f) ORDER BY (SELECT 1 FROM g.h)",
        ["a.b", "c.d", "e.f", "g.h"],
      ],
      ["FROM a.b UNION ALL BY NAME FROM c.d", ["a.b", "c.d"]],
      ["SELECT 1", []],
      ["VALUES (1), (2);", []],
      ["-- a comment\nSELECT * FROM a.b TABLESAMPLE 10%", ["a.b"]],
      ["WITH RECURSIVE r AS (SELECT 1 AS n FROM a.b UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT * FROM r", ["a.b"]],
      ['SELECT * FROM "x y"."""q"', ['x y."q']],
    ];
    for (const [sql, expected] of cases) assert.deepEqual(await engine.tablesOf(sql), expected, sql);
  });

  test("what is no single SELECT over datasets is refused", async () => {
    const secret = join(directory.path, "secret.csv");
    await writeFile(secret, "a,b\n1,2\n");
    const state = (await pipeline.tables.load(contract.name))!;
    const forbidden = [
      "SELECT 1; SELECT 2",
      "",
      "INSERT INTO shop.orders VALUES (1)",
      "CREATE TABLE x AS SELECT 1",
      "DROP VIEW shop.orders",
      `COPY shop.orders TO '${secret}'`,
      `COPY (SELECT 1) TO '${secret}'`,
      `ATTACH '${secret}' AS x`,
      "INSTALL httpfs",
      "LOAD httpfs",
      "SET memory_limit = '99GB'",
      "RESET lock_configuration",
      "PRAGMA database_list",
      "CALL pragma_version()",
      "EXPLAIN SELECT 1",
      "EXPORT DATABASE 'x'",
      "CHECKPOINT",
      "VACUUM",
      "BEGIN",
      "SHOW TABLES",
      "DESCRIBE shop.orders",
      "SUMMARIZE shop.orders",
      "PREPARE p AS SELECT 1",
      "PIVOT shop.orders ON id",
      `SELECT * FROM read_csv('${secret}')`,
      `SELECT * FROM read_text('${secret}')`,
      `SELECT * FROM read_blob('/etc/hostname')`,
      `SELECT * FROM read_parquet('${state.metadataLocation}')`,
      "SELECT * FROM glob('/*')",
      "SELECT * FROM parquet_metadata('x')",
      "SELECT * FROM sniff_csv('x')",
      "SELECT * FROM query('SELECT 1')",
      "SELECT * FROM query_table('shop.orders')",
      "SELECT * FROM duckdb_settings()",
      "SELECT * FROM duckdb_secrets()",
      "SELECT * FROM pragma_database_size()",
      "SELECT * FROM json_execute_serialized_sql('{}')",
      "SELECT * FROM enable_logging()",
      "SELECT getenv('HOME')",
      "SELECT GETENV('HOME')",
      "SELECT \"getenv\"('HOME')",
      "SELECT system.main.getenv('HOME')",
      "SELECT current_setting('temp_directory')",
      "SELECT write_log('x')",
      "SELECT sleep_ms(10)",
      "SELECT (SELECT max(x) FROM (SELECT current_setting('threads') AS x)) FROM shop.orders",
      "SELECT * FROM a.b.c",
    ];
    for (const sql of forbidden) await refuses(sql, "query.forbidden");
    assert.equal(await readFile(secret, "utf8"), "a,b\n1,2\n");
  });

  test("what is wrong with a statement is said in the engine's words", async () => {
    await refuses("SELEC 1", "query.invalid", /syntax error/);
    await refuses("SELECT nothing FROM shop.orders", "query.invalid", /nothing/);
    await refuses("SELECT * FROM shop.unknown", "query.invalid", /unknown/);
    await refuses("SELECT * FROM orders", "query.invalid", /"namespace"."name"/);
    await refuses(`SELECT * FROM '${directory.path}/secret.csv'`, "query.invalid");
    await refuses("SELECT * FROM duckdb_settings", "query.invalid");
    await refuses("SELECT $1", "query.invalid", /parameter/);
    await refuses("SELECT id + 1 FROM shop.orders", "query.invalid");
    await refuses("SELECT CAST(id AS INTEGER) FROM shop.orders", "query.invalid");
    await refuses("SELECT error('mine')", "query.invalid", /mine/);
    await refuses("SELECT * FROM information_schema.tables", "query.invalid", /no dataset/);
    await refuses("SELECT * FROM main.duckdb_views", "query.invalid", /no dataset/);
  });

  test("no file name gets out with an error", async () => {
    for (const sql of ["SELECT CAST(id AS INTEGER) FROM shop.orders", "SELECT * FROM shop.orders AT (VERSION => 1)"]) {
      await assert.rejects(query(sql), (error: MainstemError) => !`${error.message}${JSON.stringify(error.facts)}`.includes(directory.path));
    }
  });

  test("a damaged data file is named", async () => {
    await using place = await openDirectory();
    await using own = await openPipeline({ directory: place.path, contract });
    await own.append(records.slice(0, 100));
    await own.archive();
    await own.build();
    const state = (await own.tables.load(contract.name))!;
    const files = await own.tables.files(contract.name, state, state.current!);
    const { key } = files[0]!;
    const whole: Uint8Array[] = [];
    for await (const piece of own.objects.read(key)) whole.push(piece);
    const bytes = Buffer.concat(whole);
    await using reader = await openDuckdbQueryEngine({ objects: own.objects, directory: join(place.path, "query") });
    const damages = [
      bytes.subarray(0, 10),
      bytes.subarray(0, bytes.length - 9),
      Buffer.concat([bytes.subarray(0, 200), Buffer.alloc(400, 7), bytes.subarray(600)]),
    ];
    for (const damage of damages) {
      await own.objects.delete([key]);
      await own.objects.put(key, [damage]);
      const rows = async (): Promise<void> => {
        const one = new Map([[contract.name, { contract, version: { state, snapshot: state.current!, files } }]]);
        for await (const _ of reader.query("SELECT * FROM shop.orders", { tables: one, timeoutMs: 60_000 }));
      };
      await assert.rejects(rows(), (error: MainstemError) => error.code === "table.corrupt" && error.facts["key"] === key);
    }
  });

  test("a query that takes too long is ended, and the engine goes on", async () => {
    const slow = "SELECT sum(a.range * b.range) FROM range(10000000) a, range(1000000) b";
    await assert.rejects(query(slow, { timeoutMs: 200 }), { code: "query.timeout" });
    assert.deepEqual((await query("SELECT count(*) FROM shop.orders")).rows, [[10_000]]);
  });

  test("an aborted query ends with the signal's reason", async () => {
    const reason = new Error("enough");
    await assert.rejects(
      query("SELECT sum(a.range * b.range) FROM range(10000000) a, range(1000000) b", {
        signal: AbortSignal.any([AbortSignal.timeout(100)].map((signal) => withReason(signal, reason))),
      }),
      reason,
    );
  });

  test("a query beyond its memory is refused, and the engine goes on", async () => {
    await using small = await openDuckdbQueryEngine({
      objects: pipeline.objects,
      directory: join(directory.path, "small"),
      memoryBytesMax: 33_554_432,
      threads: 1,
    });
    const rows = async (sql: string): Promise<number> => {
      let count = 0;
      for await (const batch of small.query(sql, { tables, timeoutMs: 60_000 })) count += batch.rows.length;
      return count;
    };
    await assert.rejects(rows("SELECT list(range) FROM range(100000000)"), { code: "query.tooLarge" });
    assert.equal(await rows("SELECT id FROM shop.orders"), 10_000);
  });

  test("a row that is too large is refused before it is made, whatever holds its bytes", async () => {
    // Of a constant DuckDB makes many more copies before it has a row.
    const text = "repeat('x', 34000000 + n::INT)";
    for (const value of [
      text,
      `${text}::BLOB`,
      `[NULL, 'a', ${text}]`,
      `['a', ${text}]::VARCHAR[2]`,
      `{ a: 1, b: [${text}] }`,
      `MAP { 'a': ${text} }`,
      `union_value(a := ${text})`,
      `{ a: ${text} }::VARIANT`,
      `'1'::BIT || ${text.replace("x", "1")}::BIT`,
      "range(4500000 + n)",
    ])
      await refuses(`SELECT 1, ${value} FROM range(1) AS one(n)`, "query.tooLarge", /^A row of the answer has some \d+ bytes, and a row may have 33554432\.$/);
  });

  test("long rows are made a batch at a time, and are the same as short ones", async () => {
    const narrow = await query("SELECT * FROM shop.orders ORDER BY id LIMIT 60");
    assert.equal(narrow.batches.filter(({ rows }) => rows.length > 0).length, 1);
    const wide = await query("SELECT *, repeat('x', 100_000) FROM shop.orders ORDER BY id LIMIT 60");
    assert.deepEqual(
      wide.batches.map(({ rows }) => rows.length),
      [0, 11, 11, 11, 11, 11, 5],
    );
    assert.deepEqual(
      wide.rows.map((row) => row.slice(0, -1)),
      narrow.rows,
    );
    const { rows } = await query("SELECT CASE WHEN range % 2 = 0 THEN repeat('x', 3_000) END FROM range(3_000)");
    assert.deepEqual([rows.length, rows.filter(([value]) => value === null).length], [3_000, 1_500]);
  });

  test("more queries than there are places wait for one", async () => {
    const counts = await Promise.all(Array.from({ length: 12 }, async (_, index) => (await query(`SELECT count(*) + ${index} FROM shop.orders`)).rows[0]![0]));
    assert.deepEqual(
      counts,
      Array.from({ length: 12 }, (_, index) => 10_000 + index),
    );
  });
});

function withReason(signal: AbortSignal, reason: Error): AbortSignal {
  const own = new AbortController();
  signal.addEventListener("abort", () => own.abort(reason), { once: true });
  return own.signal;
}
