import { MainstemError } from "../runtime/errors.ts";

/** A JSON value in which integers beyond 2^53 are bigints. */
export type Json = null | boolean | number | bigint | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json | undefined;
}

/** Since ES2026, and in Node 24; not yet in the compiler's library of ES2025. */
interface JsonWithSource {
  parse(text: string, reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown): unknown;
  rawJSON(text: string): unknown;
}
const lossless = JSON as unknown as JsonWithSource;

/** Parses JSON and keeps integers exact: those beyond 2^53 become bigints. Throws `table.corrupt` naming the object. */
export function parseJson(text: string, { key }: { readonly key: string }): Json {
  try {
    return lossless.parse(text, exactInteger) as Json;
  } catch (error) {
    // A RangeError is the end of the stack: JSON nested more deeply than anything that is metadata.
    if (!(error instanceof SyntaxError) && !(error instanceof RangeError)) throw error;
    throw new MainstemError("table.corrupt", `Object ${key} is not JSON: it was cut or changed.`, { key }, { cause: error });
  }
}

/** The JSON text of a value; bigints are written digit by digit. */
export function formatJson(value: Json): string {
  return JSON.stringify(value, (_key, item: unknown) => (typeof item === "bigint" ? lossless.rawJSON(item.toString()) : item));
}

function exactInteger(_key: string, value: unknown, { source }: { readonly source?: string }): unknown {
  if (typeof value !== "number" || Number.isSafeInteger(value) || source === undefined) return value;
  return /^-?\d+$/.test(source) ? BigInt(source) : value;
}
