/** Browsers have both since 2025; one that has not shows whole numbers beyond 2^53 rounded. */
const lossless = JSON as unknown as {
  parse(text: string, reviver: (key: string, value: unknown, context?: { readonly source?: string }) => unknown): unknown;
  rawJSON?(text: string): unknown;
};

/** A value parsed from JSON, whole numbers beyond 2^53 as bigints: a contract may have any long as a default. */
export function parseExact(text: string): unknown {
  return lossless.parse(text, (_key, value, context) =>
    typeof value === "number" && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? "") ? BigInt(context?.source ?? 0) : value,
  );
}

/** The JSON of a value that `parseExact` gave; empty for undefined. */
export function formatExact(value: unknown): string {
  const write = (_key: string, inner: unknown): unknown => (typeof inner === "bigint" ? (lossless.rawJSON?.(inner.toString()) ?? Number(inner)) : inner);
  return JSON.stringify(value, write) ?? "";
}
