import { checkReadable } from "./avro/compatibility.ts";
import type { AvroField, AvroRecordSchema, AvroSchema } from "./avro/schema.ts";
import { attributeOf, childrenOf, isUnion, unwrapNullable } from "./avro/schema.ts";
import { schemaText } from "./avro/schema-text.ts";
import { formatContract } from "./contract-json.ts";
import { orderFields, type Contract } from "./contract.ts";
import { alignContract, fieldsBefore, nameOwners, namesOf, withNames } from "./field-names.ts";
import { compileDefault } from "./records/native-reader.ts";
import { compileValueText } from "./records/row-text.ts";
import { compareFieldTypes, fieldAttributesOf } from "./type-change.ts";

/** A part of a declaration that may not change so: where, why, and what to do instead. */
export interface RefusedChange {
  readonly path: string;
  readonly reason: string;
  readonly remedy: string;
}

/** Top-level fields that another declaration changes, each by the name that it has then; `removed` by the name that it had. */
export interface FieldChanges {
  readonly added: readonly string[];
  readonly renamed: readonly { readonly from: string; readonly to: string }[];
  /** Their types became wider: every older value is one of the new type too. */
  readonly widened: readonly string[];
  readonly removed: readonly string[];
}
export const noFieldChanges: FieldChanges = { added: [], renamed: [], widened: [], removed: [] };

/** What a new declaration changes of the one before. */
export type SchemaChange =
  /** Nothing at all. */
  | { readonly kind: "identical" }
  /** Records and rows that are there follow by themselves; `changes` says everything that differs, for people. */
  | { readonly kind: "compatible"; readonly fields: FieldChanges; readonly changes: readonly string[] }
  /** Records stay readable, but the rows that are there were made by other rules (`rebuilt` names them): the table has to be built again. */
  | { readonly kind: "rebuild"; readonly rebuilt: readonly string[]; readonly fields: FieldChanges; readonly changes: readonly string[] }
  | { readonly kind: "refused"; readonly refused: readonly RefusedChange[] };

const newDataset = "Keep it as it was, or declare a new dataset that names this one as its predecessor.";
/** What may change at any time: it has no effect on records that are there. */
const free = ["description", "owner", "checks", "compatibility", "sort", "subject", "tags", "retention", "maxAhead"] as const;
/** What decides over the rows that are there: these changes need the table to be built again. */
const rebuilt = ["order", "merge", "deletes", "partition", "immutable"] as const;

/**
 * Judges a new declaration of a dataset against the one that is in force. Fields may be added with a default, renamed by an alias, widened
 * (`compareFieldTypes`), and removed when the declaration says so (`removed`); docs and what has no effect on records that are there may change
 * (`free`). Order, merge, deletes, partition and the default of a field that is there are a `rebuild`; the rest is refused by name.
 * The order in which fields are written does not count: store what `alignContract` gives. The compatibility level is `checkLevel`'s matter.
 */
export function checkSchemaChange(before: Contract, after: Contract): SchemaChange {
  const aligned = alignContract(before, after);
  const pairs = fieldsBefore(before, aligned);
  const names = new Map([...pairs].map(([field, old]) => [old.name, field.name]));
  const old = withNames(before, names);
  const refused: RefusedChange[] = [];
  if (after.name !== before.name) refused.push({ path: "name", reason: `The name was ${before.name}.`, remedy: newDataset });
  if (!same(old.key, after.key)) refused.push({ path: "key", reason: "The key is frozen for the life of a dataset.", remedy: newDataset });
  if (before.predecessor !== after.predecessor)
    refused.push({
      path: "predecessor",
      reason: "Readers move over from the predecessor once, so it is frozen for the life of a dataset.",
      remedy: newDataset,
    });
  const { fields, widenings, defaults } = compareFields(before, after, { aligned, pairs, refused });
  if (refused.length > 0) return { kind: "refused", refused };
  const changed = free.filter((part) => !same(old[part], after[part]));
  const judged = new Set([...fields.widened, ...defaults]);
  const others = changedDetails(before, { aligned, pairs, judged });
  const [rulesBefore, rules] = [formatContract(old), formatContract(after)];
  const parts = rebuilt.filter((part) => !same(sorted(rulesBefore[part]), sorted(rules[part])));
  const again = [...parts, ...defaults.map((name) => `schema.${name}`)];
  const changes = [
    ...fields.added.map((name) => `field ${name} added`),
    ...fields.renamed.map(({ from, to }) => `field ${from} renamed to ${to}`),
    ...widenings.map((widening) => `field ${widening}`),
    ...fields.removed.map((name) => `field ${name} removed`),
    ...changed.map((part) => `${part} changed`),
    ...others,
    ...parts.map((part) => `${part} changed`),
    ...defaults.map((name) => `default of ${name} changed`),
  ];
  if (changes.length === 0) return { kind: "identical" };
  if (again.length > 0) return { kind: "rebuild", rebuilt: again, fields, changes };
  return { kind: "compatible", fields, changes };
}

