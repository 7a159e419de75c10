// Started by slow-build.test.ts: builds a table twice and prints what was logged, and how many rows there are.
import { openDuckdbTableEngine } from "../duckdb/table-engine.ts";
import { openBench, order, ordersBy } from "../tables.contract.ts";
import { silentLogger } from "../../runtime/logger.ts";

const count = Number(process.argv[2]);
const warnings: unknown[] = [];
const logger = { ...silentLogger, warn: (sentence: string, facts?: object) => void warnings.push({ sentence, ...facts }) };
await using bench = await openBench({ name: "DuckDB", open: (options) => openDuckdbTableEngine({ ...options, threads: 1, logger }) }, ordersBy());
for (const revision of [1, 2]) await bench.build(Array.from({ length: count }, (_, index) => order(index, revision)));
const rows = (await bench.rows()).filter(({ revision }) => revision === 2).length;
process.stdout.write(JSON.stringify({ warnings, rows }));
