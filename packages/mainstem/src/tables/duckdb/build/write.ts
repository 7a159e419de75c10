import { randomUUID } from "node:crypto";
import { mkdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { DuckDBMapValue, DuckDBValue } from "@duckdb/node-api";
import { quoteName, quoteText, type Database } from "../database.ts";
import { fieldIds, list, type TableShape } from "../shape.ts";
import { hashFile } from "../hash-file.ts";
import { fileRows, type ExistingFile, type LocalDataFile } from "./files.ts";

/** Sizes that decide what a build rewrites and writes. */
export const fileLimits = {
  /** A file is closed near this size. */
  targetBytes: 134_217_728,
  /** Smaller files of a partition that gets rows are written anew together with them, so that small builds do not leave small files behind. */
  smallBytes: 16_777_216,
  /** With more partitions than this, the rows are sorted by partition first, so that each is found without reading all. */
  unsortedPartitionsMax: 16,
} as const;

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
  { files, forced }: { readonly files: readonly ExistingFile[]; readonly forced: readonly ExistingFile[] },
): Promise<readonly ExistingFile[]> {
  const affected = new Set((await database.rows("SELECT DISTINCT file FROM removed")).map(([file]) => file as number));
  for (const { index } of forced) affected.add(index);
  const touched = new Set((await database.rows("SELECT DISTINCT part FROM accepted")).map(([part]) => part as number));
  for (const { index, part } of files) if (affected.has(index)) touched.add(part);
  return files.filter(({ index, part, bytes }) => affected.has(index) || (touched.has(part) && bytes < fileLimits.smallBytes));
}

/**
 * Writes what is in `accepted` and, from the files to rewrite, what is not in `removed`: for each partition one or more files, each sorted by key.
 * Source of the statement: DuckDB's documentation of COPY to Parquet (FIELD_IDS, RETURN_STATS).
 */
export async function writeFiles(
  database: Database,
  options: {
    readonly shape: TableShape;
    readonly rewritten: readonly LocalDataFile[];
    /** An empty folder of this build. */
    readonly directory: string;
    /** Of the chunks, to estimate by: bytes of one record. */
    readonly recordBytes: number;
    readonly threads: number;
  },
): Promise<readonly WrittenFile[]> {
  const { shape, rewritten, directory, recordBytes, threads } = options;
  const accepted = new Map((await database.rows("SELECT part, count(*) FROM accepted GROUP BY part")).map(([part, n]) => [part as number, Number(n)]));
  const filesOf = Map.groupBy(rewritten, ({ part }) => part);
  const written: WrittenFile[] = [];
  for (const part of [...new Set([...accepted.keys(), ...filesOf.keys()])].sort((a, b) => a - b)) {
    const files = filesOf.get(part) ?? [];
    const estimate = (accepted.get(part) ?? 0) * recordBytes + files.reduce((sum, { bytes }) => sum + bytes, 0);
    const sources = [];
    if (accepted.has(part)) sources.push(`SELECT ${list(shape.columns)} FROM accepted WHERE part = ${part}`);
    if (files.length > 0) sources.push(`SELECT ${list(shape.columns)} FROM (${fileRows(files, shape.columns)}) ANTI JOIN removed USING (file, row)`);
    const to = join(directory, `part-${part}`);
    await mkdir(to, { recursive: true });
    for (const file of await copySorted(database, { shape, query: sources.join(" UNION ALL "), to, split: estimate > fileLimits.targetBytes, threads })) {
      if (file.records === 0) await rm(file.path);
      else written.push({ ...file, part, sha256: (await hashFile(file.path)).sha256 });
    }
  }
  return written;
}

async function copySorted(
  database: Database,
  { shape, query, to, split, threads }: { readonly shape: TableShape; readonly query: string; readonly to: string; readonly split: boolean; readonly threads: number },
): Promise<readonly Omit<WrittenFile, "part" | "sha256">[]> {
  const columns = shape.columns.map(({ name, iceberg }) => `${name} AS ${quoteName(iceberg.name)}`).join(", ");
  const options = ["FORMAT parquet", "COMPRESSION zstd", "RETURN_STATS", `FIELD_IDS ${fieldIds(shape.columns)}`];
  const one = join(to, `${randomUUID()}.parquet`);
  // A copy that splits by size puts the work of several threads into one file in any order, so it gets one.
  if (split) await database.run("SET threads = 1");
  const target = split ? to : one;
  if (split) options.push(`FILE_SIZE_BYTES ${fileLimits.targetBytes}`, "OVERWRITE_OR_IGNORE");
  const rows = await database.rows(`COPY (SELECT ${columns} FROM (${query}) ORDER BY ${list(shape.key)}) TO ${quoteText(target)} (${options.join(", ")})`);
  if (split) await database.run(`SET threads = ${threads}`);
  const files = [];
  for (const [path, records, bytes, , statistics] of rows) {
    files.push({ path: await ownName(path as string), records: Number(records), bytes: Number(bytes), columns: toColumns(statistics ?? null) });
  }
  return files;
}

/** Split copies are numbered, by which files of several builds would meet. */
async function ownName(path: string): Promise<string> {
  const own = join(dirname(path), `${randomUUID()}.parquet`);
  await rename(path, own);
  return own;
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
