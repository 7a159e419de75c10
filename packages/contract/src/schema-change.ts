import type { AvroField } from "./avro/schema.ts";
import { schemaText } from "./avro/schema-text.ts";
import { formatContract } from "./contract-json.ts";
import type { Contract } from "./contract.ts";

/** A part of a declaration that may not change so: where, why, and what to do instead. */
export interface RefusedChange {
  readonly path: string;
  readonly reason: string;
  readonly remedy: string;
}

/** What a new declaration changes of the one before. */
export type SchemaChange =
  /** Nothing at all. */
  | { readonly kind: "identical" }
  /** The schema has new top-level fields with defaults (`fields`, perhaps none); `changes` says everything that differs, for people. */
  | { readonly kind: "additive"; readonly fields: readonly string[]; readonly changes: readonly string[] }
  /** Records stay readable, but the rows that are there were made by other rules (`rebuilt` names them): the table has to be built again. */
  | { readonly kind: "rebuild"; readonly rebuilt: readonly string[]; readonly fields: readonly string[]; readonly changes: readonly string[] }
  | { readonly kind: "refused"; readonly refused: readonly RefusedChange[] };

const newDataset = "Keep it as it was, or declare a new dataset that names this one as its predecessor.";
/** What may change at any time: it has no effect on records that are there. */
const free = ["description", "owner", "checks", "compatibility", "sort", "subject", "tags", "retention", "maxAhead"] as const;
/** What decides over the rows that are there: these changes need the table to be built again. */
const rebuilt = ["order", "merge", "deletes", "partition", "immutable"] as const;

/**
 * Judges a new declaration of a dataset against the one that is in force. It accepts new top-level fields with defaults and changes of
 * docs and of what has no effect on records that are there (`free`); order, merge, deletes, partition and the default of a field that is there
 * are a `rebuild`; the rest is refused by name. The order in which fields are written does not count:
 * store what `alignContract` gives.
 */
export function checkSchemaChange(before: Contract, after: Contract): SchemaChange {
  const aligned = alignContract(before, after);
  const refused: RefusedChange[] = [];
  if (after.name !== before.name) refused.push({ path: "name", reason: `The name was ${before.name}.`, remedy: newDataset });
  if (!same(before.key, after.key)) refused.push({ path: "key", reason: "The key is frozen for the life of a dataset.", remedy: newDataset });
  if (before.predecessor !== after.predecessor)
    refused.push({
      path: "predecessor",
      reason: "Readers move over from the predecessor once, so it is frozen for the life of a dataset.",
      remedy: newDataset,
    });
  const { added, defaults } = compareFields(before, aligned, refused);
  if (refused.length > 0) return { kind: "refused", refused };
  const changed = free.filter((part) => !same(before[part], after[part]));
  const docs = changedDocs(before, aligned).filter((name) => !defaults.includes(name));
  const parts = rebuilt.filter((part) => !same(formatContract(before)[part], formatContract(after)[part]));
  const again = [...parts, ...defaults.map((name) => `schema.${name}`)];
  if (added.length === 0 && changed.length === 0 && docs.length === 0 && again.length === 0) return { kind: "identical" };
  const changes = [
    ...added.map((name) => `field ${name} added`),
    ...changed.map((part) => `${part} changed`),
    ...docs.map((name) => `documentation of ${name} changed`),
    ...parts.map((part) => `${part} changed`),
    ...defaults.map((name) => `default of ${name} changed`),
  ];
  if (again.length > 0) return { kind: "rebuild", rebuilt: again, fields: added, changes };
  return { kind: "additive", fields: added, changes };
}

/**
 * The new declaration with its fields in the order of the one before and new ones at the end. Rows are compared by the places of their fields,
 * so the place of a field never changes.
 */
export function alignContract(before: Contract, after: Contract): Contract {
  const places = new Map(before.schema.fields.map((field, index) => [field.name, index]));
  const placeOf = (field: AvroField) => places.get(field.name) ?? places.size;
  const fields = after.schema.fields.toSorted((a, b) => placeOf(a) - placeOf(b));
  return { ...after, schema: { ...after.schema, fields } };
}

