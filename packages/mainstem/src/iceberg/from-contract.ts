import {
  attributeOf,
  kindOf,
  namesOf,
  orderFields,
  unwrapNullable,
  type AvroArraySchema,
  type AvroField,
  type AvroFixedSchema,
  type AvroMapSchema,
  type AvroRecordSchema,
  type AvroSchema,
  type AvroTypeSchema,
  type Contract,
  type PartitionField,
} from "@mainstem/contract";
import { assert, unreachable } from "../runtime/assert.ts";
import { MainstemError } from "../runtime/errors.ts";
import type { IcebergField, IcebergPartitionSpec, IcebergSchema, IcebergType, NewTable, TableState } from "./model.ts";
import { reservedColumn, reservedField, storedFields } from "./reserved.ts";
import { widens } from "./schema-change.ts";

/** The table that a contract describes, before it has any data: for `IcebergTables.create`. */
export function newTableOf(contract: Contract): NewTable {
  const schema = icebergSchemaOf(contract);
  return { schema, partition: partitionSpecOf(contract, schema), sort: sortFieldsOf(contract, schema), properties: columnPropertiesOf(contract) };
}

/** What a table says of single columns to other programs that write to it: of which they must keep no bounds. */
export function columnPropertiesOf(contract: Contract): Readonly<Record<string, string>> {
  return Object.fromEntries(leafNames(contract.schema).map((path) => [`${columnPropertyPrefix}${path}`, "counts"]));
}
export const columnPropertyPrefix = "write.metadata.metrics.column.";

/**
 * The schema of a contract's table. With the table as it is, its columns keep their ids under whatever names their fields have now, those of fields
 * that were removed are gone, and what is new gets ids above all that were given out; where nothing changes, the answer is the table's own schema object.
 * What the merge remembers beside the row is a column of its own (`reservedField`). Every column but key and order is optional, as are elements, map values and fields of structs.
 * Throws `contract.incompatible` where the table cannot follow (a column gone, or of another type), `contract.unsupported` for what no table holds.
 */
export function icebergSchemaOf(contract: Contract, table?: Pick<TableState, "schema" | "lastColumnId">): IcebergSchema {
  const ids = new FieldIds(table?.lastColumnId ?? 0);
  const required = new Set(table === undefined ? [...contract.key, ...orderFields(contract)] : []);
  const removed = new Set(contract.removed?.map(({ name }) => name));
  const known = knownFields(contract, table)?.filter(({ name }) => !removed.has(name));
  const fields = structFields({ ...contract.schema, fields: storedFields(contract, table?.schema) }, { known, ids, path: "" }).map((field) => ({
    ...field,
    required: field.required || required.has(field.name),
  }));
  if (table !== undefined && !ids.grew && widenedNothing(table.schema.fields, fields)) return table.schema;
  const key = contract.key.map((name) => fields.find((field) => field.name === name));
  const identifies =
    contract.merge.kind !== "none" &&
    key.length > 0 &&
    key.every((field) => field?.required === true && typeof field.type === "string" && !/^(float|double)$/.test(field.type));
  return {
    type: "struct",
    // A schema that is added to a table gets its id there.
    "schema-id": table === undefined ? 0 : table.schema["schema-id"] + 1,
    ...(identifies ? { "identifier-field-ids": key.map((field) => field!.id) } : {}),
    fields,
  };
}

/** What another merge remembered is no column of this one's: a rebuild makes all of it anew. */
function knownFields(contract: Contract, table: Pick<TableState, "schema"> | undefined): readonly IcebergField[] | undefined {
  const wanted = unwrapNullable(reservedField(contract, table?.schema)?.type ?? [])?.type;
  const names = wanted?.type === "record" ? wanted.fields.map(({ name }) => name).join() : "";
  return table?.schema.fields.filter(({ name, type }) => {
    return name !== reservedColumn || (typeof type === "object" && type.type === "struct" && type.fields.map((field) => field.name).join() === names);
  });
}

