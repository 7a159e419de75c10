import type { ByteSource } from "./byte-source.ts";
import type { AvroEnumSchema, AvroRecordSchema, AvroSchema, AvroUnionSchema } from "./schema.ts";
import { isUnion } from "./schema.ts";
import { unreachable } from "../unreachable.ts";

export type Read = (source: ByteSource) => unknown;

/** Items that take no bytes (nulls, empty records) cost nothing to claim: more of them than this in one array or map are not believed. */
const emptyItemsMax = 65_536;

/**
 * Compiles a reader of Avro binary that gives what `compileWriter` takes: longs as number where safe, else bigint; bytes and fixed as copies;
 * maps as Map; records as plain objects with the fields in the schema's order; unions as the plain value. Logical types are not looked at.
 * Bytes that are not what the schema says are `avro.malformed`, with `facts.position`.
 */
export function compileReader(schema: AvroSchema): Read {
  if (isUnion(schema)) return compileUnion(schema);
  switch (schema.type) {
    case "null":
      return () => null;
    case "boolean":
      return (source) => source.readBoolean();
    case "int":
      return (source) => source.readInt();
    case "long":
      return (source) => source.readLong();
    case "float":
      return (source) => source.readFloat();
    case "double":
      return (source) => source.readDouble();
    case "bytes":
      return (source) => source.readBytes();
    case "string":
      return (source) => source.readString();
    case "fixed":
      return (source) => source.readRaw(schema.size);
    case "enum":
      return (source) => symbolOf(schema, source);
    case "array": {
      const read = compileReader(schema.items);
      const bytesMin = bytesMinOf(schema.items);
      return (source) => readArray(source, read, bytesMin);
    }
    case "map": {
      const read = compileReader(schema.values);
      return (source) => readMap(source, read);
    }
    case "record":
      return compileRecord(schema);
    default:
      return unreachable(schema);
  }
}

/** Reads one value that must fill the source to its end. */
export function readWhole(read: Read, source: ByteSource): unknown {
  const value = read(source);
  if (source.remaining !== 0) throw source.malformed(`${source.remaining} bytes are left over`);
  return value;
}

function compileRecord(schema: AvroRecordSchema): Read {
  const names = schema.fields.map((field) => field.name);
  const reads = schema.fields.map((field) => compileReader(field.type));
  return (source) => {
    const record: Record<string, unknown> = {};
    for (let index = 0; index < names.length; index++) record[names[index] as string] = (reads[index] as Read)(source);
    return record;
  };
}

function compileUnion(schema: AvroUnionSchema): Read {
  const reads = schema.map(compileReader);
  return (source) => (reads[readBranch(source, reads.length)] as Read)(source);
}

/** The index of a union's branch. */
export function readBranch(source: ByteSource, branches: number): number {
  const index = source.readInt();
  if (index < 0 || index >= branches) throw source.malformed(`a union has no type number ${index}`);
  return index;
}

export function symbolOf(schema: AvroEnumSchema, source: ByteSource): string {
  const index = source.readInt();
  const symbol = schema.symbols[index];
  if (symbol === undefined) throw source.malformed(`the enum ${schema.name} has no symbol number ${index}`);
  return symbol;
}

export function readArray(source: ByteSource, read: Read, bytesMin: number): unknown[] {
  const items: unknown[] = [];
  for (let count = readCount(source, bytesMin); count > 0; count = readCount(source, bytesMin)) {
    if (bytesMin === 0 && items.length + count > emptyItemsMax) throw source.malformed(`an array claims more than ${emptyItemsMax} items without bytes`);
    for (let index = 0; index < count; index++) items.push(read(source));
  }
  return items;
}

/** A key that occurs twice has its last value. */
export function readMap(source: ByteSource, read: Read): Map<string, unknown> {
  const entries = new Map<string, unknown>();
  // A key takes a byte at least, so an entry does.
  for (let count = readCount(source, 1); count > 0; count = readCount(source, 1)) {
    for (let index = 0; index < count; index++) entries.set(source.readString(), read(source));
  }
  return entries;
}

/** The number of items in the next block of an array or map; 0 ends it. A negative count is followed by the block's size in bytes. */
export function readCount(source: ByteSource, bytesMin: number): number {
  const value = source.readLong();
  if (typeof value === "bigint") throw source.malformed(`a block claims ${value} items`);
  if (value < 0) source.readLength();
  const count = Math.abs(value);
  if (bytesMin > 0 && count * bytesMin > source.remaining) throw source.malformed(`a block claims ${count} items, with ${source.remaining} bytes left`);
  return count;
}

/** The fewest bytes that a value of this type takes. */
export function bytesMinOf(schema: AvroSchema): number {
  if (isUnion(schema)) return 1;
  switch (schema.type) {
    case "null":
      return 0;
    case "float":
      return 4;
    case "double":
      return 8;
    case "fixed":
      return schema.size;
    case "record":
      return schema.fields.reduce((sum, field) => sum + bytesMinOf(field.type), 0);
    case "boolean":
    case "int":
    case "long":
    case "bytes":
    case "string":
    case "enum":
    case "array":
    case "map":
      return 1;
    default:
      return unreachable(schema);
  }
}
