import { ContractError } from "../errors.ts";
import { ByteSink } from "./byte-sink.ts";
import { ByteSource } from "./byte-source.ts";
import { checkReadable } from "./compatibility.ts";
import { DefaultJudge } from "./default-judge.ts";
import { defaultToValue } from "./default-value.ts";
import { writerFieldsOf } from "./matching.ts";
import type { Read } from "./reader.ts";
import {
  bytesMinOf,
  compileReader,
  countingDefaults,
  countingEmptyItems,
  defaultsPerByte,
  hasEmptyItems,
  readArray,
  readBack,
  readBranch,
  readMap,
  symbolOf,
  wrapping,
} from "./reader.ts";
import { Recursion } from "./recursion.ts";
import { Resolution } from "./resolution.ts";
import type { AvroEnumSchema, AvroField, AvroRecordSchema, AvroSchema, AvroTypeSchema, AvroUnionSchema } from "./schema.ts";
import { isUnion } from "./schema.ts";
import { isWrapped } from "./union.ts";
import { compileWriter } from "./writer.ts";

/**
 * Reads a value of a type that holds no others (no enum either), written as `writer`, as `reader` has it; undefined where that cannot be.
 * Both have the same Avro type, or the writer's promotes to the reader's.
 */
export type CompileLeaf = (writer: AvroTypeSchema, reader: AvroTypeSchema) => Read | undefined;

/**
 * Compiles a reader of what was written with `writer` that gives values of `reader`: fields by name or alias, defaults for what was not written,
 * numbers, strings and bytes promoted, enums by symbol with the reader's default for others, unions in both directions, types that contain themselves.
 * Values are as `compileReader` gives them; `leaf` can give others.
 *
 * In a reader's union the branch of the writer's own type (by full name, if it has one) comes before those that it promotes to; the specification
 * takes whichever stands first. What only some values cannot be read as (a branch of the writer's union, null, a symbol without a default)
 * is `avro.malformed` when it is met. Schemas that no value gets through are `contract.incompatible`, thrown here, with `facts.incompatibilities`.
 *
 * Source: Apache Avro 1.12 specification, "Schema Resolution" and "Aliases".
 */
export function compileResolvingReader(options: { readonly writer: AvroSchema; readonly reader: AvroSchema }, leaf: CompileLeaf = rawLeaf): Read {
  const { writer, reader } = options;
  const resolver = new Resolver(leaf);
  if (!resolver.resolves(writer, reader)) throw incompatible(writer, reader);
  const read = resolver.compile(writer, reader, "");
  return resolver.counts || hasEmptyItems(writer) ? countingEmptyItems(read) : read;
}

/** The values of a field's default, as readers with this leaf give them; a fresh one on each call. Undefined when the field has no default. */
export function compileDefaultWith(field: AvroField, leaf: CompileLeaf): (() => unknown) | undefined {
  return new Resolver(leaf).compileDefault(field);
}

function rawLeaf(writer: AvroTypeSchema, reader: AvroTypeSchema): Read | undefined {
  if (writer.type === reader.type) return compileReader(writer);
  const to = reader.type;
  if (to === "string" || to === "bytes") return compileReader(reader);
  return promoted(compileReader(writer), to);
}

/** A number as a wider type has it. */
export function promoted(read: Read, to: AvroTypeSchema["type"]): Read {
  if (to === "long") return read;
  return to === "float" ? (source) => Math.fround(Number(read(source))) : (source) => Number(read(source));
}

class Resolver {
  /** Whether what was compiled counts the values of defaults. */
  counts = false;
  readonly #leaf: CompileLeaf;
  readonly #recursion = new Recursion<Read>();
  readonly #resolution: Resolution;

  constructor(leaf: CompileLeaf) {
    this.#leaf = leaf;
    this.#resolution = new Resolution((writer, reader) => leaf(writer, reader) !== undefined);
  }

  resolves(writer: AvroSchema, reader: AvroSchema): boolean {
    return this.#resolution.resolves(writer, reader);
  }

  /** The schemas must resolve. */
  compile(writer: AvroSchema, reader: AvroSchema, path: string): Read {
    if (isUnion(writer)) return this.#writerUnion(writer, reader, path);
    if (isUnion(reader)) return this.#readerUnion(writer, reader, path);
    if (writer.type === "record" && reader.type === "record") return this.#recursion.once(writer, reader, () => this.#record(writer, reader, path), readBack);
    if (writer.type === "array" && reader.type === "array") {
      const read = this.#recursion.within(() => this.compile(writer.items, reader.items, `${path}[]`));
      const bytesMin = bytesMinOf(writer.items);
      return (source) => readArray(source, read, bytesMin);
    }
    if (writer.type === "map" && reader.type === "map") {
      const read = this.#recursion.within(() => this.compile(writer.values, reader.values, `${path}{}`));
      return (source) => readMap(source, read);
    }
    if (writer.type === "enum" && reader.type === "enum") return compileEnum(writer, reader);
    return this.#leaf(writer, reader) as Read;
  }

