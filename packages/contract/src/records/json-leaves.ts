import type { ByteSink } from "../avro/byte-sink.ts";
import type { AvroEnumSchema, AvroFixedSchema, AvroPrimitiveSchema, AvroTypeSchema } from "../avro/schema.ts";
import { symbolsText } from "../avro/schema.ts";
import { unreachable } from "../unreachable.ts";
import { fractionDigitsOf, kindOf } from "../value-kind.ts";
import { base64Length, writeBase64 } from "./base64.ts";
import { isTimestampInRange, noSuchTime, parseDate, parseTimeOfDay, parseTimestamp } from "./civil-time.ts";
import { decimalBytes, parseDecimal, writeDecimal } from "./decimal.ts";
import { parseDuration, writeDuration, writeUuidBytes } from "./fixed-forms.ts";
import type { Faults } from "./faults.ts";

/** Checks a JSON value and writes it as Avro. False when it does not fit: the fault is in `faults`, and what was written is without meaning. */
export type JsonWrite = (value: unknown, sink: ByteSink, faults: Faults) => boolean;

const hyphen = 45;
const uuidLength = 36;
const longText = /^(?:0|-?[1-9]\d{0,18})$/;

/** What a JSON value of a type looks like, for people. */
export function describeType(schema: AvroTypeSchema): string {
  const kind = kindOf(schema);
  switch (kind) {
    case "int":
      return "int (a whole number of 32 bits)";
    case "long":
      return "long (a whole number of 64 bits; beyond 2^53 as a string)";
    case "float":
    case "double":
      return `${kind} (a number)`;
    case "uuid":
      return "uuid, such as 01234567-89ab-cdef-0123-456789abcdef";
    case "enum":
      return `one of ${symbolsText((schema as AvroEnumSchema).symbols)}`;
    case "bytes":
      return "bytes (base64)";
    case "fixed":
      return `${(schema as AvroFixedSchema).size} bytes (base64)`;
    case "decimal": {
      const { precision, scale } = decimalOf(schema);
      const after = scale === 0 ? "" : ` before the point, ${scale} after it`;
      return `decimal(${precision},${scale}) as a string (up to ${precision - scale} digits${after})`;
    }
    case "date":
      return "date, such as 2026-11-21";
    case "timeMillis":
      return "time of day, such as 09:56:18.123";
    case "timeMicros":
      return "time of day, such as 09:56:18.123456";
    case "timestampMillis":
      return "timestamp with a zone, such as 2026-11-21T09:56:18.123Z, or milliseconds since 1970";
    case "timestampMicros":
      return "timestamp with a zone, such as 2026-11-21T09:56:18.123456Z, or microseconds since 1970";
    case "localTimestampMillis":
      return "local timestamp without a zone, such as 2026-11-21T09:56:18.123";
    case "localTimestampMicros":
      return "local timestamp without a zone, such as 2026-11-21T09:56:18.123456";
    case "timestampNanos":
      return "timestamp with a zone, such as 2026-11-21T09:56:18.123456789Z, or nanoseconds since 1970";
    case "localTimestampNanos":
      return "local timestamp without a zone, such as 2026-11-21T09:56:18.123456789";
    case "duration":
      return "duration: an object with months, days and millis, whole numbers from 0 to 4294967295";
    case "array":
      return "array";
    case "map":
    case "record":
      return "object";
    case "null":
    case "boolean":
    case "string":
      return kind;
    default:
      return unreachable(kind);
  }
}

/** The writer of a type that contains no others. `expected` is what a fault says. */
export function compileLeaf(schema: AvroTypeSchema, expected: string): JsonWrite {
  const kind = kindOf(schema);
  switch (kind) {
    case "null":
      return (value, _sink, faults) => value === null || faults.fail(expected, value);
    case "boolean":
      return (value, sink, faults) => {
        if (typeof value !== "boolean") return faults.fail(expected, value);
        sink.writeBoolean(value);
        return true;
      };
    case "int":
      return (value, sink, faults) => {
        if (typeof value !== "number" || (value | 0) !== value) return faults.fail(expected, value);
        sink.writeInt(value);
        return true;
      };
    case "long":
      return compileLong(expected);
    case "float":
      return (value, sink, faults) => {
        if (typeof value !== "number" || !Number.isFinite(Math.fround(value))) return faults.fail(expected, value);
        sink.writeFloat(value);
        return true;
      };
    case "double":
      return (value, sink, faults) => {
        if (typeof value !== "number" || !Number.isFinite(value)) return faults.fail(expected, value);
        sink.writeDouble(value);
        return true;
      };
    case "string":
      return (value, sink, faults) => {
        if (typeof value !== "string") return faults.fail(expected, value);
        return sink.writeString(value) || faults.failAs("string without lone surrogates, which have no UTF-8", "string");
      };
    case "uuid":
      if (schema.type === "fixed") return (value, sink, faults) => writeUuidBytes(value, sink) || faults.fail(expected, value);
      return (value, sink, faults) => (typeof value === "string" && writeUuid(value, sink)) || faults.fail(expected, value);
    case "enum":
      return compileEnum(schema as AvroEnumSchema, expected);
    case "bytes":
      return (value, sink, faults) => {
        const length = typeof value === "string" ? base64Length(value) : undefined;
        if (length === undefined) return faults.fail(expected, value);
        sink.writeLong(length);
        return writeBase64(value as string, sink) || faults.fail(expected, value);
      };
    case "fixed": {
      const { size } = schema as AvroFixedSchema;
      return (value, sink, faults) => (typeof value === "string" && base64Length(value) === size && writeBase64(value, sink)) || faults.fail(expected, value);
    }
    case "decimal":
      return compileDecimal(schema, expected);
    case "date":
    case "timeMillis":
    case "timeMicros":
    case "timestampMillis":
    case "timestampMicros":
    case "localTimestampMillis":
    case "localTimestampMicros":
    case "timestampNanos":
    case "localTimestampNanos":
      return compileTime(schema, expected);
    case "duration":
      return (value, sink, faults) => {
        const duration = parseDuration(value);
        if (duration === undefined) return faults.fail(expected, value);
        writeDuration(duration, sink);
        return true;
      };
    case "array":
    case "map":
    case "record":
      throw new TypeError(`${kind} is no leaf`);
    default:
      return unreachable(kind);
  }
}

