// What generated code calls to write Avro binary: each takes a position and gives the next, or one of the outcomes below.
import type { ByteSink } from "../avro/byte-sink.ts";
import { ByteSink as Sink } from "../avro/byte-sink.ts";
import { encodeUtf8 } from "../avro/utf8.ts";
import { Faults } from "../records/faults.ts";
import type { JsonWrite } from "../records/json-leaves.ts";

/** The value is not as the contract says, or is written in a way that generated code does not take: ask the slower way. */
export const unfit = -1;
/** The output is too small: try again with a larger one. */
export const tooSmall = -2;

const twoTo27 = 134_217_728;
const shortTextMax = 64;

/** A zig-zag varint of a safe integer; ten bytes of room. */
export function writeLong(bytes: Uint8Array, position: number, value: number): number {
  if ((value | 0) === value) return writeVarint(bytes, position, ((value << 1) ^ (value >> 31)) >>> 0);
  // The zig-zag form of a safe integer needs 54 bits, one more than a number holds: its lowest bit, the sign, is kept apart.
  const half = value < 0 ? -value - 1 : value;
  const high = Math.floor(half / twoTo27);
  const low = (half - high * twoTo27) * 2 + (value < 0 ? 1 : 0);
  bytes[position] = (low & 127) | 128;
  bytes[position + 1] = ((low >>> 7) & 127) | 128;
  bytes[position + 2] = ((low >>> 14) & 127) | 128;
  bytes[position + 3] = ((low >>> 21) & 127) | 128;
  return writeVarint(bytes, position + 4, high);
}

function writeVarint(bytes: Uint8Array, position: number, value: number): number {
  let next = position;
  let rest = value;
  while (rest > 127) {
    bytes[next++] = (rest & 127) | 128;
    rest >>>= 7;
  }
  bytes[next++] = rest;
  return next;
}

/** How many bytes the varint of a length takes. */
export function lengthBytes(length: number): number {
  return length < 64 ? 1 : length < 8_192 ? 2 : length < 1_048_576 ? 3 : length < 134_217_728 ? 4 : 5;
}

/** The text after its length. Leaves at least `spare` bytes of room behind it. */
export function writeText(bytes: Uint8Array, position: number, text: string, spare: number): number {
  const { length } = text;
  if (bytes.length - position < length * 3 + spare) return tooSmall;
  if (length >= shortTextMax) return writeLongText(bytes, position, text);
  let next = position + 1;
  for (let index = 0; index < length; index++) {
    const unit = text.charCodeAt(index);
    if (unit > 127) return writeLongText(bytes, position, text);
    bytes[next++] = unit;
  }
  bytes[position] = length << 1;
  return next;
}

function writeLongText(bytes: Uint8Array, position: number, text: string): number {
  // The length stands before the bytes but is known after them: guess that the text is ASCII, move it when that was wrong.
  const guessed = position + lengthBytes(text.length);
  const end = encodeUtf8(text, bytes, guessed);
  if (end < 0) return unfit;
  const length = end - guessed;
  const start = position + lengthBytes(length);
  // First the text, then its length: a longer one would lie over the text's first byte.
  if (start !== guessed) bytes.copyWithin(start, guessed, end);
  writeLong(bytes, position, length);
  return start + length;
}

/** Puts the real length before what was written behind one byte that was left for it. */
export function lengthen(bytes: Uint8Array, position: number, length: number, end: number): number {
  const start = position + lengthBytes(length);
  if (start !== position + 1) bytes.copyWithin(start, position + 1, end);
  writeLong(bytes, position, length);
  return end + start - position - 1;
}

export function writeUuid(bytes: Uint8Array, position: number, text: string): number {
  if (text.length !== 36) return unfit;
  bytes[position] = 72;
  for (let index = 0; index < 36; index++) {
    const unit = text.charCodeAt(index);
    const lower = unit >= 65 && unit <= 70 ? unit + 32 : unit;
    if (index === 8 || index === 13 || index === 18 || index === 23) {
      if (lower !== 45) return unfit;
    } else if (!((lower >= 48 && lower <= 57) || (lower >= 97 && lower <= 102))) return unfit;
    bytes[position + 1 + index] = lower;
  }
  return position + 37;
}

/** Bytes as they are; room must be there. */
export function putBytes(bytes: Uint8Array, position: number, value: Uint8Array): number {
  if (value.length > 16) bytes.set(value, position);
  else for (let index = 0; index < value.length; index++) bytes[position + index] = value[index] as number;
  return position + value.length;
}

/** A writer of the slower way, for the kinds of values that generated code has no code of its own for. */
export function borrowWrite(write: JsonWrite): (bytes: Uint8Array, position: number, value: unknown, spare: number) => number {
  const sink: ByteSink = new Sink(64);
  const faults = new Faults();
  return (bytes, position, value, spare) => {
    sink.reset();
    if (!write(value, sink, faults)) {
      faults.take();
      return unfit;
    }
    if (bytes.length - position < sink.position + spare) return tooSmall;
    return putBytes(bytes, position, sink.view());
  };
}
