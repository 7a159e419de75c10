import { formatExact, parseExact } from "@mainstem/contract";
import { MainstemError } from "../runtime/errors.ts";

/** A JSON value in which integers beyond 2^53 are bigints. */
export type Json = null | boolean | number | bigint | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json | undefined;
}

/** Parses JSON and keeps integers exact: those beyond 2^53 become bigints. Throws `table.corrupt` naming the object. */
export function parseJson(text: string, { key }: { readonly key: string }): Json {
  try {
    return parseExact(text) as Json;
  } catch (error) {
    // A RangeError is the end of the stack: JSON nested more deeply than anything that is metadata.
    if (!(error instanceof SyntaxError) && !(error instanceof RangeError)) throw error;
    throw new MainstemError("table.corrupt", `Object ${key} is not JSON: it was cut or changed.`, { key }, { cause: error });
  }
}

/** The JSON text of a value; bigints are written digit by digit. */
export function formatJson(value: Json): string {
  return formatExact(value);
}
