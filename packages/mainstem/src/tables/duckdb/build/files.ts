import { DuckDBDataChunk, type DuckDBValue } from "@duckdb/node-api";
import { compileDefault, type AvroField } from "@mainstem/contract";
import type { DataFile, IcebergType, PartitionScalar } from "../../../iceberg/index.ts";
import type { Column } from "../columns.ts";
import { quoteName, type Database } from "../database.ts";
import { declarations, scan, type ShapeColumn, type TableShape } from "../shape.ts";

/** A data file of the table's current snapshot, as far as the build thread needs it: a table may have many. */
export interface KnownFile {
  readonly partition: readonly PartitionScalar[];
  readonly bytes: number;
  readonly records: number;
  /** Bounds of the key fields by field id, as Iceberg writes them. */
  readonly lower: ReadonlyMap<number, Uint8Array>;
  readonly upper: ReadonlyMap<number, Uint8Array>;
  /** The ids of the leaves that the file has; empty when its writer did not tell. */
  readonly leaves: ReadonlySet<number>;
}

export interface ExistingFile extends Omit<KnownFile, "partition"> {
  /** Its place among the job's existing files. */
  readonly index: number;
  /** The number of its partition among those of the build. */
  readonly part: number;
}

/** A data file with its local copy. */
export interface LocalDataFile extends ExistingFile {
  readonly path: string;
}

/**
 * A query of `file, row, part` and the given columns over some files. A column that a file lacks has the default of its field there (the table
 * `defaults`): the file was written before the field was added.
 */
export function fileRows(files: readonly LocalDataFile[], columns: readonly ShapeColumn[]): string {
  const groups = Map.groupBy(files, (file) => columns.map((column) => (lacks(file, column) ? "-" : "+")).join(""));
  return [...groups.values()].map((group) => groupRows(group, columns)).join(" UNION ALL ");
}

function groupRows(files: readonly LocalDataFile[], columns: readonly ShapeColumn[]): string {
  const [first] = files;
  const missing = (column: ShapeColumn): boolean => first !== undefined && lacks(first, column);
  const present = new Set(columns.filter((column) => !missing(column)).map((column) => column.within ?? column));
  const fields = [...present].map(({ name, type, iceberg }) => ({ id: iceberg.id, name, type }));
  const values = columns.map((column) => {
    const { name, type, field, within } = column;
    if (missing(column)) return within === undefined ? `(SELECT ${name} FROM defaults) AS ${name}` : `0::${type} AS ${name}`;
    return within === undefined ? name : `coalesce(${within.name}.${quoteName(field.name)}, 0) AS ${name}`;
  });
  const pick = (numbers: readonly number[]): string => `([${numbers.join(", ")}]::INTEGER[])[(file_index + 1)::BIGINT]`;
  const place = [`${pick(files.map(({ index }) => index))} AS file`, "file_row_number AS row", `${pick(files.map(({ part }) => part))} AS part`];
  const paths = files.map(({ path }) => path);
  return `SELECT ${[...place, ...values].join(", ")} FROM ${scan(paths, fields)}`;
}

/** True for a file that was written before the column was added. */
export function lacks(file: ExistingFile, { iceberg }: ShapeColumn): boolean {
  return file.leaves.size > 0 && !leafIds(iceberg.id, iceberg.type).some((id) => file.leaves.has(id));
}

/** True for a file that must be written anew because a column that it lacks has a default other than null: Iceberg's version 2 cannot say so. */
export function lacksDefault(file: ExistingFile, { columns }: TableShape): boolean {
  return columns.some((column) => (column.field.default ?? null) !== null && lacks(file, column));
}

/** What a build thread gets to know of some files. Files that have the same leaves share one set, also in the message to the thread. */
export function toKnownFiles(files: readonly DataFile[], key: readonly number[]): readonly KnownFile[] {
  const sets = new Map<string, ReadonlySet<number>>();
  const pick = (bounds: ReadonlyMap<number, Uint8Array>): ReadonlyMap<number, Uint8Array> =>
    new Map(key.flatMap((id) => (bounds.has(id) ? [[id, bounds.get(id)!] as const] : [])));
  return files.map(({ partition, bytes, records, lowerBounds, upperBounds, columnSizes }) => {
    const ids = [...columnSizes.keys()];
    const leaves = sets.get(ids.join()) ?? new Set(ids);
    sets.set(ids.join(), leaves);
    return { partition, bytes, records, lower: pick(lowerBounds), upper: pick(upperBounds), leaves };
  });
}

function leafIds(id: number, type: IcebergType): readonly number[] {
  if (typeof type === "string") return [id];
  if (type.type === "struct") return type.fields.flatMap((field) => leafIds(field.id, field.type));
  if (type.type === "list") return leafIds(type["element-id"], type.element);
  return [...leafIds(type["key-id"], type.key), ...leafIds(type["value-id"], type.value)];
}

/** Makes the table `defaults`: one row with the default of every field, null where it has none. */
export async function createDefaults(database: Database, shape: TableShape): Promise<void> {
  await database.run(`CREATE TABLE defaults (${declarations(shape.stored)})`);
  const chunk = DuckDBDataChunk.create(
    shape.stored.map(({ column }) => column.type),
    1,
  );
  chunk.setRows([shape.stored.map(({ field, column }) => defaultOf(field, column))]);
  const appender = await database.connection.createAppender("defaults");
  appender.appendDataChunk(chunk);
  appender.closeSync();
}

function defaultOf(field: AvroField, column: Column): DuckDBValue {
  const make = compileDefault(field);
  return make === undefined ? null : column.toDuckdb(make());
}
