import duckdb from "@duckdb/node-bindings";
import {
  BLOB,
  DuckDBArrayType,
  DuckDBListType,
  DuckDBMapType,
  DuckDBStructType,
  DuckDBTypeId,
  DuckDBUnionType,
  DuckDBVariantType,
  LIST,
  STRUCT,
  UINTEGER,
  UTINYINT,
  VARCHAR,
  type DuckDBDataChunk,
  type DuckDBType,
} from "@duckdb/node-api";

/** About how many bytes a value takes beside its text or its items. */
const valueBytes = 8;
/** A text's length and its first bytes, or where it lies; and the place of a list's items and their number. */
const cellBytes = 16;
const texts: ReadonlySet<DuckDBTypeId> = new Set([DuckDBTypeId.VARCHAR, DuckDBTypeId.BLOB, DuckDBTypeId.BIT, DuckDBTypeId.BIGNUM]);
/** As what a variant is stored: the names, the tree in two lists, and the bytes of all values. */
const variant: readonly DuckDBType[] = [LIST(VARCHAR), LIST(UINTEGER), LIST(UINTEGER), BLOB];

/** About how many bytes so many values take, from a place on. */
type Measure = (start: number, count: number) => number;

/**
 * Tells about how many bytes each row of a chunk takes, from the lengths that DuckDB keeps: no value is made for it.
 * Layout: DuckDB's C API, `duckdb_string_t` and `duckdb_list_entry`; cells of null values hold anything.
 */
export function measureRows(chunk: DuckDBDataChunk, types: readonly DuckDBType[]): (row: number) => number {
  const count = chunk.rowCount;
  const columns = types.map((type, index) => measureOf(duckdb.data_chunk_get_vector(chunk.chunk, index), { type, count }));
  return (row) => columns.reduce((bytes, column) => bytes + column(row, 1), 0);
}

function measureOf(vector: duckdb.Vector, { type, count }: { readonly type: DuckDBType; readonly count: number }): Measure {
  if (count === 0) return () => 0;
  if (texts.has(type.typeId)) return measureTexts(vector, count);
  if (type instanceof DuckDBListType) return measureLists(vector, { items: type.valueType, count });
  if (type instanceof DuckDBMapType) return measureLists(vector, { items: STRUCT({ key: type.keyType, value: type.valueType }), count });
  if (type instanceof DuckDBStructType) return measureStruct(vector, { types: type.entryTypes, count });
  if (type instanceof DuckDBUnionType) return measureStruct(vector, { types: [UTINYINT, ...type.memberTypes], count });
  if (type instanceof DuckDBVariantType) return measureStruct(vector, { types: variant, count });
  if (type instanceof DuckDBArrayType) {
    const { valueType, length } = type;
    const items = measureOf(duckdb.array_vector_get_child(vector), { type: valueType, count: count * length });
    return (start, some) => items(start * length, some * length);
  }
  return (_, some) => some * valueBytes;
}

function measureTexts(vector: duckdb.Vector, count: number): Measure {
  const cells = cellsOf(vector, count);
  const isValid = validityOf(vector, count);
  return (start, some) => {
    let bytes = some * valueBytes;
    for (let index = start; index < start + some; index++) if (isValid(index)) bytes += cells.getUint32(index * cellBytes, true);
    return bytes;
  };
}

function measureLists(vector: duckdb.Vector, { items: type, count }: { readonly items: DuckDBType; readonly count: number }): Measure {
  const cells = cellsOf(vector, count);
  const isValid = validityOf(vector, count);
  const items = measureOf(duckdb.list_vector_get_child(vector), { type, count: duckdb.list_vector_get_size(vector) });
  return (start, some) => {
    let bytes = some * valueBytes;
    for (let index = start; index < start + some; index++) {
      if (!isValid(index)) continue;
      bytes += items(Number(cells.getBigUint64(index * cellBytes, true)), Number(cells.getBigUint64(index * cellBytes + 8, true)));
    }
    return bytes;
  };
}

function measureStruct(vector: duckdb.Vector, { types, count }: { readonly types: readonly DuckDBType[]; readonly count: number }): Measure {
  const entries = types.map((type, index) => measureOf(duckdb.struct_vector_get_child(vector, index), { type, count }));
  return (start, some) => entries.reduce((bytes, entry) => bytes + entry(start, some), 0);
}

function cellsOf(vector: duckdb.Vector, count: number): DataView {
  const { buffer, byteOffset, byteLength } = duckdb.vector_get_data(vector, count * cellBytes);
  return new DataView(buffer, byteOffset, byteLength);
}

function validityOf(vector: duckdb.Vector, count: number): (index: number) => boolean {
  const bits = duckdb.vector_get_validity(vector, Math.ceil(count / 64) * 8) as Uint8Array | null;
  return bits === null ? () => true : (index) => ((bits[index >> 3]! >> (index & 7)) & 1) === 1;
}
