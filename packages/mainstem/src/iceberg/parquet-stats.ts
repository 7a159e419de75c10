import type { ObjectKey } from "../objects/index.ts";
import { unreachable } from "../runtime/assert.ts";
import { boundLengthMax, encodeBound, truncateLower, truncateUpper, type BoundValue } from "./bounds.ts";
import type { DataFile, IcebergSchema, PartitionScalar } from "./model.ts";
import { leavesOf, parsePrimitive, type Leaf } from "./primitives.ts";

/** A bound of a key column is kept longer than others: by it a build decides which files can hold a key. */
export const keyBoundLengthMax = 64;

/** One file as DuckDB's `COPY … (FORMAT parquet, FIELD_IDS {…}, RETURN_STATS)` tells of it, with what only the writer knows. */
export interface ParquetFileStats {
  readonly key: ObjectKey;
  /** The schema whose fields were written. */
  readonly schema: IcebergSchema;
  readonly specId: number;
  readonly partition: readonly PartitionScalar[];
  /** `count` of the returned row. */
  readonly records: number;
  /** `file_size_bytes`. */
  readonly bytes: number;
  /**
   * `column_statistics`: by leaf, such as `"placedAt"`, `"address"."city"`, `"tags"."element"`, `"byName"."key"` (quotes are doubled within names),
   * the texts `column_size_bytes num_values null_count min max has_nan` as far as they are there.
   */
  readonly columns: ReadonlyMap<string, Readonly<Record<string, string>>>;
  /** 0 for a file that is not sorted. */
  readonly sortOrderId: number;
  /** Fields whose values must not get into metadata (pii): counted, but without bounds. */
  readonly withoutBounds?: ReadonlySet<number>;
}

/**
 * What a manifest keeps of a file. In DuckDB, before the COPY: `SET TimeZone = 'UTC'` (bounds are text). For a returned row:
 *
 * ```ts
 * const columns = new Map(row.column_statistics.map(({ key, value }) => [key, Object.fromEntries(value.map((item) => [item.key, item.value]))]));
 * const file = dataFileFromStats({ key, schema, specId: spec["spec-id"], partition, records: Number(row.count), bytes: Number(row.file_size_bytes), columns, sortOrderId: 1 });
 * ```
 *
 * No bounds are made of columns with NaN, of infinite dates and times, of anything below lists and maps, and of text that is not understood:
 * a bound that is missing costs a look into the file, a wrong one loses rows.
 */
export function dataFileFromStats(stats: ParquetFileStats): DataFile {
  const columnSizes = new Map<number, number>();
  const valueCounts = new Map<number, number>();
  const nullCounts = new Map<number, number>();
  const lowerBounds = new Map<number, Uint8Array>();
  const upperBounds = new Map<number, Uint8Array>();
  const keys = new Set(stats.schema["identifier-field-ids"]);
  for (const leaf of leavesOf(stats.schema.fields)) {
    const column = stats.columns.get(statsPath(leaf));
    if (column === undefined) continue;
    setCount(columnSizes, leaf.id, column["column_size_bytes"]);
    if (leaf.repeated) continue;
    setCount(valueCounts, leaf.id, column["num_values"]);
    setCount(nullCounts, leaf.id, column["null_count"]);
    if (column["has_nan"] === "true" || stats.withoutBounds?.has(leaf.id) === true) continue;
    const length = keys.has(leaf.id) ? keyBoundLengthMax : boundLengthMax;
    const lower = lowerOf(leaf.type, column["min"], length);
    const upper = upperOf(leaf.type, column["max"], length);
    if (lower !== undefined) lowerBounds.set(leaf.id, lower);
    if (upper !== undefined) upperBounds.set(leaf.id, upper);
  }
  const { key, specId, partition, records, bytes, sortOrderId } = stats;
  const counts = { columnSizes, valueCounts, nullCounts, lowerBounds, upperBounds };
  return { key, specId, partition, records, bytes, ...counts, sortOrderId, schemaId: stats.schema["schema-id"] };
}

/** How DuckDB names a leaf in `column_statistics`. */
function statsPath(leaf: Leaf): string {
  return leaf.path.map((name) => `"${name.replaceAll('"', '""')}"`).join(".");
}

