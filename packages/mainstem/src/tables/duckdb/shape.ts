import { orderFields, takesDeletes, type AvroField, type Contract } from "@mainstem/contract";
import { mergesByPosition, positionFields, reservedField, sortNames, type IcebergField, type IcebergSchema, type IcebergType } from "../../iceberg/index.ts";
import { MainstemError } from "../../runtime/errors.ts";
import { columnOf, type Column } from "./columns.ts";
import { quoteName, quoteText } from "./database.ts";

/** One column of a table in all its forms. Inside of the engine it is called `name`, so that no name of a user meets one of ours. */
export interface ShapeColumn {
  /** `c0`, `c1`… */
  readonly name: string;
  readonly field: AvroField;
  readonly iceberg: IcebergField;
  readonly column: Column;
  /** The type in SQL. */
  readonly type: string;
  /** The column of a data file in which it is a field; 0 where that is null. */
  readonly within?: ShapeColumn;
}

/** A column as rows are loaded: what the table's schema says of it does not matter yet. */
export type LoadedColumn = Omit<ShapeColumn, "iceberg" | "within">;

/** What the engine knows of a table: its columns in the contract's order, and which of them are key and order. */
export interface TableShape {
  readonly columns: readonly ShapeColumn[];
  /** These, and what the merge remembers beside the row, where it must. */
  readonly stored: readonly ShapeColumn[];
  readonly key: readonly ShapeColumn[];
  readonly order: readonly ShapeColumn[];
  /** By which the rows of a file are sorted, nulls first: the contract's sort fields, and then the key. */
  readonly sort: readonly ShapeColumn[];
  /** Generation and offset, where they are the order; they are loaded beside the columns. */
  readonly position: readonly ShapeColumn[];
  /** Whether a record without a value is a delete: then `valueless` is loaded beside the columns, and only the key's columns are not null. */
  readonly takesValueless: boolean;
  /** Whether an incoming row is a delete, as an SQL expression of its columns that is never null; undefined for a contract without deletes. */
  readonly dead: string | undefined;
}

/** Throws `runtime.bug` where the schema lacks a field of the contract: who builds adds columns first. */
export function shapeOf(contract: Contract, schema: IcebergSchema): TableShape {
  const withIceberg = (column: LoadedColumn): ShapeColumn => {
    const { name } = column.field;
    const iceberg = schema.fields.find((field) => field.name === name);
    if (iceberg === undefined) throw new MainstemError("runtime.bug", `The table of ${contract.name} has no column ${name}.`, { field: name });
    return { ...column, iceberg };
  };
  const columns = loadedColumns(contract).map(withIceberg);
  const reserved = reservedField(contract, schema);
  const stored = reserved === undefined ? columns : [...columns, withIceberg(loadedColumn(reserved, "memory"))];
  const named = (name: string): ShapeColumn => columns.find(({ field }) => field.name === name)!;
  const { deletes } = contract;
  const position = mergesByPosition(contract) ? positionColumns(stored[columns.length]!) : [];
  const takesValueless = position.length > 0 && takesDeletes(contract);
  const says = deletes === undefined ? undefined : deadWhen(named(deletes.field), deletes.values);
  const dead = takesValueless ? ["valueless", ...(says === undefined ? [] : [says])].join(" OR ") : says;
  const order = position.length > 0 ? position : orderFields(contract).map(named);
  const sort = sortNames(contract).map(named);
  return { columns, stored, key: contract.key.map(named), order, sort, position, takesValueless, dead: dead === undefined ? undefined : `(${dead})` };
}

function positionColumns(memory: ShapeColumn): readonly ShapeColumn[] {
  const { fields } = memory.iceberg.type as Extract<IcebergType, { readonly type: "struct" }>;
  return positionFields.map((title, index) => {
    const type = index === 0 ? "int" : "long";
    const iceberg = fields.find(({ name }) => name === title)!;
    return { ...loadedColumn({ name: title, type: { type } }, index === 0 ? "generation" : "log_offset"), iceberg, within: memory };
  });
}

