import type { ByteSink } from "../avro/byte-sink.ts";
import type { AvroRecordSchema, AvroSchema, AvroTypeSchema } from "../avro/schema.ts";
import { isUnion, unwrapNullable } from "../avro/schema.ts";
import type { Write } from "../avro/writer.ts";
import { compileWriter } from "../avro/writer.ts";
import { kindOf } from "../value-kind.ts";
import { decimalBytes, writeDecimal } from "./decimal.ts";

/**
 * Compiles the writer of native values, as `compileDecoder` gives them, back to Avro binary. It differs from `compileWriter` in decimals,
 * which are unscaled bigints here. A value that does not fit is a TypeError: native values were checked when they came in.
 */
export function compileNativeWriter(schema: AvroSchema): Write {
  if (!isUnion(schema)) return compileType(schema);
  const own = unwrapNullable(schema);
  if (own === undefined) return compileWriter(schema);
  const write = compileType(own.type);
  const nullByte = schema[0]?.type === "null" ? 0 : 2;
  return (value, sink) => {
    sink.writeByte(value === null ? nullByte : 2 - nullByte);
    if (value !== null) write(value, sink);
  };
}

function compileType(schema: AvroTypeSchema): Write {
  if (kindOf(schema) === "decimal") return compileDecimal(schema);
  if (schema.type === "record") return compileRecord(schema);
  if (schema.type === "array") {
    const write = compileNativeWriter(schema.items);
    return (value, sink) => writeBlock(value as readonly unknown[], sink, write);
  }
  if (schema.type === "map") {
    const write = compileNativeWriter(schema.values);
    return (value, sink) =>
      writeBlock([...(value as ReadonlyMap<string, unknown>)], sink, ([key, item]: readonly [string, unknown], into) => {
        into.writeString(key);
        write(item, into);
      });
  }
  return compileWriter(schema);
}

function compileRecord(schema: AvroRecordSchema): Write {
  const plans = schema.fields.map((field) => ({ name: field.name, write: compileNativeWriter(field.type) }));
  return (value, sink) => {
    for (const plan of plans) plan.write((value as Readonly<Record<string, unknown>>)[plan.name], sink);
  };
}

function compileDecimal(schema: AvroTypeSchema): Write {
  const fixedSize = schema.type === "fixed" ? schema.size : undefined;
  return (value, sink) => {
    if (typeof value !== "bigint") throw new TypeError("a decimal is an unscaled bigint");
    const size = fixedSize ?? decimalBytes(value);
    if (fixedSize === undefined) sink.writeInt(size);
    writeDecimal(value, size, sink);
  };
}

function writeBlock<Item>(items: readonly Item[], sink: ByteSink, write: (item: Item, sink: ByteSink) => void): void {
  if (items.length > 0) {
    sink.writeLong(items.length);
    for (const item of items) write(item, sink);
  }
  sink.writeByte(0);
}
