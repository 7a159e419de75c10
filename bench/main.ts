// `npm run bench -- NAME … [--quick] [--json]`
import { machineFacts, type Bench, type Comparison } from "./harness.ts";

const benches: Readonly<Record<string, string>> = {
  "ingest-http": "NDJSON over HTTP, validated and durable, against a plain Node server with JSON.parse, avsc and an append",
  client: "the typed producer of an application, against a loop of fetch with batches of the same size",
  "ingest-latency": "p50 and p99 of single records over HTTP beside a table build, against none (a ratio above 0.33 is at most 3 times)",
  "log-append": "durable appends to the log, against SQLite and LMDB with the same group commit",
  encode: "objects to Avro, validated, against avsc's isValid and toBuffer; ten fields",
  "encode-wide": "the same with 200 fields",
  "encode-nested": "the same with records in arrays in records",
  ndjson: "lines of JSON to Avro, validated, against JSON.parse and avsc, and Python's orjson and fastavro; ten fields",
  "ndjson-wide": "the same with 200 fields",
  "ndjson-nested": "the same with records in arrays in records",
  decode: "Avro to objects, checked, against avsc's fromBuffer; ten fields",
  "decode-wide": "the same with 200 fields",
  "decode-nested": "the same with records in arrays in records",
  columns: "Avro to a table of DuckDB, checked, against avsc and the row appender, and Python's fastavro and pyarrow; ten fields",
  "columns-wide": "the same with 200 fields",
  "columns-nested": "the same with records in arrays in records",
  resolve:
    "Avro of an older writer to objects, against the same records of the newest schema (a ratio above 0.77 is at most 1.3 times the cost), and avsc's resolver",
  container: "archive chunks written and read, against avsc's block encoder and decoder",
  "table-build": "log to committed table, 1 M records with 10% duplicates",
  start: "`mainstem dev` from start to its first record, and its memory, against a bare Node server",
};

const args = process.argv.slice(2);
const names = args.filter((argument) => !argument.startsWith("--"));
const unknown = [
  ...names.filter((name) => !(name in benches)),
  ...args.filter((argument) => argument.startsWith("--") && !["--quick", "--json"].includes(argument)),
];
if (unknown.length > 0 || names.length === 0) {
  if (unknown.length > 0) console.error(`Unknown: ${unknown.join(" ")}\n`);
  console.error("usage: npm run bench -- NAME … [--quick] [--json]\n");
  for (const [name, about] of Object.entries(benches)) console.error(`  ${name.padEnd(14)} ${about}`);
  process.exit(unknown.length > 0 ? 2 : 0);
}

const json = args.includes("--json");
const note = (line: string): void => console.error(`  ${line}`);
const facts = machineFacts();
if (!json) console.log(facts);
for (const name of names) {
  const { run } = (await import(`./${name}.ts`)) as { readonly run: Bench };
  const comparisons = await run({ quick: args.includes("--quick"), note });
  if (json) for (const one of comparisons) console.log(JSON.stringify(one));
  else printTable(comparisons);
}

function printTable(comparisons: readonly Comparison[]): void {
  const rows = comparisons.map((one) => [one.bench, one.case, format(one.ours), format(one.peer), `${one.ratio.toFixed(2)}x`, one.unit]);
  const table = [["bench", "case", "ours", "peer", "ratio", "unit"], ...rows];
  const widths = table[0]?.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? [];
  const numeric = new Set([2, 3, 4]);
  console.log();
  for (const row of table)
    console.log(
      row
        .map((cell, column) => (numeric.has(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)))
        .join("  ")
        .trimEnd(),
    );
}

function format(value: number): string {
  return value.toLocaleString("en-US", { maximumFractionDigits: 3 });
}
