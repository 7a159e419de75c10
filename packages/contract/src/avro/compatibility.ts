import type { Compatibility } from "../contract.ts";
import {
  fullNameOf,
  isUnion,
  logicalTypeOf,
  type AvroEnumSchema,
  type AvroField,
  type AvroFixedSchema,
  type AvroRecordSchema,
  type AvroSchema,
  type AvroTypeSchema,
} from "./schema.ts";

/** The kinds of incompatibility, named as Avro's own libraries and the registries name them. */
export const incompatibilityKinds = [
  "NAME_MISMATCH",
  "FIXED_SIZE_MISMATCH",
  "MISSING_ENUM_SYMBOLS",
  "READER_FIELD_MISSING_DEFAULT_VALUE",
  "TYPE_MISMATCH",
  "MISSING_UNION_BRANCH",
  "LOGICAL_TYPE_MISMATCH",
] as const;

/** One reason why data of the writer's schema cannot be read with the reader's. */
export interface Incompatibility {
  readonly kind: (typeof incompatibilityKinds)[number];
  /** Where in the reader's schema, as a JSON pointer: `/fields/1/type`. */
  readonly path: string;
  /** The same place in words: `items[].price`; empty for the schema itself. */
  readonly field: string;
  /** A sentence that a person understands. */
  readonly reason: string;
  /** What to do about it. */
  readonly remedy: string;
}

/** An incompatibility between a new schema and one that came before it. */
export interface VersionConflict extends Incompatibility {
  /** Index into the earlier schemas, oldest first. */
  readonly against: number;
  /** `backward`: the new schema cannot read the old data; `forward`: the old schema cannot read the new data. */
  readonly direction: "backward" | "forward";
}

/**
 * Whether `next` may follow `earlier` (oldest first) under a level of the registries: every conflict, none if it may.
 * The transitive levels look at all of `earlier`, the others at the last.
 */
export function checkCompatibility(
  next: AvroSchema,
  options: { readonly earlier: readonly AvroSchema[]; readonly level: Compatibility },
): readonly VersionConflict[] {
  const { earlier, level } = options;
  if (level === "NONE") return [];
  const from = level.endsWith("_TRANSITIVE") ? 0 : Math.max(0, earlier.length - 1);
  const conflicts: VersionConflict[] = [];
  for (const [index, old] of earlier.entries()) {
    if (index < from) continue;
    if (!level.startsWith("FORWARD"))
      for (const one of checkReadable({ reader: next, writer: old })) conflicts.push({ ...one, against: index, direction: "backward" });
    if (!level.startsWith("BACKWARD"))
      for (const one of checkReadable({ reader: old, writer: next })) conflicts.push({ ...one, against: index, direction: "forward" });
  }
  return conflicts;
}

/**
 * Every reason why records written with `writer` cannot all be read with `reader`; empty when they can.
 *
 * Source: Apache Avro 1.12 specification, "Schema Resolution". Beyond it, a change of a time's unit is refused:
 * Avro would resolve it, and every value would silently become another moment.
 */
export function checkReadable(options: { readonly reader: AvroSchema; readonly writer: AvroSchema }): readonly Incompatibility[] {
  const found: Incompatibility[] = [];
  compare(options.reader, options.writer, { path: "", field: "" }, found, new Set());
  return found;
}

interface Place {
  readonly path: string;
  readonly field: string;
}
/** Pairs of named types that are being compared further up: assumed readable, so that recursive types end. */
type Open = Set<string>;

function compare(reader: AvroSchema, writer: AvroSchema, at: Place, found: Incompatibility[], open: Open): void {
  if (isUnion(writer)) return compareWriterUnion(reader, writer, at, found, open);
  if (isUnion(reader)) {
    if (!reader.some((branch) => readable(branch, writer, open))) found.push(missingBranch(reader, writer, at));
    return;
  }
  compareTypes(reader, writer, at, found, open);
}

