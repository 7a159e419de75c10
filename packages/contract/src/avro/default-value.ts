import { DefaultJudge, memberOf } from "./default-judge.ts";
import type { AvroSchema, AvroTypeSchema } from "./schema.ts";
import { isUnion, schemaLimits } from "./schema.ts";
import { branchNameOf, isWrapped } from "./union.ts";
import { unreachable } from "../unreachable.ts";

/** Why `json` cannot be a default of this type, as the specification writes defaults; undefined when it can. */
export function faultOfDefault(schema: AvroSchema, json: unknown): string | undefined {
  const verdict = new DefaultJudge().judge(schema, json);
  if (typeof verdict === "string") return verdict;
  const { defaultValuesMax } = schemaLimits;
  return verdict > defaultValuesMax ? `The default stands for more than ${defaultValuesMax} values; make it smaller.` : undefined;
}

/**
 * A default as the value that `compileWriter` takes. It must have passed `faultOfDefault`.
 */
export function defaultToValue(schema: AvroSchema, json: unknown, judge: DefaultJudge = new DefaultJudge()): unknown {
  const inner = (type: AvroSchema, part: unknown): unknown => defaultToValue(type, part, judge);
  if (isUnion(schema)) {
    const branch = schema[judge.branchOf(schema, json)] as AvroTypeSchema;
    const value = inner(branch, json);
    return isWrapped(schema) && branch.type !== "null" ? { [branchNameOf(branch)]: value } : value;
  }
  const own = schema;
  switch (own.type) {
    case "bytes":
    case "fixed":
      return Uint8Array.from(json as string, (character) => character.charCodeAt(0));
    case "array":
      return (json as readonly unknown[]).map((item) => inner(own.items, item));
    case "map":
      return new Map(Object.entries(json as object).map(([key, item]) => [key, inner(own.values, item)]));
    case "record": {
      const given = json as Readonly<Record<string, unknown>>;
      return Object.fromEntries(own.fields.map((field) => [field.name, inner(field.type, memberOf(given, field))]));
    }
    case "null":
    case "boolean":
    case "int":
    case "long":
    case "float":
    case "double":
    case "string":
    case "enum":
      return json;
    default:
      return unreachable(own);
  }
}

/**
 * The default in its one form: a whole number of a float or double beyond 2^53 comes as a bigint where the text was parsed exactly, and is a number here.
 * It must have passed `faultOfDefault`.
 */
export function normalizeDefault(schema: AvroSchema, json: unknown, judge: DefaultJudge = new DefaultJudge()): unknown {
  const inner = (type: AvroSchema, part: unknown): unknown => normalizeDefault(type, part, judge);
  if (isUnion(schema)) return inner(schema[judge.branchOf(schema, json)] as AvroTypeSchema, json);
  const own = schema;
  switch (own.type) {
    case "float":
    case "double":
      return Number(json);
    case "array":
      return (json as readonly unknown[]).map((item) => inner(own.items, item));
    case "map":
      return Object.fromEntries(Object.entries(json as object).map(([key, item]) => [key, inner(own.values, item)]));
    case "record": {
      const types = new Map(own.fields.map((field) => [field.name, field.type]));
      return Object.fromEntries(Object.entries(json as object).map(([name, item]) => [name, inner(types.get(name) ?? [], item)]));
    }
    case "null":
    case "boolean":
    case "int":
    case "long":
    case "string":
    case "bytes":
    case "fixed":
    case "enum":
      return json;
    default:
      return unreachable(own);
  }
}
