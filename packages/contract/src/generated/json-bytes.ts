// What generated code calls to read JSON bytes. All of it stops at `end`, and none of it decides that a text is wrong: what is not plain is left to
// the parsed way, which gives the errors.
import { decodeUtf8 } from "../avro/utf8.ts";
import { daysFromCivil } from "../records/civil-time.ts";
import { ByteSink } from "../avro/byte-sink.ts";
import { Faults } from "../records/faults.ts";
import type { JsonWrite } from "../records/json-leaves.ts";
import { lengthen, putBytes, tooSmall, unfit } from "./byte-writers.ts";

/** The second result of the functions below: where the output goes on, or a number that was read. */
export interface Out {
  at: number;
}

export const newline = 10;
const quote = 34;
const backslash = 92;
const opened = 123;
/** Values that the parsed way takes may not nest deeper: a bound on what a hostile line costs. */
const depthMax = 64;
const safe = Number.MAX_SAFE_INTEGER;

/** Whether a newline was read since this was reset: of a record that must be one line. */
export const read = { newline: false };

const seen: { bytes: Uint8Array; words: DataView } = { bytes: new Uint8Array(0), words: new DataView(new ArrayBuffer(0)) };

/** A view of the same memory. The last one is kept, as many records lie in the same bytes. */
export function wordsOf(bytes: Uint8Array): DataView {
  if (seen.bytes !== bytes) {
    seen.bytes = bytes;
    seen.words = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }
  return seen.words;
}

/** The first position at or after `start` that is not JSON's white space. */
export function skipSpace(bytes: Uint8Array, start: number, end: number): number {
  for (let position = start; ; read.newline = true) {
    position = skipBlank(bytes, position, end);
    if (bytes[position] !== newline || position >= end) return position;
    position++;
  }
}

/** As `skipSpace`, within a line. */
export function skipBlank(bytes: Uint8Array, start: number, end: number): number {
  let position = start;
  while (position < end && (bytes[position] === 32 || bytes[position] === 9 || bytes[position] === 13)) position++;
  return position;
}

/** Reads `"name":` with any white space, after a comma where `comma` says so. Gives the position after the colon, or `unfit` where another text stands. */
export function matchKey(bytes: Uint8Array, start: number, end: number, name: Uint8Array, comma: boolean): number {
  let position = skipSpace(bytes, start, end);
  if (comma) {
    if (bytes[position] !== 44) return unfit;
    position = skipSpace(bytes, position + 1, end);
  }
  if (position + name.length > end) return unfit;
  for (let index = 0; index < name.length; index++) {
    if (bytes[position + index] !== name[index]) return unfit;
  }
  position = skipSpace(bytes, position + name.length, end);
  return bytes[position] === 58 && position < end ? position + 1 : unfit;
}

/** The names of a record's fields, found by their bytes. */
export class NameTable {
  readonly #names: readonly Uint8Array[];
  /** By name, the index of its field. */
  readonly #fields: readonly number[];
  readonly #slots: Int16Array;

