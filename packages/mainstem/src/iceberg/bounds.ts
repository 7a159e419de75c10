import { unreachable } from "../runtime/assert.ts";
import type { PartitionScalar } from "./model.ts";
import { parsePrimitive, type Primitive } from "./primitives.ts";

/** A single value: int and date as number, long, time and timestamps as bigint, decimal as unscaled bigint, uuid as text, fixed and binary as bytes. */
export type BoundValue = Exclude<PartitionScalar, null>;

/** Characters (code points) of a string and bytes of a binary that a bound keeps: `truncate(16)`, the default of the reference implementation. */
export const boundLengthMax = 16;

/**
 * One value in Iceberg's binary single-value serialisation (specification, appendix D).
 * @throws RangeError for a value that is not of the type; TypeError for a type without such a serialisation.
 */
export function encodeBound(type: string, value: BoundValue): Uint8Array {
  const primitive = requirePrimitive(type);
  switch (primitive.kind) {
    case "boolean":
      return Uint8Array.of(value === true ? 1 : 0);
    case "int":
    case "date":
      return view(4, (bytes) => bytes.setInt32(0, requireInt(value), true));
    case "long":
    case "time":
    case "timestamp":
    case "timestamptz":
      return view(8, (bytes) => bytes.setBigInt64(0, requireLong(value), true));
    case "float":
      return view(4, (bytes) => bytes.setFloat32(0, requireNumber(value), true));
    case "double":
      return view(8, (bytes) => bytes.setFloat64(0, requireNumber(value), true));
    case "string":
      return utf8.encode(requireText(value));
    case "uuid":
      return uuidBytes(requireText(value));
    case "fixed":
    case "binary":
      return new Uint8Array(requireBytes(value));
    case "decimal":
      return decimalBytes(BigInt(requireLongLike(value)));
    default:
      return unreachable(primitive);
  }
}

/**
 * The value of a bound. Also reads bounds written before a widening of the column: 4 bytes of a long were an int, 4 of a double a float
 * (specification, "Schema evolution"). Undefined for bytes that are no value of the type: other writers' bounds are not to be trusted.
 */
export function decodeBound(type: string, bytes: Uint8Array): BoundValue | undefined {
  const primitive = requirePrimitive(type);
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (primitive.kind) {
    case "boolean":
      return bytes.length === 1 ? bytes[0] !== 0 : undefined;
    case "int":
    case "date":
      return bytes.length === 4 ? data.getInt32(0, true) : undefined;
    case "long":
      if (bytes.length === 4) return BigInt(data.getInt32(0, true));
      return bytes.length === 8 ? data.getBigInt64(0, true) : undefined;
    case "time":
    case "timestamp":
    case "timestamptz":
      return bytes.length === 8 ? data.getBigInt64(0, true) : undefined;
    case "float":
      return bytes.length === 4 ? data.getFloat32(0, true) : undefined;
    case "double":
      if (bytes.length === 4) return data.getFloat32(0, true);
      return bytes.length === 8 ? data.getFloat64(0, true) : undefined;
    case "string":
      return decodeText(bytes);
    case "uuid":
      return bytes.length === 16 ? uuidText(bytes) : undefined;
    case "fixed":
    case "binary":
      return new Uint8Array(bytes);
    case "decimal":
      return bytes.length >= 1 && bytes.length <= 16 ? bigEndian(bytes) : undefined;
    default:
      return unreachable(primitive);
  }
}

/** Orders two values of one type: numbers by value (-0 before +0, as the specification asks), text and bytes by unsigned byte, false before true. */
export function compareValues(type: string, a: BoundValue, b: BoundValue): number {
  if (type === "string" || type === "uuid") return Buffer.compare(utf8.encode(requireText(a)), utf8.encode(requireText(b)));
  if (a instanceof Uint8Array || b instanceof Uint8Array) return Buffer.compare(requireBytes(a), requireBytes(b));
  if (a === 0 && b === 0) return Number(Object.is(b, -0)) - Number(Object.is(a, -0));
  return a < b ? -1 : Number(a > b);
}

/** Orders two bounds of one type. Undefined when one of them is no value of the type. */
export function compareBounds(type: string, a: Uint8Array, b: Uint8Array): number | undefined {
  const left = decodeBound(type, a);
  const right = decodeBound(type, b);
  return left === undefined || right === undefined ? undefined : compareValues(type, left, right);
}

/** Two ends, both inclusive; an end that is absent is unknown. */
export interface Bounds {
  readonly lower?: Uint8Array | undefined;
  readonly upper?: Uint8Array | undefined;
}

/**
 * False only if no value lies between both pairs of bounds: decides whether a file can hold a key, or a range of keys.
 * What is unknown or unreadable can hold anything.
 */
export function boundsOverlap(type: string, a: Bounds, b: Bounds): boolean {
  const above = (lower: Uint8Array | undefined, upper: Uint8Array | undefined): boolean =>
    lower !== undefined && upper !== undefined && (compareBounds(type, lower, upper) ?? 0) > 0;
  return !above(a.lower, b.upper) && !above(b.lower, a.upper);
}

