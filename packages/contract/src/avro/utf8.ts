/**
 * UTF-8 without loss: a text with lone surrogates and bytes that are no UTF-8 are refused, never replaced.
 * Short texts are the rule in records, and for them a call into the platform costs more than a loop.
 */

const shortTextMax = 64;
const encoder = new TextEncoder();
/** A byte order mark is text like any other: what went in comes out. */
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

interface Latin1 {
  latin1Slice(this: Uint8Array, start: number, end: number): string;
}
/** Node's own way to a text of one-byte characters; browsers have none. */
const latin1 = (globalThis as { readonly Buffer?: { readonly prototype?: Partial<Latin1> } }).Buffer?.prototype?.latin1Slice;

/** Writes a text at `start`, where three bytes for each unit must have room. Gives where it ends, or -1 for a text with lone surrogates. */
export function encodeUtf8(text: string, bytes: Uint8Array, start: number): number {
  if (text.length < shortTextMax) return encodeShort(text, bytes, start);
  return text.isWellFormed() ? start + encoder.encodeInto(text, bytes.subarray(start)).written : -1;
}

/** The text of bytes from `start` to `end`; undefined where they are no UTF-8. */
export function decodeUtf8(bytes: Uint8Array, start: number, end: number): string | undefined {
  if (end - start < shortTextMax && isAscii(bytes, start, end)) return decodeAscii(bytes, start, end);
  try {
    return decoder.decode(bytes.subarray(start, end));
  } catch {
    return undefined;
  }
}

/** The text of bytes that are known to be ASCII, and are not many. */
export function decodeAscii(bytes: Uint8Array, start: number, end: number): string {
  return latin1 === undefined ? String.fromCharCode(...bytes.subarray(start, end)) : latin1.call(bytes, start, end);
}

function encodeShort(text: string, bytes: Uint8Array, start: number): number {
  let position = start;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) {
      bytes[position++] = unit;
    } else if (unit < 0x800) {
      bytes[position++] = 0xc0 | (unit >> 6);
      bytes[position++] = 0x80 | (unit & 0x3f);
    } else if (unit < 0xd800 || unit > 0xdfff) {
      bytes[position++] = 0xe0 | (unit >> 12);
      bytes[position++] = 0x80 | ((unit >> 6) & 0x3f);
      bytes[position++] = 0x80 | (unit & 0x3f);
    } else {
      const low = text.charCodeAt(++index);
      if (unit > 0xdbff || !(low >= 0xdc00 && low <= 0xdfff)) return -1;
      const point = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
      bytes[position++] = 0xf0 | (point >> 18);
      bytes[position++] = 0x80 | ((point >> 12) & 0x3f);
      bytes[position++] = 0x80 | ((point >> 6) & 0x3f);
      bytes[position++] = 0x80 | (point & 0x3f);
    }
  }
  return position;
}

function isAscii(bytes: Uint8Array, start: number, end: number): boolean {
  for (let index = start; index < end; index++) {
    if ((bytes[index] as number) > 127) return false;
  }
  return true;
}
