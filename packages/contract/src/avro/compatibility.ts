import type { Compatibility } from "../contract.ts";
import { kindOf } from "../value-kind.ts";
import type { Changed, Wording } from "./incompatibility-words.ts";
import { nameOf, wordings } from "./incompatibility-words.ts";
import { otherTime, promotes, sameName, writerFieldsOf } from "./matching.ts";
import { fullNameOf, isUnion, type AvroEnumSchema, type AvroFixedSchema, type AvroRecordSchema, type AvroSchema, type AvroTypeSchema } from "./schema.ts";

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
      for (const one of checkReadable({ reader: old, writer: next, changed: "writer" })) conflicts.push({ ...one, against: index, direction: "forward" });
  }
  return conflicts;
}

/**
 * Every reason why records written with `writer` cannot all be read with `reader`; empty when they can. The sentences say what the one that changed
 * became: the reader, if nothing else is said.
 *
 * Source: Apache Avro 1.12 specification, "Schema Resolution". Beyond it, a change of a time's unit is refused:
 * Avro would resolve it, and every value would silently become another moment.
 */
export function checkReadable(options: { readonly reader: AvroSchema; readonly writer: AvroSchema; readonly changed?: Changed }): readonly Incompatibility[] {
  const found: Incompatibility[] = [];
  compare(options.reader, options.writer, { path: "", field: "" }, found, new Comparison(wordings[options.changed ?? "reader"]));
  return found;
}

/**
 * How faults are worded, and the pairs of records that were met. A pair that is met again is taken as readable: if it is not, that was found, or will be, where it was met first.
 * Only a trial of a union's branch that fails forgets what it assumed.
 */
class Comparison {
  readonly words: Wording;
  readonly #assumed = new Set<string>();
  readonly #order: string[] = [];
  readonly #refuted = new Set<string>();
  #trials = 0;

  constructor(words: Wording) {
    this.words = words;
  }

  /** Whether it is only asked if, not why. */
  get isTrying(): boolean {
    return this.#trials > 0;
  }