function setCount(counts: Map<number, number>, id: number, text: string | undefined): void {
  const count = text === undefined ? Number.NaN : Number(text);
  if (Number.isSafeInteger(count) && count >= 0) counts.set(id, count);
}

function lowerOf(type: string, text: string | undefined, length: number): Uint8Array | undefined {
  const value = text === undefined ? undefined : parseStat(type, text);
  if (value === undefined) return undefined;
  // DuckDB prints -0 as it prints 0, or loses the sign in a minimum over both; -0 precedes +0 in bounds.
  return encodeBound(type, value === 0 && isFloating(type) ? -0 : truncateLower(type, value, length));
}

function upperOf(type: string, text: string | undefined, length: number): Uint8Array | undefined {
  const value = text === undefined ? undefined : parseStat(type, text);
  if (value === undefined) return undefined;
  const upper = value === 0 && isFloating(type) ? 0 : truncateUpper(type, value, length);
  return upper === undefined ? undefined : encodeBound(type, upper);
}

function isFloating(type: string): boolean {
  return type === "float" || type === "double";
}

/** A value as DuckDB prints it in statistics; undefined if it is not understood or not finite. */
function parseStat(type: string, text: string): BoundValue | undefined {
  const primitive = parsePrimitive(type);
  if (primitive === undefined) return undefined;
  switch (primitive.kind) {
    case "boolean":
      return text === "1" || text === "0" ? text === "1" : undefined;
    case "int":
      return /^-?\d{1,10}$/.test(text) && (Number(text) | 0) === Number(text) ? Number(text) : undefined;
    case "long":
      return /^-?\d{1,19}$/.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text) ? BigInt(text) : undefined;
    case "float":
    case "double":
      return /^-?\d/.test(text) && Number.isFinite(Number(text)) ? Number(text) : undefined;
    case "date":
      return parseDate(text);
    case "time":
      return parseTime(text);
    case "timestamp":
      return parseInstant(text, "");
    case "timestamptz":
      return parseInstant(text, "+00");
    case "string":
      return text;
    case "uuid":
      return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text) ? text.toLowerCase() : undefined;
    case "fixed":
    case "binary":
      return text.length % 2 === 0 && /^[0-9a-f]*$/i.test(text) ? Uint8Array.from(Buffer.from(text, "hex")) : undefined;
    case "decimal":
      return parseDecimal(text, primitive.scale);
    default:
      return unreachable(primitive);
  }
}

/** Days since 1970 of `2026-11-21` or `0044-03-15 (BC)`. */
function parseDate(text: string): number | undefined {
  const match = /^(\d{4,7})-(\d\d)-(\d\d)( \(BC\))?$/.exec(text);
  if (match === null) return undefined;
  const year = match[4] === undefined ? Number(match[1]) : 1 - Number(match[1]);
  const date = new Date(0);
  date.setUTCFullYear(year, Number(match[2]) - 1, Number(match[3]));
  const days = date.getTime() / 86_400_000;
  return Number.isInteger(days) ? days : undefined;
}

/** Microseconds since midnight of `22:31:08.000001`. */
function parseTime(text: string): bigint | undefined {
  const match = /^(\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?$/.exec(text);
  if (match === null) return undefined;
  const seconds = (Number(match[1]) * 60 + Number(match[2])) * 60 + Number(match[3]);
  return BigInt(seconds) * 1_000_000n + BigInt((match[4] ?? "").padEnd(6, "0"));
}

/** Microseconds since 1970 of `2026-11-21 10:00:00.5`, with `zone` at its end; the year may be `0044-… (BC)`, which stands before the time. */
function parseInstant(text: string, zone: string): bigint | undefined {
  const match = /^([\d-]+(?: \(BC\))?) ([\d:.]+)(\+00)?$/.exec(text);
  if (match?.[1] === undefined || match[2] === undefined || (match[3] ?? "") !== zone) return undefined;
  const days = parseDate(match[1]);
  const time = parseTime(match[2]);
  return days === undefined || time === undefined ? undefined : BigInt(days) * 86_400_000_000n + time;
}

function parseDecimal(text: string, scale: number): bigint | undefined {
  const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text);
  if (match === null) return undefined;
  const fraction = (match[3] ?? "").padEnd(scale, "0");
  if (fraction.length !== scale) return undefined;
  const magnitude = BigInt(`${match[2]}${fraction}`);
  return match[1] === "-" ? -magnitude : magnitude;
}
