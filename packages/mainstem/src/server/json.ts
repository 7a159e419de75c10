/** JSON of a value that may hold integers beyond 2^53: those become strings (a JSON number would lose digits in most readers). */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => (typeof inner === "bigint" ? inner.toString() : inner));
}

/** A time as RFC 3339 text in UTC, with milliseconds. */
export function toTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
