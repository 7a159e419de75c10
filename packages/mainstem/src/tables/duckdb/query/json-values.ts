import {
  DuckDBBlobValue,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBListValue,
  DuckDBMapValue,
  DuckDBStructValue,
  DuckDBArrayValue,
  DuckDBTimeValue,
  DuckDBTimestampMillisecondsValue,
  DuckDBTimestampNanosecondsValue,
  DuckDBTimestampSecondsValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  DuckDBUnionValue,
  type DuckDBValue,
} from "@duckdb/node-api";
import { formatDate, formatTimeOfDay, formatTimestamp } from "@mainstem/contract";

/** The days of the years 1 to 9999, which have a text in RFC 3339. */
const daysMin = -719_162;
const daysMax = 2_932_896;
const microsPerDay = 86_400_000_000n;

/**
 * A value of a result as JSON, as the door takes records: integers beyond 2^53 and decimals as text, blobs in base64, instants in RFC 3339 with Z,
 * local times without a zone, lists as arrays, structs and maps with text keys as objects, other maps as arrays of pairs. What JSON has no value for
 * (NaN, infinity, dates beyond the years 1 to 9999, types that no dataset has) is DuckDB's own text.
 */
export function toJsonValue(value: DuckDBValue): unknown {
  if (value === null || typeof value === "boolean" || typeof value === "string") return value;
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (value instanceof DuckDBTimestampTZValue) return instantText(value, value.micros, "Z");
  if (value instanceof DuckDBTimestampValue) return instantText(value, value.micros, "");
  if (value instanceof DuckDBTimestampMillisecondsValue) return instantText(value, value.millis * 1_000n, "");
  if (value instanceof DuckDBTimestampSecondsValue) return instantText(value, value.seconds * 1_000_000n, "");
  if (value instanceof DuckDBTimestampNanosecondsValue && value.nanos % 1_000n === 0n) return instantText(value, value.nanos / 1_000n, "");
  if (value instanceof DuckDBDateValue) return value.days >= daysMin && value.days <= daysMax ? formatDate(value.days) : value.toString();
  if (value instanceof DuckDBTimeValue) return formatTimeOfDay(Number(value.micros), 6);
  if (value instanceof DuckDBDecimalValue) return value.toString();
  if (value instanceof DuckDBBlobValue) return Buffer.from(value.bytes).toString("base64");
  if (value instanceof DuckDBListValue || value instanceof DuckDBArrayValue) return value.items.map(toJsonValue);
  if (value instanceof DuckDBStructValue) return toObject(Object.entries(value.entries));
  if (value instanceof DuckDBMapValue) return mapValue(value);
  if (value instanceof DuckDBUnionValue) return toJsonValue(value.value);
  return String(value);
}

function mapValue({ entries }: DuckDBMapValue): unknown {
  const textKeys = entries.every(({ key }) => typeof key === "string");
  if (!textKeys) return entries.map(({ key, value }) => [toJsonValue(key), toJsonValue(value)]);
  return toObject(entries.map(({ key, value }) => [key as string, value] as const));
}

function toObject(entries: readonly (readonly [string, DuckDBValue])[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(entries.map(([key, value]) => [key, toJsonValue(value)]));
}

function instantText(value: { toString(): string }, micros: bigint, suffix: "Z" | ""): string {
  if (micros < BigInt(daysMin) * microsPerDay || micros >= BigInt(daysMax + 1) * microsPerDay) return value.toString();
  const number = Number(micros);
  return formatTimestamp(Number.isSafeInteger(number) ? number : micros, { digits: 6, suffix });
}