/**
 * A lower bound of at most `length` code points (string) or bytes (binary); other types are as they are.
 * A shortened value is less than the whole, so it stays a lower bound.
 */
export function truncateLower(type: string, value: BoundValue, length = boundLengthMax): BoundValue {
  if (type === "string") return firstCodePoints(requireText(value), length);
  if (type === "binary") return new Uint8Array(requireBytes(value).subarray(0, length));
  return value;
}

/**
 * An upper bound of at most `length` code points or bytes: a shortened value is raised in its last place that can be raised.
 * Undefined where none can (then there is no bound).
 */
export function truncateUpper(type: string, value: BoundValue, length = boundLengthMax): BoundValue | undefined {
  if (type === "string") return raisedText(requireText(value), length);
  if (type === "binary") return raisedBytes(requireBytes(value), length);
  return value;
}

/** Two's complement, big-endian, in as few bytes as hold the value: a decimal's unscaled value as a bound, and as what `bucket` hashes. */
export function decimalBytes(unscaled: bigint): Uint8Array {
  let size = 1;
  while (unscaled < -(1n << BigInt(8 * size - 1)) || unscaled >= 1n << BigInt(8 * size - 1)) size += 1;
  return bigEndianBytes(unscaled, size);
}

/** Two's complement, big-endian, in `size` bytes. */
export function bigEndianBytes(value: bigint, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let rest = BigInt.asUintN(8 * size, value);
  for (let at = size - 1; at >= 0; at -= 1) {
    bytes[at] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return bytes;
}

/** The number that big-endian two's complement bytes hold. */
export function bigEndian(bytes: Uint8Array): bigint {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return BigInt.asIntN(8 * bytes.length, value);
}

/** The 16 bytes of a uuid's text. */
export function uuidBytes(text: string): Uint8Array {
  if (!/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(text)) throw new RangeError(`${text} is not a uuid`);
  return Uint8Array.from(Buffer.from(text.replaceAll("-", ""), "hex"));
}

/** The text of a uuid's 16 bytes, in lower case. */
export function uuidText(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

const utf8 = new TextEncoder();
const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decodeText(bytes: Uint8Array): string | undefined {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return undefined;
  }
}

function firstCodePoints(text: string, length: number): string {
  let end = 0;
  for (let count = 0; count < length && end < text.length; count += 1) end += text.codePointAt(end)! > 0xffff ? 2 : 1;
  return text.slice(0, end);
}

function raisedText(text: string, length: number): string | undefined {
  const kept = firstCodePoints(text, length);
  if (kept === text) return text;
  const points = Array.from(kept, (character) => character.codePointAt(0)!);
  for (let at = points.length - 1; at >= 0; at -= 1) {
    const next = points[at]! + 1;
    // Surrogates are no characters: UTF-8 has no form for them.
    const raised = next === 0xd800 ? 0xe000 : next;
    if (raised <= 0x10ffff) return String.fromCodePoint(...points.slice(0, at), raised);
  }
  return undefined;
}

function raisedBytes(bytes: Uint8Array, length: number): Uint8Array | undefined {
  if (bytes.length <= length) return bytes;
  for (let at = length - 1; at >= 0; at -= 1) {
    if (bytes[at]! < 0xff) {
      const raised = new Uint8Array(bytes.subarray(0, at + 1));
      raised[at]! += 1;
      return raised;
    }
  }
  return undefined;
}

function requirePrimitive(type: string): Primitive {
  const primitive = parsePrimitive(type);
  if (primitive === undefined) throw new TypeError(`${type} has no single-value serialisation`);
  return primitive;
}

function view(size: number, write: (bytes: DataView) => void): Uint8Array {
  const bytes = new Uint8Array(size);
  write(new DataView(bytes.buffer));
  return bytes;
}

function requireNumber(value: BoundValue): number {
  if (typeof value !== "number") throw new RangeError(`${String(value)} is not a number`);
  return value;
}

function requireInt(value: BoundValue): number {
  if (typeof value !== "number" || (value | 0) !== value) throw new RangeError(`${String(value)} is not a 32-bit integer`);
  return value;
}

function requireLongLike(value: BoundValue): bigint | number {
  if (typeof value === "bigint" || Number.isSafeInteger(value)) return value as bigint | number;
  throw new RangeError(`${String(value)} is not an integer`);
}

function requireLong(value: BoundValue): bigint {
  const long = BigInt(requireLongLike(value));
  if (BigInt.asIntN(64, long) !== long) throw new RangeError(`${String(value)} is not a 64-bit integer`);
  return long;
}

function requireText(value: BoundValue): string {
  if (typeof value !== "string") throw new RangeError(`${String(value)} is not text`);
  return value;
}

function requireBytes(value: BoundValue): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new RangeError(`${String(value)} is not bytes`);
  return value;
}
