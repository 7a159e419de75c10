// What generated code calls to put Avro's values into columns: each takes a position in the bytes and gives the next, or `unfit`.
// Reading beyond the bytes gives nothing that counts: a record that does not end where it should is not taken.
import { unfit } from "./byte-writers.ts";

const twoTo32 = 4_294_967_296;
const highBits = 0x8080_8080 | 0;

/** A zig-zag varint of at most 32 bits. */
export function putInt(source: Uint8Array, position: number, out: Int8Array | Int16Array | Int32Array, index: number): number {
  let next = position;
  let low = 0;
  for (let shift = 0; shift < 28; shift += 7) {
    const byte = source[next++] as number;
    low |= (byte & 127) << shift;
    if (!(byte > 127)) {
      out[index] = (low >>> 1) ^ -(low & 1);
      return next;
    }
  }
  const byte = source[next++] as number;
  if (byte > 15) return unfit;
  low |= byte << 28;
  out[index] = (low >>> 1) ^ -(low & 1);
  return next;
}

/** A zig-zag varint of at most 64 bits, as two words. */
export function putLong(source: Uint8Array, position: number, out: Int32Array, index: number): number {
  let next = position;
  let low = 0;
  for (let shift = 0; shift < 28; shift += 7) {
    const byte = source[next++] as number;
    low |= (byte & 127) << shift;
    if (!(byte > 127)) {
      const value = (low >>> 1) ^ -(low & 1);
      out[index] = value;
      out[index + 1] = value >> 31;
      return next;
    }
  }
  let middle = 0;
  let high = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = source[next++] as number;
    if (shift < 28) middle |= (byte & 127) << shift;
    else high |= (byte & 127) << (shift - 28);
    if (!(byte > 127)) break;
    if (shift >= 35) return unfit;
  }
  if (high > 255) return unfit;
  const lower = low | (middle << 28);
  const upper = (middle >>> 4) | (high << 24);
  const sign = -(lower & 1);
  out[index] = ((lower >>> 1) | (upper << 31)) ^ sign;
  out[index + 1] = (upper >>> 1) ^ sign;
  return next;
}

/** The two words as a number, rounded as any number is. */
export function wordsToNumber(words: Int32Array, index: number): number {
  return (words[index + 1] as number) * twoTo32 + ((words[index] as number) >>> 0);
}

const numberWords = new DataView(new ArrayBuffer(8));

/** A number as a double, in two words, or as a float. */
export function putNumber(value: number, isDouble: boolean, out: Int32Array, index: number): void {
  if (isDouble) {
    numberWords.setFloat64(0, value, true);
    putDouble(numberWords, 0, out, index);
  } else {
    numberWords.setFloat32(0, value, true);
    putFloat(numberWords, 0, out, index);
  }
}

/** A float, whose bytes must be there: -0 as 0, and one of the many NaNs for all. */
export function putFloat(view: DataView, position: number, out: Int32Array, index: number): void {
  const word = view.getInt32(position, true);
  const magnitude = word & 0x7fff_ffff;
  out[index] = magnitude === 0 ? 0 : magnitude > 0x7f80_0000 ? 0x7fc0_0000 : word;
}

/** A double, likewise. */
export function putDouble(view: DataView, position: number, out: Int32Array, index: number): void {
  const low = view.getInt32(position, true);
  const high = view.getInt32(position + 4, true);
  const magnitude = high & 0x7fff_ffff;
  const isNaN = magnitude > 0x7ff0_0000 || (magnitude === 0x7ff0_0000 && low !== 0);
  out[index] = isNaN ? 0 : low;
  out[index + 1] = isNaN ? 0x7ff8_0000 : magnitude === 0 && low === 0 ? 0 : high;
}

