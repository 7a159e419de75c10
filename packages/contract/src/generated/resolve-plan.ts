import { writerFieldsOf } from "../avro/matching.ts";
import { bytesMinOf } from "../avro/reader.ts";
import { Resolution } from "../avro/resolution.ts";
import { defaultBytes, unpaidDefaults } from "../avro/resolving-reader.ts";
import type { AvroEnumSchema, AvroField, AvroRecordSchema, AvroSchema, AvroTypeSchema, AvroUnionSchema } from "../avro/schema.ts";
import { isUnion, schemaLimits } from "../avro/schema.ts";
import { branchNameOf, isWrapped } from "../avro/union.ts";
import { leafFormOf } from "../records/native-reader.ts";
import { kindOf } from "../value-kind.ts";
import type { LeafKind } from "./plan.ts";
import { nodesMax, nodesOf } from "./plan.ts";

/**
 * How what was written with one schema is read with another: a tree in the order of the written bytes, with all that schema resolution decides worked
 * out once. Each generated reader (to objects, to columns) is a walker over this tree; one schema reads itself by the same tree.
 */
export type ReadNode = ReadLeaf | ReadEnum | ReadArray | ReadMap | ReadRecord | ReadUnion | ReadWrapped | RefusedBranch;

/** Everything that holds no other values, but for enums. */
export interface ReadLeaf {
  readonly kind: Exclude<LeafKind, "enum">;
  /** What the bytes are read as and held to: `kind` is its kind. It is the reader's type, but for promoted numbers. */
  readonly schema: AvroTypeSchema;
  /** Makes a number of the value: `Math.fround(Number(value))` or `Number(value)`. */
  readonly promote: "float" | "double" | undefined;
}
export interface ReadEnum {
  readonly kind: "enum";
  /** The reader's symbol for each of the writer's; undefined where it has none, which is malformed when it is met. */
  readonly symbols: readonly (string | undefined)[];
}
export interface ReadArray {
  readonly kind: "array";
  readonly items: ReadNode;
  /** The fewest bytes that an item takes as it was written, at least one. */
  readonly bytesMin: number;
}
export interface ReadMap {
  readonly kind: "map";
  readonly values: ReadNode;
}
export interface ReadRecord {
  readonly kind: "record";
  readonly reader: AvroRecordSchema;
  /** In the order of the bytes. */
  readonly steps: readonly ReadStep[];
  /** The reader's fields that were not written. */
  readonly missing: readonly MissingField[];
}
export interface ReadStep {
  /** Which of `reader.fields` the value belongs to; undefined when it is skipped. What is skipped is held to its type all the same. */
  readonly target: number | undefined;
  readonly node: ReadNode;
}
export interface MissingField {
  /** Which of `reader.fields`. */
  readonly target: number;
  readonly field: AvroField;
  /** Its default in Avro binary, as the reader's schema writes it. */
  readonly fallback: Uint8Array;
}
/** A union of the writer: the branch that follows its number. A nullable type is one with a branch that is the leaf `null`. */
export interface ReadUnion {
  readonly kind: "union";
  readonly branches: readonly ReadNode[];
}
/** A branch of a union whose values stand as `{ name: value }`. */
export interface ReadWrapped {
  readonly kind: "wrapped";
  readonly name: string;
  readonly of: ReadNode;
}
/** A branch of the writer that the reader does not take: malformed when it is met. */
export interface RefusedBranch {
  readonly kind: "refused";
}

/**
 * The plan of reading natives of `reader` from what was written with `writer`. Undefined where no code is generated: types that contain themselves, items
 * that take no bytes, or few for what defaults add to them, schemas that are too large, and schemas that do not resolve (`compileDecoder` says why).
 */
export function readPlanOf({ writer, reader }: { readonly writer: AvroRecordSchema; readonly reader: AvroRecordSchema }): ReadRecord | undefined {
  const planner = new ReadPlanner();
  return planner.plan(writer, reader);
}

const refused: RefusedBranch = { kind: "refused" };

class ReadPlanner {
  readonly #resolution = new Resolution((writer, reader) => leafFormOf(writer, reader) !== undefined);
  #nodes = 0;
  /** How many arrays and maps the walk is within. */
  #lists = 0;
  #whole = true;

  plan(writer: AvroRecordSchema, reader: AvroRecordSchema): ReadRecord | undefined {
    if (!this.#resolution.resolves(writer, reader)) return undefined;
    const plan = this.#record(writer, reader, 0);
    return this.#whole ? plan : undefined;
  }

  /** The schemas must resolve. */
  #walk(writer: AvroSchema, reader: AvroSchema, depth: number): ReadNode {
    if ((this.#nodes += nodesOf(writer)) > nodesMax || depth > schemaLimits.depthMax) this.#whole = false;
    if (!this.#whole) return refused;
    if (isUnion(writer)) return this.#union(writer, reader, depth);
    if (isUnion(reader)) {
      const branch = this.#resolution.branchFor(writer, reader);
      const of = this.#walk(writer, branch, depth + 1);
      return isWrapped(reader) && branch.type !== "null" ? { kind: "wrapped", name: branchNameOf(branch), of } : of;
    }
    if (writer.type === "record" && reader.type === "record") return this.#record(writer, reader, depth);
    if (writer.type === "array" && reader.type === "array") {
      const bytesMin = bytesMinOf(writer.items);
      if (bytesMin === 0) this.#whole = false;
      return { kind: "array", items: this.#items(writer.items, reader.items, depth), bytesMin };
    }
    if (writer.type === "map" && reader.type === "map") return { kind: "map", values: this.#items(writer.values, reader.values, depth) };
    if (writer.type === "enum" && reader.type === "enum") return { kind: "enum", symbols: symbolsOf(writer, reader) };
    const { schema, promote } = leafFormOf(writer, reader) as NonNullable<ReturnType<typeof leafFormOf>>;
    return { kind: kindOf(schema) as ReadLeaf["kind"], schema, promote };
  }

  #items(writer: AvroSchema, reader: AvroSchema, depth: number): ReadNode {
    this.#lists++;
    const node = this.#walk(writer, reader, depth + 1);
    this.#lists--;
    return node;
  }

  #union(writer: AvroUnionSchema, reader: AvroSchema, depth: number): ReadUnion {
    const branches = writer.map((branch) => (this.#resolution.resolves(branch, reader) ? this.#walk(branch, reader, depth + 1) : refused));
    return { kind: "union", branches };
  }

  #record(writer: AvroRecordSchema, reader: AvroRecordSchema, depth: number): ReadRecord {
    const targets = new Map(Array.from(writerFieldsOf(reader, writer), ([field, source]) => [source, field]));
    const written = new Set(targets.values());
    const steps = writer.fields.map((field): ReadStep => {
      const target = targets.get(field);
      const node = this.#walk(field.type, target === undefined ? field.type : target.type, depth + 1);
      return { target: target === undefined ? undefined : reader.fields.indexOf(target), node };
    });
    const added = reader.fields.filter((field) => !written.has(field));
    // Closures count what each record takes of them.
    if (this.#lists > 0 && unpaidDefaults(writer, added) > 0) this.#whole = false;
    const missing = reader.fields.flatMap((field, target): readonly MissingField[] =>
      written.has(field) ? [] : [{ target, field, fallback: defaultBytes(field) as Uint8Array }],
    );
    return { kind: "record", reader, steps, missing };
  }
}

function symbolsOf(writer: AvroEnumSchema, reader: AvroEnumSchema): readonly (string | undefined)[] {
  const known = new Set(reader.symbols);
  return writer.symbols.map((symbol) => (known.has(symbol) ? symbol : reader.default));
}
