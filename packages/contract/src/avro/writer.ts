import type { ByteSink } from "./byte-sink.ts";
import type { AvroRecordSchema, AvroSchema, AvroTypeSchema, AvroUnionSchema } from "./schema.ts";
import { hasSymbol, isUnion, schemaLimits, symbolsText } from "./schema.ts";
import type { Slot } from "./recursion.ts";
import { deeper, Recursion } from "./recursion.ts";
import { branchNameOf, isWrapped, unwrap } from "./union.ts";
import { unreachable } from "../unreachable.ts";

export type Write = (value: unknown, sink: ByteSink) => void;

/**
 * Compiles a writer of Avro binary for values that the program itself made (platform formats: chunks, manifests).
 *
 * Values: null, boolean; int, float, double as number; long as safe number or bigint; bytes and fixed as Uint8Array; string and enum as string;
 * array as array; map as Map; record as object with the fields as properties. Logical types are not looked at: give the underlying value.
 * Unions take the plain value: the first branch that it fits; or `{ "<branch>": value }` where two branches look alike in JSON, and null. A missing nullable value is null, a missing field takes no default.
 * A value that does not fit is a TypeError that names the place: a bug of the caller.
 */
export function compileWriter(schema: AvroSchema): Write {
  return compile(schema, "value", new Recursion());
}

function compile(schema: AvroSchema, place: string, recursion: Recursion<Write>): Write {
  if (isUnion(schema)) return compileUnion(schema, place, recursion);
  switch (schema.type) {
    case "null":
      return (value) => expect(value === null || value === undefined, place, "null", value);
    case "boolean":
      return (value, sink) => {
        expect(typeof value === "boolean", place, "boolean", value);
        sink.writeBoolean(value as boolean);
      };
    case "int":
      return (value, sink) => {
        expect(typeof value === "number" && (value | 0) === value, place, "int", value);
        sink.writeInt(value as number);
      };
    case "long":
      return (value, sink) => {
        if (typeof value === "number" && Number.isSafeInteger(value)) return sink.writeLong(value);
        expect(typeof value === "bigint" && BigInt.asIntN(64, value) === value, place, "long", value);
        sink.writeBigLong(value as bigint);
      };
    case "float":
      return (value, sink) => {
        expect(typeof value === "number", place, "float", value);
        sink.writeFloat(value as number);
      };
    case "double":
      return (value, sink) => {
        expect(typeof value === "number", place, "double", value);
        sink.writeDouble(value as number);
      };
    case "bytes":
      return (value, sink) => {
        expect(value instanceof Uint8Array, place, "bytes", value);
        sink.writeBytes(value as Uint8Array);
      };
    case "fixed":
      return (value, sink) => {
        expect(value instanceof Uint8Array && value.length === schema.size, place, `${schema.size} bytes`, value);
        sink.writeRaw(value as Uint8Array);
      };
    case "string":
      return (value, sink) => expect(typeof value === "string" && sink.writeString(value), place, "well-formed string", value);
    case "enum": {
      const indexes = new Map(schema.symbols.map((symbol, index) => [symbol, index]));
      const symbols = symbolsText(schema.symbols);
      return (value, sink) => {
        const index = indexes.get(value as string);
        expect(index !== undefined, place, `one of ${symbols}`, value);
        sink.writeInt(index as number);
      };
    }
    case "array":
      return compileArray(
        recursion.within(() => compile(schema.items, `${place}[]`, recursion)),
        place,
      );
    case "map":
      return compileMap(
        recursion.within(() => compile(schema.values, `${place}{}`, recursion)),
        place,
      );
    case "record":
      return recursion.once(schema, schema, () => compileRecord(schema, place, recursion), writeBack);
    default:
      return unreachable(schema);
  }
}

/** The way back to a record that contains itself. */
export function writeBack(slot: Slot<Write>): Write {
  return (value, sink) => {
    if (!deeper(sink, slot)) throw new TypeError(`a value is nested more than ${schemaLimits.valueDepthMax} deep`);
    (slot.compiled as Write)(value, sink);
    sink.levels -= slot.height + 1;
  };
}

