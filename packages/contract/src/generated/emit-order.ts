import type { AvroTypeSchema } from "../avro/schema.ts";
import { encodeUtf8 } from "../avro/utf8.ts";
import { kindOf } from "../value-kind.ts";
import { putBytes, tooSmall, unfit } from "./byte-writers.ts";
import { literal, Source } from "./source.ts";

/** A field of which bytes are made that compare as its values do; of a type that may be in an order. */
export interface ComparableField {
  readonly name: string;
  readonly type: AvroTypeSchema;
}

/** Writes the fields of a native record behind `position` and gives where they end, `unfit` or `tooSmall`. `view` is of the same memory as `bytes`. */
export type WriteComparable = (native: Readonly<Record<string, unknown>>, bytes: Uint8Array, view: DataView, position: number) => number;

/** Makes the function that writes fields, one after the other, in the form of `compileOrderBytes`. Throws where the platform refuses generated code. */
export function generateComparable(fields: readonly ComparableField[]): WriteComparable {
  const source = new Source();
  const lines = fields.map(({ name, type }) => lineOf(type, `v[${literal(name)}]`, source));
  const entry = source.define("comparable", "v, dst, view, pos", `${lines.join("\n")}\nreturn pos;`);
  return source.build(entry) as WriteComparable;
}

function lineOf(type: AvroTypeSchema, value: string, source: Source): string {
  const room = (bytes: string | number): string => `if (dst.length - pos < ${bytes}) return ${tooSmall};`;
  const call = (write: unknown): string => `pos = ${source.constant(write)}(dst, view, pos, ${value}); if (pos < 0) return pos;`;
  const kind = kindOf(type);
  // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- all other kinds are whole numbers
  switch (kind) {
    case "boolean":
      return `${room(1)} dst[pos++] = ${value} ? 1 : 0;`;
    case "string":
    case "uuid":
      return call(writeText);
    case "bytes":
      return call(writeBlob);
    case "fixed":
      return `${room("size" in type ? type.size : 0)} pos = ${source.constant(putBytes)}(dst, pos, ${value});`;
    case "decimal":
      return `${room(17)} ${call(writeDecimal)}`;
    case "int":
    case "date":
    case "timeMillis": {
      const own = source.name("i");
      return `${room(8)} { const ${own} = ${value}; view.setInt32(pos, (${own} >> 31) ^ -2147483648); view.setInt32(pos + 4, ${own}); pos += 8; }`;
    }
    default:
      return `${room(8)} ${call(writeWhole)}`;
  }
}

const twoTo32 = 4_294_967_296;
const signBit = -2_147_483_648;

/** Eight bytes, the sign bit flipped; room is there. */
function writeWhole(_: Uint8Array, view: DataView, position: number, value: number | bigint): number {
  if (typeof value === "bigint") view.setBigInt64(position, value ^ -0x8000_0000_0000_0000n);
  else {
    const high = Math.floor(value / twoTo32);
    view.setInt32(position, high ^ signBit);
    view.setInt32(position + 4, (value - high * twoTo32) | 0);
  }
  return position + 8;
}

/** Seventeen bytes, the sign bit flipped; room is there. */
function writeDecimal(bytes: Uint8Array, view: DataView, position: number, value: bigint): number {
  bytes[position] = value < 0n ? 0x7f : 0x80;
  view.setBigInt64(position + 1, BigInt.asIntN(64, value >> 64n));
  view.setBigInt64(position + 9, BigInt.asIntN(64, value));
  return position + 17;
}

/** UTF-8, in which 0 becomes 0 255, and 0 0 ends it. */
function writeText(bytes: Uint8Array, _: DataView, position: number, text: string): number {
  const { length } = text;
  if (bytes.length - position < length * 3 + 2) return tooSmall;
  let next = position;
  for (let index = 0; index < length; index++) {
    const unit = text.charCodeAt(index);
    if (unit === 0 || unit > 127) return writeAnyText(bytes, next, text.slice(index));
    bytes[next++] = unit;
  }
  bytes[next] = 0;
  bytes[next + 1] = 0;
  return next + 2;
}

/** A text holds some 0 or more than ASCII: three bytes of room for each of its units still hold all of it. */
function writeAnyText(bytes: Uint8Array, position: number, text: string): number {
  const zeros = text.split("\u0000").length - 1;
  const start = position + zeros;
  const end = encodeUtf8(text, bytes, start);
  if (end < 0) return unfit;
  return escapeZeros(bytes, position, bytes, start, end);
}

function writeBlob(bytes: Uint8Array, _: DataView, position: number, value: Uint8Array): number {
  if (bytes.length - position < value.length * 2 + 2) return tooSmall;
  return escapeZeros(bytes, position, value, 0, value.length);
}

/** Copies bytes, with those of 0 escaped, and ends them. The source may lie in the target, as far behind as there are zeros. */
function escapeZeros(bytes: Uint8Array, position: number, from: Uint8Array, start: number, end: number): number {
  let next = position;
  for (let index = start; index < end; index++) {
    const byte = from[index] as number;
    bytes[next++] = byte;
    if (byte === 0) bytes[next++] = 255;
  }
  bytes[next] = 0;
  bytes[next + 1] = 0;
  return next + 2;
}
