import { wireSchemaId } from "@mainstem/contract";
import type { RecordCursor, TimestampType } from "../log/index.ts";
import { avroAppend, avroCreate, avroNull, avroPresent } from "./envelope.ts";

/** Room for the fields of one envelope beside key, value and headers: two longs of 10 bytes, branches, lengths, the array's ends. */
const fixedBytesMax = 64;
/** A header of a few bytes grows by a branch byte; this many more bytes for each is ample. */
const headerGrowth = 2;
/** Up to this many bytes a loop copies faster than a call does. */
const loopBytesMax = 20;
/** Longs from here on need more than the 32 bits that JavaScript shifts. */
const shiftable = 0x4000_0000;
const noBytes = Buffer.alloc(0);

/**
 * Collects records of the log as Avro envelopes, one after the other in a buffer of its own: no object, no promise, one copy a record.
 * Source: Apache Avro 1.12 specification, "Binary Encoding".
 */
export class EnvelopeWriter {
  #buffer: Buffer;
  /** What to make room for when there is no buffer: what the last one had grown to. */
  #capacity: number;
  #position = 0;
  #count = 0;
  #schemaId = -1;
  readonly #schemaIds: Set<number>;

  /** `capacity`: bytes to make room for at first. `schemaIds`: takes the schema ids in the wire headers of the values. */
  constructor({ capacity, schemaIds }: { readonly capacity: number; readonly schemaIds: Set<number> }) {
    this.#buffer = noBytes;
    this.#capacity = capacity;
    this.#schemaIds = schemaIds;
  }

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#position;
  }

  /** Copies the record at which the cursor stands. */
  add(record: RecordCursor, timestampType: TimestampType): void {
    const source = record.bytes;
    const { keyStart, keyEnd, valueStart, valueEnd } = record;
    const headerBytes = record.headersEnd - record.headersStart + record.headerCount * headerGrowth;
    this.#reserve(fixedBytesMax + (keyEnd - keyStart) + (valueEnd - valueStart) + headerBytes);
    const into = this.#buffer;
    let at = writeLong(into, this.#position, record.offset);
    at = writeLong(into, at, record.timestamp);
    into[at++] = timestampType === "append" ? avroAppend : avroCreate;
    at = keyStart < 0 ? writeNull(into, at) : writeSlice(into, at, source, keyStart, keyEnd);
    if (valueStart < 0) at = writeNull(into, at);
    else {
      at = writeSlice(into, at, source, valueStart, valueEnd);
      this.#note(wireSchemaId(source, valueStart, valueEnd));
    }
    if (record.headerCount > 0) at = writeHeaders(into, at, source, record);
    into[at++] = 0;
    this.#position = at;
    this.#count++;
  }

  /** What was collected; the writer is empty afterwards and goes on in `spare`, if one is given back to it. */
  take(spare: Buffer | undefined): { readonly buffer: Buffer; readonly bytes: number; readonly count: number } {
    const taken = { buffer: this.#buffer, bytes: this.#position, count: this.#count };
    this.#capacity = taken.buffer.length;
    this.#buffer = spare ?? noBytes;
    this.#position = this.#count = 0;
    return taken;
  }

  #note(id: number): void {
    if (id < 0 || id === this.#schemaId) return;
    this.#schemaId = id;
    this.#schemaIds.add(id);
  }

  #reserve(bytes: number): void {
    const needed = this.#position + bytes;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2, this.#capacity));
    larger.set(this.#buffer.subarray(0, this.#position));
    this.#buffer = larger;
  }
}

/** An Avro long (zig-zag, seven bits a byte) of a safe integer. The caller made room. */
function writeLong(into: Uint8Array, at: number, value: number): number {
  if (value < shiftable && value >= -shiftable) return writeUnsigned(into, at, ((value << 1) ^ (value >> 31)) >>> 0);
  // The zig-zag form may need 54 bits, one more than a number holds exactly: so its sign bit goes out with the first six bits.
  const negative = value < 0;
  const magnitude = negative ? -value - 1 : value;
  into[at++] = 0x80 | ((magnitude % 0x40) << 1) | (negative ? 1 : 0);
  let rest = Math.floor(magnitude / 0x40);
  while (rest >= 0x8000_0000) {
    into[at++] = 0x80 | (rest % 0x80);
    rest = Math.floor(rest / 0x80);
  }
  return writeUnsigned(into, at, rest);
}

function writeUnsigned(into: Uint8Array, at: number, value: number): number {
  while (value >= 0x80) {
    into[at++] = (value & 0x7f) | 0x80;
    value >>>= 7;
  }
  into[at] = value;
  return at + 1;
}

function writeNull(into: Uint8Array, at: number): number {
  into[at] = avroNull;
  return at + 1;
}

/** The branch, the length, the bytes. */
function writeSlice(into: Buffer, at: number, source: Uint8Array, start: number, end: number): number {
  into[at] = avroPresent;
  return writeBytes(into, at + 1, source, start, end);
}

function writeBytes(into: Buffer, at: number, source: Uint8Array, start: number, end: number): number {
  let next = writeUnsigned(into, at, (end - start) << 1);
  if (end - start > loopBytesMax) {
    // Unlike `set`, `copy` needs no view of the source; it takes any Uint8Array.
    Buffer.prototype.copy.call(source, into, next, start, end);
    return next + end - start;
  }
  for (let index = start; index < end; index++) into[next++] = source[index]!;
  return next;
}

/**
 * Headers as one Avro block. Kafka writes key length, key, value length (-1: null), value, whose lengths are zig-zag varints as Avro's are;
 * only the branch before each value is new. The cursor checked that the lengths stay within the record.
 */
function writeHeaders(into: Buffer, position: number, source: Uint8Array, record: RecordCursor): number {
  let at = writeUnsigned(into, position, record.headerCount << 1);
  let from = record.headersStart;
  for (let index = 0; index < record.headerCount; index++) {
    let length = 0;
    let shift = 0;
    for (let byte = 0x80; byte >= 0x80; shift += 7) length |= ((byte = source[from++]!) & 0x7f) << shift;
    const keyEnd = from + (length >>> 1);
    at = writeBytes(into, at, source, from, keyEnd);
    from = keyEnd;
    length = shift = 0;
    for (let byte = 0x80; byte >= 0x80; shift += 7) length |= ((byte = source[from++]!) & 0x7f) << shift;
    // -1 is written as 1: its lowest bit is the sign.
    if ((length & 1) === 1) at = writeNull(into, at);
    else {
      const valueEnd = from + (length >>> 1);
      at = writeSlice(into, at, source, from, valueEnd);
      from = valueEnd;
    }
  }
  return at;
}
