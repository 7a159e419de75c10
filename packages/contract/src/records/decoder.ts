import { ByteSink } from "../avro/byte-sink.ts";
import { ByteSource } from "../avro/byte-source.ts";
import { defaultToValue } from "../avro/default-value.ts";
import type { Read } from "../avro/reader.ts";
import { bytesMinOf, compileReader, readArray, readBranch, readMap, readWhole, symbolOf } from "../avro/reader.ts";
import type { AvroEnumSchema, AvroField, AvroFixedSchema, AvroRecordSchema, AvroSchema, AvroTypeSchema } from "../avro/schema.ts";
import { isUnion, unwrapNullable } from "../avro/schema.ts";
import { compileWriter } from "../avro/writer.ts";
import { ContractError } from "../errors.ts";
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

/** Numeric promotions of the specification, "Schema Resolution". */
const promotions: ReadonlySet<string> = new Set(["int long", "int float", "int double", "long float", "long double", "float double"]);

/**
 * Compiles the decoder of records that were written with `writer`, as `reader` sees them: fields by name, fields that only the reader has take
 * their default, fields that only the writer has are skipped, a type may become nullable, numbers may widen, an enum may have other symbols.
 *
 * The range must hold exactly one record. Bytes that are not what the writer's schema says are `avro.malformed`; so is a value that the reader
 * cannot hold (null where it takes none, a symbol that it lacks), a uuid, decimal or time that is none.
 * Schemas that cannot be resolved at all are `contract.incompatible`, thrown here, not at the first record.
 *
 * Source: Apache Avro 1.12 specification, "Schema Resolution".
 */
export function compileDecoder(options: { readonly writer: AvroRecordSchema; readonly reader: AvroRecordSchema }): Decode {
  const read = compileRecord(options.writer, options.reader, "");
  const source = new ByteSource();
  return (bytes, start, end) => {
    source.reset(bytes, start, end);
    return readWhole(read, source) as NativeRecord;
  };
}

/** The native value of a field's default; a fresh one on each call. Undefined when the field has no default. */
export function compileDefault(field: AvroField): (() => unknown) | undefined {
  if (field.default === undefined) return undefined;
  const sink = new ByteSink(64);
  compileWriter(field.type)(defaultToValue(field.type, field.default), sink);
  const bytes = sink.copy();
  const read = compileResolver(field.type, field.type, field.name);
  return () => read(new ByteSource(bytes));
}

function compileResolver(writer: AvroSchema, reader: AvroSchema, path: string): Read {
  const from = unwrapNullable(writer);
  const to = unwrapNullable(reader);
  if (from === undefined || to === undefined) throw incompatible(path, "is a union of several types, which is not supported");
  const read = compileType(from.type, to.type, path);
  if (!isUnion(writer)) return read;
  const nullIndex = writer[0]?.type === "null" ? 0 : 1;
  return (source) => {
    if (readBranch(source, 2) !== nullIndex) return read(source);
    if (!to.nullable) throw source.malformed(`${path} is null, which the reader's schema does not take`);
    return null;
  };
}

function compileType(writer: AvroTypeSchema, reader: AvroTypeSchema, path: string): Read {
  if (writer.type === "record" && reader.type === "record") return compileRecord(writer, reader, path);
  if (writer.type === "enum" && reader.type === "enum") return compileEnum(writer, reader);
  if (writer.type === "array" && reader.type === "array") {
    const read = compileResolver(writer.items, reader.items, `${path}[]`);
    const bytesMin = bytesMinOf(writer.items);
    return (source) => readArray(source, read, bytesMin);
  }
  if (writer.type === "map" && reader.type === "map") {
    const read = compileResolver(writer.values, reader.values, `${path}{}`);
    return (source) => readMap(source, read);
  }
  return compileScalar(writer, reader, path);
}

function compileScalar(writer: AvroTypeSchema, reader: AvroTypeSchema, path: string): Read {
  const from = kindOf(writer);
  const to = kindOf(reader);
  if (from === to && from !== "record" && from !== "array" && from !== "map") {
    checkParameters(writer, reader, path);
    return compileLeafReader(writer);
  }
  if (!promotions.has(`${from} ${to}`)) throw incompatible(path, `was written as ${from} and cannot be read as ${to}`);
  const read = compileLeafReader(writer);
  if (to === "long") return read;
  return to === "float" ? (source) => Math.fround(Number(read(source))) : (source) => Number(read(source));
}

/** What two types of one kind must agree on. */
function checkParameters(writer: AvroTypeSchema, reader: AvroTypeSchema, path: string): void {
  const kind = kindOf(writer);
  if (kind === "fixed" && (writer as AvroFixedSchema).size !== (reader as AvroFixedSchema).size) throw incompatible(path, "was written with another size");
  if (kind !== "decimal") return;
  const from = decimalOf(writer);
  const to = decimalOf(reader);
  if (from.scale !== to.scale || from.precision > to.precision) {
    throw incompatible(path, `was written as decimal(${from.precision},${from.scale}) and cannot be read as decimal(${to.precision},${to.scale})`);
  }
}

function compileEnum(writer: AvroEnumSchema, reader: AvroEnumSchema): Read {
  const known = new Set(reader.symbols);
  if (writer.symbols.every((symbol) => known.has(symbol))) return (source) => symbolOf(writer, source);
  return (source) => {
    const symbol = symbolOf(writer, source);
    if (known.has(symbol)) return symbol;
    if (reader.default === undefined) throw source.malformed(`the reader's enum ${reader.name} has no symbol ${symbol}`);
    return reader.default;
  };
}

function compileRecord(writer: AvroRecordSchema, reader: AvroRecordSchema, path: string): Read {
  const byName = new Map(reader.fields.map((field) => [field.name, field]));
  const steps = writer.fields.map((field) => {
    const target = byName.get(field.name);
    const inner = path === "" ? field.name : `${path}.${field.name}`;
    return target === undefined
      ? { name: undefined, read: compileReader(field.type) }
      : { name: field.name, read: compileResolver(field.type, target.type, inner) };
  });
  const written = new Set(writer.fields.map((field) => field.name));
  const missing = reader.fields
    .filter((field) => !written.has(field.name))
    .map((field) => {
      const make = compileDefault(field);
      if (make === undefined) throw incompatible(path === "" ? field.name : `${path}.${field.name}`, "was not written and has no default");
      return { name: field.name, make };
    });
  const names = reader.fields.map((field) => field.name);
  // Properties come in the order of their first assignment: the reader's. A copy of an object that has them all is faster than adding them one by one.
  const template: NativeRecord = Object.fromEntries(names.map((name) => [name, undefined]));
  return (source) => {
    const record = { ...template };
    for (const step of steps) {
      const value = step.read(source);
      if (step.name !== undefined) record[step.name] = value;
    }
    for (const field of missing) record[field.name] = field.make();
    return record;
  };
}

function incompatible(path: string, what: string): ContractError {
  return new ContractError("contract.incompatible", `Field ${path} ${what}.`, { path });
}
