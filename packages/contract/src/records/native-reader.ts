import { ByteSource } from "../avro/byte-source.ts";
import { otherTime } from "../avro/matching.ts";
import type { Read } from "../avro/reader.ts";
import { readWhole } from "../avro/reader.ts";
import { compileDefaultWith, compileResolvingReader, promoted } from "../avro/resolving-reader.ts";
import type { AvroField, AvroRecordSchema, AvroTypeSchema } from "../avro/schema.ts";
import { kindOf } from "../value-kind.ts";
import { compileLeafReader } from "./leaf-reader.ts";
import { decimalOf } from "./json-leaves.ts";

/**
 * A record as programs see it: a plain object with the fields in the schema's order.
 * int, float, double, date, time-millis: number. long, the timestamps, time-micros: number where safe, else bigint. decimal: the unscaled bigint.
 * string, uuid (lower case), enum: string. bytes, fixed: Uint8Array of its own. array: array. map: Map. nullable: the value or null.
 */
export type NativeRecord = Record<string, unknown>;
export type Decode = (bytes: Uint8Array, start?: number, end?: number) => NativeRecord;

/** How a leaf is read with another schema than it was written with. */
export interface LeafForm {
  /** What its bytes are read as, and held to. */
  readonly schema: AvroTypeSchema;
  /** What number is made of it: `Math.fround(Number(value))` or `Number(value)`; undefined where the value stays. */
  readonly promote: "float" | "double" | undefined;
}

/**
 * How a leaf (no enum) that was written as one type is read as another to which Avro lets it be promoted; undefined where Mainstem does not allow it:
 * one time never becomes another, and a decimal keeps its scale. Ints are written as longs are, and strings as bytes are.
 */
export function leafFormOf(writer: AvroTypeSchema, reader: AvroTypeSchema): LeafForm | undefined {
  const from = kindOf(writer);
  const to = kindOf(reader);
  if (otherTime(reader, writer)) return undefined;
  if (from === "decimal" && to === "decimal") {
    const [before, now] = [decimalOf(writer), decimalOf(reader)];
    const same = before.scale === now.scale && before.precision <= now.precision && writer.type === reader.type;
    return same ? { schema: writer, promote: undefined } : undefined;
  }
  if (from === to || reader.type === "string" || reader.type === "bytes" || to !== reader.type || reader.type === "fixed")
    return { schema: reader, promote: undefined };
  const promote = reader.type === "float" || reader.type === "double" ? reader.type : undefined;
  return { schema: { type: writer.type } as AvroTypeSchema, promote };
}

/** Compiles the decoder of records by closures: of what `compileDecoder` promises, the way that works for types of every shape and on every platform. */
export function compileNativeDecoder(options: { readonly writer: AvroRecordSchema; readonly reader: AvroRecordSchema }): Decode {
  const read = compileResolvingReader(options, nativeLeaf);
  const source = new ByteSource();
  return (bytes, start, end) => {
    source.reset(bytes, start, end);
    return readWhole(read, source) as NativeRecord;
  };
}

/** The native value of a field's default; a fresh one on each call. Undefined when the field has no default. */
export function compileDefault(field: AvroField): (() => unknown) | undefined {
  return compileDefaultWith(field, nativeLeaf);
}

function nativeLeaf(writer: AvroTypeSchema, reader: AvroTypeSchema): Read | undefined {
  const form = leafFormOf(writer, reader);
  if (form === undefined) return undefined;
  const read = compileLeafReader(form.schema);
  return form.promote === undefined ? read : promoted(read, form.promote);
}
