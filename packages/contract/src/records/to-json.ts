import type { AvroRecordSchema, AvroSchema, AvroTypeSchema } from "../avro/schema.ts";
import { isUnion, unwrapNullable } from "../avro/schema.ts";
import { fractionDigitsOf, kindOf } from "../value-kind.ts";
import { unreachable } from "../unreachable.ts";
import { formatBase64 } from "./base64.ts";
import { formatDate, formatTimeOfDay, formatTimestamp } from "./civil-time.ts";
import { formatDecimal } from "./decimal.ts";
import { decimalOf } from "./json-leaves.ts";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
type ToJson = (native: unknown) => Json;

/**
 * Compiles native values to the JSON values that the door takes: longs beyond 2^53 and decimals as strings, bytes as base64, dates and times as text
 * in the precision of their type, instants in UTC. Floats that JSON has no number for are the strings `NaN`, `Infinity`, `-Infinity`.
 */
export function compileToJson(schema: AvroSchema): ToJson {
  const own = unwrapNullable(schema);
  if (own === undefined) throw new TypeError("unions other than of null and one type have no JSON form");
  const toJson = compileType(own.type);
  return isUnion(schema) ? (native) => (native === null ? null : toJson(native)) : toJson;
}

function compileType(schema: AvroTypeSchema): ToJson {
  const kind = kindOf(schema);
  const digits = fractionDigitsOf(kind);
  switch (kind) {
    case "long":
      return (native) => (typeof native === "bigint" ? native.toString() : (native as number));
    case "float":
    case "double":
      return (native) => (Number.isFinite(native) ? (native as number) : String(native));
    case "bytes":
    case "fixed":
      return (native) => formatBase64(native as Uint8Array);
    case "decimal": {
      const { scale } = decimalOf(schema);
      return (native) => formatDecimal(native as bigint, scale);
    }
    case "date":
      return (native) => formatDate(native as number);
    case "timeMillis":
    case "timeMicros":
      return (native) => formatTimeOfDay(native as number, digits);
    case "timestampMillis":
    case "timestampMicros":
      return (native) => formatTimestamp(native as number | bigint, { digits, suffix: "Z" });
    case "localTimestampMillis":
    case "localTimestampMicros":
      return (native) => formatTimestamp(native as number | bigint, { digits, suffix: "" });
    case "array": {
      const toJson = compileToJson((schema as Extract<AvroTypeSchema, { readonly type: "array" }>).items);
      return (native) => (native as readonly unknown[]).map((item) => toJson(item));
    }
    case "map": {
      const toJson = compileToJson((schema as Extract<AvroTypeSchema, { readonly type: "map" }>).values);
      return (native) => Object.fromEntries(Array.from(native as ReadonlyMap<string, unknown>, ([key, item]) => [key, toJson(item)]));
    }
    case "record":
      return compileRecord(schema as AvroRecordSchema);
    case "null":
    case "boolean":
    case "int":
    case "string":
    case "uuid":
    case "enum":
      return (native) => native as Json;
    default:
      return unreachable(kind);
  }
}

function compileRecord(schema: AvroRecordSchema): ToJson {
  const plans = schema.fields.map((field) => ({ name: field.name, toJson: compileToJson(field.type) }));
  return (native) => {
    const record: Record<string, Json> = {};
    for (const plan of plans) record[plan.name] = plan.toJson((native as Readonly<Record<string, unknown>>)[plan.name]);
    return record;
  };
}
