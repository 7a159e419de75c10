// What generated code calls to read Avro binary from `bytes[position, end)`: each gives the value and leaves where it ends in `cursor.at`,
// or gives undefined for bytes that are not plainly right: the slower way is asked then.
import { decodeAscii, decodeUtf8 } from "../avro/utf8.ts";
import { Source } from "./source.ts";

/** Where the last value that was read ends. */
export const cursor = { at: 0 };

/** A text of `length` ASCII bytes at `start`, at most `shortTextMax`; undefined for others. */
export type ShortText = (bytes: Uint8Array, start: number, length: number) => string | undefined;
/** As long as the text of a uuid: for longer ones a call into the platform costs less than to pass each character. */
export const shortTextMax = 36;

const twoTo27 = 134_217_728;
/** With less than this in its middle 28 bits, and no more above, a long is a safe integer; above it, only an exact look tells. */
const safeMiddle = 67_108_863;
const twoTo55 = 36_028_797_018_963_968n;
const uuidLength = 36;
const copiedMax = 32;

/** A zig-zag varint: a number where it is a safe integer, else a bigint. */
export function longAt(bytes: Uint8Array, position: number, end: number): number | bigint | undefined {
  if (end - position < 10) return longByByte(bytes, position, end);
  let byte = bytes[position] as number;
  let low = byte & 127;
  let next = position + 1;
  for (let shift = 7; byte > 127 && shift < 28; shift += 7) low |= ((byte = bytes[next++] as number) & 127) << shift;
  if (byte > 127) {
    let middle = 0;
    for (let shift = 0; byte > 127 && shift < 28; shift += 7) middle |= ((byte = bytes[next++] as number) & 127) << shift;
    if (byte > 127 || middle >= safeMiddle) return longByByte(bytes, position, end);
    cursor.at = next;
    const half = (low >>> 1) + middle * twoTo27;
    return (low & 1) === 1 ? -half - 1 : half;
  }
  cursor.at = next;
  return (low >>> 1) ^ -(low & 1);
}

/** A zig-zag varint of 32 bits. */
export function intAt(bytes: Uint8Array, position: number, end: number): number | undefined {
  const value = longAt(bytes, position, end);
  return typeof value === "number" && (value | 0) === value ? value : undefined;
}

/** The exact way, for all 64 bits, and for varints near the end of the range. */
function longByByte(bytes: Uint8Array, position: number, end: number): number | bigint | undefined {
  let low = 0;
  let middle = 0;
  let high = 0;
  let next = position;
  for (let shift = 0; next < end && shift < 70; shift += 7) {
    const byte = bytes[next++] as number;
    if (shift < 28) low |= (byte & 127) << shift;
    else if (shift < 56) middle |= (byte & 127) << (shift - 28);
    else high |= (byte & 127) << (shift - 56);
    if (byte > 127) continue;
    if (high > 255) return undefined;
    cursor.at = next;
    return zigZag(low, middle, high);
  }
  return undefined;
}

