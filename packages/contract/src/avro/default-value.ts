import type { AvroField, AvroSchema, AvroTypeSchema, AvroUnionSchema } from "./schema.ts";
import { isUnion, schemaLimits } from "./schema.ts";
import { branchNameOf, isWrapped } from "./union.ts";
import { unreachable } from "../unreachable.ts";

/** Why `json` cannot be a default of this type, as the specification writes defaults; undefined when it can. */
export function faultOfDefault(schema: AvroSchema, json: unknown, depth = 0): string | undefined {
  // A field of a record that is left out takes its own default, which may leave it out again.
  if (depth > schemaLimits.depthMax) return `The default is nested more than ${schemaLimits.depthMax} deep, or never ends.`;
  if (!isUnion(schema)) return faultOf(schema, json, depth);
  const faults = schema.map((branch) => faultOf(branch, json, depth));
  if (faults.length === 0) return "A union without types has no default.";
  return faults.includes(undefined) ? undefined : schema.length === 1 ? faults[0] : `The default fits none of the union's types. ${faults[0] ?? ""}`;
}

/** The branch that a default of a union belongs to: the first that it fits. It must have passed `faultOfDefault`. */
export function branchOfDefault(schema: AvroUnionSchema, json: unknown): number {
  return schema.findIndex((branch) => faultOf(branch, json, 0) === undefined);
}

/**
 * A default as the value that `compileWriter` takes. It must have passed `faultOfDefault`.
 */
export function defaultToValue(schema: AvroSchema, json: unknown): unknown {
  if (isUnion(schema)) {
    const branch = schema[branchOfDefault(schema, json)] as AvroTypeSchema;
    const value = defaultToValue(branch, json);
    return isWrapped(schema) && branch.type !== "null" ? { [branchNameOf(branch)]: value } : value;
  }
  const own = schema;
  switch (own.type) {
    case "bytes":
    case "fixed":
      return Uint8Array.from(json as string, (character) => character.charCodeAt(0));
    case "array":
      return (json as readonly unknown[]).map((item) => defaultToValue(own.items, item));
    case "map":
      return new Map(Object.entries(json as object).map(([key, item]) => [key, defaultToValue(own.values, item)]));
    case "record": {
      const given = json as Readonly<Record<string, unknown>>;
      return Object.fromEntries(own.fields.map((field) => [field.name, defaultToValue(field.type, memberOf(given, field))]));
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

function faultOf(schema: AvroTypeSchema, json: unknown, depth: number): string | undefined {
  switch (schema.type) {
    case "null":
      return json === null ? undefined : "The default must be null.";
    case "boolean":
      return typeof json === "boolean" ? undefined : "The default must be true or false.";
    case "int":
      return typeof json === "number" && (json | 0) === json ? undefined : "The default must be a whole number of 32 bits.";
    case "long":
      return Number.isSafeInteger(json) ? undefined : "The default must be a whole number between -(2^53 - 1) and 2^53 - 1.";
    case "float":
      return Number.isFinite(json) && Number.isFinite(Math.fround(json as number)) ? undefined : "The default must be a number that a float can hold.";
    case "double":
      return Number.isFinite(json) ? undefined : "The default must be a number.";
    case "string":
      return typeof json === "string" && json.isWellFormed() ? undefined : "The default must be a text.";
    case "bytes":
      return isByteText(json) ? undefined : "The default must be a text whose characters are the bytes (\\u0000 to \\u00ff).";
    case "fixed":
      return isByteText(json) && json.length === schema.size
        ? undefined
        : `The default must be a text of ${schema.size} characters that are the bytes (\\u0000 to \\u00ff).`;
    case "enum":
      return typeof json === "string" && schema.symbols.includes(json) ? undefined : `The default must be one of ${schema.symbols.join(" ")}.`;
    case "array":
      if (!Array.isArray(json)) return "The default must be an array.";
      return json.map((item) => faultOfDefault(schema.items, item, depth + 1)).find((fault) => fault !== undefined);
    case "map":
      if (!isObject(json)) return "The default must be an object.";
      return Object.values(json)
        .map((item) => faultOfDefault(schema.values, item, depth + 1))
        .find((fault) => fault !== undefined);
    case "record":
      return faultOfRecord(schema.fields, json, depth);
    default:
      return unreachable(schema);
  }
}

function faultOfRecord(fields: readonly AvroField[], json: unknown, depth: number): string | undefined {
  if (!isObject(json)) return "The default must be an object with the record's fields.";
  const unknown = Object.keys(json).find((name) => !fields.some((field) => field.name === name));
  if (unknown !== undefined) return `The default has a field ${JSON.stringify(unknown)} that the record does not have.`;
  for (const field of fields) {
    const value = memberOf(json, field);
    if (value === undefined) return `The default lacks the field ${field.name}.`;
    const fault = faultOfDefault(field.type, value, depth + 1);
    if (fault !== undefined) return `In field ${field.name}: ${fault}`;
  }
  return undefined;
}

function memberOf(json: Readonly<Record<string, unknown>>, field: AvroField): unknown {
  return Object.hasOwn(json, field.name) ? json[field.name] : field.default;
}

function isObject(json: unknown): json is Readonly<Record<string, unknown>> {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}

function isByteText(json: unknown): json is string {
  return typeof json === "string" && !/[^\u0000-\u00ff]/.test(json);
}
