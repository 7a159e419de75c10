import { formatExact } from "../exact-json.ts";
import type { AvroField, AvroSchema, AvroTypeSchema } from "./schema.ts";
import { fullNameOf, isUnion, schemaLimits } from "./schema.ts";

/**
 * The whole schema as canonical JSON text: its identity. Two schemas have the same text exactly when they say the same,
 * logical types, docs, defaults and unknown attributes included (Avro's own Parsing Canonical Form drops those).
 * Keys stand in a fixed order, unknown attributes last and sorted; bare primitives are plain names; a namespace stands where it changes;
 * the second use of a named type is its full name.
 */
export function schemaText(schema: AvroSchema): string {
  return formatExact(toSchemaJson(schema));
}

/** What `schemaText` writes, as a JSON value: Avro as other programs read it. A default of a long beyond 2^53 is a bigint (`formatExact` writes it). */
export function toSchemaJson(schema: AvroSchema): unknown {
  return schemaJson(schema, undefined, new Set());
}

/** A JSON value with the keys of all its objects sorted, and bigints only beyond 2^53. */
export function sortJson(value: unknown): unknown {
  if (typeof value === "bigint" && Number.isSafeInteger(Number(value))) return Number(value);
  if (Array.isArray(value)) return value.map(sortJson);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, item]) => [key, sortJson(item)]));
}

/** Why a value cannot be part of a schema's text; undefined when it can. */
export function faultOfJson(value: unknown, depth = 0): string | undefined {
  if (typeof value === "number" && !Number.isFinite(value)) return "A number lies beyond those of a double, and has no form in JSON.";
  if (typeof value !== "object" || value === null) return undefined;
  if (depth === schemaLimits.depthMax) return `It is nested more than ${schemaLimits.depthMax} deep; make it flatter.`;
  for (const item of Object.values(value)) {
    const fault = faultOfJson(item, depth + 1);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/** Whether two JSON values, or their absence, say the same, whatever the order of their members. */
export function sameJson(a: unknown, b: unknown): boolean {
  return formatExact({ value: sortJson(a) }) === formatExact({ value: sortJson(b) });
}

function schemaJson(schema: AvroSchema, namespace: string | undefined, defined: Set<string>): unknown {
  if (isUnion(schema)) return schema.map((branch) => schemaJson(branch, namespace, defined));
  if (!("name" in schema)) return unnamedJson(schema, namespace, defined);
  const { type, name, namespace: own, doc, aliases, ...rest } = schema;
  const full = fullNameOf(schema);
  // A name without a namespace would be that of another type here.
  const isShadowed = (own ?? "") === "" && defined.has(`${namespace}.${full}`);
  if (defined.has(full) && !isShadowed) return full;
  defined.add(full);
  const head = { type, name, ...((own ?? "") === (namespace ?? "") ? {} : { namespace: own ?? "" }), ...present({ doc, aliases }) };
  if (schema.type === "record") {
    const { fields, ...attributes } = rest as Omit<typeof schema, "type" | "name" | "namespace" | "doc" | "aliases">;
    return { ...head, fields: fields.map((field) => fieldJson(field, own, defined)), ...sorted(attributes) };
  }
  const { symbols, size, default: fallback, logicalType, precision, scale, ...attributes } = rest as Readonly<Record<string, unknown>>;
  return { ...head, ...present({ symbols, default: fallback, size, logicalType, precision, scale }), ...sorted(attributes) };
}

function unnamedJson(schema: AvroTypeSchema, namespace: string | undefined, defined: Set<string>): unknown {
  const { type, items, values, logicalType, precision, scale, ...attributes } = schema as unknown as Readonly<Record<string, unknown>>;
  const inner = {
    ...(items === undefined ? {} : { items: schemaJson(items as AvroSchema, namespace, defined) }),
    ...(values === undefined ? {} : { values: schemaJson(values as AvroSchema, namespace, defined) }),
  };
  const rest = { ...inner, ...present({ logicalType, precision, scale }), ...sorted(attributes) };
  return Object.keys(rest).length === 0 ? type : { type, ...rest };
}

function fieldJson(field: AvroField, namespace: string | undefined, defined: Set<string>): unknown {
  const { name, type, doc, aliases, default: fallback, order, ...attributes } = field;
  return { name, type: schemaJson(type, namespace, defined), ...present({ doc, aliases, default: fallback, order }), ...sorted(attributes) };
}

/** Without what is undefined; a default of null stays. */
function present(entries: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined));
}

function sorted(attributes: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return sortJson(attributes) as Readonly<Record<string, unknown>>;
}
