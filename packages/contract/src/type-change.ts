import { otherTime, promotes, sameName } from "./avro/matching.ts";
import type { AvroEnumSchema, AvroField, AvroFixedSchema, AvroRecordSchema, AvroSchema, AvroTypeSchema } from "./avro/schema.ts";
import { hasSymbol, isUnion, logicalTypeOf, unwrapNullable } from "./avro/schema.ts";
import { sameJson } from "./avro/schema-text.ts";
import { formatExact } from "./exact-json.ts";
import { decimalOf } from "./records/json-leaves.ts";
import { kindOf } from "./value-kind.ts";

/** How the type of a field changes: `widenings` says in what, for people, each with where it is (`address.zip`, `items[]`); none where nothing does. */
export type TypeChange = { readonly kind: "follows"; readonly widenings: readonly string[] } | TypeFault;
export interface TypeFault {
  readonly kind: "refused";
  readonly reason: string;
  readonly remedy: string;
}

/** Of what a field is part: its bytes, or values of it elsewhere, must stay what they are. */
export interface TypeUse {
  /** Of the key or the order. */
  readonly compared: boolean;
  readonly partitioned: boolean;
}

/**
 * Whether a column can follow a change of a field's type in place: every older value can be read as the new type, a column of an Iceberg table can
 * become it, and the canonical text of no value changes. Source: Apache Avro 1.12, "Schema Resolution"; Apache Iceberg, "Schema Evolution".
 */
export function compareFieldTypes(
  name: string,
  { before, after, use }: { readonly before: AvroSchema; readonly after: AvroSchema; readonly use: TypeUse },
): TypeChange {
  const widenings: string[] = [];
  const fault = compare(before, after, { path: name, use, widenings });
  return fault ?? { kind: "follows", widenings };
}

interface Place {
  readonly path: string;
  readonly use: TypeUse;
  readonly widenings: string[];
}
const elsewhere: TypeUse = { compared: false, partitioned: false };

function compare(before: AvroSchema, after: AvroSchema, place: Place): TypeFault | undefined {
  const [from, to] = [unwrapNullable(before), unwrapNullable(after)];
  // Contracts have no other unions.
  if (from === undefined || to === undefined) return other(before, after, place);
  if (!from.nullable && to.nullable) place.widenings.push(`${place.path} may be null now`);
  const fault = compareTypes(from.type, to.type, place);
  if (fault !== undefined) return fault;
  if (from.nullable && !to.nullable)
    return refuse(
      `${place.path} may be null in records that are there, but is no longer nullable.`,
      `Keep it nullable: ["null", ${nameOf(to.type)}] (in Zod .nullable()).`,
    );
  return undefined;
}

function compareTypes(before: AvroTypeSchema, after: AvroTypeSchema, place: Place): TypeFault | undefined {
  if (attributesOf(before) !== attributesOf(after)) return refuse(`Attributes of the type of ${place.path} changed.`, "Keep them as they were.");
  const { path } = place;
  if (before.type !== after.type || kindOf(before) !== kindOf(after)) return compareKinds(before, after, place);
  switch (after.type) {
    case "array":
      return compare((before as typeof after).items, after.items, { ...place, path: `${path}[]` });
    case "map":
      return compare((before as typeof after).values, after.values, { ...place, path: `${path}{}` });
    case "record":
      return compareRecords(before as AvroRecordSchema, after, place);
    case "enum":
      return compareEnums(before as AvroEnumSchema, after, place);
    case "fixed":
      if (!sameName(after, before as AvroFixedSchema)) return renamedType(before as AvroFixedSchema, after, place);
      if ((before as AvroFixedSchema).size !== after.size) return other(before, after, place);
      return compareDecimals(before, after, place);
    case "null":
    case "boolean":
    case "int":
    case "long":
    case "float":
    case "double":
    case "bytes":
    case "string":
      return compareDecimals(before, after, place);
    default:
      return after satisfies never;
  }
}

/** Types that differ. Those of whole numbers have one encoding, in keys too; only a value of a partition would be of another type. */
function compareKinds(before: AvroTypeSchema, after: AvroTypeSchema, place: Place): TypeFault | undefined {
  const [from, to] = [kindOf(before), kindOf(after)];
  const widens = (from === "int" && to === "long") || (from === "float" && to === "double");
  if (!widens) return other(before, after, place);
  if (place.use.partitioned) return partitioned(place);
  place.widenings.push(`${place.path} widened from ${from} to ${to}`);
  return undefined;
}

function compareDecimals(before: AvroTypeSchema, after: AvroTypeSchema, place: Place): TypeFault | undefined {
  if (kindOf(after) !== "decimal") return undefined;
  const [from, to] = [decimalOf(before), decimalOf(after)];
  if (from.scale === to.scale && from.precision === to.precision) return undefined;
  if (from.scale !== to.scale || from.precision > to.precision) return other(before, after, place);
  if (place.use.partitioned) return partitioned(place);
  place.widenings.push(`${place.path} widened from ${nameOf(before)} to ${nameOf(after)}`);
  return undefined;
}

