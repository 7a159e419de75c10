import { compileFieldMerge, namesOf, type AvroField, type AvroRecordSchema, type Contract } from "@mainstem/contract";
import type { IcebergSchema } from "./model.ts";

/** The column in which a table keeps what its merge must remember beside the row. No field of a contract can have this name. */
export const reservedColumn = "_mainstem";

/** Its fields where the order is the log's: the position of the row's record, or of the last one that the row was merged from. */
export const positionFields = ["_mainstem_generation", "_mainstem_offset"] as const;

/**
 * What a merge remembers beside the row, as a nullable field; undefined where the row says all. Under `order: log` the position; by field the order
 * bytes of the record that each value of `first` and `latestNonNull` came from, under the field's own name (docs/formats/table.md): the one that the
 * table knows it by, for names inside of a column never change.
 */
export function reservedField(contract: Contract, table?: IcebergSchema): AvroField | undefined {
  const optional = (name: string, type: "int" | "long" | "bytes"): AvroField => ({ name, type: [{ type: "null" }, { type }], default: null });
  const [generation, offset] = positionFields;
  const column = table?.fields.find(({ name }) => name === reservedColumn)?.type;
  const known = new Set(typeof column === "object" && column.type === "struct" ? column.fields.map(({ name }) => name) : []);
  const knownName = (name: string): string => {
    const field = contract.schema.fields.find((one) => one.name === name);
    return (field === undefined ? undefined : namesOf(field).find((one) => known.has(one))) ?? name;
  };
  const fields = [
    ...(mergesByPosition(contract) ? [optional(generation, "int"), optional(offset, "long")] : []),
    ...(contract.merge.kind === "fields" ? compileFieldMerge(contract).remembered.map((name) => optional(knownName(name), "bytes")) : []),
  ];
  if (fields.length === 0) return undefined;
  const record: AvroRecordSchema = { type: "record", name: reservedColumn, namespace: "", fields };
  return { name: reservedColumn, type: [{ type: "null" }, record], default: null };
}

/** Whether the position decides which of two records is the later. */
export function mergesByPosition({ order, merge }: Contract): boolean {
  return order === "log" && merge.kind !== "none";
}

/** What a row of the table consists of: the contract's fields, and the reserved one where there is one. */
export function storedFields(contract: Contract, table?: IcebergSchema): readonly AvroField[] {
  const reserved = reservedField(contract, table);
  return reserved === undefined ? contract.schema.fields : [...contract.schema.fields, reserved];
}
