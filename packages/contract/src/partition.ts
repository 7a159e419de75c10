import { ByteSink } from "./avro/byte-sink.ts";
import type { AvroField, AvroSchema, AvroTypeSchema } from "./avro/schema.ts";
import { unwrapNullable } from "./avro/schema.ts";
import type { Contract, PartitionField, PartitionKind } from "./contract.ts";
import { murmur3 } from "./murmur3.ts";
import { civilFromDays } from "./records/civil-time.ts";
import { decimalBytes, writeDecimal } from "./records/decimal.ts";
import { unreachable } from "./unreachable.ts";
import type { ValueKind } from "./value-kind.ts";
import { kindOf } from "./value-kind.ts";

/** The value of one partition field. Whole numbers of 32 bits and results of transforms as number, of 64 bits as bigint, decimals as unscaled bigint. */
export type PartitionValue = number | bigint | string | boolean | Uint8Array | null;

const utf8 = new TextEncoder();
const microsPerHour = 3_600_000_000n;
const microsPerDay = 86_400_000_000n;

/** Whether a key can move between partitions. */
export function partitionKind(contract: Contract): PartitionKind {
  if (contract.partition.length === 0) return "none";
  // What is not merged never moves.
  if (contract.merge.kind === "none" || contract.partition.every((field) => contract.key.includes(field.field))) return "stable";
  return contract.immutable ? "immutable" : "movable";
}

/** Whether Iceberg's transform takes values of this kind. */
export function transformTakes(transform: PartitionField["transform"], kind: ValueKind): boolean {
  const timestamp = kind.startsWith("timestamp") || kind.startsWith("localTimestamp");
  // Tables hold neither.
  if (kind === "duration" || kind.endsWith("Nanos")) return false;
  const nested = kind === "array" || kind === "map" || kind === "record" || kind === "null";
  switch (transform) {
    case "identity":
      return !nested && kind !== "float" && kind !== "double";
    case "year":
    case "month":
    case "day":
      return timestamp || kind === "date";
    case "hour":
      return timestamp;
    case "bucket":
      return !nested && kind !== "float" && kind !== "double" && kind !== "boolean";
    case "truncate":
      return ["int", "long", "decimal", "string", "enum", "bytes"].includes(kind);
    default:
      return unreachable(transform);
  }
}

/**
 * Compiles the partition of native records: one value for each partition field.
 * Source: Apache Iceberg specification, "Partition Transforms" and appendix B (hashes). Times of day and timestamps count in microseconds, as in the table.
 */
export function compilePartition(contract: Contract): (native: Readonly<Record<string, unknown>>) => PartitionValue[] {
  const plans = contract.partition.map((field) => ({
    name: field.field,
    value: compilePartitionValue((contract.schema.fields.find((candidate) => candidate.name === field.field) as AvroField).type, field),
  }));
  return (native) => plans.map((plan) => plan.value(native[plan.name]));
}

/** Compiles the value of one partition field from the native value of its source field. Null stays null. */
export function compilePartitionValue(schema: AvroSchema, field: PartitionField): (native: unknown) => PartitionValue {
  const type = unwrapNullable(schema)?.type;
  if (type === undefined || !transformTakes(field.transform, kindOf(type))) throw new TypeError(`${field.transform} does not take ${field.field}`);
  const value = compileTransform(type, field);
  return (native) => (native === null ? null : value(native));
}

function compileTransform(type: AvroTypeSchema, field: PartitionField): (native: unknown) => PartitionValue {
  const kind = kindOf(type);
  const width = field.width ?? 1;
  switch (field.transform) {
    case "identity":
      return (native) => tableValue(kind, native);
    case "year":
      return (native) => civilFromDays(daysOf(kind, native)).year - 1970;
    case "month":
      return (native) => {
        const { year, month } = civilFromDays(daysOf(kind, native));
        return (year - 1970) * 12 + month - 1;
      };
    case "day":
      return (native) => daysOf(kind, native);
    case "hour":
      return (native) => Number(floorDivide(microsOf(kind, native), microsPerHour));
    case "bucket":
      return (native) => (murmur3(hashedBytes(kind, native)) & 0x7fffffff) % width;
    case "truncate":
      return (native) => truncate(kind, tableValue(kind, native), width);
    default:
      return unreachable(field.transform);
  }
}

/** The value as the table's column holds it. */
function tableValue(kind: ValueKind, native: unknown): PartitionValue {
  if (kind === "long" || kind === "timeMicros") return BigInt(native as number | bigint);
  if (kind.startsWith("time") || kind.startsWith("localTimestamp")) return microsOf(kind, native);
  return native as PartitionValue;
}

function microsOf(kind: ValueKind, native: unknown): bigint {
  const count = BigInt(native as number | bigint);
  return kind.endsWith("Millis") ? count * 1000n : count;
}

function daysOf(kind: ValueKind, native: unknown): number {
  return kind === "date" ? (native as number) : Number(floorDivide(microsOf(kind, native), microsPerDay));
}

function floorDivide(value: bigint, by: bigint): bigint {
  const quotient = value / by;
  return value % by < 0n ? quotient - 1n : quotient;
}

/** What Iceberg hashes: whole numbers as 8 bytes little-endian, decimals in their shortest bytes, uuids as 16 bytes, texts as UTF-8. */
function hashedBytes(kind: ValueKind, native: unknown): Uint8Array {
  if (native instanceof Uint8Array) return native;
  if (kind === "uuid") return uuidBytes(native as string);
  if (typeof native === "string") return utf8.encode(native);
  const sink = new ByteSink(32);
  if (kind === "decimal") {
    writeDecimal(native as bigint, decimalBytes(native as bigint), sink);
    return sink.view();
  }
  const whole = kind.startsWith("time") || kind.startsWith("localTimestamp") ? microsOf(kind, native) : BigInt(native as number | bigint);
  writeDecimal(whole, 8, sink);
  return sink.view().toReversed();
}

function uuidBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(16);
  let digits = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === 45) continue;
    const digit = code < 58 ? code - 48 : (code | 32) - 87;
    bytes[digits >> 1] = (bytes[digits >> 1]! << 4) | digit;
    digits += 1;
  }
  return bytes;
}

function truncate(kind: ValueKind, value: PartitionValue, width: number): PartitionValue {
  if (typeof value === "string")
    return Array.from(value.slice(0, width * 2))
      .slice(0, width)
      .join("");
  if (value instanceof Uint8Array) return value.slice(0, width);
  // Integers wrap at the least value of their type, and the sum within wraps too, as in the reference implementation: readers prune by its results.
  if (typeof value === "number") return (value - ((((value % width) + width) | 0) % width)) | 0;
  const by = BigInt(width);
  const down = floorDivide(value as bigint, by) * by;
  return kind === "long" ? BigInt.asIntN(64, down) : down;
}
