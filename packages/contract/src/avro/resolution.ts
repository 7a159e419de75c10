import { checkReadable } from "./compatibility.ts";
import { promotes, sameName, writerFieldsOf } from "./matching.ts";
import type { AvroRecordSchema, AvroSchema, AvroTypeSchema, AvroUnionSchema } from "./schema.ts";
import { isUnion } from "./schema.ts";

/** Whether a value of a type that holds no others (no enum either), written as `writer`, can be had as `reader` has it. Avro already lets it. */
export type LeafResolves = (writer: AvroTypeSchema, reader: AvroTypeSchema) => boolean;

/**
 * Which types resolve to which: what every reader for (writer, reader) asks, whether it is made of closures or of generated code.
 *
 * Source: Apache Avro 1.12 specification, "Schema Resolution".
 */
export class Resolution {
  readonly #leafResolves: LeafResolves;
  /** Pairs of records that are taken to resolve, in the order in which they were met, and those that do not. */
  readonly #assumed = new Map<AvroRecordSchema, Set<AvroRecordSchema>>();
  readonly #met: (readonly [AvroRecordSchema, AvroRecordSchema])[] = [];
  readonly #refuted = new Map<AvroRecordSchema, Set<AvroRecordSchema>>();

  constructor(leafResolves: LeafResolves) {
    this.#leafResolves = leafResolves;
  }

  /** Whether some value of the writer's type can be read as the reader's. */
  resolves(writer: AvroSchema, reader: AvroSchema): boolean {
    if (isUnion(writer)) return writer.length === 0 || writer.some((branch) => this.resolves(branch, reader));
    if (isUnion(reader)) return reader.some((branch) => this.resolves(writer, branch));
    if (writer.type === "record" && reader.type === "record") return this.#recordResolves(writer, reader);
    if (writer.type === "array" && reader.type === "array") return this.resolves(writer.items, reader.items);
    if (writer.type === "map" && reader.type === "map") return this.resolves(writer.values, reader.values);
    if (writer.type === "enum" && reader.type === "enum") return sameName(reader, writer);
    if (writer.type === "fixed" && reader.type === "fixed" && (writer.size !== reader.size || !sameName(reader, writer))) return false;
    return (writer.type === reader.type || promotes(reader.type, writer.type)) && this.#leafResolves(writer, reader);
  }

  /** The branch of a reader's union that a type is read as; they must resolve. The type's own comes before those that it promotes to. */
  branchFor(writer: AvroTypeSchema, reader: AvroUnionSchema): AvroTypeSchema {
    const good = reader.filter((branch) => this.resolves(writer, branch));
    if (good.length === 1) return good[0] as AvroTypeSchema;
    const rank = (branch: AvroTypeSchema): number =>
      (checkReadable({ reader: branch, writer }).length === 0 ? 0 : 4) + (branch.type === writer.type ? 0 : 2) + (sameFullName(branch, writer) ? 0 : 1);
    const ranked = good.map((branch) => ({ branch, rank: rank(branch) }));
    return ranked.reduce((best, one) => (one.rank < best.rank ? one : best)).branch;
  }

  #recordResolves(writer: AvroRecordSchema, reader: AvroRecordSchema): boolean {
    if (this.#refuted.get(writer)?.has(reader) === true || !sameName(reader, writer)) return false;
    if (this.#assumed.get(writer)?.has(reader) === true) return true;
    const mark = this.#met.length;
    add(this.#assumed, writer, reader);
    this.#met.push([writer, reader]);
    const sources = writerFieldsOf(reader, writer);
    const good = reader.fields.every((field) => {
      const source = sources.get(field);
      return source === undefined ? field.default !== undefined : this.resolves(source.type, field.type);
    });
    if (good) return true;
    // What was taken to resolve on the way may have leaned on this pair.
    for (const [from, to] of this.#met.splice(mark)) this.#assumed.get(from)?.delete(to);
    add(this.#refuted, writer, reader);
    return false;
  }
}

function sameFullName(a: AvroTypeSchema, b: AvroTypeSchema): boolean {
  return !("name" in a) || !("name" in b) || (a.name === b.name && (a.namespace ?? "") === (b.namespace ?? ""));
}

function add(pairs: Map<AvroRecordSchema, Set<AvroRecordSchema>>, writer: AvroRecordSchema, reader: AvroRecordSchema): void {
  const readers = pairs.get(writer) ?? new Set();
  pairs.set(writer, readers.add(reader));
}
