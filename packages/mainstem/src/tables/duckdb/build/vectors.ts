// Columns of a contract as DuckDB's vectors, written as memory instead of value by value. What is known here of DuckDB's memory is tried before it is
// trusted (vector-trial.ts).
import duckdb from "@duckdb/node-bindings";
import { BLOB } from "@duckdb/node-api";
import type { Address, ColumnVector, ListVector } from "@mainstem/contract";

/** A copy of bytes in DuckDB's memory, which lasts as long as this object. */
export interface Pinned {
  readonly address: Address;
  readonly holder: duckdb.Vector;
}

const blobType = BLOB.toLogicalType().logical_type;
const cellBytes = 16;

/** Copies bytes to where texts in vectors can point to: more than the 12 that a cell holds itself. */
export function pin(bytes: Uint8Array): Pinned {
  const holder = duckdb.create_vector(blobType, 1);
  duckdb.vector_assign_string_element_len(holder, 0, bytes);
  const cell = duckdb.vector_get_data(holder, cellBytes);
  const view = new DataView(cell.buffer, cell.byteOffset, cellBytes);
  return { holder, address: { low: view.getUint32(8, true), high: view.getUint32(12, true) } };
}

/** Copies the first rows of a column. The vector must be new, or of a chunk that was reset, and of the column's type. */
export function fillVector(vector: duckdb.Vector, column: ColumnVector, rows: number): void {
  if (rows === 0) return;
  if (column.kind === "struct") {
    for (const [index, field] of column.fields.entries()) fillVector(duckdb.struct_vector_get_child(vector, index), field, rows);
  } else {
    if (column.kind === "list") fillItems(vector, column);
    copy(vector, column.data, rows * column.width);
  }
  if (column.validity !== undefined && hasNull(column.validity, rows)) {
    duckdb.vector_ensure_validity_writable(vector);
    duckdb.copy_data_to_vector_validity(vector, 0, column.validity.buffer as ArrayBuffer, column.validity.byteOffset, (rows + 7) >> 3);
  }
}

function fillItems(vector: duckdb.Vector, { child, count }: ListVector): void {
  duckdb.list_vector_reserve(vector, count);
  duckdb.list_vector_set_size(vector, count);
  fillVector(duckdb.list_vector_get_child(vector), child, count);
}

/** Copies the first bytes of an array to the beginning of a vector, which has room for them. */
export function copy(vector: duckdb.Vector, from: Int8Array | Int16Array | Int32Array, bytes: number): void {
  duckdb.copy_data_to_vector(vector, 0, from.buffer as ArrayBuffer, from.byteOffset, bytes);
}

function hasNull(validity: Uint8Array, rows: number): boolean {
  const whole = rows >> 3;
  for (let index = 0; index < whole; index++) if (validity[index] !== 255) return true;
  const mask = (1 << (rows & 7)) - 1;
  return (validity[whole]! & mask) !== mask;
}
