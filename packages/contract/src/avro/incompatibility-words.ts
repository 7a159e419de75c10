import { kindOf } from "../value-kind.ts";
import type { AvroNamedSchema } from "./matching.ts";
import type { AvroSchema } from "./schema.ts";
import { aliasesOf, fullNameOf, isUnion, logicalTypeOf } from "./schema.ts";

/** Which of both schemas is the new one. */
export type Changed = "reader" | "writer";

/** What a fault is called: the reason, and what to do about it. */
export type Words = readonly [reason: string, remedy: string];
/** What is compared, by the schema that has it. */
interface Both<What = string> {
  readonly reader: What;
  readonly writer: What;
}

/** The sentences for each kind of fault; `what` is the field, as the subject of the sentence. */
export interface Wording {
  /** Null may be written and is not read. */
  nullable(what: string, type: string): Words;
  type(what: string, types: Both): Words;
  /** The writer lacks a field for which the reader has no default. */
  missing(what: string): Words;
  symbols(what: string, symbols: string): Words;
  size(what: string, bytes: Both<number>): Words;
  logical(what: string, types: Both): Words;
  /** Of a union: what may be written, and all that is read. */
  branch(what: string, types: Both): Words;
  /** `field` is empty for the schema itself. */
  name(types: Both<AvroNamedSchema>, field: string): Words;
}

export const wordings: Readonly<Record<Changed, Wording>> = {
  // Old data, read with the new schema.
  reader: {
    nullable: (what) => [`${what} may be null in old records, but is no longer nullable`, "Keep null among its types."],
    type: (what, { reader, writer }) => [`${what} was ${writer} and became ${reader}, so old values cannot be read`, keep(writer, reader)],
    missing: (what) => [
      `${what} is new and has no default, so records without it cannot be read`,
      "Give it a default, or make it nullable: with null as the first of its types and as its default.",
    ],
    symbols: (what, symbols) => [
      `${what} no longer has ${symbols}, which old records may hold`,
      "Keep the symbols, or give the enum a default that stands for what it no longer knows.",
    ],
    size: (what, { reader, writer }) => [`${what} had ${writer} bytes and now has ${reader}`, "Keep the size, or use bytes for a new field beside it."],
    logical: (what, { reader, writer }) => [`${what} was ${writer} and became ${reader}, so old values would be read as others`, keep(writer, reader)],
    branch: (what, { reader, writer }) => [`${what} may hold ${writer} in old records, but only takes ${reader} now`, `Keep ${writer} among its types.`],
    name: ({ reader, writer }, field) => [
      `The ${writer.type} ${fullNameOf(writer)}${within(field)} is now called ${fullNameOf(reader)}`,
      keepName(reader, writer),
    ],
  },
  // New data, read with the old schema, which nobody can mend any more.
  writer: {
    nullable: (what, type) => [`${what} may be null now, which the old schema does not take`, `Keep ${type}, or add a new field that is nullable beside it.`],
    type: (what, { reader, writer }) => [`${what} was ${reader} and became ${writer}, so the old schema cannot read new values`, keep(reader, writer)],
    missing: (what) => [`${what} is gone, and the old schema has no default for it, so it cannot read new records`, "Keep the field."],
    symbols: (what, symbols) => [`${what} now has ${symbols}, which the old schema does not know and has no default for`, "Leave out what is new."],
    size: (what, { reader, writer }) => [`${what} had ${reader} bytes and now has ${writer}`, "Keep the size, or use bytes for a new field beside it."],
    logical: (what, { reader, writer }) => [
      `${what} was ${reader} and became ${writer}, so the old schema would read new values as others`,
      keep(reader, writer),
    ],
    branch: (what, { reader, writer }) => [
      `${what} may hold ${writer} in new records, but only takes ${reader} in the old schema`,
      `Leave out ${writer}, or add a new field for it.`,
    ],
    name: ({ reader, writer }, field) => [
      `The ${reader.type} ${fullNameOf(reader)}${within(field)} is now called ${fullNameOf(writer)}, which the old schema does not know`,
      "Keep the name.",
    ],
  },
};

/** Of schemas that can be paired in too many ways. */
export const notCompared: Words = [
  "The schemas were compared only in part: there are too many ways to pair their types",
  "Give the types of a union different names, let types contain themselves as they did before, or choose a level that is not transitive.",
];

function keep(old: string, young: string): string {
  return `Keep ${old}, or add a new field of type ${young} beside it.`;
}

/** What has a namespace has no alias without one. */
function keepName(reader: AvroNamedSchema, writer: AvroNamedSchema): string {
  const alias = fullNameOf(writer);
  return aliasesOf({ ...reader, aliases: [alias] }).includes(alias) ? `Keep the name, or add "aliases": ["${alias}"].` : "Keep the name.";
}

function within(field: string): string {
  return field === "" ? "" : ` in field ${field}`;
}

/** A type in a word or two. */
export function nameOf(schema: AvroSchema): string {
  if (isUnion(schema)) return listed(schema, nameOf, " or ") || "nothing";
  const kind = kindOf(schema);
  if (kind === "decimal" && "precision" in schema) {
    const decimal = `decimal(${schema.precision}, ${schema.scale ?? 0})`;
    return schema.type === "fixed" ? `${decimal} as fixed ${schema.name}` : decimal;
  }
  if ("name" in schema) return `${schema.type} ${schema.name}`;
  return kind === schema.type ? kind : (logicalTypeOf(schema) ?? kind);
}

/** The first of many, and how many they are. */
export function listed<Item>(items: readonly Item[], name: (item: Item) => string, between: string): string {
  const names = items.slice(0, listMax).map(name);
  return (items.length > listMax ? [...names, `… (${items.length} in all)`] : names).join(between);
}
const listMax = 12;
