import type { AvroField, AvroSchema, AvroTypeSchema } from "./schema.ts";
import { fullNameOf, isUnion } from "./schema.ts";

/**
 * The whole schema as canonical JSON text: its identity. Two schemas have the same text exactly when they say the same,
 * logical types, docs, defaults and unknown attributes included (Avro's own Parsing Canonical Form drops those).
 * Keys stand in a fixed order, unknown attributes last and sorted; bare primitives are plain names; a namespace stands where it changes;
 * the second use of a named type is its full name.
 */
export function schemaText(schema: AvroSchema): string {
  return JSON.stringify(toSchemaJson(schema));
}

/** What `schemaText` writes, as a JSON value: Avro as other programs read it. */
export function toSchemaJson(schema: AvroSchema): unknown {
  return schemaJson(schema, undefined, new Set());
}

/** A JSON value with the keys of all its objects sorted. */
export function sortJson(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortJson);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([key, item]) => key !== "__proto__" && item !== undefined);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, item]) => [key, sortJson(item)]));
}

function schemaJson(schema: AvroSchema, namespace: string | undefined, defined: Set<string>): unknown {
  if (isUnion(schema)) return schema.map((branch) => schemaJson(branch, namespace, defined));
  if (!("name" in schema)) return unnamedJson(schema, namespace, defined);
  const full = fullNameOf(schema);
  if (defined.has(full)) return full;
  defined.add(full);
  const { type, name, namespace: own, doc, aliases, ...rest } = schema;
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