/** The partition spec of a contract: Iceberg's transforms, named as the reference implementation names them (`placedAt_day`, `id_bucket`). */
export function partitionSpecOf(contract: Contract, schema: IcebergSchema): IcebergPartitionSpec {
  const taken = new Set(schema.fields.map((field) => field.name));
  const fields = contract.partition.map((partition, index) => {
    const source = fieldNamed(schema, partition.field);
    let name = `${partition.field}${suffixes[partition.transform]}`;
    // Only an identity may have its column's name.
    while (taken.has(name) && !(partition.transform === "identity" && name === partition.field)) name = `${name}_`;
    taken.add(name);
    return { "source-id": source.id, "field-id": 1000 + index, name, transform: transformText(partition) };
  });
  return { "spec-id": 0, fields };
}

/**
 * By which fields the rows of a file are sorted, as far as they are primitives: other types have no order in Iceberg. First those that the contract
 * names, then the key.
 */
export function sortFieldsOf(contract: Contract, schema: IcebergSchema): NewTable["sort"] {
  const fields = sortNames(contract).map((name) => fieldNamed(schema, name));
  const end = fields.findIndex((field) => typeof field.type !== "string");
  return fields.slice(0, end < 0 ? fields.length : end).map((field) => ({ sourceId: field.id }));
}

/** The names of the fields by which rows are sorted, each once. */
export function sortNames({ sort, key }: Pick<Contract, "sort" | "key">): readonly string[] {
  return [...new Set([...sort, ...key])];
}

/** The ids of columns whose values must not get into a table's metadata: those below a field that is marked `pii`. For `dataFileFromStats`. */
export function privateFieldIds(contract: Contract, schema: IcebergSchema): ReadonlySet<number> {
  const ids = new Set<number>();
  const visit = (avro: AvroSchema, type: IcebergType, hidden: boolean, id: number): void => {
    const inner = unwrapNullable(avro)?.type;
    if (typeof type === "string") {
      if (hidden) ids.add(id);
    } else if (type.type === "struct") {
      visitFields((inner as AvroRecordSchema).fields, type.fields, hidden);
    } else if (type.type === "list") {
      visit((inner as AvroArraySchema).items, type.element, hidden, type["element-id"]);
    } else {
      if (hidden) ids.add(type["key-id"]);
      visit((inner as AvroMapSchema).values, type.value, hidden, type["value-id"]);
    }
  };
  const visitFields = (avro: readonly AvroField[], fields: readonly IcebergField[], hidden: boolean): void => {
    for (const field of avro) {
      const column = fields.find((candidate) => candidate.name === field.name);
      if (column !== undefined) visit(field.type, column.type, hidden || attributeOf(field, "pii") === true, column.id);
    }
  };
  visitFields(contract.schema.fields, schema.fields, false);
  return ids;
}

const suffixes = { identity: "", bucket: "_bucket", truncate: "_trunc", year: "_year", month: "_month", day: "_day", hour: "_hour" } as const;

function transformText({ transform, width }: PartitionField): string {
  return width === undefined ? transform : `${transform}[${width}]`;
}

function fieldNamed(schema: IcebergSchema, name: string): IcebergField {
  const field = schema.fields.find((candidate) => candidate.name === name);
  assert(field !== undefined, "key and partition are fields of the schema");
  return field;
}

/** Gives out field ids that no column of the table has had. */
class FieldIds {
  #last: number;
  #grew = false;

  constructor(last: number) {
    this.#last = last;
  }

  get grew(): boolean {
    return this.#grew;
  }

  next(): number {
    this.#grew = true;
    this.#last += 1;
    return this.#last;
  }
}

/** Where a type is converted: what the table has there, and how to call it in an error. */
interface Place<Known> {
  readonly known: Known | undefined;
  readonly ids: FieldIds;
  readonly path: string;
}

/** Ids go to the fields of a struct first, then to what is inside of them: the order of the reference implementation. */
function structFields(schema: AvroRecordSchema, { known, ids, path }: Place<readonly IcebergField[]>): IcebergField[] {
  const gone = known?.find((column) => schema.fields.every((field) => !namesOf(field).includes(column.name)));
  if (gone !== undefined) throw incompatible(joined(path, gone.name), "is in the table but no longer in the contract");
  const columns = schema.fields.map((field) => {
    const names = namesOf(field);
    const column = known?.find((candidate) => names.includes(candidate.name));
    return { field, column, id: column?.id ?? ids.next() };
  });
  return columns.map(({ field, column, id }) => ({
    ...column,
    id,
    name: field.name,
    required: column?.required ?? false,
    type: icebergType(field.type, { known: column?.type, ids, path: joined(path, field.name) }),
    ...(field.doc === undefined ? {} : { doc: field.doc }),
  }));
}

