import type { AvroField, AvroRecordSchema } from "./avro/schema.ts";
import { toSchemaJson } from "./avro/schema-text.ts";
import { formatContract } from "./contract-json.ts";
import type { Check, Contract, RemovedField } from "./contract.ts";
import { placesOf, sortRemoved } from "./removed-fields.ts";
import { alignType, earlierTypes, type EarlierTypes } from "./type-names.ts";

/** A name that was given before, and whose it is: that of a field, or of one that is gone. */
export type NameOwner = { readonly kind: "field"; readonly field: AvroField } | { readonly kind: "removed" };

/** All names of a field: today's first. */
export function namesOf({ name, aliases = [] }: AvroField): readonly string[] {
  return [name, ...aliases];
}

/** Which field of the earlier declaration each field of a later one is: that of its name, or of an alias. Fields that are new have no entry. */
export function fieldsBefore(before: Contract, after: Contract): ReadonlyMap<AvroField, AvroField> {
  const named = new Map(before.schema.fields.map((field) => [field.name, field]));
  return new Map(
    after.schema.fields.flatMap((field) => {
      const found = namesOf(field).find((name) => named.has(name));
      return found === undefined ? [] : [[field, named.get(found)!] as const];
    }),
  );
}

/** Whose every name of a dataset is, in lower case, as SQL sees names: a name belongs to one field for the life of the dataset. */
export function nameOwners({ schema, removed = [] }: Contract): ReadonlyMap<string, NameOwner> {
  const fields = schema.fields.flatMap((field) => namesOf(field).map((name) => [name.toLowerCase(), { kind: "field", field }] as const));
  return new Map<string, NameOwner>([...fields, ...removed.map(({ name }) => [name.toLowerCase(), { kind: "removed" }] as const)]);
}

/**
 * The new declaration as it is stored: its fields in the order of the one before and new ones at the end, within records too; aliases, names of
 * removed fields and of types within that were known before are kept, for records of that time are read by them. Rows are compared by the places of their fields,
 * so the place of a field never changes, and that of a removed one is never given out again.
 */
export function alignContract(before: Contract, after: Contract): Contract {
  const known = fieldsBefore(before, after);
  const owners = before.schema.fields;
  const types = earlierTypes(before, after, known);
  const placeOf = (field: AvroField): number => (known.has(field) ? owners.indexOf(known.get(field)!) : owners.length);
  const fields = after.schema.fields.toSorted((a, b) => placeOf(a) - placeOf(b)).map((field) => alignField(known.get(field), field, types));
  const { removed: _declared, ...rest } = after;
  const removed = alignRemoved(before, after, new Set(known.values()));
  return { ...rest, schema: { ...after.schema, fields }, ...(removed.length === 0 ? {} : { removed }) };
}

function alignField(before: AvroField | undefined, after: AvroField, types: EarlierTypes): AvroField {
  const { aliases: declared = [], ...rest } = after;
  const aliases = [...new Set([...declared, ...(before === undefined ? [] : namesOf(before))])].filter((name) => name !== after.name);
  return { ...rest, type: alignType(after.type, types), ...(aliases.length === 0 ? {} : { aliases }) };
}

/** What was gone before, what goes now, and what is declared beyond: by name each once. */
function alignRemoved(before: Contract, after: Contract, kept: ReadonlySet<AvroField>): readonly RemovedField[] {
  const places = placesOf(before);
  const gone = before.schema.fields.flatMap((field, index): readonly RemovedField[] =>
    kept.has(field) ? [] : [{ name: field.name, place: places[index]! }, ...(field.aliases ?? []).map((name) => ({ name }))],
  );
  const all = [...(before.removed ?? []), ...gone];
  const known = new Set(all.map(({ name }) => name));
  return sortRemoved([...all, ...(after.removed ?? []).filter(({ name }) => !known.has(name)).map(({ name }) => ({ name }))]);
}

/** The clauses of a contract that name fields, with these under the names that another declaration has for them. */
export function withNames(contract: Contract, names: ReadonlyMap<string, string>): Contract {
  if (names.size === 0) return contract;
  const { key, order, merge, deletes, partition, sort, checks, subject } = contract;
  const to = (name: string): string => names.get(name) ?? name;
  /** Of a path through records, such as `address.zip`. */
  const toPath = (path: string): string => [to(path.split(".", 1)[0]!), ...path.split(".").slice(1)].join(".");
  return {
    ...contract,
    key: key.map(to),
    order: order === "log" ? order : order.map(to),
    merge: merge.kind === "fields" ? { ...merge, fields: Object.fromEntries(Object.entries(merge.fields).map(([name, rule]) => [to(name), rule])) } : merge,
    ...(deletes === undefined ? {} : { deletes: { ...deletes, field: to(deletes.field) } }),
    partition: partition.map((one) => ({ ...one, field: to(one.field) })),
    sort: sort.map(to),
    checks: checks.map((check): Check => ("field" in check ? { ...check, field: toPath(check.field) } : check)),
    ...(subject === undefined ? {} : { subject: subject.map(toPath) }),
  };
}

/**
 * The JSON form of a contract with another schema in place, as who registers a schema alone declares it: its clauses say the names that fields have
 * there. That a field is to go a schema cannot say: who wrote it may as well not know the field.
 */
export function withSchemaInPlace(contract: Contract, schema: AvroRecordSchema): Readonly<Record<string, unknown>> {
  const pairs = fieldsBefore(contract, { ...contract, schema });
  const names = new Map([...pairs].map(([field, old]) => [old.name, field.name]));
  return { ...formatContract(withNames(contract, names)), schema: toSchemaJson(schema) };
}
