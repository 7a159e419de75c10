import { decodeUtf8 } from "../avro/utf8.ts";
import { wordsToNumber } from "./column-bytes.ts";
import type { ColumnBatch, ColumnVector } from "./column-vectors.ts";

/** The native value in a row of a column; undefined where it cannot be had: ask the record. */
export type ReadCell = (row: number) => unknown;

/** Reads single values back, of the kinds that records are partitioned by; undefined for other kinds. */
export function compileCellReader(batch: ColumnBatch, vector: ColumnVector): ReadCell | undefined {
  if (vector.kind !== "values") return undefined;
  const { validity } = vector;
  const read = readerOf(batch, vector.of, vector.data);
  if (read === undefined || validity === undefined) return read;
  return (row) => (((validity[row >> 3] as number) >> (row & 7)) & 1 ? read(row) : null);
}

/** The arrays of a batch's own columns never move. */
function readerOf(batch: ColumnBatch, kind: string, data: Int8Array | Int16Array | Int32Array): ReadCell | undefined {
  const words = data as Int32Array;
  switch (kind) {
    case "boolean":
      return (row) => data[row] === 1;
    case "int":
    case "date":
      return (row) => data[row];
    case "long":
    case "timeMicros":
    case "timestampMicros":
    case "localTimestampMicros":
      return (row) => longOf(words, row * 2);
    case "timeMillis":
    case "timestampMillis":
    case "localTimestampMillis":
      // Microseconds may be beyond what a number holds; they are a multiple of a thousand.
      return (row) => Number(exactOf(words, row * 2) / 1_000n);
    case "string":
    case "enum":
      return (row) => textOf(batch, words, row * 4);
    default:
      return undefined;
  }
}

function longOf(words: Int32Array, index: number): number | bigint {
  const value = wordsToNumber(words, index);
  return Number.isSafeInteger(value) ? value : exactOf(words, index);
}

function exactOf(words: Int32Array, index: number): bigint {
  return BigInt.asIntN(64, (BigInt(words[index + 1] as number) << 32n) | BigInt((words[index] as number) >>> 0));
}

function textOf(batch: ColumnBatch, words: Int32Array, index: number): string | undefined {
  const length = words[index] as number;
  if (length <= 12) {
    const start = words.byteOffset + index * 4 + 4;
    return decodeUtf8(new Uint8Array(words.buffer), start, start + length);
  }
  const start = ((words[index + 2] as number) - batch.low) >>> 0;
  // A constant's cell points elsewhere.
  const address = batch.low + start;
  const high = address >= 4_294_967_296 ? batch.high + 1 : batch.high;
  if (start + length > batch.bytes.length || (high | 0) !== words[index + 3]) return undefined;
  return decodeUtf8(batch.bytes, start, start + length);
}