/** The fields that are new, and those whose default is another. */
function compareFields(
  before: Contract,
  after: Contract,
  refused: RefusedChange[],
): { readonly added: readonly string[]; readonly defaults: readonly string[] } {
  const known = new Map(before.schema.fields.map((field) => [field.name, field]));
  const kept = new Set(after.schema.fields.map((field) => field.name));
  for (const name of known.keys()) {
    if (!kept.has(name))
      refused.push({
        path: `schema.${name}`,
        reason: `Field ${name} is gone; removing fields is not supported yet.`,
        remedy: `Keep ${name}; give it a default if new records no longer carry it.`,
      });
  }
  const added: string[] = [];
  const defaults: string[] = [];
  for (const field of after.schema.fields) {
    const old = known.get(field.name);
    if (old === undefined) {
      if (field.default !== undefined) added.push(field.name);
      else
        refused.push({
          path: `schema.${field.name}`,
          reason: `Field ${field.name} is new and has no default, so that older records could not be read.`,
          remedy: `Give ${field.name} a default, such as ["null", …] with null.`,
        });
    } else if (shape(old) !== shape(field)) {
      if (isOtherDefault(old, field)) defaults.push(field.name);
      else refused.push(refusedField(old, field));
    }
  }
  if (refused.length === 0 && shapeOfRecord(before) !== shapeOfRecord(after)) {
    refused.push({ path: "schema", reason: "Attributes of the schema itself changed.", remedy: "Keep them as they were." });
  }
  return { added, defaults };
}

/** Whether nothing but the default differs. A default that goes would leave older records without a value. */
function isOtherDefault(before: AvroField, after: AvroField): boolean {
  if (before.default === undefined || after.default === undefined || same(before.default, after.default)) return false;
  return shape({ ...before, default: after.default }) === shape(after);
}

function refusedField(before: AvroField, after: AvroField): RefusedChange {
  const path = `schema.${after.name}`;
  if (shapeOfType(before) !== shapeOfType(after)) {
    return {
      path,
      reason: `The type of ${after.name} was ${cut(shapeOfType(before))} and became ${cut(shapeOfType(after))}; changing types is not supported yet.`,
      remedy: `Keep the type, or add a field of another name with a default.`,
    };
  }
  if (!same(before.default, after.default)) {
    return {
      path,
      reason: `The default of ${after.name} changed, which would change rows that are there.`,
      remedy: "Keep the default, or add a field of another name.",
    };
  }
  return { path, reason: `Attributes of ${after.name} changed; that is not supported yet.`, remedy: "Keep them as they were." };
}

function changedDocs(before: Contract, after: Contract): readonly string[] {
  const old = new Map(before.schema.fields.map((field) => [field.name, schemaText({ ...before.schema, fields: [field] })]));
  const fields = after.schema.fields.filter((field) => {
    const text = old.get(field.name);
    return text !== undefined && text !== schemaText({ ...before.schema, fields: [field] });
  });
  return [...(before.schema.doc === after.schema.doc ? [] : ["the schema"]), ...fields.map((field) => field.name)];
}

/** A field as text without its docs, which may change, and without pii marks, which may too. */
function shape(field: AvroField): string {
  return JSON.stringify(withoutDocs({ ...field }));
}

function shapeOfType(field: AvroField): string {
  return JSON.stringify(withoutDocs(field.type));
}

function shapeOfRecord(contract: Contract): string {
  return JSON.stringify(withoutDocs({ ...contract.schema, fields: [] }));
}

function withoutDocs(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutDocs);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([key]) => key !== "doc" && key !== "pii");
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, item]) => [key, key === "default" ? item : withoutDocs(item)]));
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function cut(text: string): string {
  return text.length <= 200 ? text : `${text.slice(0, 199)}…`;
}