/** What rows are sorted by, for ORDER BY. */
export function sortKey({ sort }: TableShape): string {
  return sort.map(({ name }) => `${name} NULLS FIRST`).join(", ");
}

/** The stored columns of incoming rows as expressions: what is remembered beside them is their position. */
export function storedOf({ columns, stored, position }: TableShape): string {
  return stored.map((column) => (columns.includes(column) ? column.name : `${memoryOf(column, position)} AS ${column.name}`)).join(", ");
}

function memoryOf({ type, iceberg }: ShapeColumn, position: readonly ShapeColumn[]): string {
  if (position.length === 0) return `NULL::${type}`;
  const { fields } = iceberg.type as Extract<IcebergType, { readonly type: "struct" }>;
  const values = fields.map(({ name }) => `${quoteName(name)}: ${position.find(({ field }) => field.name === name)?.name ?? "NULL"}`);
  return `{${values.join(", ")}}::${type}`;
}

/** The contract's fields as columns. */
export function loadedColumns(contract: Contract): readonly LoadedColumn[] {
  return contract.schema.fields.map((field, index) => loadedColumn(field, `c${index}`));
}

function loadedColumn(field: AvroField, name: string): LoadedColumn {
  const column = columnOf(field.type);
  return { name, field, column, type: column.type.toString() };
}

function deadWhen({ name }: ShapeColumn, values: readonly string[] | undefined): string {
  return values === undefined ? `coalesce(${name}, false)` : `coalesce(${name} IN (${values.map(quoteText).join(", ")}), false)`;
}

/** `c0, c1` of some columns, with an optional table alias. */
export function list(columns: readonly ShapeColumn[], alias?: string): string {
  return columns.map(({ name }) => (alias === undefined ? name : `${alias}.${name}`)).join(", ");
}

/** Declarations of columns: `c0 BIGINT, c1 VARCHAR`. */
export function declarations(columns: readonly LoadedColumn[]): string {
  return columns.map(({ name, type }) => `${name} ${type}`).join(", ");
}

/** The order of a row of the pool as one value that compares as the order fields do, field by field; in a tie a delete comes after what is none. */
export function orderValue({ order, dead }: TableShape, alias?: string): string {
  if (order.length === 1 && dead === undefined) return list(order, alias);
  const values = [...order.map(({ name }) => name), ...(dead === undefined ? [] : ["dead"])];
  return `{${values.map((name) => `${name}: ${alias === undefined ? name : `${alias}.${name}`}`).join(", ")}}`;
}

/** `FIELD_IDS` of a COPY: Iceberg's ids for every column, nested ones too. */
export function fieldIds(columns: readonly ShapeColumn[]): string {
  return `{${columns.map(({ iceberg }) => `${quoteName(iceberg.name)}: ${idsOf(iceberg.id, iceberg.type)}`).join(", ")}}`;
}

function idsOf(id: number, type: IcebergType): string {
  if (typeof type === "string") return String(id);
  if (type.type === "struct")
    return group(
      id,
      type.fields.map((field) => [field.name, idsOf(field.id, field.type)]),
    );
  if (type.type === "list") return group(id, [["element", idsOf(type["element-id"], type.element)]]);
  return group(id, [
    ["key", idsOf(type["key-id"], type.key)],
    ["value", idsOf(type["value-id"], type.value)],
  ]);
}

function group(id: number, children: readonly (readonly [string, string])[]): string {
  return `{__duckdb_field_id: ${id}, ${children.map(([name, ids]) => `${quoteName(name)}: ${ids}`).join(", ")}}`;
}

/**
 * Reads Parquet files by field id, so that names and positions in a file do not matter; what a file lacks is null.
 * Further columns that can be asked for: `file_row_number`, and `file_index`, which counts `paths` from 0.
 */
export function scan(paths: readonly string[], columns: readonly { readonly id: number; readonly name: string; readonly type: string }[]): string {
  const fields = columns.map(({ id, name, type }) => `${id}: {name: ${quoteText(name)}, type: ${quoteText(type)}, default_value: NULL}`);
  return `read_parquet([${paths.map(quoteText).join(", ")}], schema = MAP {${fields.join(", ")}})`;
}