/** Every branch that a writer may have used must be readable; a place inside the writer's union is the branch's index there. */
function compareWriterUnion(reader: AvroSchema, writer: readonly AvroTypeSchema[], at: Place, found: Incompatibility[], open: Open): void {
  for (const [index, branch] of writer.entries()) {
    const place: Place = { ...at, path: `${at.path}/${index}` };
    if (isUnion(reader)) {
      if (!reader.some((candidate) => readable(candidate, branch, open))) found.push(missingBranch(reader, branch, place));
    } else if (branch.type === "null" && reader.type !== "null") {
      const remedy = `Keep it nullable: ["null", ${nameOf(reader)}].`;
      found.push(problem("TYPE_MISMATCH", place, `${named(at)} may be null in old records, but is no longer nullable`, remedy));
    } else compareTypes(reader, branch, place, found, open);
  }
}

function readable(reader: AvroTypeSchema, writer: AvroTypeSchema, open: Open): boolean {
  const found: Incompatibility[] = [];
  compareTypes(reader, writer, { path: "", field: "" }, found, new Set(open));
  return found.length === 0;
}

function compareTypes(reader: AvroTypeSchema, writer: AvroTypeSchema, at: Place, found: Incompatibility[], open: Open): void {
  if (reader.type !== writer.type) {
    if (!promotes(reader.type, writer.type)) {
      const remedy = `Keep ${nameOf(writer)}, or add a new field of type ${nameOf(reader)} beside it.`;
      found.push(problem("TYPE_MISMATCH", at, `${named(at)} was ${nameOf(writer)} and became ${nameOf(reader)}, so old values cannot be read`, remedy));
    } else compareLogical(reader, writer, at, found);
    return;
  }
  switch (reader.type) {
    case "record":
      return compareRecords(reader, writer as AvroRecordSchema, at, found, open);
    case "enum":
      return compareEnums(reader, writer as AvroEnumSchema, at, found);
    case "fixed":
      compareFixed(reader, writer as AvroFixedSchema, at, found);
      return compareLogical(reader, writer, at, found);
    case "array":
      return compare(reader.items, (writer as typeof reader).items, { path: `${at.path}/items`, field: `${at.field}[]` }, found, open);
    case "map":
      return compare(reader.values, (writer as typeof reader).values, { path: `${at.path}/values`, field: `${at.field}{}` }, found, open);
    case "null":
    case "boolean":
    case "int":
    case "long":
    case "float":
    case "double":
    case "bytes":
    case "string":
      return compareLogical(reader, writer, at, found);
    default:
      return reader satisfies never;
  }
}

function compareRecords(reader: AvroRecordSchema, writer: AvroRecordSchema, at: Place, found: Incompatibility[], open: Open): void {
  if (!sameName(reader, writer)) return void found.push(nameMismatch(reader, writer, at));
  const pair = `${fullNameOf(reader)}<${fullNameOf(writer)}`;
  if (open.has(pair)) return;
  open.add(pair);
  for (const [index, field] of reader.fields.entries()) {
    const place: Place = { path: `${at.path}/fields/${index}`, field: at.field === "" ? field.name : `${at.field}.${field.name}` };
    const before = writerFieldOf(field, writer);
    if (before !== undefined) compare(field.type, before.type, { ...place, path: `${place.path}/type` }, found, open);
    else if (!("default" in field)) {
      const remedy = `Give it a default, for example null with the type ["null", ${isUnion(field.type) ? "…" : nameOf(field.type)}].`;
      found.push(
        problem("READER_FIELD_MISSING_DEFAULT_VALUE", place, `${named(place)} is new and has no default, so records without it cannot be read`, remedy),
      );
    }
  }
  open.delete(pair);
}

/** The writer's field of the reader's name, or of one of the reader's aliases. */
function writerFieldOf(field: AvroField, writer: AvroRecordSchema): AvroField | undefined {
  return writer.fields.find((one) => one.name === field.name) ?? writer.fields.find((one) => field.aliases?.includes(one.name) === true);
}

function compareEnums(reader: AvroEnumSchema, writer: AvroEnumSchema, at: Place, found: Incompatibility[]): void {
  if (!sameName(reader, writer)) return void found.push(nameMismatch(reader, writer, at));
  const missing = writer.symbols.filter((symbol) => !reader.symbols.includes(symbol));
  if (missing.length === 0 || reader.default !== undefined) return;
  const place: Place = { ...at, path: `${at.path}/symbols` };
  const remedy = "Keep the symbols, or give the enum a default that stands for what it no longer knows.";
  found.push(problem("MISSING_ENUM_SYMBOLS", place, `${named(at)} no longer has ${missing.join(", ")}, which old records may hold`, remedy));
}