  #writerUnion(writer: AvroUnionSchema, reader: AvroSchema, path: string): Read {
    const reads = writer.map((branch): Read => {
      if (this.resolves(branch, reader)) return this.#recursion.within(() => this.compile(branch, reader, path));
      const name = "name" in branch ? branch.name : branch.type;
      return (source) => {
        throw source.malformed(`${path === "" ? "the value" : path} is ${name}, which the reader's schema does not take`);
      };
    });
    const [first, second] = reads;
    if (reads.length === 2 && first !== undefined && second !== undefined) return (source) => (readBranch(source, 2) === 0 ? first(source) : second(source));
    return (source) => (reads[readBranch(source, reads.length)] as Read)(source);
  }

  #readerUnion(writer: AvroTypeSchema, reader: AvroUnionSchema, path: string): Read {
    const branch = this.#resolution.branchFor(writer, reader);
    const read = this.#recursion.within(() => this.compile(writer, branch, path));
    return isWrapped(reader) ? wrapping(branch, read) : read;
  }

  #record(writer: AvroRecordSchema, reader: AvroRecordSchema, path: string): Read {
    const targets = new Map(Array.from(writerFieldsOf(reader, writer), ([field, source]) => [source, field]));
    const steps = writer.fields.map((field) => {
      const target = targets.get(field);
      if (target === undefined) return { name: undefined, read: this.#recursion.within(() => this.compile(field.type, field.type, "")) };
      const inner = path === "" ? target.name : `${path}.${target.name}`;
      return { name: target.name, read: this.#recursion.within(() => this.compile(field.type, target.type, inner)) };
    });
    const written = new Set(targets.values());
    const added = reader.fields.filter((field) => !written.has(field));
    const missing = added.map((field) => ({ name: field.name, make: this.#recursion.within(() => this.compileDefault(field)) as () => unknown }));
    // Properties come in the order of their first assignment: the reader's. A copy of an object that has them all is faster than adding them one by one.
    const template: Record<string, unknown> = Object.fromEntries(reader.fields.map((field) => [field.name, undefined]));
    const read: Read = (source) => {
      const record = { ...template };
      for (const step of steps) {
        const value = step.read(source);
        if (step.name !== undefined) record[step.name] = value;
      }
      for (const field of missing) record[field.name] = field.make();
      return record;
    };
    const values = unpaidDefaults(writer, added);
    if (values === 0) return read;
    this.counts = true;
    return countingDefaults(read, values);
  }

  compileDefault(field: AvroField): (() => unknown) | undefined {
    const bytes = defaultBytes(field);
    if (bytes === undefined) return undefined;
    const read = this.compile(field.type, field.type, field.name);
    // Within a type that contains itself this read may lead back to a record that is still being compiled: only later can it be called.
    if (field.default === null) return constant(null);
    return isFresh(field) ? () => read(new ByteSource(bytes)) : constant(read(new ByteSource(bytes)));
  }
}

/** A field's default in Avro binary. */
export function defaultBytes(field: AvroField): Uint8Array<ArrayBuffer> | undefined {
  if (field.default === undefined) return undefined;
  const sink = new ByteSink(64);
  compileWriter(field.type)(defaultToValue(field.type, field.default), sink);
  return sink.copy();
}

/**
 * How many values the defaults of the fields that are added to a record make each time, by the memory that they take; 0 where the bytes of every such
 * record pay for them.
 */
export function unpaidDefaults(writer: AvroRecordSchema, added: readonly AvroField[]): number {
  const judge = new DefaultJudge();
  const valuesOf = (field: AvroField): number => Number(judge.judge(field.type, field.default));
  const bytesOf = (field: AvroField): number =>
    isFresh(field) ? Math.max(valuesOf(field) * bytesPerValue, (defaultBytes(field) as Uint8Array).length) : bytesPerProperty;
  const values = Math.ceil(added.reduce((sum, field) => sum + bytesOf(field), 0) / bytesPerValue);
  return values > bytesMinOf(writer) * defaultsPerByte ? values : 0;
}

const bytesPerValue = 16;
/** What a value takes that all records share. */
const bytesPerProperty = 8;

/** Whether each record needs a default of its own: values that are objects, and those of unions. */
function isFresh({ type, default: value }: AvroField): boolean {
  return value !== null && (isUnion(type) || ["record", "array", "map", "bytes", "fixed"].includes(type.type));
}

function constant(value: unknown): () => unknown {
  return () => value;
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

function incompatible(writer: AvroSchema, reader: AvroSchema): ContractError {
  const incompatibilities = checkReadable({ writer, reader });
  const [first] = incompatibilities;
  const more = incompatibilities.length > 1 ? ` (and ${incompatibilities.length - 1} more)` : "";
  const message = first === undefined ? "No value of the writer's schema can be read with the reader's." : `${first.reason} ${first.remedy}${more}`;
  return new ContractError("contract.incompatible", message, { path: first?.field ?? "", incompatibilities });
}