  isAssumed(reader: AvroRecordSchema, writer: AvroRecordSchema): boolean {
    const pair = pairOf(reader, writer);
    if (this.#assumed.has(pair)) return true;
    this.#assumed.add(pair);
    this.#order.push(pair);
    return false;
  }

  /** The outcome of a trial; one that failed for two records is remembered, as no assumption can have made it fail. */
  try(reader: AvroTypeSchema, writer: AvroTypeSchema, trial: () => boolean): boolean {
    const pair = reader.type === "record" && writer.type === "record" ? pairOf(reader, writer) : undefined;
    if (pair !== undefined && this.#refuted.has(pair)) return false;
    const mark = this.#order.length;
    this.#trials++;
    const holds = trial();
    this.#trials--;
    if (holds) return true;
    for (const forgotten of this.#order.splice(mark)) this.#assumed.delete(forgotten);
    if (pair !== undefined) this.#refuted.add(pair);
    return false;
  }
}

function pairOf(reader: AvroRecordSchema, writer: AvroRecordSchema): string {
  return `${fullNameOf(reader)}<${fullNameOf(writer)}`;
}

interface Place {
  readonly path: string;
  readonly field: string;
}
function compare(reader: AvroSchema, writer: AvroSchema, at: Place, found: Incompatibility[], on: Comparison): void {
  if (isUnion(writer)) return compareWriterUnion(reader, writer, at, found, on);
  if (isUnion(reader)) {
    if (!reader.some((branch) => readable(branch, writer, on))) found.push(...whyNone(reader, writer, at, on));
    return;
  }
  compareTypes(reader, writer, at, found, on);
}

/** Every branch that a writer may have used must be readable; a place inside the writer's union is the branch's index there. */
function compareWriterUnion(reader: AvroSchema, writer: readonly AvroTypeSchema[], at: Place, found: Incompatibility[], on: Comparison): void {
  for (const [index, branch] of writer.entries()) {
    const place: Place = { ...at, path: `${at.path}/${index}` };
    if (isUnion(reader)) {
      if (!reader.some((candidate) => readable(candidate, branch, on))) found.push(...whyNone(reader, branch, place, on));
    } else if (branch.type === "null" && reader.type !== "null") {
      found.push(problem("TYPE_MISMATCH", place, on.words.nullable(named(at), nameOf(reader))));
    } else compareTypes(reader, branch, place, found, on);
  }
}

function readable(reader: AvroTypeSchema, writer: AvroTypeSchema, on: Comparison): boolean {
  const found: Incompatibility[] = [];
  return on.try(reader, writer, () => {
    compareTypes(reader, writer, { path: "", field: "" }, found, on);
    return found.length === 0;
  });
}

function compareTypes(reader: AvroTypeSchema, writer: AvroTypeSchema, at: Place, found: Incompatibility[], on: Comparison): void {
  if (reader.type !== writer.type) {
    if (promotes(reader.type, writer.type)) return compareLogical(reader, writer, at, found, on);
    return void found.push(problem("TYPE_MISMATCH", at, on.words.type(named(at), { reader: nameOf(reader), writer: nameOf(writer) })));
  }
  switch (reader.type) {
    case "record":
      return compareRecords(reader, writer as AvroRecordSchema, at, found, on);
    case "enum":
      return compareEnums(reader, writer as AvroEnumSchema, at, found, on);
    case "fixed":
      compareFixed(reader, writer as AvroFixedSchema, at, found, on);
      return compareLogical(reader, writer, at, found, on);
    case "array":
      return compare(reader.items, (writer as typeof reader).items, { path: `${at.path}/items`, field: `${at.field}[]` }, found, on);
    case "map":
      return compare(reader.values, (writer as typeof reader).values, { path: `${at.path}/values`, field: `${at.field}{}` }, found, on);
    case "null":
    case "boolean":
    case "int":
    case "long":
    case "float":
    case "double":
    case "bytes":
    case "string":
      return compareLogical(reader, writer, at, found, on);
    default:
      return reader satisfies never;
  }
}

function compareRecords(reader: AvroRecordSchema, writer: AvroRecordSchema, at: Place, found: Incompatibility[], on: Comparison): void {
  if (!sameName(reader, writer)) return void found.push(nameMismatch(reader, writer, at, on));
  if (on.isAssumed(reader, writer)) return;
  const fields = writerFieldsOf(reader, writer);
  for (const [index, field] of reader.fields.entries()) {
    const place: Place = { path: `${at.path}/fields/${index}`, field: at.field === "" ? field.name : `${at.field}.${field.name}` };
    const before = fields.get(field);
    if (before !== undefined) compare(field.type, before.type, { ...place, path: `${place.path}/type` }, found, on);
    else if (!("default" in field))
      found.push(problem("READER_FIELD_MISSING_DEFAULT_VALUE", place, on.words.missing(named(place), isUnion(field.type) ? "…" : nameOf(field.type))));
  }
}

function compareEnums(reader: AvroEnumSchema, writer: AvroEnumSchema, at: Place, found: Incompatibility[], on: Comparison): void {
  if (!sameName(reader, writer)) return void found.push(nameMismatch(reader, writer, at, on));
  const missing = writer.symbols.filter((symbol) => !reader.symbols.includes(symbol));
  if (missing.length === 0 || reader.default !== undefined) return;
  found.push(problem("MISSING_ENUM_SYMBOLS", { ...at, path: `${at.path}/symbols` }, on.words.symbols(named(at), missing.join(", "))));
}

function compareFixed(reader: AvroFixedSchema, writer: AvroFixedSchema, at: Place, found: Incompatibility[], on: Comparison): void {
  if (!sameName(reader, writer)) return void found.push(nameMismatch(reader, writer, at, on));
  if (reader.size === writer.size) return;
  found.push(problem("FIXED_SIZE_MISMATCH", { ...at, path: `${at.path}/size` }, on.words.size(named(at), { reader: reader.size, writer: writer.size })));
}

function compareLogical(reader: AvroTypeSchema, writer: AvroTypeSchema, at: Place, found: Incompatibility[], on: Comparison): void {
  const decimals = kindOf(reader) === "decimal" && kindOf(writer) === "decimal";
  const sameDecimal =
    decimals && "precision" in reader && "precision" in writer && reader.precision === writer.precision && (reader.scale ?? 0) === (writer.scale ?? 0);
  if ((decimals && !sameDecimal) || otherTime(reader, writer))
    found.push(problem("LOGICAL_TYPE_MISMATCH", at, on.words.logical(named(at), { reader: nameOf(reader), writer: nameOf(writer) })));
}

/**
 * Why no type of a union reads what was written: what is wrong with its own type in there, if that is there still, else that it is gone.
 * Empty where that is told already, of the same two records in another place.
 */
function whyNone(reader: readonly AvroTypeSchema[], writer: AvroTypeSchema, at: Place, on: Comparison): readonly Incompatibility[] {
  const twin = reader.find((branch) => branch.type === writer.type && (!("name" in branch) || sameName(branch, writer as typeof branch)));
  const whole = problem(
    "MISSING_UNION_BRANCH",
    at,
    on.words.branch(named(at), { reader: reader.map(nameOf).join(" or ") || "nothing", writer: nameOf(writer) }),
  );
  // Nobody sees the reasons of a trial.
  if (twin === undefined || on.isTrying) return [whole];
  const within: Incompatibility[] = [];
  compareTypes(twin, writer, at, within, on);
  return within.map(({ field, reason, remedy }) => ({ ...whole, field, reason, remedy }));
}

function nameMismatch(
  reader: AvroRecordSchema | AvroEnumSchema | AvroFixedSchema,
  writer: AvroRecordSchema | AvroEnumSchema | AvroFixedSchema,
  at: Place,
  on: Comparison,
): Incompatibility {
  const names = { reader: fullNameOf(reader), writer: fullNameOf(writer) };
  return problem("NAME_MISMATCH", { ...at, path: `${at.path}/name` }, on.words.name(reader.type, names));
}

function problem(kind: Incompatibility["kind"], at: Place, [reason, remedy]: readonly [string, string]): Incompatibility {
  return { kind, path: at.path === "" ? "/" : at.path, field: at.field, reason: `${reason}.`, remedy };
}

function named(at: Place): string {
  return at.field === "" ? "The schema" : `Field ${at.field}`;
}
