import { unreachable } from "../unreachable.ts";
import { kindOf } from "../value-kind.ts";
import type { AvroSchema, AvroTypeSchema, AvroUnionSchema } from "./schema.ts";
import { fullNameOf, isUnion } from "./schema.ts";

/** The name of a union's branch: the full name of a named type, else the word for the type. */
export function branchNameOf(branch: AvroTypeSchema): string {
  return "name" in branch ? fullNameOf(branch) : branch.type;
}

/**
 * Whether the values of a union, but for null, stand as `{ "<name of the branch>": value }`: where two branches have values that look alike in JSON.
 * Elsewhere they are plain. The same holds for natives, so that a value has one shape everywhere.
 */
export function isWrapped(schema: AvroSchema): boolean {
  if (!isUnion(schema)) return false;
  const seen = new Set<string>();
  for (const branch of schema) {
    for (const look of looksOf(branch)) {
      if (seen.has(look)) return true;
      seen.add(look);
    }
  }
  return false;
}

/** The branch that a wrapped value names, and the value; undefined when it is none. Null is the branch of that name. */
export function unwrap(schema: AvroUnionSchema, names: readonly string[], value: unknown): { readonly index: number; readonly value: unknown } | undefined {
  if (value === null || value === undefined) {
    const index = schema.findIndex((branch) => branch.type === "null");
    return index < 0 ? undefined : { index, value: null };
  }
  if (typeof value !== "object") return undefined;
  const keys = Object.keys(value);
  const index = keys.length === 1 ? names.indexOf(keys[0] as string) : -1;
  return index < 0 || schema[index]?.type === "null" ? undefined : { index, value: (value as Readonly<Record<string, unknown>>)[keys[0] as string] };
}

/** For each look of a JSON value the branch that has it, in a union whose values are plain. */
export function branchesByLook(schema: AvroUnionSchema): ReadonlyMap<string, number> {
  return new Map(schema.flatMap((branch, index) => looksOf(branch).map((look) => [look, index] as const)));
}

/** How a JSON value looks: `null boolean number text array object`; bigints are taken for numbers. */
export function lookOf(json: unknown): string {
  if (json === null) return "null";
  if (Array.isArray(json)) return "array";
  if (typeof json === "bigint") return "number";
  return typeof json === "string" ? "text" : typeof json;
}

/** Whether a native value is of this branch, in a union whose values are plain: its outermost form tells. */
export function fitsNative(branch: AvroTypeSchema, native: unknown): boolean {
  if (native === null || native === undefined) return branch.type === "null";
  const kind = kindOf(branch);
  if (typeof native === "boolean") return branch.type === "boolean";
  if (typeof native === "number") return looksOf(branch).includes("number") || timesAsText.has(kind);
  if (typeof native === "bigint") return branch.type === "long" || kind === "decimal";
  if (typeof native === "string") return kind === "string" || kind === "uuid" || kind === "enum";
  if (native instanceof Uint8Array) return kind === "bytes" || kind === "fixed";
  if (Array.isArray(native)) return branch.type === "array";
  return looksOf(branch).includes("object");
}

/** Text in JSON, but numbers as natives. */
const timesAsText: ReadonlySet<string> = new Set(["date", "timeMillis", "timeMicros", "localTimestampMillis", "localTimestampMicros", "localTimestampNanos"]);

/** What values of a type look like in JSON. */
function looksOf(branch: AvroTypeSchema): readonly string[] {
  const kind = kindOf(branch);
  switch (kind) {
    case "null":
    case "boolean":
    case "array":
      return [kind];
    case "int":
    case "float":
    case "double":
      return ["number"];
    case "long":
    case "timestampMillis":
    case "timestampMicros":
    case "timestampNanos":
      return ["number", "text"];
    case "string":
    case "uuid":
    case "enum":
    case "bytes":
    case "fixed":
    case "decimal":
    case "date":
    case "timeMillis":
    case "timeMicros":
    case "localTimestampMillis":
    case "localTimestampMicros":
    case "localTimestampNanos":
      return ["text"];
    case "map":
    case "record":
    case "duration":
      return ["object"];
    default:
      return unreachable(kind);
  }
}
