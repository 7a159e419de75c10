import type { Compatibility } from "../contract.ts";
import { kindOf } from "../value-kind.ts";
import type { Changed, Wording, Words } from "./incompatibility-words.ts";
import { listed, nameOf, notCompared, wordings } from "./incompatibility-words.ts";
import { otherTime, promotes, sameName, writerFieldsOf, type AvroNamedSchema } from "./matching.ts";
import type { AvroEnumSchema, AvroFixedSchema, AvroRecordSchema, AvroSchema, AvroTypeSchema, AvroUnionSchema } from "./schema.ts";
import { aliasesOf, fullNameOf, isUnion, primitiveTypes, schemaLimits } from "./schema.ts";

/** The kinds of incompatibility, named as Avro's own libraries and the registries name them; the last two are ours. */
export const incompatibilityKinds = [
  "NAME_MISMATCH",
  "FIXED_SIZE_MISMATCH",
  "MISSING_ENUM_SYMBOLS",
  "READER_FIELD_MISSING_DEFAULT_VALUE",
  "TYPE_MISMATCH",
  "MISSING_UNION_BRANCH",
  "LOGICAL_TYPE_MISMATCH",
  "NOT_COMPARED",
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
 * Whether `next` may follow `earlier` (oldest first) under a level of the registries: its conflicts, none if it may.
 * The transitive levels look at all of `earlier`, the others at the last. As many are told, and as much is compared, as by one `checkReadable`.
 */
export function checkCompatibility(
  next: AvroSchema,
  options: { readonly earlier: readonly AvroSchema[]; readonly level: Compatibility },
): readonly VersionConflict[] {
  const { earlier, level } = options;
  if (level === "NONE") return [];
  const from = level.endsWith("_TRANSITIVE") ? 0 : Math.max(0, earlier.length - 1);
  const search = new Search();
  const conflicts: VersionConflict[] = [];
  for (const [against, old] of earlier.entries()) {
    if (against < from) continue;
    if (!level.startsWith("FORWARD"))
      for (const one of faultsOf({ reader: next, writer: old }, search)) conflicts.push({ ...one, against, direction: "backward" });
    if (!level.startsWith("BACKWARD"))
      for (const one of faultsOf({ reader: old, writer: next, changed: "writer" }, search)) conflicts.push({ ...one, against, direction: "forward" });
  }
  return search.told(conflicts);
}

interface Both {
  readonly reader: AvroSchema;
  readonly writer: AvroSchema;
  readonly changed?: Changed;
}

/**
 * The reasons why records written with `writer` cannot all be read with `reader`; none when they can. The sentences say what the one that changed
 * became: the reader, if nothing else is said. At most `schemaLimits.issuesMax` are told, the last of which says that there are more.
 *
 * What is too much to compare is refused, as `NOT_COMPARED`: types that contain themselves, and unions of types of one name, can be paired in
 * millions of ways.
 *
 * Source: Apache Avro 1.12 specification, "Schema Resolution". Beyond it, a change of a time's unit is refused:
 * Avro would resolve it, and every value would silently become another moment.
 */
export function checkReadable(options: Both): readonly Incompatibility[] {
  const search = new Search();
  return search.told(faultsOf(options, search));
}

function faultsOf({ reader, writer, changed = "reader" }: Both, search: Search): readonly Incompatibility[] {
  if (search.isOver) return [];
  const on = new Comparison(wordings[changed], search);
  compare(reader, writer, root, on);
  return search.isSpent ? [...on.found, problem("NOT_COMPARED", root, notCompared)] : on.found;
}

/** What one call may find and look at, in however many schemas. */
class Search {
  /** Types, fields, symbols and aliases: some hundred times those of a schema of the largest size, or a second. */
  #steps = 2_000_000;
  #faults: number = schemaLimits.issuesMax;
  #hasMore = false;

  get isOver(): boolean {
    return this.#hasMore || this.isSpent;
  }

  /** Whether it was given up. */
  get isSpent(): boolean {
    return this.#steps < 0;
  }

  /** False when it is given up: also so far down, where only types lead that contain themselves otherwise than before, as the stack would not hold it. */
  spend(steps: number, { depth }: Place): boolean {
    this.#steps = depth > 500 ? -1 : this.#steps - steps;
    return !this.isSpent;
  }

  /** Whether one more fault is told. */
  takes(): boolean {
    this.#hasMore = this.#faults === 0;
    if (!this.#hasMore) this.#faults--;
    return !this.#hasMore;
  }

  told<Fault extends Incompatibility>(faults: readonly Fault[]): readonly Fault[] {
    const last = faults.at(-1);
    if (last === undefined || !this.#hasMore) return faults;
    return [...faults.slice(0, -1), { ...last, reason: `${last.reason} There are more faults than these ${faults.length}.` }];
  }
}

/**
 * The faults between two schemas, and the pairs of named types that were met. A pair that is met again is taken as readable: if it is not, that was found,
 * or will be, where it was met first. Only a trial of a union's branch that fails forgets what it assumed.
 */
class Comparison {
  readonly found: Incompatibility[] = [];
  readonly search: Search;
  readonly #wording: Wording;
  readonly #assumed = new Pairs();
  readonly #order: (readonly [AvroNamedSchema, AvroNamedSchema])[] = [];
  readonly #refuted = new Pairs();
  readonly #branches = new Map<AvroUnionSchema, ReadonlyMap<string, readonly AvroTypeSchema[]>>();
  #trials = 0;
  #hasFailed = false;

  constructor(wording: Wording, search: Search) {
    this.#wording = wording;
    this.search = search;
  }

  /** Whether it is only asked if, not why. */
  get isTrying(): boolean {
    return this.#trials > 0;
  }

  /** Whether the rest need not be looked at. */
  get isOver(): boolean {
    return this.#hasFailed || this.search.isOver;
  }

  /** A fault. In a trial the first ends it, and nobody sees its sentences. */
  tell(kind: Incompatibility["kind"], at: Place, words: (wording: Wording) => Words): void {
    if (this.isTrying) this.#hasFailed = true;
    else if (!this.isOver && this.search.takes()) this.found.push(problem(kind, at, words(this.#wording)));
  }

  isAssumed(reader: AvroNamedSchema, writer: AvroNamedSchema): boolean {
    if (this.#assumed.has(reader, writer)) return true;
    this.#assumed.add(reader, writer);
    this.#order.push([reader, writer]);
    return false;
  }

  /** The outcome of a trial; one that failed for two named types is remembered, as no assumption can have made it fail. */
  try(reader: AvroTypeSchema, writer: AvroTypeSchema, at: Place): boolean {
    const isNamed = "name" in reader && "name" in writer;
    if (this.isOver || !this.search.spend(1, at) || (isNamed && this.#refuted.has(reader, writer))) return false;
    const mark = this.#order.length;
    this.#trials++;
    compareTypes(reader, writer, at, this);
    this.#trials--;
    if (!this.isOver) return true;
    this.#hasFailed = false;
    for (const [one, other] of this.#order.splice(mark)) this.#assumed.delete(one, other);
    if (isNamed) this.#refuted.add(reader, writer);
    return false;
  }

  /** The types of a reader's union that may read another: those of its name if it has one, else of its Avro type or one that it promotes to. */
  *candidates(reader: AvroUnionSchema, writer: AvroTypeSchema): Generator<AvroTypeSchema> {
    const branches = this.#branches.get(reader) ?? branchesByKey(reader);
    this.#branches.set(reader, branches);
    const keys = "name" in writer ? [keyOf(writer), aliasKey(writer, fullNameOf(writer))] : [writer.type, ...promotedFrom(writer)];
    for (const key of keys) yield* branches.get(key) ?? [];
  }
}

class Pairs {
  readonly #writers = new Map<AvroNamedSchema, Set<AvroNamedSchema>>();

  has(reader: AvroNamedSchema, writer: AvroNamedSchema): boolean {
    return this.#writers.get(reader)?.has(writer) === true;
  }

  add(reader: AvroNamedSchema, writer: AvroNamedSchema): void {
    const writers = this.#writers.get(reader) ?? new Set();
    this.#writers.set(reader, writers.add(writer));
  }

  delete(reader: AvroNamedSchema, writer: AvroNamedSchema): void {
    this.#writers.get(reader)?.delete(writer);
  }
}

/** By what a writer's type asks for, so that unions of thousands of types are not compared each with each. */
function branchesByKey(union: AvroUnionSchema): ReadonlyMap<string, readonly AvroTypeSchema[]> {
  const branches = new Map<string, AvroTypeSchema[]>();
  for (const branch of union) {
    const keys = "name" in branch ? [keyOf(branch), ...aliasesOf(branch).map((alias) => aliasKey(branch, alias))] : [branch.type];
    for (const key of keys) {
      const known = branches.get(key);
      if (known === undefined) branches.set(key, [branch]);
      else known.push(branch);
    }
  }
  return branches;
}

function keyOf({ type, name }: AvroNamedSchema): string {
  return `${type} ${name}`;
}

function aliasKey({ type }: AvroNamedSchema, alias: string): string {
  return `${type} alias ${alias}`;
}

function promotedFrom(writer: AvroTypeSchema): readonly string[] {
  return primitiveTypes.filter((reader) => promotes(reader, writer.type));
}

interface Place {
  readonly path: string;
  readonly field: string;
  /** How many types and fields lead here. */
  readonly depth: number;
  /** Within a type of a reader's union, the path of what was written: all that is wrong in there is a fault of the union. */
  readonly union?: string;
}
const root: Place = { path: "", field: "", depth: 0 };

function compare(reader: AvroSchema, writer: AvroSchema, at: Place, on: Comparison): void {
  if (isUnion(writer)) return compareWriterUnion(reader, writer, at, on);
  if (isUnion(reader)) return compareReaderUnion(reader, writer, at, on);
  compareTypes(reader, writer, at, on);
}

/** Every branch that a writer may have used must be readable; a place inside the writer's union is the branch's index there. */
function compareWriterUnion(reader: AvroSchema, writer: AvroUnionSchema, at: Place, on: Comparison): void {
  const readers = isUnion(reader) ? reader : [reader];
  for (const [index, branch] of writer.entries()) {
    if (on.isOver) return;
    const place = within(at, `/${index}`);
    if (isUnion(reader)) compareReaderUnion(reader, branch, place, on);
    else if (on.candidates(readers, branch).next().done === false) compareTypes(reader, branch, place, on);
    else if (branch.type === "null") on.tell("TYPE_MISMATCH", place, (words) => words.nullable(named(at), nameOf(reader)));
    else {
      const isRenamed = reader.type === branch.type;
      const words = (wording: Wording): Words => wording.branch(named(at), bothNames(reader, branch));
      on.tell(isRenamed ? "NAME_MISMATCH" : "TYPE_MISMATCH", isRenamed ? within(place, "/name") : place, words);
    }
  }
}

function compareReaderUnion(reader: AvroUnionSchema, writer: AvroTypeSchema, at: Place, on: Comparison): void {
  let twin: AvroTypeSchema | undefined;
  for (const branch of on.candidates(reader, writer)) {
    if (on.try(branch, writer, at)) return;
    if (branch.type === writer.type) twin ??= branch;
  }
  // What is wrong with its own type in there, if that is there still: nothing where that is told already, of the same two types in another place.
  if (twin !== undefined && !on.isTrying) compareTypes(twin, writer, { ...at, union: at.union ?? at.path }, on);
  else on.tell("MISSING_UNION_BRANCH", at, (words) => words.branch(named(at), bothNames(reader, writer)));
}

function compareTypes(reader: AvroTypeSchema, writer: AvroTypeSchema, at: Place, on: Comparison): void {
  if (!on.search.spend(1, at)) return;
  if (reader.type !== writer.type && !promotes(reader.type, writer.type))
    return on.tell("TYPE_MISMATCH", at, (words) => words.type(named(at), bothNames(reader, writer)));
  switch (reader.type) {
    case "record":
    case "enum":
    case "fixed":
      return compareNamed(reader, writer as AvroNamedSchema, at, on);
    case "array":
      return compare(reader.items, (writer as typeof reader).items, inside(at, "/items", `${at.field}[]`), on);
    case "map":
      return compare(reader.values, (writer as typeof reader).values, inside(at, "/values", `${at.field}{}`), on);
    case "null":
    case "boolean":
    case "int":
    case "long":
    case "float":
    case "double":
    case "bytes":
    case "string":
      return compareLogical(reader, writer, at, on);
    default:
      return reader satisfies never;
  }
}

/** Two of one Avro type. What they hold is compared under other names too: it does not fit either when the name is mended. */
function compareNamed(reader: AvroNamedSchema, writer: AvroNamedSchema, at: Place, on: Comparison): void {
  if (on.isAssumed(reader, writer) || !on.search.spend(sizeOf(reader) + sizeOf(writer), at)) return;
  if (!sameName(reader, writer)) on.tell("NAME_MISMATCH", within(at, "/name"), (words) => words.name({ reader, writer }, at.field));
  if (reader.type === "record") return compareFields(reader, writer as AvroRecordSchema, at, on);
  if (reader.type === "enum") return compareSymbols(reader, writer as AvroEnumSchema, at, on);
  const bytes = { reader: reader.size, writer: (writer as AvroFixedSchema).size };
  if (bytes.reader !== bytes.writer) on.tell("FIXED_SIZE_MISMATCH", within(at, "/size"), (words) => words.size(named(at), bytes));
  compareLogical(reader, writer, at, on);
}

/** The steps that a comparison with the type itself takes. */
function sizeOf(schema: AvroNamedSchema): number {
  const aliases = schema.aliases?.length ?? 0;
  if (schema.type === "record") return schema.fields.reduce((size, field) => size + 1 + (field.aliases?.length ?? 0), aliases);
  return schema.type === "enum" ? aliases + schema.symbols.length : aliases;
}

function compareFields(reader: AvroRecordSchema, writer: AvroRecordSchema, at: Place, on: Comparison): void {
  const fields = writerFieldsOf(reader, writer);
  for (const [index, field] of reader.fields.entries()) {
    if (on.isOver) return;
    const place = inside(at, `/fields/${index}`, at.field === "" ? field.name : `${at.field}.${field.name}`);
    const before = fields.get(field);
    if (before !== undefined) compare(field.type, before.type, within(place, "/type"), on);
    else if (!("default" in field)) on.tell("READER_FIELD_MISSING_DEFAULT_VALUE", place, (words) => words.missing(named(place)));
  }
}

function compareSymbols(reader: AvroEnumSchema, writer: AvroEnumSchema, at: Place, on: Comparison): void {
  if (reader.default !== undefined) return;
  const known = new Set(reader.symbols);
  const missing = writer.symbols.filter((symbol) => !known.has(symbol));
  if (missing.length > 0) on.tell("MISSING_ENUM_SYMBOLS", within(at, "/symbols"), (words) => words.symbols(named(at), listed(missing, String, ", ")));
}

function compareLogical(reader: AvroTypeSchema, writer: AvroTypeSchema, at: Place, on: Comparison): void {
  const decimals = kindOf(reader) === "decimal" && kindOf(writer) === "decimal";
  const sameDecimal =
    decimals && "precision" in reader && "precision" in writer && reader.precision === writer.precision && (reader.scale ?? 0) === (writer.scale ?? 0);
  if ((decimals && !sameDecimal) || otherTime(reader, writer))
    on.tell("LOGICAL_TYPE_MISMATCH", at, (words) => words.logical(named(at), bothNames(reader, writer)));
}

function problem(kind: Incompatibility["kind"], at: Place, [reason, remedy]: Words): Incompatibility {
  const path = at.union ?? at.path;
  const told = { path: path === "" ? "/" : path, field: at.field, reason: `${cut(reason)}.`, remedy: cut(remedy) };
  return { kind: at.union === undefined ? kind : "MISSING_UNION_BRANCH", ...told };
}

/** Names may be as long as a schema. */
function cut(sentence: string): string {
  return sentence.length <= 2_000 ? sentence : `${sentence.slice(0, 2_000)}…`;
}

function bothNames(reader: AvroSchema, writer: AvroTypeSchema): { readonly reader: string; readonly writer: string } {
  return { reader: nameOf(reader), writer: nameOf(writer) };
}

/** A part of the schema one level further down. */
function inside(at: Place, path: string, field: string): Place {
  return { ...within(at, path), field, depth: at.depth + 1 };
}

/** A part that has no name of its own in words. */
function within(at: Place, path: string): Place {
  return { ...at, path: `${at.path}${path}` };
}

function named(at: Place): string {
  return at.field === "" ? "The schema" : `Field ${at.field}`;
}
