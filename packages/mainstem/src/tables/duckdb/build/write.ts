import { randomUUID } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { DuckDBMapValue, DuckDBValue } from "@duckdb/node-api";
import { quoteName, quoteText, type Database } from "../database.ts";
import { fieldIds, list, type TableShape } from "../shape.ts";
import { hashFile } from "../hash-file.ts";
import { fileRows, type ExistingFile, type LocalDataFile } from "./files.ts";

/** Sizes that decide what a build rewrites and writes. */
export interface FileSizes {
  /** A file is closed near this size. */
  readonly targetBytes: number;
  /** Smaller files of a partition that gets rows are written anew together with them, so that small builds do not leave small files behind. */
  readonly smallBytes: number;
}
export const fileSizes: FileSizes = { targetBytes: 134_217_728, smallBytes: 16_777_216 };

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
    readonly targetBytes: number;
  },
): Promise<readonly WrittenFile[]> {
  const { shape, rewritten, directory, recordBytes, threads, targetBytes } = options;
  const accepted = new Map((await database.rows("SELECT part, count(*) FROM accepted GROUP BY part")).map(([part, n]) => [part as number, Number(n)]));
  const filesOf = Map.groupBy(rewritten, ({ part }) => part);
  const written: WrittenFile[] = [];
  for (const part of [...new Set([...accepted.keys(), ...filesOf.keys()])].sort((a, b) => a - b)) {
    const files = filesOf.get(part) ?? [];
    const estimate = (accepted.get(part) ?? 0) * recordBytes + files.reduce((sum, { bytes }) => sum + bytes, 0);
    const sources = [];
    if (accepted.has(part)) sources.push(`SELECT ${list(shape.columns)} FROM accepted WHERE part = ${part}`);
    if (files.length > 0) sources.push(`SELECT ${list(shape.columns)} FROM (${fileRows(files, shape.columns)}) ANTI JOIN removed USING (file, row)`);
    // A copy that splits wants a folder that is empty.
    const to = join(directory, `part-${part}`);
    await mkdir(to, { recursive: true });
    for (const file of await copySorted(database, { shape, query: sources.join(" UNION ALL "), to, splitBytes: estimate > targetBytes ? targetBytes : undefined, threads })) {
      if (file.records === 0) await rm(file.path);
      else written.push({ ...file, part, sha256: (await hashFile(file.path)).sha256 });
    }
  }
  return written;
}

async function copySorted(
  database: Database,
  options: { readonly shape: TableShape; readonly query: string; readonly to: string; readonly splitBytes: number | undefined; readonly threads: number },
): Promise<readonly Omit<WrittenFile, "part" | "sha256">[]> {
  const { shape, query, to, splitBytes, threads } = options;
  const columns = shape.columns.map(({ name, iceberg }) => `${name} AS ${quoteName(iceberg.name)}`).join(", ");
  const settings = ["FORMAT parquet", "COMPRESSION zstd", "RETURN_STATS", `FIELD_IDS ${fieldIds(shape.columns)}`];
  const copy = (target: string): string =>
    `COPY (SELECT ${columns} FROM (${query}) ORDER BY ${list(shape.key)}) TO ${quoteText(target)} (${settings.join(", ")})`;
  let rows: readonly (readonly DuckDBValue[])[];
  if (splitBytes === undefined) {
    rows = await database.rows(copy(join(to, `${randomUUID()}.parquet`)));
  } else {
    // A copy that splits by size would put the work of several threads into one file in any order, so it gets one.
    settings.push(`FILE_SIZE_BYTES ${splitBytes}`);
    await database.run("SET threads = 1");
    rows = await database.rows(copy(to));
    await database.run(`SET threads = ${threads}`);
  }
  const files = [];
  for (const [path, records, bytes, , statistics] of rows) {
    files.push({ path: path as string, records: Number(records), bytes: Number(bytes), columns: toColumns(statistics ?? null) });
  }
  return files;
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
