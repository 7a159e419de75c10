import type { AvroRecordSchema, AvroSchema, AvroTypeSchema } from "../avro/schema.ts";
import { isUnion, unwrapNullable } from "../avro/schema.ts";
import { Recursion } from "../avro/recursion.ts";
import { branchNameOf, fitsNative, isWrapped } from "../avro/union.ts";
import { fractionDigitsOf, kindOf } from "../value-kind.ts";
import { unreachable } from "../unreachable.ts";
import { formatBase64 } from "./base64.ts";
import { formatDate, formatTimeOfDay, formatTimestamp } from "./civil-time.ts";
import { formatDecimal } from "./decimal.ts";
import type { Duration } from "./fixed-forms.ts";
import { decimalOf } from "./json-leaves.ts";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
type ToJson = (native: unknown) => Json;

/**
 * Compiles native values to the JSON values that the door takes: longs beyond 2^53 and decimals as strings, bytes as base64, dates and times as text
 * in the precision of their type, instants in UTC; unions plain, or `{ "<branch>": value }` where two branches look alike in JSON. Floats that JSON has no number for are the strings `NaN`, `Infinity`, `-Infinity`.
 */
export function compileToJson(schema: AvroSchema): ToJson {
  return compile(schema, new Recursion());
}

function compile(schema: AvroSchema, recursion: Recursion<ToJson>): ToJson {
  if (!isUnion(schema)) return compileType(schema, recursion);
  const branches = schema.map((branch) => ({ branch, name: branchNameOf(branch), toJson: recursion.within(() => compile(branch, recursion)) }));
  if (isWrapped(schema)) {
    return (native) => {
      const [entry] = native === null ? [] : Object.entries(native as object);
      const found = branches.find(({ name }) => name === entry?.[0]);
      return found === undefined || entry === undefined ? null : { [found.name]: found.toJson(entry[1]) };
    };
  }
  const own = unwrapNullable(schema);
  if (own !== undefined) {
    const { toJson } = branches[schema.indexOf(own.type)] as (typeof branches)[number];
    return (native) => (native === null ? null : toJson(native));
  }
  return (native) => branches.find(({ branch }) => fitsNative(branch, native))?.toJson(native) ?? null;
}

function compileType(schema: AvroTypeSchema, recursion: Recursion<ToJson>): ToJson {
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
    case "timestampNanos":
      return (native) => formatTimestamp(native as number | bigint, { digits, suffix: "Z" });
    case "localTimestampNanos":
      return (native) => formatTimestamp(native as number | bigint, { digits, suffix: "" });
    case "duration":
      return (native) => ({ ...(native as Duration) });
    case "array": {
      const toJson = recursion.within(() => compile((schema as Extract<AvroTypeSchema, { readonly type: "array" }>).items, recursion));
      return (native) => (native as readonly unknown[]).map((item) => toJson(item));
    }
    case "map": {
      const toJson = recursion.within(() => compile((schema as Extract<AvroTypeSchema, { readonly type: "map" }>).values, recursion));
      return (native) => Object.fromEntries(Array.from(native as ReadonlyMap<string, unknown>, ([key, item]) => [key, toJson(item)]));
    }
    case "record":
      return recursion.once(
        schema,
        schema,
        () => compileRecord(schema as AvroRecordSchema, recursion),
        (slot) => (native) => (slot.compiled as ToJson)(native),
      );
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

function compileRecord(schema: AvroRecordSchema, recursion: Recursion<ToJson>): ToJson {
  const plans = schema.fields.map((field) => ({ name: field.name, toJson: recursion.within(() => compile(field.type, recursion)) }));
  return (native) => {
    const record: Record<string, Json> = {};
    for (const plan of plans) record[plan.name] = plan.toJson((native as Readonly<Record<string, unknown>>)[plan.name]);
    return record;
  };
}
