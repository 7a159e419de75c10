import { compileFieldMerge, type AvroField, type AvroRecordSchema, type Contract } from "@mainstem/contract";

/** The column in which a table keeps what its merge must remember beside the row. No field of a contract can have this name. */
export const reservedColumn = "_mainstem";

/**
 * What a merge remembers beside the row, as a nullable field; undefined where the row says all. By field: the order bytes of the record that each value
 * of `first` and `latestNonNull` came from, under the field's own name (docs/formats/table.md).
 */
export function reservedField(contract: Contract): AvroField | undefined {
  if (contract.merge.kind !== "fields") return undefined;
  const { remembered } = compileFieldMerge(contract);
  if (remembered.length === 0) return undefined;
  const fields = remembered.map((name): AvroField => ({ name, type: [{ type: "null" }, { type: "bytes" }], default: null }));
  const record: AvroRecordSchema = { type: "record", name: reservedColumn, namespace: "", fields };
  return { name: reservedColumn, type: [{ type: "null" }, record], default: null };
}

/** What a row of the table consists of: the contract's fields, and the reserved one where there is one. */
export function storedFields(contract: Contract): readonly AvroField[] {
  const reserved = reservedField(contract);
  return reserved === undefined ? contract.schema.fields : [...contract.schema.fields, reserved];
}