function icebergType(schema: AvroSchema, place: Place<IcebergType>): IcebergType {
  const type = unwrapNullable(schema)?.type;
  if (type === undefined) throw unsupported(place.path, "is a union of several types, for which tables have no column");
  const { known } = place;
  if (type.type === "record") {
    if (known !== undefined && (typeof known === "string" || known.type !== "struct")) throw changed(place.path);
    return { type: "struct", fields: structFields(type, { ...place, known: known?.fields }) };
  }
  if (type.type === "array") {
    if (known !== undefined && (typeof known === "string" || known.type !== "list")) throw changed(place.path);
    const id = known?.["element-id"] ?? place.ids.next();
    const element = icebergType(type.items, { ...place, known: known?.element, path: `${place.path}[]` });
    return { type: "list", "element-id": id, element, "element-required": known?.["element-required"] ?? false };
  }
  if (type.type === "map") {
    if (known !== undefined && (typeof known === "string" || known.type !== "map")) throw changed(place.path);
    const ids = known ?? { "key-id": place.ids.next(), "value-id": place.ids.next(), "value-required": false };
    const value = icebergType(type.values, { ...place, known: known?.value, path: `${place.path}{}` });
    return { type: "map", "key-id": ids["key-id"], key: "string", "value-id": ids["value-id"], value, "value-required": ids["value-required"] };
  }
  const primitive = primitiveText(type, place.path);
  if (known === undefined) return primitive;
  if (typeof known !== "string" || !(widens(known, primitive) || widens(primitive, known))) throw changed(place.path);
  // A column that is wider already holds the contract's values too.
  return widens(known, primitive) ? primitive : known;
}

function primitiveText(type: AvroTypeSchema, path: string): string {
  const kind = kindOf(type);
  switch (kind) {
    case "boolean":
    case "int":
    case "long":
    case "float":
    case "double":
    case "string":
    case "uuid":
    case "date":
      return kind;
    case "enum":
      return "string";
    case "bytes":
    // DuckDB has no type of fixed length, and Iceberg's fixed must be one in Parquet: other engines fail on anything else.
    case "fixed":
      return "binary";
    case "decimal": {
      const { precision = 0, scale = 0 } = type as AvroFixedSchema;
      if (precision < 1 || precision > 38) throw unsupported(path, `has ${precision} digits; tables hold decimals of up to 38`);
      return `decimal(${precision}, ${scale})`;
    }
    case "timeMillis":
    case "timeMicros":
      return "time";
    case "timestampMillis":
    case "timestampMicros":
      return "timestamptz";
    case "localTimestampMillis":
    case "localTimestampMicros":
      return "timestamp";
    case "timestampNanos":
    case "localTimestampNanos":
    case "duration":
    case "null":
    case "array":
    case "map":
    case "record":
      throw unsupported(path, `is of type ${kind}, for which tables have no column`);
    default:
      return unreachable(kind);
  }
}

/** Whether these fields are the table's own: same columns and types; docs may differ without a new schema. */
function widenedNothing(before: readonly IcebergField[], after: readonly IcebergField[]): boolean {
  const shape = (fields: readonly IcebergField[]): string => JSON.stringify(fields.map(({ doc: _doc, ...field }) => field).sort((a, b) => a.id - b.id));
  return shape(before) === shape(after);
}

/** The names of columns below fields marked `pii`, as properties of other engines name columns. */
function leafNames(schema: AvroRecordSchema, path = "", hidden = false): readonly string[] {
  return schema.fields.flatMap((field) => {
    const name = joined(path, field.name);
    const isHidden = hidden || attributeOf(field, "pii") === true;
    const type = unwrapNullable(field.type)?.type;
    if (type?.type === "record") return leafNames(type, name, isHidden);
    // Columns below lists and maps have no bounds anyway.
    return isHidden && type?.type !== "array" && type?.type !== "map" ? [name] : [];
  });
}

function joined(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}

function changed(path: string): MainstemError {
  return incompatible(path, "has another type in the table, which cannot become this one");
}

function incompatible(path: string, why: string): MainstemError {
  return new MainstemError("contract.incompatible", `Field ${path} ${why}.`, { path });
}

function unsupported(path: string, why: string): MainstemError {
  return new MainstemError("contract.unsupported", `Field ${path} ${why}.`, { path });
}
