import type { AvroTypeSchema } from "./avro/schema.ts";
import { logicalTypeOf } from "./avro/schema.ts";

/**
 * What a type means to Mainstem: the Avro type together with its logical type, as one word.
 * Everything that treats values by their type (encoding, JSON, tables) asks for this.
 */
export const valueKinds = [
  "null",
  "boolean",
  "int",
  "long",
  "float",
  "double",
  "string",
  "uuid",
  "enum",
  "bytes",
  "fixed",
  "decimal",
  "date",
  "timeMillis",
  "timeMicros",
  "timestampMillis",
  "timestampMicros",
  "localTimestampMillis",
  "localTimestampMicros",
  "timestampNanos",
  "localTimestampNanos",
  "duration",
  "array",
  "map",
  "record",
] as const;
export type ValueKind = (typeof valueKinds)[number];

/** Logical types by the Avro type that each stands on. */
const logicalKinds: Readonly<Record<string, ValueKind>> = {
  "string uuid": "uuid",
  "fixed uuid": "uuid",
  "bytes decimal": "decimal",
  "fixed decimal": "decimal",
  "int date": "date",
  "int time-millis": "timeMillis",
  "long time-micros": "timeMicros",
  "long timestamp-millis": "timestampMillis",
  "long timestamp-micros": "timestampMicros",
  "long local-timestamp-millis": "localTimestampMillis",
  "long local-timestamp-micros": "localTimestampMicros",
  "long timestamp-nanos": "timestampNanos",
  "long local-timestamp-nanos": "localTimestampNanos",
  "fixed duration": "duration",
};

/** More digits make no decimal of a type: nobody computes with them, and they would take forever. */
const decimalDigitsMax = 1_000;

/**
 * The kind of a type. A logical type that Mainstem does not know, on a type that it does not belong to, or that is not whole
 * (a decimal of more digits than its bytes hold, a duration of other than 12 bytes) counts for nothing, as Avro demands.
 */
export function kindOf(schema: AvroTypeSchema): ValueKind {
  const logicalType = logicalTypeOf(schema);
  const kind = logicalType === undefined ? undefined : logicalKinds[`${schema.type} ${logicalType}`];
  return kind !== undefined && isWhole(schema, kind) ? kind : schema.type;
}

function isWhole(schema: AvroTypeSchema, kind: ValueKind): boolean {
  if (schema.type === "fixed" && kind !== "decimal") return schema.size === (kind === "uuid" ? 16 : 12);
  return kind !== "decimal" || decimalFault(schema) === undefined;
}

/** Why a type with the logical type decimal is none, and at which of its attributes; undefined when it is one. */
export function decimalFault(schema: AvroTypeSchema): { readonly at: "precision" | "scale" | "size"; readonly message: string } | undefined {
  const { precision, scale, size } = schema as { readonly precision?: unknown; readonly scale?: unknown; readonly size?: number };
  if (!isCount(precision) || precision < 1) return { at: "precision", message: "A decimal needs its precision: how many digits it has in all." };
  if (precision > decimalDigitsMax) return { at: "precision", message: `A decimal has at most ${decimalDigitsMax} digits.` };
  if (scale !== undefined && (!isCount(scale) || scale > precision))
    return { at: "scale", message: "The scale must be a number of digits from 0 to the precision." };
  if (size === undefined || precision <= Math.floor(Math.log10(2) * (8 * size - 1))) return undefined;
  return { at: "size", message: `${size} bytes cannot hold ${precision} digits; it takes ${Math.ceil((precision / Math.log10(2) + 1) / 8)}.` };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** The Avro types that a logical type may stand on; none for one that is not known. */
export function basesOf(logicalType: string): readonly string[] {
  return Object.keys(logicalKinds)
    .filter((key) => key.endsWith(` ${logicalType}`))
    .map((key) => key.slice(0, key.indexOf(" ")));
}

/** Digits after the second that a kind of time holds; 0 for the others. */
export function fractionDigitsOf(kind: ValueKind): number {
  if (kind.endsWith("Millis")) return 3;
  if (kind.endsWith("Nanos")) return 9;
  return kind.endsWith("Micros") ? 6 : 0;
}
