import type { ContractError } from "../errors.ts";
import type { ByteSource } from "./byte-source.ts";
import type { Slot } from "./recursion.ts";
import { deeper, Recursion } from "./recursion.ts";
import type { AvroEnumSchema, AvroRecordSchema, AvroSchema, AvroTypeSchema, AvroUnionSchema } from "./schema.ts";
import { childrenOf, isUnion, schemaLimits } from "./schema.ts";
import { branchNameOf, isWrapped } from "./union.ts";
import { unreachable } from "../unreachable.ts";

export type Read = (source: ByteSource) => unknown;

/** Items that take no bytes (nulls, empty records) cost nothing to claim: more of them than this in one value are not believed. */
export const emptyItemsMax = 65_536;
/** A reader's defaults may make much of few bytes: of those values so many are taken for each byte of the value, and no more than `emptyItemsMax` above that. */
export const defaultsPerByte = 16;

/**
 * Compiles a reader of Avro binary that gives what `compileWriter` takes: longs as number where safe, else bigint; bytes and fixed as copies;
 * maps as Map; records as plain objects with the fields in the schema's order; unions as the plain value, or as `{ "<branch>": value }` where
 * two branches look alike in JSON. Logical types are not looked at.
 * `compileResolvingReader` reads what was written with another schema. Bytes that are not what the schema says are `avro.malformed`, with `facts.position`.
 */
export function compileReader(schema: AvroSchema): Read {
  const read = compile(schema, new Recursion());
  return hasEmptyItems(schema) ? countingEmptyItems(read) : read;
}

function compile(schema: AvroSchema, recursion: Recursion<Read>): Read {
  if (isUnion(schema)) return compileUnion(schema, recursion);
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
      const read = recursion.within(() => compile(schema.items, recursion));
      const bytesMin = bytesMinOf(schema.items);
      return (source) => readArray(source, read, bytesMin);
    }
    case "map": {
      const read = recursion.within(() => compile(schema.values, recursion));
      return (source) => readMap(source, read);
    }
    case "record":
      return recursion.once(schema, schema, () => compileRecord(schema, recursion), readBack);
    default:
      return unreachable(schema);
  }
}

/** The way back to a record that contains itself. */
export function readBack(slot: Slot<Read>): Read {
  return (source) => {
    if (!deeper(source, slot)) throw source.malformed(`a value is nested more than ${schemaLimits.valueDepthMax} deep`);
    const value = (slot.compiled as Read)(source);
    source.levels -= slot.height + 1;
    return value;
  };
}

/** Items without bytes, and the values of defaults, are counted for each value on its own. */
export function countingEmptyItems(read: Read): Read {
  return (source) => {
    source.emptyItems = 0;
    source.unpaid = -source.position * defaultsPerByte;
    return read(source);
  };
}

/** Whether a type has arrays whose items take no bytes. */
export function hasEmptyItems(schema: AvroSchema, seen = new Set<AvroSchema>()): boolean {
  if (seen.has(schema)) return false;
  seen.add(schema);
  if (!isUnion(schema) && schema.type === "array" && bytesMinOf(schema.items) === 0) return true;
  return childrenOf(schema).some((child) => hasEmptyItems(child, seen));
}

/** Reads one value that must fill the source to its end. */
export function readWhole(read: Read, source: ByteSource): unknown {
  const value = read(source);
  if (source.remaining !== 0) throw source.malformed(`${source.remaining} bytes are left over`);
  return value;
}

function compileRecord(schema: AvroRecordSchema, recursion: Recursion<Read>): Read {
  const names = schema.fields.map((field) => field.name);
  const reads = schema.fields.map((field) => recursion.within(() => compile(field.type, recursion)));
  return (source) => {
    const record: Record<string, unknown> = {};
    for (let index = 0; index < names.length; index++) record[names[index] as string] = (reads[index] as Read)(source);
    return record;
  };
}

function compileUnion(schema: AvroUnionSchema, recursion: Recursion<Read>): Read {
  const wrapped = isWrapped(schema);
  const reads = schema.map((branch) => {
    const read = recursion.within(() => compile(branch, recursion));
    return wrapped ? wrapping(branch, read) : read;
  });
  return (source) => (reads[readBranch(source, reads.length)] as Read)(source);
}

/** The reader of a branch of a union whose values are wrapped. */
export function wrapping(branch: AvroTypeSchema, read: Read): Read {
  if (branch.type === "null") return read;
  const name = branchNameOf(branch);
  return (source) => ({ [name]: read(source) });
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
    if (bytesMin === 0 && (source.emptyItems += count) > emptyItemsMax) throw tooManyEmpty(source);
    for (let index = 0; index < count; index++) items.push(read(source));
  }
  return items;
}

/** Counts the values of defaults that come with each record. The first is read whatever it takes: it is the schema that asks for it, not the bytes. */
export function countingDefaults(read: Read, values: number): Read {
  return (source) => {
    if (source.unpaid - source.position * defaultsPerByte > emptyItemsMax) throw tooManyEmpty(source);
    source.unpaid += values;
    return read(source);
  };
}

function tooManyEmpty(source: ByteSource): ContractError {
  return source.malformed(`more than ${emptyItemsMax} values without bytes are claimed`);
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

/** The fewest bytes that a value of this type takes; what a type that contains itself takes for that is not counted. */
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
    case "record": {
      const known = recordBytesMin.get(schema);
      if (known !== undefined) return known;
      recordBytesMin.set(schema, 0);
      const bytes = schema.fields.reduce((sum, field) => sum + bytesMinOf(field.type), 0);
      recordBytesMin.set(schema, bytes);
      return bytes;
    }
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
const recordBytesMin = new WeakMap<AvroRecordSchema, number>();
