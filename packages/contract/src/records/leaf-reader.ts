import type { ByteSource } from "../avro/byte-source.ts";
import type { Read } from "../avro/reader.ts";
import { compileReader } from "../avro/reader.ts";
import type { AvroTypeSchema } from "../avro/schema.ts";
import { unreachable } from "../unreachable.ts";
import { fractionDigitsOf, kindOf } from "../value-kind.ts";
import { isDayInRange, isTimestampInRange } from "./civil-time.ts";
import { fitsPrecision, readDecimal } from "./decimal.ts";
import { readDuration, readUuidBytes } from "./fixed-forms.ts";
import { decimalOf } from "./json-leaves.ts";

const uuidText = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
/** 38 digits take 16 bytes, 1,000 take 416; some writers pad. */
const decimalBytesMax = 512;
const secondsPerDay = 86_400;

/** The reader of native values of a type that contains no others. Logical types are held to what they mean. */
export function compileLeafReader(schema: AvroTypeSchema): Read {
  const kind = kindOf(schema);
  switch (kind) {
    case "uuid":
      return schema.type === "fixed" ? readUuidBytes : readUuid;
    case "decimal":
      return compileDecimal(schema);
    case "date":
      return (source) => {
        const days = source.readInt();
        if (!isDayInRange(days)) throw source.malformed(`a date lies outside the years 1 to 9999 (${days} days)`);
        return days;
      };
    case "timeMillis":
    case "timeMicros": {
      const limit = secondsPerDay * 10 ** fractionDigitsOf(kind);
      return (source) => {
        const count = source.readLong();
        if (count < 0 || count >= limit) throw source.malformed(`a time of day is not within a day (${count})`);
        return count;
      };
    }
    case "timestampMillis":
    case "timestampMicros":
    case "localTimestampMillis":
    case "localTimestampMicros": {
      const digits = fractionDigitsOf(kind);
      return (source) => {
        const count = source.readLong();
        if (!isTimestampInRange(count, digits)) throw source.malformed(`a timestamp lies outside the years 1 to 9999 (${count})`);
        return count;
      };
    }
    case "duration":
      return readDuration;
    case "timestampNanos":
    case "localTimestampNanos":
      // 64 bits of nanoseconds do not leave the years 1 to 9999.
      return (source) => source.readLong();
    case "null":
    case "boolean":
    case "int":
    case "long":
    case "float":
    case "double":
    case "string":
    case "enum":
    case "bytes":
    case "fixed":
      return compileReader(schema);
    case "array":
    case "map":
    case "record":
      throw new TypeError(`${kind} is no leaf`);
    default:
      return unreachable(kind);
  }
}

function readUuid(source: ByteSource): string {
  const text = source.readString().toLowerCase();
  if (!uuidText.test(text)) throw source.malformed("a uuid is none");
  return text;
}

function compileDecimal(schema: AvroTypeSchema): Read {
  const { precision } = decimalOf(schema);
  const fixedSize = schema.type === "fixed" ? schema.size : undefined;
  return (source) => {
    const size = fixedSize ?? source.readLength();
    if (size > decimalBytesMax) throw source.malformed(`a decimal has ${size} bytes`);
    const start = source.take(size);
    const unscaled = readDecimal(source.bytes, start, start + size);
    if (!fitsPrecision(unscaled, precision)) throw source.malformed(`a decimal has more than ${precision} digits`);
    return unscaled;
  };
}
