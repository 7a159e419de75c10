import type { IcebergType } from "../../iceberg/index.ts";
import { quoteName } from "./database.ts";

const names: Readonly<Record<string, string>> = {
  boolean: "BOOLEAN",
  int: "INTEGER",
  long: "BIGINT",
  float: "FLOAT",
  double: "DOUBLE",
  date: "DATE",
  time: "TIME",
  timestamp: "TIMESTAMP",
  timestamptz: "TIMESTAMP WITH TIME ZONE",
  string: "VARCHAR",
  uuid: "UUID",
  binary: "BLOB",
};

/** DuckDB's name of a column's type, as `columnOf` gives it for the contract's: for columns that no contract has any more. */
export function sqlTypeOf(type: IcebergType): string {
  // Decimals and types of fixed length are written alike in both.
  if (typeof type === "string") return names[type] ?? (type.startsWith("fixed") ? "BLOB" : type.toUpperCase().replaceAll(" ", ""));
  if (type.type === "list") return `${sqlTypeOf(type.element)}[]`;
  if (type.type === "map") return `MAP(${sqlTypeOf(type.key)}, ${sqlTypeOf(type.value)})`;
  return `STRUCT(${type.fields.map((field) => `${quoteName(field.name)} ${sqlTypeOf(field.type)}`).join(", ")})`;
}