/** Precision and scale of a decimal. */
export function decimalOf(schema: AvroTypeSchema): { readonly precision: number; readonly scale: number } {
  const { precision, scale } = schema as AvroPrimitiveSchema;
  return { precision: precision ?? 0, scale: scale ?? 0 };
}

/** A long from its JSON forms (a safe integer, decimal text, a bigint); undefined for anything else. */
export function parseLong(value: unknown): number | bigint | undefined {
  if (typeof value === "number") return Number.isSafeInteger(value) ? value : undefined;
  const exact = typeof value === "string" && longText.test(value) ? BigInt(value) : value;
  return typeof exact === "bigint" && BigInt.asIntN(64, exact) === exact ? exact : undefined;
}

function compileLong(expected: string): JsonWrite {
  return (value, sink, faults) => {
    if (typeof value === "number" && Number.isSafeInteger(value)) {
      sink.writeLong(value);
      return true;
    }
    const long = parseLong(value);
    if (long === undefined) return faults.fail(expected, value);
    sink.writeBigLong(long as bigint);
    return true;
  };
}

function compileEnum(schema: AvroEnumSchema, expected: string): JsonWrite {
  const indexes = new Map<unknown, number>(schema.symbols.map((symbol, index) => [symbol, index]));
  return (value, sink, faults) => {
    const index = indexes.get(value);
    if (index === undefined) return faults.fail(expected, value);
    sink.writeInt(index);
    return true;
  };
}

function compileDecimal(schema: AvroTypeSchema, expected: string): JsonWrite {
  const options = decimalOf(schema);
  const fixedSize = schema.type === "fixed" ? schema.size : undefined;
  return (value, sink, faults) => {
    const unscaled = typeof value === "string" ? parseDecimal(value, options) : undefined;
    if (unscaled === undefined) return faults.fail(expected, value);
    const size = fixedSize ?? decimalBytes(unscaled);
    if (fixedSize === undefined) sink.writeInt(size);
    writeDecimal(unscaled, size, sink);
    return true;
  };
}

function compileTime(schema: AvroTypeSchema, expected: string): JsonWrite {
  const parse = compileTimeParser(schema);
  return (value, sink, faults) => {
    const count = parse(value);
    if (count === undefined) return faults.fail(expected, value, typeof value === "string" ? noSuchTime(value) : undefined);
    if (typeof count === "bigint") sink.writeBigLong(count);
    else sink.writeLong(count);
    return true;
  };
}

/** Parses the JSON forms of a date or time into its count; undefined for what is none. Avro writes ints and longs alike, so the count is all there is to know. */
export function compileTimeParser(schema: AvroTypeSchema): (value: unknown) => number | bigint | undefined {
  const kind = kindOf(schema);
  const digits = fractionDigitsOf(kind);
  if (kind === "date") return (value) => (typeof value === "string" ? parseDate(value) : undefined);
  if (kind === "timeMillis" || kind === "timeMicros") return (value) => (typeof value === "string" ? parseTimeOfDay(value, digits) : undefined);
  if (kind.startsWith("localTimestamp")) {
    return (value) => (typeof value === "string" ? parseTimestamp(value, { digits, zone: "none" }) : undefined);
  }
  const options = { digits, zone: "required" } as const;
  return (value) => {
    if (typeof value === "string" && value.length >= 20 && !value.startsWith("-")) return parseTimestamp(value, options);
    const count = parseLong(value);
    return count !== undefined && isTimestampInRange(count, digits) ? count : undefined;
  };
}

/** Writes the text of a uuid in lower case. False, and nothing that counts written, when it is none. */
function writeUuid(text: string, sink: ByteSink): boolean {
  if (text.length !== uuidLength) return false;
  sink.ensure(uuidLength + 1);
  const { bytes, position } = sink;
  bytes[position] = uuidLength << 1;
  for (let index = 0; index < uuidLength; index++) {
    const code = text.charCodeAt(index);
    const lower = code >= 65 && code <= 70 ? code + 32 : code;
    if (index === 8 || index === 13 || index === 18 || index === 23) {
      if (lower !== hyphen) return false;
    } else if (!((lower >= 48 && lower <= 57) || (lower >= 97 && lower <= 102))) return false;
    bytes[position + 1 + index] = lower;
  }
  sink.position = position + 1 + uuidLength;
  return true;
}
