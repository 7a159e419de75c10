import { decodeUtf8 } from "../avro/utf8.ts";
import { wordsToNumber } from "./column-bytes.ts";
import type { ColumnBatch, ColumnVector, ValueVector } from "./column-vectors.ts";

/** The native value in a row of a column; undefined where it cannot be had: ask the record. */
export type ReadCell = (row: number) => unknown;

/** Reads single values back, of the kinds that records are partitioned by; undefined for other kinds. */
export function compileCellReader(batch: ColumnBatch, vector: ColumnVector): ReadCell | undefined {
  if (vector.kind !== "values") return undefined;
  const { validity } = vector;
  const read = readerOf(batch, vector);
  if (read === undefined || validity === undefined) return read;
  return (row) => (((validity[row >> 3] as number) >> (row & 7)) & 1 ? read(row) : null);
}

/** The arrays of a batch's own columns never move. */
function readerOf(batch: ColumnBatch, { of, data, width }: ValueVector): ReadCell | undefined {
  const words = data as Int32Array;
  // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- nothing is partitioned by the other kinds
  switch (of) {
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
    case "bytes":
    case "fixed":
      return (row) => bytesOf(batch, words, row * 4);
    case "uuid":
      return (row) => uuidOf(words, row * 4);
    case "decimal":
      return width < 8 ? (row) => BigInt(data[row] as number) : (row) => unscaledOf(words, { index: row * (width >> 2), count: width >> 2 });
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
  const place = placeOf(batch, words, index);
  return place === undefined ? undefined : decodeUtf8(place.bytes, place.start, place.end);
}

/** A copy: the block is used again. */
function bytesOf(batch: ColumnBatch, words: Int32Array, index: number): Uint8Array | undefined {
  const place = placeOf(batch, words, index);
  return place?.bytes.slice(place.start, place.end);
}

interface BytesPlace {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** Where the bytes of a cell lie: in the cell or in the block that is in use; undefined for those of a constant. */
function placeOf(batch: ColumnBatch, words: Int32Array, index: number): BytesPlace | undefined {
  const length = words[index] as number;
  if (length <= 12) {
    const start = words.byteOffset + index * 4 + 4;
    return { bytes: new Uint8Array(words.buffer), start, end: start + length };
  }
  const start = ((words[index + 2] as number) - batch.low) >>> 0;
  // A constant's cell points elsewhere.
  const address = batch.low + start;
  const high = address >= 4_294_967_296 ? batch.high + 1 : batch.high;
  if (start + length > batch.bytes.length || (high | 0) !== words[index + 3]) return undefined;
  return { bytes: batch.bytes, start, end: start + length };
}

function uuidOf(words: Int32Array, index: number): string {
  const hex = [(words[index + 3] as number) ^ 0x8000_0000, words[index + 2], words[index + 1], words[index]]
    .map((word) => ((word as number) >>> 0).toString(16).padStart(8, "0"))
    .join("");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** Words of two's complement, the lowest first. */
function unscaledOf(words: Int32Array, { index, count }: { readonly index: number; readonly count: number }): bigint {
  let value = BigInt(words[index + count - 1] as number);
  for (let word = index + count - 2; word >= index; word--) value = (value << 32n) | BigInt((words[word] as number) >>> 0);
  return value;
}
