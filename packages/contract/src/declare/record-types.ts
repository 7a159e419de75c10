import type { AvroField, AvroRecordSchema, AvroSchema, AvroTypeSchema } from "../avro/schema.ts";
import { isUnion, unwrapNullable } from "../avro/schema.ts";
import type { Contract } from "../contract.ts";
import { unreachable } from "../unreachable.ts";
import type { ValueKind } from "../value-kind.ts";
import { kindOf } from "../value-kind.ts";

/** `input`: what the door takes. `record`: what consumers and queries of records get. */
export type RecordForm = "input" | "record";

/**
 * TypeScript types of datasets, for whoever does not own their declarations: for each `namespace.name` the interfaces `NamespaceNameInput`,
 * a record as the door takes it, and `NamespaceNameRecord`, a record as it comes back in JSON.
 */
export function toRecordTypes(contracts: readonly Contract[]): string {
  const names = new Set<string>();
  const blocks = contracts.map((contract) => {
    const wanted = contract.name.split(".").map(capitalised).join("");
    let name = wanted;
    // Two names can become one: a.bC and aB.c.
    for (let count = 2; names.has(name); count += 1) name = `${wanted}${count}`;
    names.add(name);
    return interfacesOf(contract, name);
  });
  return blocks.join("\n");
}

function interfacesOf(contract: Contract, name: string): string {
  const about = contract.description ?? contract.schema.doc;
  const comment = (what: string): string => docOf([`${contract.name}: ${what}`, ...(about === undefined ? [] : [about])].join("\n"), "");
  return [
    `${comment("a record as it is sent.")}export interface ${name}Input ${bodyOf(contract.schema, { form: "input", indent: "" })}\n`,
    `${comment("a record as it is read, in JSON.")}export interface ${name}Record ${bodyOf(contract.schema, { form: "record", indent: "" })}\n`,
  ].join("\n");
}

interface Style {
  readonly form: RecordForm;
  readonly indent: string;
}

/** The TypeScript type of an Avro type's JSON values. */
export function typeText(schema: AvroSchema, style: Style): string {
  const own = unwrapNullable(schema);
  if (own === undefined) return (schema as readonly AvroTypeSchema[]).map((branch) => textOf(branch, style)).join(" | ");
  return isUnion(schema) ? `${textOf(own.type, style)} | null` : textOf(own.type, style);
}

function textOf(type: AvroTypeSchema, style: Style): string {
  switch (type.type) {
    case "null":
    case "boolean":
      return type.type;
    case "int":
    case "long":
      return wholeText(kindOf(type), style);
    case "float":
    case "double":
      return "number";
    case "string":
    case "bytes":
    case "fixed":
      return "string";
    case "enum":
      return type.symbols.map((symbol) => JSON.stringify(symbol)).join(" | ");
    case "array":
      return `readonly ${bracketed(typeText(type.items, style))}[]`;
    case "map":
      return `Readonly<Record<string, ${typeText(type.values, style)}>>`;
    case "record":
      return bodyOf(type, style);
    default:
      return unreachable(type);
  }
}

/** Whole numbers, and what counts in them. */
function wholeText(kind: ValueKind, { form }: Style): string {
  if (kind === "int") return "number";
  // Text beyond 2^53.
  if (kind === "long") return "number | string";
  return /timestamp/i.test(kind) && form === "input" ? "string | number" : "string";
}

function bodyOf(schema: AvroRecordSchema, style: Style): string {
  const inner = { ...style, indent: `${style.indent}  ` };
  return `{\n${schema.fields.map((field) => fieldText(field, inner)).join("")}${style.indent}}`;
}

function fieldText(field: AvroField, style: Style): string {
  const optional = style.form === "input" && field.default !== undefined ? "?" : "";
  const doc = field.doc === undefined ? "" : docOf(field.doc, style.indent);
  return `${doc}${style.indent}readonly ${field.name}${optional}: ${typeText(field.type, style)};\n`;
}

function bracketed(text: string): string {
  return /^[\w<>, ]+$/.test(text) && !text.startsWith("readonly ") ? text : `(${text})`;
}

function docOf(text: string, indent: string): string {
  const lines = text.replaceAll("*/", "*\\/").split(/\r\n|[\n\r\u2028\u2029]/);
  if (lines.length === 1) return `${indent}/** ${lines[0]} */\n`;
  return `${indent}/**\n${lines.map((line) => `${indent} * ${line}`.trimEnd()).join("\n")}\n${indent} */\n`;
}

function capitalised(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