/**
 * Why the new declaration, aligned, breaks the level that it or the one in force has: under FULL_TRANSITIVE every earlier schema that reads today's
 * records must be able to read its records too. (That it reads theirs, as BACKWARD_TRANSITIVE asks, `checkSchemaChange` sees to.)
 */
export function checkLevel(before: Contract, after: Contract, earlier: readonly AvroRecordSchema[]): readonly RefusedChange[] {
  if (before.compatibility !== "FULL_TRANSITIVE" && after.compatibility !== "FULL_TRANSITIVE") return [];
  // What cannot read today's records any more is no measure: the level may have come later.
  const readers = earlier.filter((reader) => checkReadable({ reader, writer: before.schema }).length === 0);
  const found = readers.flatMap((reader) => checkReadable({ reader, writer: after.schema, changed: "writer" }));
  const refused = found.map(({ field, reason }) => ({
    path: field === "" ? "schema" : `schema.${field}`,
    reason: `Under FULL_TRANSITIVE earlier versions must be able to read new records: ${reason}`,
    remedy: "Keep it as it was, or set compatibility to BACKWARD_TRANSITIVE first.",
  }));
  return [...new Map(refused.map((one) => [one.path, one])).values()];
}

/**
 * A declaration as far as rows that were made under an earlier one can follow it without being built again: its fields, but for new ones, under
 * the rules and defaults of the earlier one. Undefined where these rest on a field that is gone.
 */
export function followWithoutRebuild(before: Contract, after: Contract): Contract | undefined {
  const aligned = alignContract(before, after);
  const pairs = fieldsBefore(before, aligned);
  const old = withNames(before, new Map([...pairs].map(([field, one]) => [one.name, field.name])));
  const fields = aligned.schema.fields.flatMap((field) => {
    const one = pairs.get(field);
    return one === undefined ? [] : [isOtherDefault(one, field) ? withDefaultOf(one, field) : field];
  });
  const kept = new Set(fields.map(({ name }) => name));
  const { order, merge, deletes, partition, immutable, sort } = old;
  if (!rulesOf(old).every((name) => kept.has(name))) return undefined;
  const { deletes: _deletes, maxAhead: _maxAhead, ...rest } = aligned;
  const rules = { order, merge, partition, immutable, sort: sort.filter((name) => kept.has(name)), ...(deletes === undefined ? {} : { deletes }) };
  return { ...rest, ...rules, schema: { ...aligned.schema, fields } };
}

function withDefaultOf(before: AvroField, after: AvroField): AvroField {
  const { default: _default, ...rest } = after;
  return before.default === undefined ? rest : { ...rest, default: before.default };
}

/** The fields that decide over rows, beside the key. */
function rulesOf(contract: Contract): readonly string[] {
  const { merge, deletes, partition } = contract;
  return [
    ...orderFields(contract),
    ...(merge.kind === "fields" ? Object.keys(merge.fields) : []),
    ...(deletes === undefined ? [] : [deletes.field]),
    ...partition.map(({ field }) => field),
  ];
}

interface Comparison {
  readonly fields: FieldChanges;
  /** For people. */
  readonly widenings: readonly string[];
  /** The fields whose default is another. */
  readonly defaults: readonly string[];
}