/** The number of a zig-zag form in parts of 28, 28 and 8 bits. */
function zigZag(low: number, middle: number, high: number): number | bigint {
  const negative = (low & 1) === 1;
  if (high === 0 && middle < safeMiddle) {
    const half = (low >>> 1) + middle * twoTo27;
    return negative ? -half - 1 : half;
  }
  const exact = BigInt(low >>> 1) + BigInt(middle) * BigInt(twoTo27) + BigInt(high) * twoTo55;
  const value = negative ? -exact - 1n : exact;
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

/** The number of bytes or items that stands before them: undefined unless it is one from 0 to what is left. */
export function lengthAt(bytes: Uint8Array, position: number, end: number): number | undefined {
  const length = longAt(bytes, position, end);
  return typeof length === "number" && length >= 0 && length <= end - cursor.at ? length : undefined;
}

/** The count of a block of items that take `bytesMin` bytes each at least; 0 ends them. */
export function countAt(bytes: Uint8Array, position: number, end: number, bytesMin: number): number | undefined {
  const count = longAt(bytes, position, end);
  if (typeof count !== "number") return undefined;
  if (count < 0 && lengthAt(bytes, cursor.at, end) === undefined) return undefined;
  const items = Math.abs(count);
  return items * bytesMin <= end - cursor.at ? items : undefined;
}

/** Makes the reader of texts after their length. */
export function createTextAt(): (bytes: Uint8Array, position: number, end: number) => string | undefined {
  const shortText = sharedShortText();
  return (bytes, position, end) => {
    if (position >= end) return undefined;
    const first = bytes[position] as number;
    let start = position + 1;
    let length = first >>> 1;
    if (first > 127 || (first & 1) === 1) {
      const given = lengthAt(bytes, position, end);
      if (given === undefined) return undefined;
      length = given;
      start = cursor.at;
    }
    if (length > end - start) return undefined;
    cursor.at = start + length;
    return (length <= shortTextMax ? shortText(bytes, start, length) : undefined) ?? decodeUtf8(bytes, start, start + length);
  };
}

/** Moves over a text after its length; undefined, as with the text itself, where it is no UTF-8. */
export function skipTextAt(bytes: Uint8Array, position: number, end: number): true | undefined {
  const length = lengthAt(bytes, position, end);
  if (length === undefined) return undefined;
  const start = cursor.at;
  const last = start + length;
  let index = start;
  while (index < last && (bytes[index] as number) < 128) index++;
  if (index < last && decodeUtf8(bytes, index, last) === undefined) return undefined;
  cursor.at = last;
  return true;
}

/** A uuid's text in lower case after its length. */
export function uuidAt(bytes: Uint8Array, position: number, end: number): string | undefined {
  if (end - position <= uuidLength || bytes[position] !== uuidLength * 2) return undefined;
  const start = position + 1;
  for (let index = 0; index < uuidLength; index++) {
    const byte = bytes[start + index] as number;
    if (index === 8 || index === 13 || index === 18 || index === 23) {
      if (byte !== 45) return undefined;
    } else if (!((byte >= 48 && byte <= 57) || (byte >= 97 && byte <= 102))) return undefined;
  }
  cursor.at = start + uuidLength;
  return decodeAscii(bytes, start, start + uuidLength);
}

/** A copy of `bytes[start, start + length)`, which are there. */
export function copyAt(bytes: Uint8Array, start: number, length: number): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(length);
  if (length > copiedMax) copy.set(bytes.subarray(start, start + length));
  else for (let index = 0; index < length; index++) copy[index] = bytes[start + index] as number;
  return copy;
}

const scratch = new Uint8Array(8);
const scratchView = new DataView(scratch.buffer);

/** The double whose 8 bytes are there. Where each record is a view of its own, another view for each would cost more than the bytes do. */
export function doubleAt(bytes: Uint8Array, position: number): number {
  for (let index = 0; index < 8; index++) scratch[index] = bytes[position + index] as number;
  return scratchView.getFloat64(0, true);
}

/** The float whose 4 bytes are there. */
export function floatAt(bytes: Uint8Array, position: number): number {
  for (let index = 0; index < 4; index++) scratch[index] = bytes[position + index] as number;
  return scratchView.getFloat32(0, true);
}

let shortTexts: ShortText | undefined;

function sharedShortText(): ShortText {
  shortTexts ??= generateShortText();
  return shortTexts;
}

/** A case for each length: with a fixed number of arguments the engine makes the text without a loop or a list. */
function generateShortText(): ShortText {
  const source = new Source();
  const fromCharCode = source.constant(String.fromCharCode, "text");
  const caseOf = (length: number): string => {
    const names = Array.from({ length }, (_, index) => `b${index}`);
    const values = names.map((name, index) => `${name} = bytes[start + ${index}]`);
    return `case ${length}: { const ${values.join(", ")}; return (${names.join(" | ")}) > 127 ? undefined : ${fromCharCode}(${names.join(", ")}); }`;
  };
  const cases = Array.from({ length: shortTextMax }, (_, index) => caseOf(index + 1));
  const body = `switch (length) { case 0: return "";\n${cases.join("\n")}\ndefault: return undefined; }`;
  return source.build(source.define("shortText", "bytes, start, length", body)) as ShortText;
}
