import type { ByteSink } from "../avro/byte-sink.ts";
import { Recursion } from "../avro/recursion.ts";
import type { AvroRecordSchema, AvroSchema, AvroTypeSchema, AvroUnionSchema } from "../avro/schema.ts";
import { isUnion, unwrapNullable } from "../avro/schema.ts";
import { branchNameOf, fitsNative, isWrapped, unwrap } from "../avro/union.ts";
import type { Write } from "../avro/writer.ts";
import { compileWriter, writeBack } from "../avro/writer.ts";
import { kindOf } from "../value-kind.ts";
import { decimalBytes, writeDecimal } from "./decimal.ts";
import { parseDuration, writeDuration, writeUuidBytes } from "./fixed-forms.ts";

/**
 * Compiles the writer of native values, as `compileDecoder` gives them, back to Avro binary. It differs from `compileWriter` in decimals, which are
 * unscaled bigints here, and in uuids and durations in fixed. A value that does not fit is a TypeError: native values were checked when they came in.
 */
export function compileNativeWriter(schema: AvroSchema): Write {
  return compile(schema, new Recursion());
}

function compile(schema: AvroSchema, recursion: Recursion<Write>): Write {
  if (!isUnion(schema)) return compileType(schema, recursion);
  const own = unwrapNullable(schema);
  if (own === undefined) return compileUnion(schema, recursion);
  const write = recursion.within(() => compileType(own.type, recursion));
  const nullByte = schema[0]?.type === "null" ? 0 : 2;
  return (value, sink) => {
    sink.writeByte(value === null ? nullByte : 2 - nullByte);
    if (value !== null) write(value, sink);
  };
}

function compileUnion(schema: AvroUnionSchema, recursion: Recursion<Write>): Write {
  const writes = schema.map((branch) => recursion.within(() => compile(branch, recursion)));
  const names = schema.map(branchNameOf);
  const wrapped = isWrapped(schema);
  return (value, sink) => {
    const branch = wrapped ? unwrap(schema, names, value) : { index: schema.findIndex((one) => fitsNative(one, value)), value };
    const write = branch === undefined ? undefined : writes[branch.index];
    if (branch === undefined || write === undefined) throw new TypeError(`a value fits none of ${names.join(" ")}`);
    sink.writeInt(branch.index);
    write(branch.value, sink);
  };
}

function compileType(schema: AvroTypeSchema, recursion: Recursion<Write>): Write {
  const kind = kindOf(schema);
  if (kind === "decimal") return compileDecimal(schema);
  if (kind === "uuid" && schema.type === "fixed") return writeUuid;
  if (kind === "duration") return writeNativeDuration;
  if (schema.type === "record") return recursion.once(schema, schema, () => compileRecord(schema, recursion), writeBack);
  if (schema.type === "array") {
    const write = recursion.within(() => compile(schema.items, recursion));
    return (value, sink) => writeBlock(value as readonly unknown[], sink, write);
  }
  if (schema.type === "map") {
    const write = recursion.within(() => compile(schema.values, recursion));
    return (value, sink) =>
      writeBlock([...(value as ReadonlyMap<string, unknown>)], sink, ([key, item]: readonly [string, unknown], into) => {
        into.writeString(key);
        write(item, into);
      });
  }
  return compileWriter(schema);
}

function compileRecord(schema: AvroRecordSchema, recursion: Recursion<Write>): Write {
  const plans = schema.fields.map((field) => ({ name: field.name, write: recursion.within(() => compile(field.type, recursion)) }));
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

function writeUuid(value: unknown, sink: ByteSink): void {
  if (!writeUuidBytes(value, sink)) throw new TypeError("a uuid is its text");
}

function writeNativeDuration(value: unknown, sink: ByteSink): void {
  const duration = parseDuration(value);
  if (duration === undefined) throw new TypeError("a duration is an object with months, days and millis");
  writeDuration(duration, sink);
}

function writeBlock<Item>(items: readonly Item[], sink: ByteSink, write: (item: Item, sink: ByteSink) => void): void {
  if (items.length > 0) {
    sink.writeLong(items.length);
    for (const item of items) write(item, sink);
  }
  sink.writeByte(0);
}