function compareFields(
  before: Contract,
  after: Contract,
  { aligned, pairs, refused }: { readonly aligned: Contract; readonly pairs: ReadonlyMap<AvroField, AvroField>; readonly refused: RefusedChange[] },
): Comparison {
  const wrongNames = checkNames(before, { aligned, pairs, refused });
  const added = aligned.schema.fields.filter((field) => !pairs.has(field) && !wrongNames.has(field));
  const removed = checkRemovals(before, after, { added, kept: new Set(pairs.values()), refused });
  for (const field of added) {
    if (field.default !== undefined) continue;
    refused.push({
      path: `schema.${field.name}`,
      reason: `Field ${field.name} is new and has no default, so that older records could not be read.`,
      remedy: `Give ${field.name} a default, such as ["null", …] with null (in Zod .nullable().default(null)).`,
    });
  }
  const widened = new Map<string, readonly string[]>();
  const defaults: string[] = [];
  for (const [field, old] of pairs) {
    const { name } = field;
    const use = { compared: [...before.key, ...orderFields(before)].includes(old.name), partitioned: before.partition.some((one) => one.field === old.name) };
    const types = compareFieldTypes(name, { before: old.type, after: field.type, use });
    if (types.kind === "refused") refused.push({ path: `schema.${name}`, reason: types.reason, remedy: types.remedy });
    else if (fieldAttributesOf(old) !== fieldAttributesOf(field))
      refused.push({ path: `schema.${name}`, reason: `Attributes of ${name} changed.`, remedy: "Keep them as they were." });
    else if (old.default !== undefined && field.default === undefined)
      refused.push({
        path: `schema.${name}`,
        reason: `The default of ${name} is gone, so that older records without it could not be read.`,
        remedy: "Keep the default.",
      });
    else {
      if (types.widenings.length > 0) widened.set(name, types.widenings);
      if (isOtherDefault(old, field)) defaults.push(name);
    }
  }
  if (refused.length === 0 && shapeOfRecord(before) !== shapeOfRecord(aligned)) {
    refused.push({ path: "schema", reason: "Attributes of the schema itself changed.", remedy: "Keep them as they were." });
  }
  const renamed = [...pairs].flatMap(([{ name: to }, { name: from }]) => (from === to ? [] : [{ from, to }]));
  const fields = { added: added.map(({ name }) => name), renamed, widened: [...widened.keys()], removed };
  return { fields, widenings: [...widened.values()].flat(), defaults };
}

/** A name belongs to one field for ever: records of all times are read by it. Gives the new fields whose names do not let them be judged further. */
function checkNames(
  before: Contract,
  { aligned, pairs, refused }: { readonly aligned: Contract; readonly pairs: ReadonlyMap<AvroField, AvroField>; readonly refused: RefusedChange[] },
): ReadonlySet<AvroField> {
  const owners = nameOwners(before);
  const wrong = new Set<AvroField>();
  for (const field of aligned.schema.fields) {
    for (const name of namesOf(field)) {
      const owner = owners.get(name.toLowerCase());
      if (owner === undefined || (owner.kind === "field" && owner.field === pairs.get(field))) continue;
      wrong.add(field);
      const path = `schema.${field.name}`;
      if (owner.kind === "removed") {
        refused.push({
          path,
          reason: `The name ${name} was that of a field that was removed, and older records still have it.`,
          remedy: "Choose another name.",
        });
      } else if (pairs.has(field)) {
        const reason = `${name} is a field of its own and cannot become ${field.name}: two columns do not become one.`;
        refused.push({ path, reason, remedy: `Leave the alias out, and keep ${name} or remove it.` });
      } else {
        const reason = `The name ${name} is one of the field ${owner.field.name}, now or in older records.`;
        refused.push({ path, reason, remedy: `Choose another name, or, if it is that field, say ${aliasOf(owner.field.name)}.` });
      }
      break;
    }
  }
  return wrong;
}

/** A field goes only when the declaration says so: one that was written before the field came must not take it away. */
function checkRemovals(
  before: Contract,
  after: Contract,
  { added, kept, refused }: { readonly added: readonly AvroField[]; readonly kept: ReadonlySet<AvroField>; readonly refused: RefusedChange[] },
): readonly string[] {
  const said = new Set((after.removed ?? []).map(({ name }) => name));
  const rules = rulesOf(before);
  const removed: string[] = [];
  for (const field of before.schema.fields) {
    const { name } = field;
    if (kept.has(field)) continue;
    const path = `schema.${name}`;
    if (before.key.includes(name)) {
      refused.push({ path, reason: `Field ${name} is gone, but belongs to the key.`, remedy: newDataset });
    } else if (!said.has(name)) {
      const heir = added.find((candidate) => compareFieldTypes(name, { before: field.type, after: candidate.type, use: noUse }).kind === "follows");
      const rename =
        heir === undefined ? `If it has another name now, give that field ${aliasOf(name)}.` : `If it is ${heir.name} now, give ${heir.name} ${aliasOf(name)}.`;
      refused.push({
        path,
        reason: `Field ${name} is gone, and the declaration does not say so.`,
        remedy: `${rename} If it is to go, say "removed": ["${name}"].`,
      });
    } else if (rules.includes(name)) {
      const reason = `Field ${name} is gone, but rows that are there were made by it (order, merge, deletes or partition).`;
      refused.push({ path, reason, remedy: "Change these first, and build the table again; then remove the field." });
    } else removed.push(name);
  }
  return removed;
}

/** How a field says what it was called, in each way to declare. */
function aliasOf(name: string): string {
  return `"aliases": [${JSON.stringify(name)}] (in Zod .meta({ aliases: [${JSON.stringify(name)}] }))`;
}

const noUse = { compared: false, partitioned: false } as const;

/**
 * Whether records without the field would get another value, or a row with the default another text. A default of null that comes together with
 * null itself is none such.
 */
