import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { DuckDBMapValue, DuckDBValue } from "@duckdb/node-api";
import { quoteName, quoteText, type Database } from "../database.ts";
import { fieldIds, list, sortKey, type ShapeColumn, type TableShape } from "../shape.ts";
import { hashFile } from "../hash-file.ts";
import { fileRows, type ExistingFile, type LocalDataFile } from "./files.ts";

/** Sizes that decide what a build rewrites and writes. */
export interface FileSizes {
  /** A file is closed near this size. */
  readonly targetBytes: number;
  /** Smaller files of a partition that gets rows are written anew together with them, so that small builds do not leave small files behind. */
  readonly smallBytes: number;
  /** Files with so many remembered deletes are left alone too: keys that resemble one another take next to no bytes, and all the time. */
  readonly rememberedMax: number;
}
export const fileSizes: FileSizes = { targetBytes: 134_217_728, smallBytes: 16_777_216, rememberedMax: 1_000_000 };

/** A Parquet file that a build wrote, with what DuckDB tells of it. */
export interface WrittenFile {
  readonly path: string;
  readonly part: number;
  readonly records: number;
  readonly bytes: number;
  readonly sha256: string;
  /** By leaf, as `ParquetFileStats.columns` wants it. */
  readonly columns: ReadonlyMap<string, Readonly<Record<string, string>>>;
}

/** The files that a build has to write anew, beside writing the rows that it accepted. */
export async function filesToRewrite(
  database: Database,
  { files, forced, smallBytes }: { readonly files: readonly ExistingFile[]; readonly forced: readonly ExistingFile[]; readonly smallBytes: number },
): Promise<readonly ExistingFile[]> {
  const affected = new Set((await database.rows("SELECT DISTINCT file FROM removed")).map(([file]) => file as number));
  for (const { index } of forced) affected.add(index);
  const touched = new Set((await database.rows("SELECT DISTINCT part FROM accepted")).map(([part]) => part as number));
  for (const { index, part } of files) if (affected.has(index)) touched.add(part);
  return files.filter(({ index, part, bytes }) => affected.has(index) || (touched.has(part) && bytes < smallBytes));
}

export interface WriteOptions {
  readonly shape: TableShape;
  readonly rewritten: readonly LocalDataFile[];
  /** An empty folder of this build. */
  readonly directory: string;
  /** What one incoming record takes in Avro: rows are estimated by it. */
  readonly recordBytes: number;
  readonly targetBytes: number;
  readonly memoryBytesMax: number;
}

/**
 * Writes what is in `accepted` and, from the files to rewrite, what is not in `removed`: for each partition one or more files, each sorted as the contract says, and no
 * two of one build and partition that overlap in what they are sorted by. A file is made from no more rows than a sort of wide rows has memory for.
 */
export async function writeFiles(database: Database, options: WriteOptions): Promise<readonly WrittenFile[]> {
  const accepted = new Map((await database.rows("SELECT part, count(*) FROM accepted GROUP BY part")).map(([part, n]) => [part as number, Number(n)]));
  const filesOf = Map.groupBy(options.rewritten, ({ part }) => part);
  const written: WrittenFile[] = [];
  for (const part of [...new Set([...accepted.keys(), ...filesOf.keys()])].sort((a, b) => a - b)) {
    const source: PartitionRows = { part, accepted: accepted.get(part) ?? 0, files: filesOf.get(part) ?? [] };
    for (const file of await writePartition(database, source, options)) {
      if (file.records === 0) await rm(file.path);
      else written.push({ ...file, part, sha256: (await hashFile(file.path)).sha256 });
    }
  }
  return written;
}

/** Where the rows of a partition come from. */
interface PartitionRows {
  readonly part: number;
  /** Rows in the table of that name. */
  readonly accepted: number;
  readonly files: readonly LocalDataFile[];
}
type CopiedFile = Omit<WrittenFile, "part" | "sha256">;

async function writePartition(database: Database, source: PartitionRows, { shape, directory, ...sizes }: WriteOptions): Promise<readonly CopiedFile[]> {
  const { rowBytes, rowsAFile, files } = planFiles(source, sizes);
  const rowGroupRows = Math.floor(sizes.memoryBytesMax / rowGroupShare / rowBytes);
  const copy = { shape, rowGroupRows: Math.min(rowGroupRowsMax, Math.max(rowGroupRowsMin, rowGroupRows)) };
  const path = (): string => join(directory, `${randomUUID()}.parquet`);
  // Without a key there may be nothing to sort or to cut by, and nothing that a sort needs memory for.
  if (files === 1 || shape.sort.length === 0) return [await copySorted(database, { ...copy, query: rowsOf(source, shape.stored), path: path() })];
  // The rows at which the files are cut, from a sort of nothing but what decides.
  const key = sortValue(shape);
  await database.run(`CREATE TABLE cuts AS SELECT ${key} AS key, n FROM (
    SELECT ${list(shape.sort)}, row_number() OVER (ORDER BY ${sortKey(shape)}) - 1 AS n FROM (${rowsOf(source, shape.sort)})) WHERE n > 0 AND n % ${rowsAFile} = 0`);
  const cuts = (await database.rows("SELECT n FROM cuts ORDER BY n")).map(([n]) => n as bigint);
  const copied: CopiedFile[] = [];
  for (let index = 0; index <= cuts.length; index++) {
    const from = cuts[index - 1];
    const to = cuts[index];
    const limits = [
      ...(from === undefined ? [] : [`${key} >= (SELECT key FROM cuts WHERE n = ${from})`]),
      ...(to === undefined ? [] : [`${key} < (SELECT key FROM cuts WHERE n = ${to})`]),
    ];
    const query = `SELECT * FROM (${rowsOf(source, shape.stored)}) WHERE ${limits.length === 0 ? "true" : limits.join(" AND ")}`;
    copied.push(await copySorted(database, { ...copy, query, path: path() }));
  }
  await database.run("DROP TABLE cuts");
  return copied;
}