function compareFixed(reader: AvroFixedSchema, writer: AvroFixedSchema, at: Place, found: Incompatibility[]): void {
  if (!sameName(reader, writer)) return void found.push(nameMismatch(reader, writer, at));
  if (reader.size === writer.size) return;
  const place: Place = { ...at, path: `${at.path}/size` };
  found.push(
    problem(
      "FIXED_SIZE_MISMATCH",
      place,
      `${named(at)} had ${writer.size} bytes and now has ${reader.size}`,
      "Keep the size, or use bytes for a new field beside it.",
    ),
  );
}

const units: ReadonlySet<string> = new Set([
  "time-millis",
  "time-micros",
  "timestamp-millis",
  "timestamp-micros",
  "timestamp-nanos",
  "local-timestamp-millis",
  "local-timestamp-micros",
  "local-timestamp-nanos",
]);

function compareLogical(reader: AvroTypeSchema, writer: AvroTypeSchema, at: Place, found: Incompatibility[]): void {
  const [now, before] = [logicalTypeOf(reader), logicalTypeOf(writer)];
  if (now === undefined || before === undefined) return;
  const decimals = now === "decimal" && before === "decimal";
  const sameDecimal =
    decimals && "precision" in reader && "precision" in writer && reader.precision === writer.precision && (reader.scale ?? 0) === (writer.scale ?? 0);
  if ((decimals && !sameDecimal) || (now !== before && units.has(now) && units.has(before))) {
    const remedy = `Keep ${nameOf(writer)}, or add a new field of type ${nameOf(reader)} beside it.`;
    found.push(
      problem("LOGICAL_TYPE_MISMATCH", at, `${named(at)} was ${nameOf(writer)} and became ${nameOf(reader)}, so old values would be read as others`, remedy),
    );
  }
}

/** By the specification names are compared without their namespace; the reader's aliases count as its names. */
function sameName(reader: AvroRecordSchema | AvroEnumSchema | AvroFixedSchema, writer: AvroRecordSchema | AvroEnumSchema | AvroFixedSchema): boolean {
  const short = (name: string): string => name.slice(name.lastIndexOf(".") + 1);
  return [reader.name, ...(reader.aliases ?? [])].some((name) => short(name) === writer.name);
}

const promotions: Readonly<Record<string, readonly string[]>> = {
  int: ["long", "float", "double"],
  long: ["float", "double"],
  float: ["double"],
  string: ["bytes"],
  bytes: ["string"],
};
function promotes(reader: string, writer: string): boolean {
  return promotions[writer]?.includes(reader) === true;
}

function missingBranch(reader: readonly AvroTypeSchema[], writer: AvroTypeSchema, at: Place): Incompatibility {
  const reason = `${named(at)} may hold ${nameOf(writer)} in old records, but only takes ${reader.map(nameOf).join(" or ")} now`;
  return problem("MISSING_UNION_BRANCH", at, reason, `Keep ${nameOf(writer)} among its types.`);
}

function nameMismatch(
  reader: AvroRecordSchema | AvroEnumSchema | AvroFixedSchema,
  writer: AvroRecordSchema | AvroEnumSchema | AvroFixedSchema,
  at: Place,
): Incompatibility {
  const place: Place = { ...at, path: `${at.path}/name` };
  return problem(
    "NAME_MISMATCH",
    place,
    `The ${reader.type} ${fullNameOf(writer)} is now called ${fullNameOf(reader)}`,
    `Keep the name, or add "aliases": ["${fullNameOf(writer)}"].`,
  );
}

function problem(kind: Incompatibility["kind"], at: Place, reason: string, remedy: string): Incompatibility {
  return { kind, path: at.path === "" ? "/" : at.path, field: at.field, reason: `${reason}.`, remedy };
}

function named(at: Place): string {
  return at.field === "" ? "The schema" : `Field ${at.field}`;
}

function nameOf(schema: AvroSchema): string {
  if (isUnion(schema)) return schema.map(nameOf).join(" or ");
  if ("name" in schema) return `${schema.type} ${schema.name}`;
  const logical = logicalTypeOf(schema);
  if (logical === "decimal" && "precision" in schema) return `decimal(${schema.precision}, ${schema.scale ?? 0})`;
  return logical ?? schema.type;
}
