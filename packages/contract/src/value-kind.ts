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
  "array",
  "map",
  "record",
] as const;
export type ValueKind = (typeof valueKinds)[number];

/** Logical types that a contract may use, by the Avro type that each stands on. */
const logicalKinds: Readonly<Record<string, ValueKind>> = {
  "string uuid": "uuid",
  "bytes decimal": "decimal",
  "fixed decimal": "decimal",
  "int date": "date",
  "int time-millis": "timeMillis",
  "long time-micros": "timeMicros",
  "long timestamp-millis": "timestampMillis",
  "long timestamp-micros": "timestampMicros",
  "long local-timestamp-millis": "localTimestampMillis",
  "long local-timestamp-micros": "localTimestampMicros",
};

/** The kind of a type. A logical type that Mainstem does not know, or on a type that it does not belong to, counts for nothing, as Avro demands. */
export function kindOf(schema: AvroTypeSchema): ValueKind {
  const logicalType = logicalTypeOf(schema);
  return (logicalType === undefined ? undefined : logicalKinds[`${schema.type} ${logicalType}`]) ?? schema.type;
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
  return kind.endsWith("Micros") ? 6 : 0;
}