/** A timestamp or time: a long strictly between the limits, in microseconds, or in milliseconds with a factor of 1,000. */
export function putTime(source: Uint8Array, position: number, out: Int32Array, index: number, least: number, limit: number, factor: number): number {
  const next = putLong(source, position, out, index);
  if (next < 0) return unfit;
  const count = wordsToNumber(out, index);
  if (!(count > least && count < limit)) return unfit;
  if (factor !== 1) {
    const low = ((out[index] as number) >>> 0) * factor;
    const carry = Math.floor(low / twoTo32);
    out[index] = low - carry * twoTo32;
    out[index + 1] = (out[index + 1] as number) * factor + carry;
  }
  return next;
}

/** A cell of UTF-8. The bytes from `position` must be there. False where they are no UTF-8. */
export function putText(
  source: Uint8Array,
  view: DataView,
  position: number,
  length: number,
  out: Int32Array,
  index: number,
  low: number,
  high: number,
): boolean {
  let bits: number;
  if (length > 12) {
    const last = position + length - 4;
    bits = view.getInt32(last, true);
    for (let at = position; at < last; at += 4) bits |= view.getInt32(at, true);
    putPointer(view, position, length, out, index, low, high);
  } else {
    putInline(source, view, position, length, out, index);
    bits = (out[index + 1] as number) | (out[index + 2] as number) | (out[index + 3] as number);
  }
  return (bits & highBits) === 0 || isUtf8(source, position, position + length);
}

/** A cell of any bytes, which must be there. */
export function putBlob(source: Uint8Array, view: DataView, position: number, length: number, out: Int32Array, index: number, low: number, high: number): void {
  if (length > 12) putPointer(view, position, length, out, index, low, high);
  else putInline(source, view, position, length, out, index);
}

function putPointer(view: DataView, position: number, length: number, out: Int32Array, index: number, low: number, high: number): void {
  const address = low + position;
  out[index] = length;
  out[index + 1] = view.getInt32(position, true);
  out[index + 2] = address;
  out[index + 3] = address >= twoTo32 ? high + 1 : high;
}

function putInline(source: Uint8Array, view: DataView, position: number, length: number, out: Int32Array, index: number): void {
  let first = 0;
  let second = 0;
  let third = 0;
  if (length >= 4) {
    first = view.getInt32(position, true);
    // The last four bytes overlap those before: what is there already is shifted out.
    if (length > 8) {
      second = view.getInt32(position + 4, true);
      third = view.getInt32(position + length - 4, true) >>> ((12 - length) << 3);
    } else if (length > 4) second = view.getInt32(position + length - 4, true) >>> ((8 - length) << 3);
  } else {
    for (let offset = 0; offset < length; offset++) first |= (source[position + offset] as number) << (offset << 3);
  }
  out[index] = length;
  out[index + 1] = first;
  out[index + 2] = second;
  out[index + 3] = third;
}

/** Whether bytes are UTF-8. Source: The Unicode Standard, table 3-7, "Well-Formed UTF-8 Byte Sequences". */
export function isUtf8(source: Uint8Array, start: number, end: number): boolean {
  let at = start;
  while (at < end) {
    const first = source[at++] as number;
    if (first < 0x80) continue;
    const more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
    if (first < 0xc2 || first > 0xf4 || end - at < more) return false;
    const second = source[at] as number;
    const least = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
    const most = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
    if (second < least || second > most) return false;
    for (let offset = 1; offset < more; offset++) if (((source[at + offset] as number) & 0xc0) !== 0x80) return false;
    at += more;
  }
  return true;
}

const decimalWords = new Int32Array(4);

/** A big-endian number of `length` bytes in two's complement, whose distance from zero is below the limit, in one word (or half of one), two or four. */
export function putDecimal(
  source: Uint8Array,
  position: number,
  length: number,
  out: Int16Array | Int32Array,
  index: number,
  words: number,
  limit: number,
): number {
  if (length < 1 || length > 16) return unfit;
  decimalWords.fill((source[position] as number) > 127 ? -1 : 0);
  for (let offset = 0; offset < length; offset++) {
    const shift = (offset & 3) << 3;
    const word = decimalWords[offset >> 2] as number;
    decimalWords[offset >> 2] = (word & ~(255 << shift)) | ((source[position + length - 1 - offset] as number) << shift);
  }
  const [first = 0, second = 0, third = 0, fourth = 0] = decimalWords;
  const value = ((fourth * twoTo32 + (third >>> 0)) * twoTo32 + (second >>> 0)) * twoTo32 + (first >>> 0);
  if (!(value < limit && value > -limit)) return unfit;
  for (let word = 0; word < words; word++) out[index + word] = decimalWords[word] as number;
  return position + length;
}

