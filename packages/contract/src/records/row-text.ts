import type { AvroRecordSchema, AvroSchema, AvroTypeSchema } from "../avro/schema.ts";
import { isUnion, unwrapNullable } from "../avro/schema.ts";
import type { Contract } from "../contract.ts";
import { placesOf } from "../removed-fields.ts";
import { unreachable } from "../unreachable.ts";
import { kindOf } from "../value-kind.ts";
import { compileDefault } from "./native-reader.ts";
import type { Duration } from "./fixed-forms.ts";
import { formatDecimal } from "./decimal.ts";
import { decimalOf } from "./json-leaves.ts";

type ToText = (native: unknown) => string;

/**
 * Compiles the canonical text of a native record (docs/formats/row-text.md): what digests are made of, for ties of order and for the proof that
 * stores hold the same. Records of equal content have equal text, whatever they were written with: fields go by their place, not by their name;
 * numbers by their value, whatever their width, unit or scale; a field that equals its default is left out, so that adding one changes nothing.
 */
export function compileRowText(contract: Contract): (native: Readonly<Record<string, unknown>>) => string {
  return compileRecord(contract.schema, placesOf(contract));
}

/** Compares texts by code point, which is the order of their UTF-8 bytes, not of their UTF-16 units. */
export function compareText(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    const left = a.charCodeAt(index);
    const right = b.charCodeAt(index);
    if (left !== right) return rank(left) - rank(right);
  }
  return a.length - b.length;
}

/** Surrogates stand for the code points above all other units. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

/** Compiles the canonical text of one value, as it stands in a row's text. */
export function compileValueText(schema: AvroSchema): ToText {
  const own = unwrapNullable(schema);
  if (own === undefined) throw new TypeError("unions other than of null and one type have no row text");
  const toText = compileType(own.type);
  return isUnion(schema) ? (native) => (native === null ? "n" : toText(native)) : toText;
}

function compileType(schema: AvroTypeSchema): ToText {
  const kind = kindOf(schema);
  switch (kind) {
    case "null":
      return () => "n";
    case "boolean":
      return (native) => (native === true ? "t" : "f");
    case "int":
    case "long":
    case "date":
    case "timeMicros":
    case "timestampMicros":
    case "localTimestampMicros":
      return String;
    case "timeMillis":
    case "timestampMillis":
    case "localTimestampMillis":
      return (native) => (BigInt(native as number | bigint) * 1000n).toString();
    case "timestampNanos":
    case "localTimestampNanos":
      return (native) => withoutZeros(formatDecimal(BigInt(native as number | bigint), 3));
    case "duration":
      return (native) => {
        const { months, days, millis } = native as Duration;
        return `[${months},${days},${millis}]`;
      };
    case "float":
    case "double":
      return String;
    case "decimal": {
      const { scale } = decimalOf(schema);
      return (native) => withoutZeros(formatDecimal(native as bigint, scale));
    }
    case "string":
    case "uuid":
    case "enum":
      return (native) => JSON.stringify(native);
    case "bytes":
    case "fixed":
      return (native) => `x${Array.from(native as Uint8Array, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
    case "array": {
      const toText = compileValueText((schema as Extract<AvroTypeSchema, { readonly type: "array" }>).items);
      return (native) => `[${(native as readonly unknown[]).map((item) => toText(item)).join(",")}]`;
    }
    case "map":
      return compileMap((schema as Extract<AvroTypeSchema, { readonly type: "map" }>).values);
    case "record":
      return compileRecord(schema as AvroRecordSchema) as ToText;
    default:
      return unreachable(kind);
  }
}

function compileMap(values: AvroSchema): ToText {
  const toText = compileValueText(values);
  return (native) => {
    const entries = [...(native as ReadonlyMap<string, unknown>)].sort(([a], [b]) => compareText(a, b));
    return `<${entries.map(([key, item]) => `${JSON.stringify(key)}:${toText(item)}`).join(",")}>`;
  };
}

function compileRecord(schema: AvroRecordSchema, places?: readonly number[]): (native: Readonly<Record<string, unknown>>) => string {
  const plans = schema.fields.map((field, index) => {
    const toText = compileValueText(field.type);
    const fallback = compileDefault(field);
    return { name: field.name, place: places?.[index] ?? index + 1, toText, fallback: fallback === undefined ? undefined : toText(fallback()) };
  });
  return (native) => {
    let text = "{";
    for (const plan of plans) {
      const own = plan.toText(native[plan.name]);
      if (own !== plan.fallback) text += `${text.length > 1 ? "," : ""}${plan.place}:${own}`;
    }
    return `${text}}`;
  };
}

function withoutZeros(text: string): string {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}
