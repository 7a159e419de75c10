/** Since ES2026, and in Node 24; not yet in the compiler's library of ES2025. */
interface JsonWithSource {
  parse(text: string, reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown): unknown;
  rawJSON(text: string): unknown;
}
const lossless = JSON as unknown as JsonWithSource;

/** A value parsed from JSON with its whole numbers exact: those beyond 2^53 are bigints. Throws a SyntaxError, or a RangeError where it is nested too deeply. */
export function parseExact(text: string): unknown {
  return lossless.parse(text, (_key, value, { source }) =>
    typeof value === "number" && !Number.isSafeInteger(value) && source !== undefined && /^-?\d+$/.test(source) ? BigInt(source) : value,
  );
}

/**
 * The JSON of a value, with bigints digit by digit (`as: "text"`: those beyond 2^53 as strings, the form in which the door takes them) and a Map as an
 * object. Throws a TypeError for what JSON cannot hold: where `JSON.stringify` writes null for NaN or an invalid date, a field that takes null would
 * lose its value in silence. A RangeError where it is nested too deeply.
 */
export function formatExact(value: unknown, { as = "number" }: { readonly as?: "number" | "text" } = {}): string {
  const text = JSON.stringify(value, function (this: unknown, key: string, inner: unknown) {
    if (typeof inner === "bigint") return as === "text" && !Number.isSafeInteger(Number(inner)) ? inner.toString() : lossless.rawJSON(inner.toString());
    if (inner instanceof Map) return Object.fromEntries(inner);
    if (typeof inner === "number" && !Number.isFinite(inner)) throw cannotHold(key, String(inner));
    // A date has become its text already, an invalid one null.
    if (inner === null && (this as Readonly<Record<string, unknown>>)[key] instanceof Date) throw cannotHold(key, "an invalid date");
    return inner;
  }) as string | undefined;
  if (text === undefined) throw new TypeError(`It is ${typeof value}, which JSON cannot hold.`);
  return text;
}

function cannotHold(key: string, what: string): TypeError {
  return new TypeError(`${key === "" ? "It" : key} is ${what}, which JSON cannot hold.`);
}
