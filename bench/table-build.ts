// From the log to a committed table: archive, merge, sorted Parquet, Iceberg commit, against the least that makes one Parquet file of the same records.
import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance, DuckDBListValue, DuckDBTimestampTZValue, type DuckDBAppender } from "@duckdb/node-api";
import { parseContract, type NativeRecord } from "@mainstem/contract";
import avro from "avsc";
import { openPipeline, type Pipeline } from "../packages/mainstem/src/tables/testing/pipeline.ts";
import { compare, type Bench, type Comparison, type Contender } from "./harness.ts";

const statuses = ["NEW", "PENDING", "SETTLED", "REJECTED", "REVERSED"];
const words = ["invoice", "refund", "monthly", "order", "late fee", "gift", "transfer", "salary"];
const dayMicros = 86_400_000_000;
const startMicros = Date.UTC(2026, 10, 1) * 1_000;
const days = 10;
const recordsAtOnce = 20_000;
/** Built before the clock runs: the platform's worker thread is there, and so is a table. */
const recordsBefore = 2_000;

/** Ten fields, about 200 bytes as JSON and 90 as Avro. */
const schema = {
  type: "record",
  name: "events",
  namespace: "bench",
  fields: [
    { name: "id", type: "string" },
    { name: "at", type: { type: "long", logicalType: "timestamp-micros" } },
    { name: "account", type: "string" },
    { name: "status", type: { type: "enum", name: "Status", symbols: statuses } },
    { name: "quantity", type: "int" },
    { name: "amount", type: "double" },
    { name: "note", type: ["null", "string"] },
    { name: "revision", type: "long" },
    { name: "ok", type: "boolean" },
    { name: "tags", type: { type: "array", items: "string" } },
  ],
} as const;
const contractOf = (partition: readonly object[]) => parseContract({ name: "bench.events", schema, key: ["id"], order: ["revision"], partition });

export const run: Bench = async ({ quick, note }) => {
  const count = quick ? 100_000 : 1_000_000;
  note(`${count} records, a tenth of them newer revisions`);
  const base = await mkdtemp(join(tmpdir(), "mainstem-bench-table-"));
  try {
    const comparisons: Comparison[] = [];
    const peer = plainPath(count, join(base, "peer"));
    const cases = [
      ["log to committed table", contractOf([])],
      [`log to committed table, ${days} days`, contractOf([{ field: "at", transform: "day" }])],
    ] as const;
    for (const [name, contract] of cases) {
      const ours = ourPath(contract, count, base);
      comparisons.push(...(await compare({ bench: "table-build", case: name, unit: "records", ours, peers: [peer], reps: 2 })));
      await ours.after?.();
    }
    return comparisons;
  } finally {
    await rm(base, { recursive: true, force: true });
  }
};

/** Some of the records, made when they are needed: millions of objects that wait in memory cost whoever allocates beside them. */
function* makeRecords(count: number, { from, to }: { readonly from: number; readonly to: number }): Generator<readonly NativeRecord[]> {
  const keys = Math.floor(count * 0.9);
  for (let start = from; start < to; start += recordsAtOnce) {
    yield Array.from({ length: Math.min(recordsAtOnce, to - start) }, (_, place) => makeRecord(start + place, keys));
  }
}

function makeRecord(index: number, keys: number): NativeRecord {
  // A fixed hash instead of chance: ids in no order, the same in every run.
  const key = index < keys ? index : (index * 7_919) % keys;
  const id = createHash("md5").update(String(key)).digest("hex").slice(0, 20);
  return {
    id: `evt-${id}`,
    at: startMicros + (key % days) * dayMicros + key,
    account: `acc-${key % 5_000}`,
    status: statuses[key % statuses.length]!,
    quantity: key % 100,
    amount: (key % 100_000) / 100,
    note: key % 3 === 0 ? null : `${words[key % words.length]} ${words[(key >> 3) % words.length]}`,
    revision: index,
    ok: key % 2 === 0,
    tags: key % 4 === 0 ? ["web", "eu"] : ["app"],
  };
}

function ourPath(contract: ReturnType<typeof contractOf>, count: number, base: string): Contender {
  const directory = join(base, "ours");
  let pipeline: Pipeline | undefined;
  const clean = async (): Promise<void> => {
    await pipeline?.[Symbol.asyncDispose]();
    pipeline = undefined;
    await rm(directory, { recursive: true, force: true });
  };
  const build = async (): Promise<void> => {
    await pipeline!.archive();
    await pipeline!.build(pipeline!.builder({ buildBytesMax: 1_073_741_824 }));
  };
  return {
    name: "Mainstem",
    async before() {
      await clean();
      pipeline = await openPipeline({ directory, contract, partitions: 4 });
      for (const records of makeRecords(count, { from: 0, to: recordsBefore })) await pipeline.append(records);
      await build();
      for (const records of makeRecords(count, { from: recordsBefore, to: count })) await pipeline.append(records);
    },
    async run() {
      await build();
      return { units: count - recordsBefore };
    },
    after: clean,
  };
}

/** avsc's decoder, DuckDB's appender row by row, the latest of each key by a window, one Parquet file sorted by key. */
function plainPath(count: number, path: string): Contender {
  const type = avro.Type.forSchema(schema as never, { wrapUnions: false });
  const blocks: { readonly bytes: Buffer; readonly records: number }[] = [];
  for (const records of makeRecords(count, { from: 0, to: count })) {
    blocks.push({ bytes: Buffer.concat(records.map((record) => type.toBuffer(record))), records: records.length });
  }
  return {
    name: "avsc, row appender, QUALIFY",
    async run() {
      const instance = await DuckDBInstance.create(":memory:");
      const connection = await instance.connect();
      await connection.run("SET TimeZone = 'UTC'");
      await connection.run(`CREATE TABLE e (id VARCHAR, "at" TIMESTAMPTZ, account VARCHAR, status VARCHAR, quantity INTEGER, amount DOUBLE, note VARCHAR,
        revision BIGINT, ok BOOLEAN, tags VARCHAR[])`);
      const appender = await connection.createAppender("e");
      for (const { bytes, records } of blocks) appendBlock(appender, type, { bytes, records });
      appender.closeSync();
      await connection.run(`COPY (SELECT * FROM e QUALIFY row_number() OVER (PARTITION BY id ORDER BY revision DESC) = 1 ORDER BY id)
        TO '${path}.parquet' (FORMAT parquet, COMPRESSION zstd)`);
      connection.closeSync();
      instance.closeSync();
      return { units: count };
    },
    after: () => rm(`${path}.parquet`, { force: true }),
  };
}

function appendBlock(appender: DuckDBAppender, type: avro.Type, { bytes, records }: { readonly bytes: Buffer; readonly records: number }): void {
  let position = 0;
  for (let index = 0; index < records; index++) {
    const { value, offset } = type.decode(bytes, position);
    position = offset;
    const record = value as Readonly<Record<string, never>>;
    appender.appendVarchar(record["id"]!);
    appender.appendTimestampTZ(new DuckDBTimestampTZValue(BigInt(record["at"]!)));
    appender.appendVarchar(record["account"]!);
    appender.appendVarchar(record["status"]!);
    appender.appendInteger(record["quantity"]!);
    appender.appendDouble(record["amount"]!);
    if (record["note"] === null) appender.appendNull();
    else appender.appendVarchar(record["note"]!);
    appender.appendBigInt(BigInt(record["revision"]!));
    appender.appendBoolean(record["ok"]!);
    appender.appendList(new DuckDBListValue(record["tags"]!));
    appender.endRow();
  }
}