/** A uuid of 36 characters, which must be there. */
export function putUuidText(source: Uint8Array, position: number, out: Int32Array, index: number): number {
  if (source[position + 8] !== 45 || source[position + 13] !== 45 || source[position + 18] !== 45 || source[position + 23] !== 45) return unfit;
  const first = (hexAt(source, position) << 16) | hexAt(source, position + 4);
  const second = (hexAt(source, position + 9) << 16) | hexAt(source, position + 14);
  const third = (hexAt(source, position + 19) << 16) | hexAt(source, position + 24);
  const fourth = (hexAt(source, position + 28) << 16) | hexAt(source, position + 32);
  const digits =
    digitsAt(source, position, 8) &&
    digitsAt(source, position + 9, 4) &&
    digitsAt(source, position + 14, 4) &&
    digitsAt(source, position + 19, 4) &&
    digitsAt(source, position + 24, 12);
  if (!digits) return unfit;
  putUuidWords(out, index, first, second, third, fourth);
  return position + 36;
}

/** A uuid of 16 bytes, which must be there. */
export function putUuidBytes(view: DataView, position: number, out: Int32Array, index: number): number {
  putUuidWords(out, index, view.getInt32(position), view.getInt32(position + 4), view.getInt32(position + 8), view.getInt32(position + 12));
  return position + 16;
}

function putUuidWords(out: Int32Array, index: number, first: number, second: number, third: number, fourth: number): void {
  out[index] = fourth;
  out[index + 1] = third;
  out[index + 2] = second;
  out[index + 3] = first ^ 0x8000_0000;
}

/** The value of each hexadecimal digit; 255 for any other byte. */
const hexValues = Uint8Array.from({ length: 256 }, (_, byte) => {
  const digit = "0123456789abcdef".indexOf(String.fromCharCode(byte).toLowerCase());
  return digit < 0 ? 255 : digit;
});

function hexAt(source: Uint8Array, at: number): number {
  const [a, b, c, d] = [source[at], source[at + 1], source[at + 2], source[at + 3]] as [number, number, number, number];
  return (hexValues[a]! << 12) | (hexValues[b]! << 8) | (hexValues[c]! << 4) | hexValues[d]!;
}

function digitsAt(source: Uint8Array, start: number, count: number): boolean {
  for (let at = start; at < start + count; at++) if (hexValues[source[at] as number] === 255) return false;
  return true;
}

/** More keys of one map are not compared with one another. */
const comparedKeysMax = 64;

/** Whether the keys of a map, whose cells point into `source` (at the address `low`), differ from one another. */
export function areDistinct(cells: Int32Array, start: number, count: number, source: Uint8Array, low: number): boolean {
  if (count > comparedKeysMax) return false;
  for (let one = start; one < start + count; one++) {
    for (let other = start; other < one; other++) if (isSameText(cells, one * 4, other * 4, source, low)) return false;
  }
  return true;
}

function isSameText(cells: Int32Array, one: number, other: number, source: Uint8Array, low: number): boolean {
  const length = cells[one] as number;
  if (length !== cells[other] || cells[one + 1] !== cells[other + 1]) return false;
  if (length <= 12) return cells[one + 2] === cells[other + 2] && cells[one + 3] === cells[other + 3];
  const [from, to] = [((cells[one + 2] as number) - low) >>> 0, ((cells[other + 2] as number) - low) >>> 0];
  for (let offset = 4; offset < length; offset++) if (source[from + offset] !== source[to + offset]) return false;
  return true;
}
