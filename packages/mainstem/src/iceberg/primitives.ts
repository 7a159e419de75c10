import type { IcebergField, IcebergType } from "./model.ts";

/** Iceberg's primitive types of format version 2, with their parameters as numbers. */
export type Primitive =
  | { readonly kind: PlainPrimitive }
  | { readonly kind: "fixed"; readonly length: number }
  | { readonly kind: "decimal"; readonly precision: number; readonly scale: number };

const plain = ["boolean", "int", "long", "float", "double", "date", "time", "timestamp", "timestamptz", "string", "uuid", "binary"] as const;
type PlainPrimitive = (typeof plain)[number];

/** A type's text as it is in a schema; undefined for what is no primitive type of version 2. White space around parameters is allowed, as the specification asks. */
export function parsePrimitive(text: string): Primitive | undefined {
  const kind = plain.find((name) => name === text);
  if (kind !== undefined) return { kind };
  const fixed = /^fixed\[\s*(\d{1,9})\s*\]$/.exec(text);
  if (fixed !== null) return { kind: "fixed", length: Number(fixed[1]) };
  const decimal = /^decimal\(\s*(\d{1,2})\s*,\s*(\d{1,2})\s*\)$/.exec(text);
  if (decimal === null) return undefined;
  const precision = Number(decimal[1]);
  const scale = Number(decimal[2]);
  return precision >= 1 && precision <= 38 && scale <= precision ? { kind: "decimal", precision, scale } : undefined;
}

/** One column of a data file: a primitive, and where it is. */
export interface Leaf {
  readonly id: number;
  /** Its names from the top; `element` below lists, `key` and `value` below maps. */
  readonly path: readonly string[];
  readonly type: string;
  /** Below a list or a map: one row has any number of values. */
  readonly repeated: boolean;
}

/** The columns that a file with these fields has, in order. */
export function leavesOf(fields: readonly IcebergField[]): readonly Leaf[] {
  const leaves: Leaf[] = [];
  const visit = (type: IcebergType, id: number, path: readonly string[], repeated: boolean): void => {
    if (typeof type === "string") {
      leaves.push({ id, path, type, repeated });
    } else if (type.type === "struct") {
      for (const field of type.fields) visit(field.type, field.id, [...path, field.name], repeated);
    } else if (type.type === "list") {
      visit(type.element, type["element-id"], [...path, "element"], true);
    } else {
      visit(type.key, type["key-id"], [...path, "key"], true);
      visit(type.value, type["value-id"], [...path, "value"], true);
    }
  };
  for (const field of fields) visit(field.type, field.id, [field.name], false);
  return leaves;
}

/** The greatest field id below these fields; 0 without any. */
export function lastFieldId(fields: readonly IcebergField[]): number {
  const ofType = (type: IcebergType): number => {
    if (typeof type === "string") return 0;
    if (type.type === "struct") return lastFieldId(type.fields);
    if (type.type === "list") return Math.max(type["element-id"], ofType(type.element));
    return Math.max(type["key-id"], type["value-id"], ofType(type.key), ofType(type.value));
  };
  return fields.reduce((last, field) => Math.max(last, field.id, ofType(field.type)), 0);
}
