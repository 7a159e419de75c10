/** Since ES2026, and in Node 24; not yet in the compiler's library of ES2025. */
interface JsonWithSource {
  parse(text: string, reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown): unknown;
  rawJSON(text: string): unknown;
}
const lossless = JSON as unknown as JsonWithSource;

/** Time grows faster than the digits: a megabyte of them takes a tenth of a second to read, and a fifth each time that it is written. */
const digitsMax = 1_000;

/**
 * A value parsed from JSON with its whole numbers exact: those beyond 2^53 are bigints. `parseContract` and `parseAvroSchema` want texts parsed so, as a
 * default may be any long. Throws a SyntaxError, or a RangeError where it is nested too deeply, a whole number has more than
 * 1,000 digits, or another number lies beyond those of a double (`1e400`): what it gives `formatExact` takes.
 */
export function parseExact(text: string): unknown {
  return lossless.parse(text, (key, value, { source }) => {
    if (typeof value !== "number" || Number.isSafeInteger(value) || source === undefined) return value;
    if (/^-?\d+$/.test(source)) return toBigint(source);
    if (!Number.isFinite(value)) throw new RangeError(`${called(key)} is ${source.slice(0, 40)}, which lies beyond the numbers of a double.`);
    return value;
  });
}

/**
 * The JSON of a value, with bigints digit by digit (`as: "text"`: those beyond 2^53 as strings, the form in which the door takes them) and a Map as an
 * object. Throws a TypeError for what JSON cannot hold: where `JSON.stringify` writes null for NaN or an invalid date, a field that takes null would
 * lose its value in silence. A RangeError where it is nested too deeply.
 */
export function formatExact(value: unknown, { as = "number", indent }: { readonly as?: "number" | "text"; readonly indent?: number } = {}): string {
  const replace = function (this: unknown, key: string, inner: unknown): unknown {
    if (typeof inner === "bigint") return as === "text" && !Number.isSafeInteger(Number(inner)) ? inner.toString() : rawInteger(inner);
    if (inner instanceof Map) return Object.fromEntries(inner);
    if (typeof inner === "number" && !Number.isFinite(inner)) throw cannotHold(key, String(inner));
    // A date has become its text already, an invalid one null.
    if (inner === null && (this as Readonly<Record<string, unknown>>)[key] instanceof Date) throw cannotHold(key, "an invalid date");
    return inner;
  };
  const text = JSON.stringify(value, replace, indent) as string | undefined;
  if (text === undefined) throw new TypeError(`It is ${typeof value}, which JSON cannot hold.`);
  return text;
}

/** What `JSON.stringify` writes as this whole number, digit by digit. */
export function rawInteger(value: bigint): unknown {
  return lossless.rawJSON(value.toString());
}

function toBigint(digits: string): bigint {
  if (digits.length > digitsMax) throw new RangeError(`A whole number has ${digits.length} digits; there may be ${digitsMax}.`);
  return BigInt(digits);
}

function called(key: string): string {
  return key === "" ? "It" : key;
}

function cannotHold(key: string, what: string): TypeError {
  return new TypeError(`${called(key)} is ${what}, which JSON cannot hold.`);
}