function compareEnums(before: AvroEnumSchema, after: AvroEnumSchema, place: Place): TypeFault | undefined {
  const { path } = place;
  if (!sameName(after, before)) return renamedType(before, after, place);
  const gone = before.symbols.filter((symbol) => !hasSymbol(after, symbol));
  if (gone.length > 0) return refuse(`${path} no longer has ${gone.join(", ")}, which records that are there may hold.`, "Keep the symbols.");
  if (place.use.compared && before.symbols.some((symbol, index) => after.symbols[index] !== symbol))
    return refuse(`The symbols of ${path} moved; as a key they are told apart by their places.`, "Keep the places of symbols, and put new ones at the end.");
  const added = after.symbols.filter((symbol) => !hasSymbol(before, symbol));
  if (added.length > 0) place.widenings.push(`${path} takes ${added.join(", ")} too`);
  return undefined;
}

function compareRecords(before: AvroRecordSchema, after: AvroRecordSchema, place: Place): TypeFault | undefined {
  if (!sameName(after, before)) return renamedType(before, after, place);
  const gone = before.fields.find(({ name }) => after.fields.every((field) => field.name !== name));
  if (gone !== undefined)
    return refuse(`${place.path}.${gone.name} is gone; what is inside of a record can neither be removed nor renamed.`, `Keep ${gone.name}.`);
  for (const field of after.fields) {
    const old = before.fields.find(({ name }) => name === field.name);
    const inner = { path: `${place.path}.${field.name}`, use: elsewhere, widenings: place.widenings };
    const fault = old === undefined ? addField(field, inner) : (compareInner(old, field, inner.path) ?? compare(old.type, field.type, inner));
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/** A column's part that files lack is null there, in every reader. */
function addField(field: AvroField, { path, widenings }: Place): TypeFault | undefined {
  if (field.default !== null) {
    return refuse(
      `${path} is new inside of a record, and rows that are there would have no value for it but null.`,
      `Make it nullable with the default null: ["null", …], or put the field beside the record.`,
    );
  }
  widenings.push(`${path} added`);
  return undefined;
}

function compareInner(before: AvroField, after: AvroField, path: string): TypeFault | undefined {
  if (!sameJson(before.default, after.default)) return refuse(`The default of ${path} changed, which would change rows that are there.`, "Keep the default.");
  if (fieldAttributesOf(before) !== fieldAttributesOf(after)) return refuse(`Attributes of ${path} changed.`, "Keep them as they were.");
  return undefined;
}

function other(before: AvroSchema, after: AvroSchema, { path }: Place): TypeFault {
  const [from, to] = [unwrapNullable(before)?.type, unwrapNullable(after)?.type];
  const reason = `The type of ${path} was ${nameOf(before)} and became ${nameOf(after)}`;
  const remedy = "Add a field of another name with a default, or declare a new dataset that names this one as its predecessor.";
  if (from === undefined || to === undefined) return refuse(`${reason}.`, remedy);
  if (otherTime(to, from)) return refuse(`${reason}: every value would become another time.`, remedy);
  const promoted = kindOf(from) === from.type && kindOf(to) === to.type && promotes(to.type, from.type);
  return refuse(`${reason}${promoted ? ", which Avro can read, but no column of a table can become" : ", which older values are not"}.`, remedy);
}

type NamedType = AvroRecordSchema | AvroEnumSchema | AvroFixedSchema;

/** Where it is plain which type is which, `alignContract` has kept its name. */
function renamedType(before: NamedType, after: NamedType, { path }: Place): TypeFault {
  return refuse(
    `The ${after.type} of ${path} was named ${before.name} and is named ${after.name} now, so older records cannot be read.`,
    `Name it ${before.name}.`,
  );
}

function partitioned({ path }: Place): TypeFault {
  return refuse(
    `${path} partitions the table, and the values of its partitions would be of another type.`,
    "Keep the type, or partition by another field first (a rebuild).",
  );
}

function refuse(reason: string, remedy: string): TypeFault {
  return { kind: "refused", reason, remedy };
}

/** What is no part of the type's own form and looked at by itself: docs, and what may grow. */
const grows = new Set("type name namespace doc aliases fields symbols default items values size logicalType precision scale".split(" "));

function attributesOf(schema: AvroTypeSchema): string {
  return attributes(schema, grows);
}

const ofField = new Set("name type doc default aliases pii".split(" "));

/** Attributes of a field beyond its type, default and names, docs and pii marks: these must stay. */
export function fieldAttributesOf(field: AvroField): string {
  return attributes(field, ofField);
}

function attributes(holder: object, without: ReadonlySet<string>): string {
  const own = Object.entries(holder).filter(([key]) => !without.has(key));
  return formatExact(own.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** A type in words: `decimal(12, 2)`, `enum status`, `null or int`. */
export function nameOf(schema: AvroSchema): string {
  if (isUnion(schema)) return schema.map(nameOf).join(" or ");
  const logical = logicalTypeOf(schema);
  if (logical === "decimal") return `decimal(${decimalOf(schema).precision}, ${decimalOf(schema).scale})`;
  if ("name" in schema) return `${schema.type} ${schema.name}`;
  return logical ?? schema.type;
}
