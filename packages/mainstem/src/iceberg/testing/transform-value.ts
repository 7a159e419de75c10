import { unreachable } from "../../runtime/assert.ts";
import { decimalBytes, truncateLower, uuidBytes, type BoundValue } from "../bounds.ts";
import type { PartitionScalar } from "../model.ts";
import { parsePrimitive } from "../primitives.ts";
import type { ParsedTransform } from "../transforms.ts";

/**
 * For tests, written without the contract's partitions, which make ours: the partition value of a source value (specification, "Partition Transforms" and appendix B). Null stays null.
 * Throws RangeError for a transform that the type does not have.
 */
export function transformValue(transform: ParsedTransform, type: string, value: PartitionScalar): PartitionScalar {
  if (value === null) return null;
  switch (transform.kind) {
    case "identity":
      return value;
    case "void":
      return null;
    case "bucket":
      // Without its sign bit, so that the remainder is positive.
      return (bucketHash(type, value) & 0x7fffffff) % transform.width;
    case "truncate":
      return truncated(type, value, transform.width);
    case "year":
      return monthsOf(daysOf(type, value)).year - 1970;
    case "month": {
      const { year, month } = monthsOf(daysOf(type, value));
      return (year - 1970) * 12 + month;
    }
    case "day":
      return daysOf(type, value);
    case "hour":
      if (!isTimestamp(type)) throw unfit("hour", type);
      return Number(floorDivide(toLong(value), 3_600_000_000n));
    default:
      return unreachable(transform);
  }
}

/** The 32-bit hash of a value that `bucket` takes, signed (specification, appendix B). */
export function bucketHash(type: string, value: BoundValue): number {
  const primitive = parsePrimitive(type);
  switch (primitive?.kind) {
    case "int":
    case "date":
    case "long":
    case "time":
    case "timestamp":
    case "timestamptz":
      return murmur3(littleEndianLong(toLong(value)));
    case "decimal":
      return murmur3(decimalBytes(toLong(value)));
    case "string":
      return murmur3(Buffer.from(value as string));
    case "uuid":
      return murmur3(uuidBytes(value as string));
    case "fixed":
    case "binary":
      return murmur3(value as Uint8Array);
    case "boolean":
    case "float":
    case "double":
    case undefined:
    default:
      throw unfit("bucket", type);
  }
}

/** Murmur3, x86, 32 bits, seed 0, as a signed integer. Source: Austin Appleby's MurmurHash3_x86_32. */
export function murmur3(bytes: Uint8Array): number {
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const blocks = bytes.length & ~3;
  let hash = 0;
  for (let at = 0; at < blocks; at += 4) {
    hash ^= scramble(data.getUint32(at, true));
    hash = Math.imul(rotate(hash, 13), 5) + 0xe6546b64;
  }
  let rest = 0;
  for (let at = bytes.length - 1; at >= blocks; at -= 1) rest = (rest << 8) | bytes[at]!;
  hash ^= scramble(rest) ^ bytes.length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

function scramble(block: number): number {
  return Math.imul(rotate(Math.imul(block, 0xcc9e2d51), 15), 0x1b873593);
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

function truncated(type: string, value: BoundValue, width: number): BoundValue {
  if (type === "string" || type === "binary") return truncateLower(type, value, width);
  const primitive = parsePrimitive(type);
  const number = toLong(value);
  const size = BigInt(width);
  // Beyond the least value of its type, the reference implementation wraps around; for an int so does the sum within.
  if (primitive?.kind === "int") return Number(BigInt.asIntN(32, number - (BigInt.asIntN(32, (number % size) + size) % size)));
  const down = number - (((number % size) + size) % size);
  if (primitive?.kind === "long") return BigInt.asIntN(64, down);
  if (primitive?.kind === "decimal") return down;
  throw unfit("truncate", type);
}

function isTimestamp(type: string): boolean {
  return type === "timestamp" || type === "timestamptz";
}

function daysOf(type: string, value: BoundValue): number {
  if (type === "date") return Number(toLong(value));
  if (!isTimestamp(type)) throw unfit("year, month and day", type);
  return Number(floorDivide(toLong(value), 86_400_000_000n));
}

/** Year and month (from 0) of a day since 1970 in the Gregorian calendar; JavaScript's Date ends before 64 bits of microseconds do. Source: Howard Hinnant, `civil_from_days`. */
function monthsOf(days: number): { readonly year: number; readonly month: number } {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor((dayOfEra - Math.floor(dayOfEra / 1_460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365);
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const month = (monthFromMarch + 2) % 12;
  return { year: yearOfEra + era * 400 + (month <= 1 ? 1 : 0), month };
}

/** Division that rounds down, also before 1970. */
function floorDivide(value: bigint, by: bigint): bigint {
  const quotient = value / by;
  return value % by < 0n ? quotient - 1n : quotient;
}

function toLong(value: BoundValue): bigint {
  if (typeof value === "bigint") return value;
  if (typeof value === "number" && Number.isSafeInteger(value)) return BigInt(value);
  throw new RangeError(`${String(value)} is not an integer`);
}

function littleEndianLong(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigInt64(0, value, true);
  return bytes;
}

function unfit(transform: string, type: string): RangeError {
  return new RangeError(`the transform ${transform} does not take ${type}`);
}
