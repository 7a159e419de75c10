import type { AvroEnumSchema, AvroField, AvroFixedSchema, AvroRecordSchema, AvroSchema, AvroTypeSchema } from "./avro/schema.ts";
import { childrenOf, fullNameOf, isUnion } from "./avro/schema.ts";
import type { Contract } from "./contract.ts";

type NamedType = AvroRecordSchema | AvroEnumSchema | AvroFixedSchema;

type TypesByName = ReadonlyMap<string, NamedType>;

/** The types with names that an earlier declaration has. */
export interface EarlierTypes {
  /** By full name. */
  readonly named: TypesByName;
  /** Types of the later declaration, by full name, that stand where these stood and have new names; older records are read by these. */
  readonly renamed: TypesByName;
}

/** `fields`: of each field of the later declaration that was there before, which one it was. */
export function earlierTypes(before: Contract, after: Contract, fields: ReadonlyMap<AvroField, AvroField>): EarlierTypes {
  const [named, later] = [before, after].map(({ schema }) => namedTypes(schema.fields.map(({ type }) => type))) as [TypesByName, TypesByName];
  const found = new Map<string, NamedType | undefined>();
  for (const [field, old] of fields) findRenamed(old.type, field.type, found);
  const news = [...found].flatMap(([name, type]): readonly (readonly [string, NamedType])[] =>
    // What has both names, or takes the place of two, is no other name of one type.
    type === undefined || named.has(name) || later.has(fullNameOf(type)) ? [] : [[name, type]],
  );
  const once = news.filter(([name, type]) => news.every(([other, one]) => other === name || fullNameOf(one) !== fullNameOf(type)));
  return { named, renamed: new Map(once) };
}

/** A type with the names that it had, and the fields of records within in the order that they had, new ones at the end. */
export function alignType(schema: AvroSchema, types: EarlierTypes): AvroSchema {
  if (isUnion(schema)) return schema.map((branch) => alignType(branch, types) as AvroTypeSchema);
  if (schema.type === "array") return { ...schema, items: alignType(schema.items, types) };
  if (schema.type === "map") return { ...schema, values: alignType(schema.values, types) };
  if (!("name" in schema)) return schema;
  const old = types.renamed.get(fullNameOf(schema));
  const { namespace: _namespace, ...rest } = schema;
  const own = old === undefined ? schema : { ...rest, name: old.name, ...(old.namespace === undefined ? {} : { namespace: old.namespace }) };
  if (own.type !== "record") return own;
  const before = types.named.get(fullNameOf(own));
  const names = before?.type === "record" ? before.fields.map(({ name }) => name) : [];
  const placeOf = ({ name }: AvroField): number => (names.includes(name) ? names.indexOf(name) : names.length);
  const fields = own.fields.toSorted((a, b) => placeOf(a) - placeOf(b)).map((field) => ({ ...field, type: alignType(field.type, types) }));
  return { ...own, fields };
}

function namedTypes(schemas: readonly AvroSchema[]): TypesByName {
  const named = new Map<string, NamedType>();
  const visit = (one: AvroSchema): void => {
    if (!isUnion(one) && "name" in one) named.set(fullNameOf(one), one);
    for (const child of childrenOf(one)) visit(child);
  };
  for (const schema of schemas) visit(schema);
  return named;
}

/** Fills `found` with what the named types of `after` were called where they stand; undefined for those that stand in places of several. */
function findRenamed(before: AvroSchema, after: AvroSchema, found: Map<string, NamedType | undefined>): void {
  for (const type of isUnion(after) ? after : [after]) {
    const old = (isUnion(before) ? before : [before]).find((branch) => branch.type === type.type);
    if (old === undefined) continue;
    if (type.type === "array" && old.type === "array") findRenamed(old.items, type.items, found);
    if (type.type === "map" && old.type === "map") findRenamed(old.values, type.values, found);
    if (!("name" in type) || !("name" in old)) continue;
    const name = fullNameOf(type);
    const known = found.get(name);
    if (name !== fullNameOf(old)) found.set(name, found.has(name) && (known === undefined || fullNameOf(known) !== fullNameOf(old)) ? undefined : old);
    if (type.type !== "record" || old.type !== "record") continue;
    for (const field of type.fields) {
      const inner = old.fields.find((one) => one.name === field.name);
      if (inner !== undefined) findRenamed(inner.type, field.type, found);
    }
  }
}
