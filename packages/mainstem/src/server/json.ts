import { rawInteger } from "@mainstem/contract";

/** JSON of a value that may hold integers beyond 2^53: those become strings (a JSON number would lose digits in most readers). */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => (typeof inner === "bigint" ? inner.toString() : inner));
}

/** A value whose bigints `toJson` writes as numbers: what holds schemas, where a default of a long is a number whatever its size. */
export function withRawIntegers(value: unknown): unknown {
  if (typeof value === "bigint") return rawInteger(value);
  if (Array.isArray(value)) return value.map(withRawIntegers);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withRawIntegers(item)]));
}

/** A time as RFC 3339 text in UTC, with milliseconds. */
export function toTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
