import type { AvroField, AvroRecordSchema } from "./avro/schema.ts";
import { attributeOf, unwrapNullable } from "./avro/schema.ts";
import { isClock } from "./clock/hlc.ts";
import type { FieldRule, Transform } from "./contract.ts";
import { shown } from "./issue-list.ts";
import { transformTakes } from "./partition.ts";
import { decimalBytes } from "./records/decimal.ts";
import { decimalOf } from "./records/json-leaves.ts";
import { isOrderKind } from "./records/order-bytes.ts";
import type { ValueKind } from "./value-kind.ts";
import { kindOf } from "./value-kind.ts";

/** Kinds whose values have one encoding each, so that equal keys have equal bytes. */
const keyKinds: ReadonlySet<ValueKind> = new Set<ValueKind>([
  "boolean",
  "int",
  "long",
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
]);

/** Why a field cannot be part of the key; undefined when it can. */
export function keyFault(field: AvroField): string | undefined {
  const own = unwrapNullable(field.type);
  if (own === undefined) return undefined;
  if (own.nullable) return `A key field must not be nullable; make ${field.name} a field that every record has.`;
  const kind = kindOf(own.type);
  return keyKinds.has(kind) ? undefined : `A ${kind} cannot be part of a key; use a string, a whole number, a decimal, a date or time, an enum or bytes.`;
}

/** Why a field cannot be part of the order; undefined when it can. */
export function orderFault(field: AvroField): string | undefined {
  const own = unwrapNullable(field.type);
  if (own === undefined) return undefined;
  if (own.nullable) return `An order field must not be nullable; make ${field.name} a field that every record has.`;
  if (attributeOf(field, "pii") === true) return `A field marked pii must not be in the order; use a revision number or a time.`;
  const kind = kindOf(own.type);
  return isOrderKind(kind) ? undefined : `A ${kind} cannot be part of an order; use a whole number, a decimal, a date or time, a string or bytes.`;
}

/** Why a field cannot be partitioned by with this transform (`width`: of those that have one); undefined when it can. */
export function partitionFault(field: AvroField, transform: Transform, width?: number): string | undefined {
  const own = unwrapNullable(field.type);
  if (own === undefined) return undefined;
  if (attributeOf(field, "pii") === true) return `A field marked pii must not be in the partition: its values would stand in file names and statistics.`;
  const kind = kindOf(own.type);
  if (!transformTakes(transform, kind)) return `The transform ${transform} does not take a ${kind}.`;
  if (kind !== "decimal" || transform !== "truncate" || width === undefined) return undefined;
  const widest = truncateWidthMax(decimalOf(own.type).precision);
  return BigInt(width) <= widest ? undefined : `The width of ${field.name} must be at most ${widest}: a table could not hold what is cut down further.`;
}

/** Cutting the least decimal down gives more digits; the table holds it as long as it fits the bytes of the type. */
function truncateWidthMax(precision: number): bigint {
  const greatest = 10n ** BigInt(precision) - 1n;
  return (1n << BigInt(decimalBytes(greatest) * 8 - 1)) - greatest + 1n;
}

/** What a field must be for one of the merge's rules; undefined where it is that. */
export function ruleFault(field: AvroField, rule: FieldRule): string | undefined {
  const own = unwrapNullable(field.type);
  if (own === undefined) return undefined;
  const kind = kindOf(own.type);
  if (rule === "union") return kind === "array" ? undefined : `union takes an array, not a ${kind}; use latest.`;
  if (rule !== "min" && rule !== "max") return undefined;
  const compared = isOrderKind(kind) || kind === "float" || kind === "double";
  return compared ? undefined : `A ${kind} has no ${rule}: its values have no order that every engine agrees on; use latest or first.`;
}

/** Whether a field's values can be sorted, or name a person: one value each, not a structure. */
export function isScalar(field: AvroField): boolean {
  const own = unwrapNullable(field.type);
  return own === undefined || !["array", "map", "record"].includes(kindOf(own.type));
}

/** Whether values of the field are instants: what can be compared with a clock. */
export function isInstant(field: AvroField): boolean {
  const own = unwrapNullable(field.type);
  return own !== undefined && (isClock(own.type) || ["timestampMillis", "timestampMicros"].includes(kindOf(own.type)));
}

export function noField(schema: AvroRecordSchema, name: unknown): string {
  const names = schema.fields.map((field) => field.name);
  const list = names.length <= 20 ? names.join(" ") : `${names.slice(0, 20).join(" ")} …`;
  return `The schema has no field ${shown(name)}; it has ${list}.`;
}
