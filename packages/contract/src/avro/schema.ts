export const primitiveTypes = ["null", "boolean", "int", "long", "float", "double", "bytes", "string"] as const;
export type AvroPrimitiveType = (typeof primitiveTypes)[number];

/**
 * An Avro schema, parsed: the JSON of the specification in one normal form, so that it can be stored and sent as it is.
 * A primitive is always an object (`{ type: "string" }`), a union an array, and a named type stands in full wherever it is used
 * (`schemaText` writes the second use as a name again). Attributes that Avro does not know, such as `field-id`, are kept;
 * read them with `attributeOf`.
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
  /** Absent only where there is none; never inherited in this form. */
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
  /** As the specification writes defaults: bytes as a string of code points below 256, a union's default by its first branch. */
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

/** Limits of a schema. They also bound the depth of every value, as schemas do not recur. */
export const schemaLimits = {
  depthMax: 64,
  /** Types and fields, each use of a named type counted in full. */
  nodesMax: 20_000,
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

/** `["null", X]` either way round as X and `nullable`, any other type as it is; undefined for every other union. */
export function unwrapNullable(schema: AvroSchema): { readonly type: AvroTypeSchema; readonly nullable: boolean } | undefined {
  if (!isUnion(schema)) return { type: schema, nullable: false };
  const rest = schema.filter((branch) => branch.type !== "null");
  return schema.length === 2 && rest[0] !== undefined && rest.length === 1 ? { type: rest[0], nullable: true } : undefined;
}

/** The logical type, where the type has one. */
export function logicalTypeOf(schema: AvroTypeSchema): string | undefined {
  return "logicalType" in schema ? schema.logicalType : undefined;
}

/** An attribute of a schema or field that Avro itself does not know. */
export function attributeOf(holder: AvroTypeSchema | AvroField, name: string): unknown {
  return (holder as unknown as Readonly<Record<string, unknown>>)[name];
}

/** `namespace.name`, or the name alone where there is no namespace. */
export function fullNameOf(named: { readonly name: string; readonly namespace?: string }): string {
  return named.namespace === undefined ? named.name : `${named.namespace}.${named.name}`;
}

/** One sentence from many faults: the first in full, the others by number. */
export function issuesSentence(opening: string, issues: readonly Issue[]): string {
  const [first] = issues;
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : "";
  return first === undefined ? `${opening}.` : `${opening}: ${first.path === "" ? "" : `${first.path}: `}${first.message}${more}`;
}