function compileRecord(schema: AvroRecordSchema, place: string, recursion: Recursion<Write>): Write {
  const names = schema.fields.map((field) => field.name);
  const writes = schema.fields.map((field) => recursion.within(() => compile(field.type, `${place}.${field.name}`, recursion)));
  return (value, sink) => {
    expect(typeof value === "object" && value !== null, place, "record", value);
    const record = value as Readonly<Record<string, unknown>>;
    for (let index = 0; index < names.length; index++) (writes[index] as Write)(record[names[index] as string], sink);
  };
}

function compileArray(write: Write, place: string): Write {
  return (value, sink) => {
    expect(Array.isArray(value), place, "array", value);
    const items = value as readonly unknown[];
    if (items.length > 0) {
      sink.writeLong(items.length);
      for (const item of items) write(item, sink);
    }
    sink.writeByte(0);
  };
}

function compileMap(write: Write, place: string): Write {
  return (value, sink) => {
    expect(value instanceof Map, place, "Map", value);
    const entries = value as ReadonlyMap<unknown, unknown>;
    if (entries.size > 0) {
      sink.writeLong(entries.size);
      for (const [key, item] of entries) {
        expect(typeof key === "string" && sink.writeString(key), place, "well-formed string keys", key);
        write(item, sink);
      }
    }
    sink.writeByte(0);
  };
}

function compileUnion(schema: AvroUnionSchema, place: string, recursion: Recursion<Write>): Write {
  const writes = schema.map((branch) => recursion.within(() => compile(branch, place, recursion)));
  if (isWrapped(schema)) {
    const names = schema.map(branchNameOf);
    return (value, sink) => {
      const branch = unwrap(schema, names, value);
      expect(branch !== undefined, place, `{ "<branch>": value } with one of ${names.join(" ")}`, value);
      if (branch === undefined) return;
      sink.writeInt(branch.index);
      (writes[branch.index] as Write)(branch.value, sink);
    };
  }
  const nullIndex = schema.findIndex((branch) => branch.type === "null");
  if (schema.length === 2 && nullIndex >= 0) {
    const write = writes[1 - nullIndex] as Write;
    return (value, sink) => {
      const isNull = value === null || value === undefined;
      sink.writeInt(isNull ? nullIndex : 1 - nullIndex);
      if (!isNull) write(value, sink);
    };
  }
  return (value, sink) => {
    const index = schema.findIndex((branch) => fits(branch, value));
    expect(index >= 0, place, schema.map((branch) => branch.type).join(" or "), value);
    sink.writeInt(index);
    (writes[index] as Write)(value, sink);
  };
}

/** Whether a value belongs to a branch, judged by its own kind; what it contains is judged when it is written. */
function fits(branch: AvroTypeSchema, value: unknown): boolean {
  switch (branch.type) {
    case "null":
      return value === null || value === undefined;
    case "int":
      return typeof value === "number" && (value | 0) === value;
    case "long":
      return typeof value === "bigint" || Number.isSafeInteger(value);
    case "float":
    case "double":
      return typeof value === "number";
    case "bytes":
      return value instanceof Uint8Array;
    case "fixed":
      return value instanceof Uint8Array && value.length === branch.size;
    case "enum":
      return typeof value === "string" && hasSymbol(branch, value);
    case "array":
      return Array.isArray(value);
    case "map":
      return value instanceof Map;
    case "record":
      return isPlainObject(value) && branch.fields.every((field) => Object.hasOwn(value, field.name)) && Object.keys(value).length === branch.fields.length;
    case "boolean":
    case "string":
      return typeof value === branch.type;
    default:
      return unreachable(branch);
  }
}

function isPlainObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !(value instanceof Map) && !(value instanceof Uint8Array) && !Array.isArray(value);
}

function expect(condition: boolean, place: string, expected: string, value: unknown): void {
  if (!condition) throw new TypeError(`${place}: expected ${expected}, got ${value === null ? "null" : typeof value}`);
}
