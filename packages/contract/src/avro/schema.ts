import { unreachable } from "../unreachable.ts";

export const primitiveTypes = ["null", "boolean", "int", "long", "float", "double", "bytes", "string"] as const;
export type AvroPrimitiveType = (typeof primitiveTypes)[number];

/**
 * An Avro schema, parsed: the JSON of the specification in one normal form, so that it can be stored and sent as it is (`formatExact`, `parseExact`: defaults may be bigints).
 * A primitive is always an object (`{ type: "string" }`), a union an array, and a named type stands in full wherever it is used
 * (`schemaText` writes the second use as a name again). A type that contains itself is one object that is reached again from within itself:
 * structured clone keeps that, `JSON.stringify` needs `toSchemaJson`, and whoever walks a schema must expect to come back
 * (`isRecursive`; contracts have no such types). Attributes that Avro does not know, such as `field-id`, are kept; read them with `attributeOf`.
 *
 * Source: Apache Avro 1.12 specification, "Schema Declaration".
 */
export type AvroSchema = AvroTypeSchema | AvroUnionSchema;
/** Everything but a union: told apart by `type`. */
export type AvroTypeSchema = AvroPrimitiveSchema | AvroRecordSchema | AvroEnumSchema | AvroArraySchema | AvroMapSchema | AvroFixedSchema;
export interface AvroUnionSchema extends ReadonlyArray<AvroTypeSchema> {}

interface Logical {
  readonly logicalType?: string;
  /** Of `decimal`. */
  readonly precision?: number;
  readonly scale?: number;
}
interface Named {
  /** The short name. */
  readonly name: string;
  /** Never inherited in this form. Absent where there is none; "" where there is none although the enclosing type has one. */
  readonly namespace?: string;
  readonly doc?: string;
  readonly aliases?: readonly string[];
}
export interface AvroPrimitiveSchema extends Logical {
  readonly type: AvroPrimitiveType;
}
export interface AvroRecordSchema extends Named {
  readonly type: "record";
  readonly fields: readonly AvroField[];
}
export interface AvroField {
  readonly name: string;
  readonly type: AvroSchema;
  readonly doc?: string;
  /**
   * As the specification writes defaults: bytes as a string of code points below 256, a union's default by the first branch that it fits. A long beyond
   * 2^53 is a bigint.
   */
  readonly default?: unknown;
  readonly order?: "ascending" | "descending" | "ignore";
  readonly aliases?: readonly string[];
}
export interface AvroEnumSchema extends Named {
  readonly type: "enum";
  readonly symbols: readonly string[];
  readonly default?: string;
}
export interface AvroFixedSchema extends Named, Logical {
  readonly type: "fixed";
  readonly size: number;
}
export interface AvroArraySchema {
  readonly type: "array";
  readonly items: AvroSchema;
}
export interface AvroMapSchema {
  readonly type: "map";
  readonly values: AvroSchema;
}

/** Limits of a schema, and of the values of a type that contains itself; other values are as deep as their schema. */
export const schemaLimits = {
  depthMax: 64,
  /** Types and fields, each use of a named type counted in full. */
  nodesMax: 20_000,
  /** Values that a default stands for, those of the fields that it leaves out among them. */
  defaultValuesMax: 1_000_000,
  /** Records, arrays, maps and unions within one another in a value of a type that contains itself. */
  valueDepthMax: 2_000,
  /** How many faults are named at once. */
  issuesMax: 32,
} as const;

/** A fault of a declaration: `path` leads to it (`fields[2].type`), `message` says what is wrong and how to mend it. */
export interface Issue {
  readonly path: string;
  readonly message: string;
}

export function isUnion(schema: AvroSchema): schema is AvroUnionSchema {
  return Array.isArray(schema);
}

/** Whether an enum has a symbol; it may have tens of thousands, and be asked as often. */
export function hasSymbol(schema: AvroEnumSchema, text: string): boolean {
  const symbols = symbolSets.get(schema) ?? new Set(schema.symbols);
  symbolSets.set(schema, symbols);
  return symbols.has(text);
}
const symbolSets = new WeakMap<AvroEnumSchema, ReadonlySet<string>>();

/** The symbols of an enum for people, the first of many. */
export function symbolsText(symbols: readonly string[]): string {
  return symbols.length <= 12 ? symbols.join(" ") : `${symbols.slice(0, 12).join(" ")} … (${symbols.length} in all)`;
}

/** `["null", X]` either way round as X and `nullable`, any other type as it is; undefined for every other union. */
export function unwrapNullable(schema: AvroSchema): { readonly type: AvroTypeSchema; readonly nullable: boolean } | undefined {
  if (!isUnion(schema)) return { type: schema, nullable: false };
  const rest = schema.filter((branch) => branch.type !== "null");
  return schema.length === 2 && rest[0] !== undefined && rest.length === 1 ? { type: rest[0], nullable: true } : undefined;
}

/** The logical type, where the type has one. What is no text is none. */
export function logicalTypeOf(schema: AvroTypeSchema): string | undefined {
  const logicalType = attributeOf(schema, "logicalType");
  return typeof logicalType === "string" ? logicalType : undefined;
}

/** An attribute of a schema or field that Avro itself does not know. */
export function attributeOf(holder: AvroTypeSchema | AvroField, name: string): unknown {
  return (holder as unknown as Readonly<Record<string, unknown>>)[name];
}

/** `namespace.name`, or the name alone where there is no namespace. */
export function fullNameOf(named: { readonly name: string; readonly namespace?: string }): string {
  return named.namespace === undefined || named.namespace === "" ? named.name : `${named.namespace}.${named.name}`;
}

/** The full names that a named type also goes by. */
export function aliasesOf(named: { readonly namespace?: string; readonly aliases?: readonly string[] }): readonly string[] {
  const { namespace, aliases } = named;
  return (aliases ?? []).map((alias) => (alias.includes(".") || namespace === undefined || namespace === "" ? alias : `${namespace}.${alias}`));
}

/** The types directly inside a type: a union's branches, a record's fields, what an array or map holds. */
export function childrenOf(schema: AvroSchema): readonly AvroSchema[] {
  if (isUnion(schema)) return schema;
  switch (schema.type) {
    case "record":
      return schema.fields.map((field) => field.type);
    case "array":
      return [schema.items];
    case "map":
      return [schema.values];
    case "null":
    case "boolean":
    case "int":
    case "long":
    case "float":
    case "double":
    case "bytes":
    case "string":
    case "enum":
    case "fixed":
      return [];
    default:
      return unreachable(schema);
  }
}

/** Whether a type contains itself, or holds one that does. */
export function isRecursive(schema: AvroSchema): boolean {
  return recursiveRecords(schema).size > 0;
}

/** The records that are reached from within themselves: at least one on every way that leads back to where it began. */
export function recursiveRecords(schema: AvroSchema): ReadonlySet<AvroSchema> {
  const found = new Set<AvroSchema>();
  const open = new Set<AvroSchema>();
  const done = new Set<AvroSchema>();
  const walk = (one: AvroSchema): void => {
    if (open.has(one)) return void found.add(one);
    if (done.has(one)) return;
    open.add(one);
    for (const child of childrenOf(one)) walk(child);
    open.delete(one);
    done.add(one);
  };
  walk(schema);
  return found;
}

/** One sentence from many faults: the first in full, the others by number. */
export function issuesSentence(opening: string, issues: readonly Issue[]): string {
  const [first] = issues;
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : "";
  return first === undefined ? `${opening}.` : `${opening}: ${first.path === "" ? "" : `${first.path}: `}${first.message}${more}`;
}
