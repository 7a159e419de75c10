import { defaultBytes } from "../avro/resolving-reader.ts";
import type { AvroField, AvroRecordSchema, AvroSchema, AvroTypeSchema } from "../avro/schema.ts";
import { isUnion, schemaLimits, unwrapNullable } from "../avro/schema.ts";
import type { ValueKind } from "../value-kind.ts";
import { kindOf } from "../value-kind.ts";

/**
 * The one form between a contract's schema and the code that is generated for it: a tree of value kinds, with what every output needs worked out once.
 * Each output is a walker over this tree that gives source text.
 */
export type PlanNode = ValueNode | NullableNode;
export type ValueNode = LeafNode | ArrayNode | MapNode | RecordNode;
export type LeafKind = Exclude<ValueKind, "array" | "map" | "record">;

export interface LeafNode {
  readonly kind: LeafKind;
  readonly schema: AvroTypeSchema;
}
/** A union of null and one type. */
export interface NullableNode {
  readonly kind: "nullable";
  /** Where null stands in the union; the other branch is `1 - nullIndex`. */
  readonly nullIndex: 0 | 1;
  readonly of: ValueNode;
}
export interface ArrayNode {
  readonly kind: "array";
  readonly items: PlanNode;
  readonly schema: AvroTypeSchema;
}
export interface MapNode {
  readonly kind: "map";
  readonly values: PlanNode;
  readonly schema: AvroTypeSchema;
}
export interface RecordNode {
  readonly kind: "record";
  readonly fields: readonly FieldNode[];
}
export interface FieldNode {
  readonly name: string;
  /** Names that it had, which older producers still send. */
  readonly aliases: readonly string[];
  /** As checks name the field: `address.zip`. */
  readonly path: string;
  readonly schema: AvroSchema;
  readonly type: PlanNode;
  /** The default in Avro binary. */
  readonly fallback: Uint8Array | undefined;
}

/** Larger schemas are left to the slower way: code for them would take long to make and much memory to keep. */
export const nodesMax = 4_000;
const fixedBytesPerNode = 1_024;

/** For how many nodes of a plan a type counts, without those in it: a large fixed for more, since generated code is tried with values of it. */
export function nodesOf(schema: AvroSchema): number {
  return isUnion(schema) || schema.type !== "fixed" ? 1 : 1 + Math.floor(schema.size / fixedBytesPerNode);
}

/** The plan of a schema; undefined where it has a type that no code is generated for, or is too large. */
export function planOf(schema: AvroRecordSchema): RecordNode | undefined {
  let nodes = 0;
  let whole = true;
  const walk = (inner: AvroSchema, path: string, depth: number): PlanNode => {
    const own = unwrapNullable(inner);
    if (own === undefined || (nodes += nodesOf(own.type)) > nodesMax || depth > schemaLimits.depthMax) {
      whole = false;
      return { kind: "null", schema: { type: "null" } };
    }
    const node = walkType(own.type, path, depth);
    return isUnion(inner) ? { kind: "nullable", nullIndex: inner[0]?.type === "null" ? 0 : 1, of: node } : node;
  };
  const walkType = (type: AvroTypeSchema, path: string, depth: number): ValueNode => {
    // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- all other kinds go one way
    switch (type.type) {
      case "record":
        return { kind: "record", fields: type.fields.map((field) => walkField(field, path, depth)) };
      case "array":
        return { kind: "array", items: walk(type.items, `${path}[]`, depth + 1), schema: type };
      case "map":
        return { kind: "map", values: walk(type.values, `${path}{}`, depth + 1), schema: type };
      default:
        return { kind: kindOf(type) as LeafKind, schema: type };
    }
  };
  const walkField = (field: AvroField, path: string, depth: number): FieldNode => {
    const own = path === "" ? field.name : `${path}.${field.name}`;
    const type = walk(field.type, own, depth + 1);
    return { name: field.name, aliases: field.aliases ?? [], path: own, schema: field.type, type, fallback: whole ? defaultBytes(field) : undefined };
  };
  const plan = walkType(schema, "", 0) as RecordNode;
  return whole ? plan : undefined;
}

/** The most bytes that a value takes in Avro binary, each array and map with one item, and without the bytes of texts. */
export function fixedBytes(node: PlanNode): number {
  // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- all other kinds go one way
  switch (node.kind) {
    case "nullable":
      return 1 + fixedBytes(node.of);
    case "array":
      return 11 + fixedBytes(node.items);
    case "map":
      return 16 + fixedBytes(node.values);
    case "record":
      return node.fields.reduce((sum, field) => sum + Math.max(fixedBytes(field.type), field.fallback?.length ?? 0), 0);
    case "uuid":
      return 37;
    case "decimal":
      return 24 + ("size" in node.schema ? node.schema.size : 0);
    default:
      return 10;
  }
}
