import { DuckDBDataChunk, INTEGER, type DuckDBValue } from "@duckdb/node-api";
import { decodeBound, type BoundValue } from "../../../iceberg/index.ts";
import type { Database } from "../database.ts";
import { list, type ShapeColumn, type TableShape } from "../shape.ts";
import { fileRows, type ExistingFile, type LocalDataFile } from "./files.ts";
import { comparedColumns, equal, type Identity } from "./identity.ts";

/**
 * The files that can hold a key of `incoming`, by the bounds of every key field: a file is left out when no incoming value of some key field lies
 * between its bounds. Where a key cannot be in another partition, only files of the incoming partitions are looked at.
 */
export async function candidateFiles(
  database: Database,
  { shape, files, onlyOwnPartition }: { readonly shape: TableShape; readonly files: readonly ExistingFile[]; readonly onlyOwnPartition: boolean },
): Promise<readonly ExistingFile[]> {
  const parts = new Set((await database.rows("SELECT DISTINCT part FROM incoming")).map(([part]) => part as number));
  let candidates = parts.size === 0 ? [] : onlyOwnPartition ? files.filter(({ part }) => parts.has(part)) : files;
  for (const column of shape.key) {
    if (candidates.length === 0) break;
    const holding = await filesHolding(database, column, candidates);
    candidates = candidates.filter(({ index }) => holding.has(index));
  }
  return candidates;
}

/** For each file the least incoming value that is not below its lower bound is looked for: if it is not above the upper bound either, the file can hold it. */
async function filesHolding(database: Database, column: ShapeColumn, files: readonly ExistingFile[]): Promise<ReadonlySet<number>> {
  const { type } = column.iceberg;
  if (typeof type !== "string") return new Set(files.map(({ index }) => index));
  const holding = new Set<number>();
  const bounded: (readonly [number, DuckDBValue, DuckDBValue])[] = [];
  for (const { index, lower, upper } of files) {
    const low = boundOf(column, type, lower.get(column.iceberg.id));
    const high = boundOf(column, type, upper.get(column.iceberg.id));
    if (low === undefined || high === undefined) holding.add(index);
    else bounded.push([index, low, high]);
  }
  if (bounded.length === 0) return holding;
  await database.run(`CREATE TABLE bounds (file INTEGER, low ${column.type}, high ${column.type})`);
  const appender = await database.connection.createAppender("bounds");
  for (let start = 0; start < bounded.length; start += 2_048) {
    const rows = bounded.slice(start, start + 2_048);
    const chunk = DuckDBDataChunk.create([INTEGER, column.column.type, column.column.type], rows.length);
    chunk.setRows(rows.map((row) => [...row]));
    appender.appendDataChunk(chunk);
  }
  appender.closeSync();
  const found = await database.rows(
    `SELECT file FROM bounds b ASOF JOIN (SELECT DISTINCT ${column.name} AS k FROM incoming) i ON b.low <= i.k WHERE i.k <= b.high`,
  );
  await database.run("DROP TABLE bounds");
  for (const [file] of found) holding.add(file as number);
  return holding;
}

/** A bound as DuckDB's value; undefined where there is none that can be compared. */
function boundOf(column: ShapeColumn, type: string, bytes: Uint8Array | undefined): DuckDBValue | undefined {
  const value = bytes === undefined ? undefined : decodeBound(type, bytes);
  if (value === undefined) return undefined;
  try {
    return column.column.toDuckdb(toNative(column, value));
  } catch {
    // Another writer's bound that is no value of the column: the file is looked into.
    return undefined;
  }
}

/** Iceberg's value as the contract's native one: in the unit of the schema's logical type, rounded outwards by who compares it only in bounds. */
function toNative({ field }: ShapeColumn, value: BoundValue): unknown {
  const logical = "logicalType" in field.type ? field.type.logicalType : undefined;
  if (typeof value === "bigint" && logical?.endsWith("-millis") === true) return value / 1_000n;
  return value;
}

/** Fills `existing (src, file, row, part, key…, order…)` with the rows of these files whose key is incoming; `src` is negative. */
export async function findExisting(
  database: Database,
  { shape, by, files }: { readonly shape: TableShape; readonly by: Identity; readonly files: readonly LocalDataFile[] },
): Promise<void> {
  const columns = comparedColumns(shape);
  const declared = columns.map(({ name, type }) => `${name} ${type}`).join(", ");
  await database.run(`CREATE TABLE existing (src BIGINT, file INTEGER, row BIGINT, part INTEGER, ${declared})`);
  if (files.length === 0) return;
  await database.run(`INSERT INTO existing
    SELECT -1 - row_number() OVER (), file, row, part, ${list(columns)} FROM (${fileRows(files, columns)}) f
    SEMI JOIN incoming i ON ${equal("f", "i", by)}`);
}