function isOtherDefault(before: AvroField, after: AvroField): boolean {
  const [old, next] = [textOfDefault(before), textOfDefault(after)];
  if (old !== undefined || next === undefined) return old !== next;
  return after.default !== null || unwrapNullable(before.type)?.nullable !== false;
}

function textOfDefault(field: AvroField): string | undefined {
  const fallback = compileDefault(field);
  return fallback === undefined ? undefined : compileValueText(field.type)(fallback());
}

/**
 * Fields, and fields within them, that are marked `pii` in the declaration in force and no longer in another one: `email`, `address.street`. A mark
 * that is lost is a leak, so it goes only where somebody means it.
 */
export function lostPiiMarks(before: Contract, after: Contract): readonly string[] {
  return [...fieldsBefore(before, alignContract(before, after))].flatMap(([field, old]) => changedMarks(old, field).lost);
}

/** What differs beside types, defaults and names, in words: docs, pii marks, further aliases; `judged` are fields of which a change was named already. */
function changedDetails(
  before: Contract,
  { aligned, pairs, judged }: { readonly aligned: Contract; readonly pairs: ReadonlyMap<AvroField, AvroField>; readonly judged: ReadonlySet<string> },
): readonly string[] {
  const changes = before.schema.doc === aligned.schema.doc ? [] : ["documentation of the schema changed"];
  for (const [field, old] of pairs) {
    const bare = ({ aliases: _aliases, ...rest }: AvroField): AvroField => ({ ...rest, name: field.name });
    const text = (one: AvroField): string => schemaText({ ...before.schema, fields: [bare(one)] });
    const { lost, gained } = changedMarks(old, field);
    changes.push(...lost.map((path) => `${path} is no longer marked pii`), ...gained.map((path) => `${path} is marked pii`));
    if (isOtherDocs(bare(old), bare(field))) changes.push(`documentation of ${field.name} changed`);
    else if (!judged.has(field.name) && lost.length + gained.length === 0 && text(old) !== text(field)) changes.push(`details of ${field.name} changed`);
    const known = new Set(namesOf(old));
    const more = namesOf(field).filter((name) => name !== field.name && !known.has(name));
    if (more.length > 0) changes.push(`${field.name} may also be called ${more.join(", ")}`);
  }
  const gone = new Set([...(before.removed ?? []).map(({ name }) => name), ...before.schema.fields.flatMap(namesOf)]);
  const names = (aligned.removed ?? []).filter(({ name }) => !gone.has(name)).map(({ name }) => name);
  return names.length === 0 ? changes : [...changes, `the name ${names.join(", ")} is never given out`];
}

/** Whether something that both have is documented in another way. */
function isOtherDocs(before: AvroField, after: AvroField): boolean {
  const old = detailsOf(before);
  return [...detailsOf(after)].some(([path, { doc }]) => old.has(path) && old.get(path)?.doc !== doc);
}

/** Of a field that both have, what is below it, too; by the name that it has after. What only one of them has loses and gains nothing. */
function changedMarks(before: AvroField, after: AvroField): { readonly lost: readonly string[]; readonly gained: readonly string[] } {
  const old = detailsOf({ ...before, name: after.name });
  const both = [...detailsOf(after)].flatMap(([path, { pii }]) => {
    const was = old.get(path)?.pii;
    return was === undefined || pii === was ? [] : [{ path, pii }];
  });
  return { lost: both.filter(({ pii }) => !pii).map(({ path }) => path), gained: both.filter(({ pii }) => pii).map(({ path }) => path) };
}

interface Details {
  readonly doc: string | undefined;
  readonly pii: boolean;
}

/** Of a field and all that is below it, by path; of a named type with a colon after the path. */
function detailsOf(field: AvroField): ReadonlyMap<string, Details> {
  const details = new Map<string, Details>();
  const visit = (schema: AvroSchema, path: string): void => {
    if (!isUnion(schema) && "name" in schema) details.set(`${path}:`, { doc: schema.doc, pii: false });
    if (!isUnion(schema) && schema.type === "record") for (const inner of schema.fields) visitField(inner, `${path}.${inner.name}`);
    else for (const child of childrenOf(schema)) visit(child, path);
  };
  const visitField = (one: AvroField, path: string): void => {
    details.set(path, { doc: one.doc, pii: attributeOf(one, "pii") === true });
    visit(one.type, path);
  };
  visitField(field, field.name);
  return details;
}

/** The attributes of the schema itself, but for docs. */
function shapeOfRecord({ schema }: Contract): string {
  return schemaText({ ...schema, doc: "", fields: [] });
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** With the members of objects in one order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, sorted(item)]),
  );
}
