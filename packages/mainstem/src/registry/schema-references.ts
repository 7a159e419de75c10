import { ContractError, parseAvroSchema, toSchemaJson, type AvroRecordSchema, type AvroSchema } from "@mainstem/contract";
import { MainstemError } from "../runtime/errors.ts";

type Json = Readonly<Record<string, unknown>>;

/**
 * Reads a schema that may name types of others: the named schemas are read before it, in one go, so that the result stands for itself.
 * Throws `registry.schemaInvalid`.
 */
export function parseWithReferences(schema: unknown, referenced: readonly AvroSchema[]): AvroSchema {
  try {
    if (referenced.length === 0) return parseAvroSchema(schema);
    const types = [...referenced.map(toSchemaJson), schema];
    const around = parseAvroSchema({ type: "record", name: wrapper, fields: types.map((type, index) => ({ name: `f${index}`, type })) }) as AvroRecordSchema;
    return around.fields[referenced.length]?.type ?? parseAvroSchema(schema);
  } catch (error) {
    if (!(error instanceof ContractError)) throw error;
    const message = error.message.replaceAll(`fields[${referenced.length}].type.`, "").replaceAll(`fields[${referenced.length}].type: `, "");
    throw new MainstemError("registry.schemaInvalid", `Invalid schema: ${message}`, { issues: error.facts["issues"] }, { cause: error });
  }
}

/** A name that nobody has: of the record around a schema and those that it names, while they are read. */
const wrapper = "mainstem_schemas_read_together";

/** The canonical JSON of a schema with the types of others named only. */
export function withoutReferenced(schema: AvroSchema, referenced: readonly AvroSchema[]): unknown {
  const foreign = new Set<string>();
  for (const one of referenced) collectNames(toSchemaJson(one), undefined, foreign);
  return nameForeign(toSchemaJson(schema), undefined, foreign);
}

function collectNames(json: unknown, namespace: string | undefined, names: Set<string>): void {
  if (Array.isArray(json)) for (const branch of json) collectNames(branch, namespace, names);
  if (!isObject(json)) return;
  const named = nameOf(json, namespace);
  if (named !== undefined) names.add(named.full);
  for (const inner of innerTypes(json)) collectNames(inner, named?.namespace ?? namespace, names);
}

function nameForeign(json: unknown, namespace: string | undefined, foreign: ReadonlySet<string>): unknown {
  if (Array.isArray(json)) return json.map((branch) => nameForeign(branch, namespace, foreign));
  if (!isObject(json)) return json;
  const named = nameOf(json, namespace);
  if (named !== undefined && foreign.has(named.full)) return named.full;
  const inside = named === undefined ? namespace : named.namespace;
  const { items, values, fields } = json;
  return {
    ...json,
    ...(items === undefined || json["type"] !== "array" ? {} : { items: nameForeign(items, inside, foreign) }),
    ...(values === undefined || json["type"] !== "map" ? {} : { values: nameForeign(values, inside, foreign) }),
    ...(Array.isArray(fields) && json["type"] === "record"
      ? { fields: fields.map((field: Json) => ({ ...field, type: nameForeign(field["type"], inside, foreign) })) }
      : {}),
  };
}

function innerTypes({ type, items, values, fields }: Json): readonly unknown[] {
  if (type === "array") return [items];
  if (type === "map") return [values];
  return type === "record" && Array.isArray(fields) ? fields.map((field: Json) => field["type"]) : [];
}

/** In canonical JSON the namespace stands where it changes, and is otherwise that of the type around. */
function nameOf({ type, name, namespace }: Json, around: string | undefined): { readonly full: string; readonly namespace: string | undefined } | undefined {
  if (typeof name !== "string" || !(type === "record" || type === "enum" || type === "fixed")) return undefined;
  const own = typeof namespace === "string" ? namespace : around;
  return { full: own === undefined || own === "" ? name : `${own}.${name}`, namespace: own };
}

function isObject(json: unknown): json is Json {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}
