/** The part of JSON Schema that the API's description uses. */
export interface Schema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly oneOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly description?: string;
  readonly format?: string;
  readonly default?: unknown;
  readonly $ref?: string;
}

/**
 * A schema as a type that people read: what may be left out has a question mark, comments are its descriptions. Of an answer whose schema does not say
 * what is always there, nothing is marked.
 */
export function describeSchema(schema: Schema, indent = ""): string {
  const { type, properties, oneOf, anyOf, items, additionalProperties } = schema;
  if (schema.$ref !== undefined) return schema.$ref.split("/").at(-1) ?? "";
  if (type === "null") return "null";
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((one) => JSON.stringify(one)).join(" | ");
  const choices = oneOf ?? anyOf;
  if (choices !== undefined) return choices.map((one) => describeSchema(one, indent)).join(" | ");
  if (Array.isArray(type)) return type.map((one: string) => describeSchema({ ...schema, type: one }, indent)).join(" | ");
  if (properties !== undefined && Object.keys(properties).length > 0) return describeObject(schema, indent);
  if (type === "array") {
    const inner = describeSchema(items ?? {}, indent);
    return inner.includes(" | ") && !inner.startsWith("{") ? `(${inner})[]` : `${inner}[]`;
  }
  if (type === "object") return typeof additionalProperties === "object" ? `{ [name]: ${describeSchema(additionalProperties, indent)} }` : "object";
  if (typeof type !== "string") return "anything";
  return schema.format === undefined ? type : `${type} (${schema.format})`;
}

function describeObject({ properties = {}, required }: Schema, indent: string): string {
  const inside = `${indent}  `;
  const lines = Object.entries(properties).map(([name, schema]) => {
    const about = schema.description === undefined || schema.description === "" ? "" : `  // ${schema.description.replaceAll("\n", " ")}`;
    const comment = about !== "" && describeSchema(schema, inside).includes("\n");
    const line = `${inside}${name}${required === undefined || required.includes(name) ? "" : "?"}: ${describeSchema(schema, inside)}`;
    return comment ? `${inside}${about.trim()}\n${line}` : `${line}${about}`;
  });
  return `{\n${lines.join("\n")}\n${indent}}`;
}
