import type { AvroSchema } from "./schema.ts";
import { isUnion, logicalTypeOf } from "./schema.ts";

/** Which of both schemas is the new one. */
export type Changed = "reader" | "writer";

/** What a fault is called: the reason, and what to do about it. */
type Words = readonly [reason: string, remedy: string];
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
  missing(what: string, type: string): Words;
  symbols(what: string, symbols: string): Words;
  size(what: string, bytes: Both<number>): Words;
  logical(what: string, types: Both): Words;
  /** Of a union: what may be written, and all that is read. */
  branch(what: string, types: Both): Words;
  name(kind: string, names: Both): Words;
}

export const wordings: Readonly<Record<Changed, Wording>> = {
  // Old data, read with the new schema.
  reader: {
    nullable: (what, type) => [`${what} may be null in old records, but is no longer nullable`, `Keep it nullable: ["null", ${type}].`],
    type: (what, { reader, writer }) => [`${what} was ${writer} and became ${reader}, so old values cannot be read`, keep(writer, reader)],
    missing: (what, type) => [
      `${what} is new and has no default, so records without it cannot be read`,
      `Give it a default, for example null with the type ["null", ${type}].`,
    ],
    symbols: (what, symbols) => [
      `${what} no longer has ${symbols}, which old records may hold`,
      "Keep the symbols, or give the enum a default that stands for what it no longer knows.",
    ],
    size: (what, { reader, writer }) => [`${what} had ${writer} bytes and now has ${reader}`, "Keep the size, or use bytes for a new field beside it."],
    logical: (what, { reader, writer }) => [`${what} was ${writer} and became ${reader}, so old values would be read as others`, keep(writer, reader)],
    branch: (what, { reader, writer }) => [`${what} may hold ${writer} in old records, but only takes ${reader} now`, `Keep ${writer} among its types.`],
    name: (kind, { reader, writer }) => [`The ${kind} ${writer} is now called ${reader}`, `Keep the name, or add "aliases": ["${writer}"].`],
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
    name: (kind, { reader, writer }) => [`The ${kind} ${reader} is now called ${writer}, which the old schema does not know`, "Keep the name."],
  },
};

function keep(old: string, young: string): string {
  return `Keep ${old}, or add a new field of type ${young} beside it.`;
}

/** A type in a word or two. */
export function nameOf(schema: AvroSchema): string {
  if (isUnion(schema)) return schema.map(nameOf).join(" or ");
  if ("name" in schema) return `${schema.type} ${schema.name}`;
  const logical = logicalTypeOf(schema);
  if (logical === "decimal" && "precision" in schema) return `decimal(${schema.precision}, ${schema.scale ?? 0})`;
  return logical ?? schema.type;
}