  /** `fields`: the names of each. */
  constructor(fields: readonly (readonly string[])[]) {
    this.#names = fields.flat().map((name) => new TextEncoder().encode(name));
    this.#fields = fields.flatMap((names, index) => names.map(() => index));
    this.#slots = new Int16Array(2 ** Math.ceil(Math.log2(this.#names.length * 2 + 1))).fill(-1);
    for (const [index, name] of this.#names.entries()) {
      let slot = hashOf(name, 0, name.length) & (this.#slots.length - 1);
      while (this.#slots[slot] !== -1) slot = (slot + 1) & (this.#slots.length - 1);
      this.#slots[slot] = index;
    }
  }

  /** The index of the field that has a name; -1 where none has. */
  find(bytes: Uint8Array, start: number, end: number): number {
    let slot = hashOf(bytes, start, end) & (this.#slots.length - 1);
    for (;;) {
      const index = this.#slots[slot] as number;
      if (index < 0) return index;
      if (isSame(this.#names[index] as Uint8Array, bytes, start, end)) return this.#fields[index] as number;
      slot = (slot + 1) & (this.#slots.length - 1);
    }
  }
}

function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let index = start; index < end; index++) hash = Math.imul(hash ^ (bytes[index] as number), 0x01000193);
  return hash ^ (hash >>> 15);
}

function isSame(name: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (name.length !== end - start) return false;
  for (let index = 0; index < name.length; index++) {
    if (name[index] !== bytes[start + index]) return false;
  }
  return true;
}

export interface Places {
  readonly names: NameTable;
  /** Of each field's value; `absent` where the field is not there. */
  readonly starts: Int32Array;
  /** Of each field's value, and of the object. */
  readonly ends: Int32Array;
}

/** The place of a field that is not there. */
const absent = -3;

/**
 * Finds the fields of an object whose keys stand in any order from the field `first` on, which `start` is before: behind the opening brace, or behind the
 * value of the field before it. Gives where the value of `first` starts, or `absent`; `unfit` for unknown, repeated and escaped keys.
 */
export function findFields(bytes: Uint8Array, start: number, end: number, { names, starts, ends }: Places, first: number): number {
  starts.fill(start, 0, first);
  starts.fill(absent, first);
  let position = skipSpace(bytes, start, end);
  for (let comma = first > 0; bytes[position] !== 125 || position >= end; comma = true) {
    if (comma) {
      if (bytes[position] !== 44) return unfit;
      position = skipSpace(bytes, position + 1, end);
    }
    if (bytes[position] !== quote) return unfit;
    const name = position + 1;
    const last = plainEnd(bytes, name, end);
    const index = last < 0 ? -1 : names.find(bytes, name, last);
    if (index < 0 || starts[index] !== absent) return unfit;
    position = skipSpace(bytes, last + 1, end);
    if (bytes[position] !== 58) return unfit;
    starts[index] = position = skipSpace(bytes, position + 1, end);
    ends[index] = position = valueEnd(bytes, position, end);
    if (position < 0) return unfit;
    position = skipSpace(bytes, position, end);
  }
  ends[ends.length - 1] = position + 1;
  return starts[first] as number;
}

/** The closing quote of a string of plain ASCII, or `unfit`. */
function plainEnd(bytes: Uint8Array, start: number, end: number): number {
  for (let position = start; position < end; position++) {
    const byte = bytes[position] as number;
    if (byte === quote) return position;
    if (byte < 32 || byte > 126 || byte === backslash) return unfit;
  }
  return unfit;
}

/** The position after a value, for text that is JSON; of other text any position, or `unfit`. */
function valueEnd(bytes: Uint8Array, start: number, end: number): number {
  let depth = 0;
  for (let position = start; position < end; position++) {
    // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- all other kinds go one way
    switch (bytes[position]) {
      case quote:
        position = stringEnd(bytes, position, end);
        if (position < 0) return unfit;
        if (depth === 0) return position + 1;
        break;
      case 91:
      case opened:
        if (++depth > depthMax) return unfit;
        break;
      case 93:
      case 125:
        if (depth === 0) return position;
        if (--depth === 0) return position + 1;
        break;
      case newline:
        if (depth === 0) return position;
        read.newline = true;
        break;
      case 44:
      case 32:
      case 13:
      case 9:
        if (depth === 0) return position;
        break;
      default:
        break;
    }
  }
  return unfit;
}

/** The closing quote of the string that opens at `start`. */
function stringEnd(bytes: Uint8Array, start: number, end: number): number {
  for (let position = start + 1; position < end; position++) {
    const byte = bytes[position];
    if (byte === quote) return position;
    if (byte === backslash) position++;
  }
  return unfit;
}

/** Reads one value with the platform's JSON parser and writes it with the slower way: for what generated code does not take itself. */
export type BorrowRead = (bytes: Uint8Array, start: number, end: number, dst: Uint8Array, position: number) => number;

export function borrowRead(write: JsonWrite, { out, spare }: { readonly out: Out; readonly spare: number }): BorrowRead {
  const sink = new ByteSink(64);
  const faults = new Faults();
  return (bytes, start, end, dst, position) => {
    const last = valueEnd(bytes, start, end);
    const text = last <= start ? undefined : decodeUtf8(bytes, start, last);
    if (text === undefined) return unfit;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      return unfit;
    }
    sink.reset();
    if (!write(value, sink, faults)) {
      faults.take();
      return unfit;
    }
    if (dst.length - position < sink.position + spare + end - last) return tooSmall;
    out.at = putBytes(dst, position, sink.view());
    return last;
  };
}

/**
 * Goes on with a string that is not all ASCII: `start` is at its first byte that is not, `written` where that goes, `position` where its length will stand.
 * Gives the position after the closing quote; `unfit` for bytes that are no UTF-8, and for escapes. Source: The Unicode Standard, table 3-7.
 */
export function copyText(
  bytes: Uint8Array,
  start: number,
  end: number,
  { dst, position, written, out }: { readonly dst: Uint8Array; readonly position: number; readonly written: number; readonly out: Out },
): number {
  let at = written;
  let next = start;
  while (next < end) {
    const byte = bytes[next] as number;
    if (byte === quote) {
      const length = at - position - 1;
      if (length < 64) dst[position] = length << 1;
      out.at = length < 64 ? at : lengthen(dst, position, length, at);
      return next + 1;
    }
    const width = byte < 128 ? (byte < 32 || byte === backslash ? 0 : 1) : utf8Width(bytes, next, end);
    if (width === 0) return unfit;
    for (let index = 0; index < width; index++) dst[at++] = bytes[next++] as number;
  }
  return unfit;
}

/** How many bytes the character at a lead byte takes; 0 where there is none. */
function utf8Width(bytes: Uint8Array, start: number, end: number): number {
  const lead = bytes[start] as number;
  const width = lead >= 0xc2 && lead <= 0xdf ? 2 : lead >= 0xe0 && lead <= 0xef ? 3 : lead >= 0xf0 && lead <= 0xf4 ? 4 : 0;
  if (width === 0 || start + width > end) return 0;
  const second = bytes[start + 1] as number;
  const least = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const most = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  if (second < least || second > most) return 0;
  for (let index = start + 2; index < start + width; index++) {
    if (((bytes[index] as number) & 0xc0) !== 0x80) return 0;
  }
  return width;
}

/** The value of `"2026-11-21"` in days goes to `out`; gives the position after it, or `unfit`. */
export function readDate(bytes: Uint8Array, start: number, end: number, out: Out): number {
  if (end - start < 12 || bytes[start] !== quote || bytes[start + 11] !== quote || !dateAt(bytes, start + 1, out)) return unfit;
  return start + 12;
}

const scales = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000] as const;

/**
 * `"2026-11-21T09:56:18.123456Z"` with at most `digits` digits after the second; with `zone` false the same without the Z. The count of
 * 10^-digits seconds since 1970 goes to `out`; gives the position after the text, or `unfit` for any other, and where the count is no safe integer.
 */
export function readTimestamp(
  bytes: Uint8Array,
  start: number,
  end: number,
  { digits, zone, out }: { readonly digits: number; readonly zone: boolean; readonly out: Out },
): number {
  // From the opening quote: 19 characters, perhaps a fraction, perhaps the zone, the closing quote.
  if (end - start < 22 || bytes[start] !== quote || bytes[start + 11] !== 84 || !dateAt(bytes, start + 1, out)) return unfit;
  const days = out.at;
  const hour = pairAt(bytes, start + 12);
  const minute = pairAt(bytes, start + 15);
  const second = pairAt(bytes, start + 18);
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59 || bytes[start + 14] !== 58 || bytes[start + 17] !== 58) return unfit;
  let position = start + 20;
  let fraction = 0;
  if (bytes[position] === 46) {
    const first = ++position;
    for (let digit = digitAt(bytes, position); digit >= 0; digit = digitAt(bytes, ++position)) fraction = fraction * 10 + digit;
    if (position === first || position - first > digits) return unfit;
    fraction *= scales[digits - (position - first)] as number;
  }
  if (zone && bytes[position++] !== 90) return unfit;
  if (bytes[position] !== quote || position >= end) return unfit;
  const count = (days * 86_400 + hour * 3_600 + minute * 60 + second) * (scales[digits] as number) + fraction;
  if (count > safe || count < -safe) return unfit;
  out.at = count;
  return position + 1;
}

function digitAt(bytes: Uint8Array, position: number): number {
  const digit = (bytes[position] as number) - 48;
  return digit >= 0 && digit <= 9 ? digit : -1;
}

function pairAt(bytes: Uint8Array, position: number): number {
  const tens = digitAt(bytes, position);
  const ones = digitAt(bytes, position + 1);
  return tens >= 0 && ones >= 0 ? tens * 10 + ones : -1;
}

/** Days of a date go to `out`. */
function dateAt(bytes: Uint8Array, start: number, out: Out): boolean {
  const century = pairAt(bytes, start);
  const rest = pairAt(bytes, start + 2);
  const month = pairAt(bytes, start + 5);
  const day = pairAt(bytes, start + 8);
  if (century < 0 || rest < 0 || month < 1 || month > 12 || day < 1 || bytes[start + 4] !== 45 || bytes[start + 7] !== 45) return false;
  const year = century * 100 + rest;
  if (year === 0 || day > daysOf(year, month)) return false;
  out.at = daysFromCivil(year, month, day);
  return true;
}

function daysOf(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** `"01234567-89ab-…"` in any case is written with its length, in lower case; gives the position after it, or `unfit`. */
export function readUuid(bytes: Uint8Array, start: number, end: number, dst: Uint8Array, position: number): number {
  if (end - start < 38 || bytes[start] !== quote || bytes[start + 37] !== quote) return unfit;
  dst[position] = 72;
  for (let index = 1; index <= 36; index++) {
    const byte = bytes[start + index] as number;
    const lower = byte >= 65 && byte <= 70 ? byte + 32 : byte;
    if (index === 9 || index === 14 || index === 19 || index === 24) {
      if (lower !== 45) return unfit;
    } else if (!((lower >= 48 && lower <= 57) || (lower >= 97 && lower <= 102))) return unfit;
    dst[position + index] = lower;
  }
  return start + 38;
}

/** The unscaled integer of `"-12.50"` goes to `out`; gives the position after it, or `unfit` for more than 15 digits and whatever does not fit. */
export function readDecimal(
  bytes: Uint8Array,
  start: number,
  end: number,
  { precision, scale, out }: { readonly precision: number; readonly scale: number; readonly out: Out },
): number {
  if (bytes[start] !== quote) return unfit;
  const negative = bytes[start + 1] === 45;
  const first = negative ? start + 2 : start + 1;
  let position = first;
  let unscaled = 0;
  for (let digit = digitAt(bytes, position); digit >= 0; digit = digitAt(bytes, ++position)) unscaled = unscaled * 10 + digit;
  const whole = position - first;
  let fraction = 0;
  if (bytes[position] === 46) {
    const dot = position;
    position++;
    for (let digit = digitAt(bytes, position); digit >= 0; digit = digitAt(bytes, ++position)) unscaled = unscaled * 10 + digit;
    fraction = position - dot - 1;
    if (fraction === 0) return unfit;
  }
  if (whole === 0 || fraction > scale || whole + scale > 15 || bytes[position] !== quote || position >= end) return unfit;
  unscaled *= 10 ** (scale - fraction);
  if (unscaled >= 10 ** precision) return unfit;
  out.at = negative ? -unscaled : unscaled;
  return position + 1;
}

/** Two's complement, big-endian, of a safe integer: in `size` bytes, or in as few as hold it, after their number. Gives where it ends. */
export function writeUnscaled(bytes: Uint8Array, position: number, value: number, size: number | undefined): number {
  let count = size ?? 1;
  if (size === undefined) while (value >= 2 ** (count * 8 - 1) || value < -(2 ** (count * 8 - 1))) count++;
  const start = size === undefined ? position + 1 : position;
  if (size === undefined) bytes[position] = count << 1;
  let rest = value;
  for (let index = start + count - 1; index >= start; index--) {
    const next = Math.floor(rest / 256);
    bytes[index] = rest - next * 256;
    rest = next;
  }
  return start + count;
}

/** The number of a text that has the form of a JSON number, wherever that takes more care than generated code has; NaN for other text. */
export function readNumber(bytes: Uint8Array, start: number, end: number, out: Out): number {
  let position = start;
  while (position < end && isNumeric(bytes[position] as number)) position++;
  const text = decodeUtf8(bytes, start, position);
  if (text === undefined || !/^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(text)) return unfit;
  out.at = Number(text);
  return position;
}

function isNumeric(byte: number): boolean {
  return (byte >= 48 && byte <= 57) || byte === 45 || byte === 43 || byte === 46 || byte === 101 || byte === 69;
}
