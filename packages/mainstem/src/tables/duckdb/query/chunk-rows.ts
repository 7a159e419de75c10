import type { DuckDBDataChunk, DuckDBType, DuckDBValue } from "@duckdb/node-api";
import { MainstemError } from "../../../runtime/errors.ts";
import { limits } from "../../../runtime/limits.ts";
import { measureRows } from "./chunk-sizes.ts";

/** Rows of a chunk, made only as they are taken: what a vector of 2,048 long texts takes lies in DuckDB alone. */
export class ChunkRows {
  readonly #chunk: DuckDBDataChunk;
  readonly #sizeOf: (row: number) => number;
  #next = 0;

  constructor(chunk: DuckDBDataChunk, types: readonly DuckDBType[]) {
    this.#chunk = chunk;
    this.#sizeOf = measureRows(chunk, types);
  }

  /**
   * Takes rows up to the first after which they have about so many bytes.
   * Errors: `query.tooLarge` for a row that may not be made.
   */
  take(bytesMax: number): { readonly rows: readonly (readonly DuckDBValue[])[]; readonly bytes: number; readonly last: boolean } {
    const { rowCount, columnCount } = this.#chunk;
    const start = this.#next;
    let bytes = 0;
    while (this.#next < rowCount && (bytes < bytesMax || this.#next === start)) bytes += this.#checkedSize(this.#next++);
    const count = this.#next - start;
    // A vector keeps what it made of its cells: parts of it are forgotten with their rows.
    const columns = Array.from({ length: columnCount }, (_, index) => this.#chunk.getColumnVector(index).slice(start, count).toArray());
    const rows = Array.from({ length: count }, (_, row) => columns.map((values) => values[row] ?? null));
    return { rows, bytes, last: this.#next === rowCount };
  }

  #checkedSize(row: number): number {
    const bytes = this.#sizeOf(row);
    const { queryRowBytesMax } = limits;
    if (bytes <= queryRowBytesMax) return bytes;
    throw new MainstemError("query.tooLarge", `A row of the answer has some ${bytes} bytes, and a row may have ${queryRowBytesMax}.`, {
      bytes,
      bytesMax: queryRowBytesMax,
    });
  }
}