/** Parquet keeps values of some 3 rows in what one takes in Avro; the estimate may err by much, as files may be larger or smaller than their target. */
const compression = 3;
/** The share of the memory that the rows of one sort may take: beyond a third, sorts of rows of some kilobytes run out of it. */
const sortShare = 6;
/** DuckDB's default, and its vector size. */
const rowGroupRowsMax = 122_880;
const rowGroupRowsMin = 2_048;
/** What a row group holds, uncompressed, as a share of the memory: readers decompress a group's column in one piece, on every thread. */
const rowGroupShare = 32;

function planFiles(
  { accepted, files }: PartitionRows,
  { recordBytes, targetBytes, memoryBytesMax }: Pick<WriteOptions, "recordBytes" | "targetBytes" | "memoryBytesMax">,
): { readonly rowBytes: number; readonly rowsAFile: number; readonly files: number } {
  const rewritten = files.reduce((sum, { records }) => sum + records, 0);
  const rewrittenBytes = files.reduce((sum, { bytes }) => sum + bytes, 0);
  const rows = Math.max(1, accepted + rewritten);
  // Old rows are as long as new ones, or longer.
  const bytes = accepted * recordBytes + Math.max(rewritten * recordBytes, rewrittenBytes * compression);
  const fileBytes = accepted * (recordBytes / compression) + rewrittenBytes;
  const rowBytes = Math.max(1, bytes / rows);
  const count = Math.ceil(Math.max(bytes / (memoryBytesMax / sortShare), fileBytes / targetBytes));
  const rowsAFile = Math.ceil(rows / Math.max(1, count));
  return { rowBytes, rowsAFile, files: Math.max(1, count) };
}

/** A query of a partition's rows as they are to be, in any order. */
function rowsOf({ part, accepted, files }: PartitionRows, columns: readonly ShapeColumn[]): string {
  const sources = [];
  if (accepted > 0) sources.push(`SELECT ${list(columns)} FROM accepted WHERE part = ${part}`);
  if (files.length > 0) sources.push(`SELECT ${list(columns)} FROM (${fileRows(files, columns)}) ANTI JOIN removed USING (file, row)`);
  return sources.join(" UNION ALL ");
}

/** What rows are sorted by as one value that is never null and compares as it does, field by field. */
function sortValue({ key, sort }: TableShape): string {
  if (sort.length === 1 && key.length === 1) return list(sort);
  // Nulls come first; of those that are none, the values decide.
  return `{${sort.map(({ name }) => `${name}n: ${name} IS NOT NULL, ${name}: ${name}`).join(", ")}}`;
}

/** Writes one file. Source of the statement: DuckDB's documentation of COPY to Parquet (FIELD_IDS, RETURN_STATS). */
async function copySorted(
  database: Database,
  { shape, query, path, rowGroupRows }: { readonly shape: TableShape; readonly query: string; readonly path: string; readonly rowGroupRows: number },
): Promise<CopiedFile> {
  const columns = shape.stored.map(({ name, iceberg }) => `${name} AS ${quoteName(iceberg.name)}`).join(", ");
  const settings = ["FORMAT parquet", "COMPRESSION zstd", "RETURN_STATS", `ROW_GROUP_SIZE ${rowGroupRows}`, `FIELD_IDS ${fieldIds(shape.stored)}`];
  const rows = await database.rows(
    `COPY (SELECT ${columns} FROM (${query})${shape.sort.length === 0 ? "" : ` ORDER BY ${sortKey(shape)}`}) TO ${quoteText(path)} (${settings.join(", ")})`,
  );
  const [, records, bytes, , statistics] = rows[0]!;
  return { path, records: Number(records), bytes: Number(bytes), columns: toColumns(statistics ?? null) };
}

function toColumns(statistics: DuckDBValue): WrittenFile["columns"] {
  const entries = (statistics as DuckDBMapValue | null)?.entries ?? [];
  return new Map(
    entries.map(({ key, value }) => {
      const facts = (value as DuckDBMapValue).entries.map((entry) => [entry.key as string, entry.value as string]);
      return [key as string, Object.fromEntries(facts) as Readonly<Record<string, string>>];
    }),
  );
}
