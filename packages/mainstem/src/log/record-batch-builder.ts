import { assert } from "../runtime/assert.ts";
import type { BufferPool } from "./buffer-pool.ts";
import { varintBytes, varlongBytes, writeVarint, writeVarlong } from "./varint.ts";
import type { RecordBatch, RecordHeader } from "./record-batch.ts";

const capacityDefault = 65_536;
/** Below this many bytes a loop copies faster than the call of `set`. */
const loopBytesMax = 24;
/** The same of a loop over words. */
const wordBytesMax = 400;
const nothing = Buffer.alloc(0);
const nothingSeen = new DataView(nothing.buffer, 0, 0);
const noHeaders: readonly RecordHeader[] = [];

/** A key and a value within a larger array. */
export interface RecordSlices {
  readonly bytes: Uint8Array;
  /** Of the same memory. */
  readonly view: DataView;
  readonly start: number;
  readonly end: number;
  readonly keyStart: number;
  readonly keyEnd: number;
}

/** Collects records into a batch, as Kafka's message format v2 lays them out. */
export class RecordBatchBuilder {
  #capacity: number;
  readonly #pool: BufferPool | undefined;
  #buffer: Buffer = nothing;
  /** Of the same memory. */
  #view: DataView = nothingSeen;
  #position = 0;
  #count = 0;
  #baseTimestamp = 0;
  #maxTimestamp = 0;

  /** `capacity`: bytes to make room for at first. Batches lie in buffers of the pool: whoever needs one no longer may give its `records` back. */
  constructor({ capacity = capacityDefault, pool }: { readonly capacity?: number; readonly pool?: BufferPool | undefined } = {}) {
    this.#capacity = Math.max(64, capacity);
    this.#pool = pool;
  }

  /** Records so far. */
  get count(): number {
    return this.#count;
  }

  /** Bytes so far, of the records section. */
  get bytes(): number {
    return this.#position;
  }

  /** Copies key, value and headers in. `timestamp` (milliseconds, a safe integer) counts in topics that keep the producer's time; 0 by default. */
  add(record: {
    readonly key: Uint8Array | null;
    readonly value: Uint8Array | null;
    readonly headers?: readonly RecordHeader[];
    readonly timestamp?: number;
  }): void {
    const { key, value, headers = noHeaders, timestamp = 0 } = record;
    assert(Number.isSafeInteger(timestamp), "a record's timestamp is an integer of milliseconds");
    if (this.#count === 0) this.#baseTimestamp = this.#maxTimestamp = timestamp;
    const timestampDelta = timestamp - this.#baseTimestamp;
    assert(Number.isSafeInteger(timestampDelta), "the times of one batch lie less than 2^53 milliseconds apart");
    const keyLength = key === null ? -1 : key.length;
    const valueLength = value === null ? -1 : value.length;
    const length =
      1 +
      (timestampDelta === 0 ? 1 : varlongBytes(timestampDelta)) +
      varintBytes(this.#count) +
      varintBytes(keyLength) +
      (key === null ? 0 : keyLength) +
      varintBytes(valueLength) +
      (value === null ? 0 : valueLength) +
      (headers.length === 0 ? 1 : headersBytes(headers));
    this.#reserve(length + 5);
    const bytes = this.#buffer;
    let position = writeVarint(bytes, this.#position, length);
    bytes[position++] = 0;
    position = timestampDelta === 0 ? writeZero(bytes, position) : writeVarlong(bytes, position, timestampDelta);
    position = writeVarint(bytes, position, this.#count);
    position = writeBytes(bytes, position, key, keyLength);
    position = writeBytes(bytes, position, value, valueLength);
    position = headers.length === 0 ? writeZero(bytes, position) : writeHeaders(bytes, position, headers);
    this.#position = position;
    this.#count++;
    if (timestamp > this.#maxTimestamp) this.#maxTimestamp = timestamp;
  }

  /** As `add`, of a key and a value that lie within a larger array: no views of their own are needed. Without headers and timestamp. */
  addSlices(slices: RecordSlices): void {
    const { start, end, keyStart, keyEnd } = slices;
    assert(this.#maxTimestamp === 0 && this.#baseTimestamp === 0, "slices go into batches without timestamps");
    const keyLength = keyEnd - keyStart;
    const valueLength = end - start;
    const count = this.#count;
    const length = 3 + varintBytes(count) + varintBytes(keyLength) + keyLength + varintBytes(valueLength) + valueLength;
    this.#reserve(length + 5);
    const bytes = this.#buffer;
    let position = writeVarint(bytes, this.#position, length);
    bytes[position++] = 0;
    bytes[position++] = 0;
    position = writeVarint(bytes, position, count);
    position = this.#copy(slices, keyStart, keyEnd, writeVarint(bytes, position, keyLength));
    position = this.#copy(slices, start, end, writeVarint(bytes, position, valueLength));
    bytes[position++] = 0;
    this.#position = position;
    this.#count = count + 1;
  }

  /** The batch; the builder is empty afterwards and does not touch the batch's bytes again. */
  finish(): RecordBatch {
    const bytes = this.#position;
    const buffer = this.#buffer;
    // A small batch must not keep a large buffer alive: it is copied out, and the buffer stays here. Those of a pool are soon needed elsewhere.
    const small = this.#pool === undefined && bytes * 2 < buffer.length;
    const records = small ? Uint8Array.prototype.slice.call(buffer, 0, bytes) : buffer.subarray(0, bytes);
    if (!small) {
      // The next batch is likely to be as large, and may never come.
      this.#capacity = Math.max(this.#capacity, buffer.length);
      this.#buffer = nothing;
      this.#view = nothingSeen;
    }
    const batch = new BuiltBatch(this.#count, records, { baseTimestamp: this.#baseTimestamp, maxTimestamp: this.#maxTimestamp });
    this.#position = this.#count = this.#baseTimestamp = this.#maxTimestamp = 0;
    return batch;
  }

  #reserve(bytes: number): void {
    const needed = this.#position + bytes;
    if (needed <= this.#buffer.length) return;
    const before = this.#buffer;
    const wanted = Math.max(needed, before.length * 2, this.#capacity);
    const larger = this.#pool === undefined ? Buffer.allocUnsafeSlow(wanted) : this.#pool.take(wanted);
    if (this.#position > 0) larger.set(before.subarray(0, this.#position));
    this.#buffer = larger;
    this.#view = new DataView(larger.buffer, larger.byteOffset, larger.length);
    this.#pool?.give(before);
  }

  /** Copies a part of the slices' bytes and gives where it ends. */
  #copy({ bytes, view }: RecordSlices, start: number, end: number, position: number): number {
    const length = end - start;
    if (length < 4) for (let index = 0; index < length; index++) this.#buffer[position + index] = bytes[start + index]!;
    // `set` would need a view of the part: garbage for each record.
    else if (length > wordBytesMax) Buffer.prototype.copy.call(bytes, this.#buffer, position, start, end);
    else {
      const into = this.#view;
      const last = length - 4;
      for (let index = 0; index < last; index += 4) into.setInt32(position + index, view.getInt32(start + index, true), true);
      // It may lie over a part of the one before.
      into.setInt32(position + last, view.getInt32(start + last, true), true);
    }
    return position + length;
  }
}

/** A batch whose bytes are known to be its records. Not to be had elsewhere: a copy with other fields is an ordinary batch, which is checked. */
class BuiltBatch implements RecordBatch {
  readonly count: number;
  readonly records: Uint8Array;
  readonly baseTimestamp: number;
  readonly maxTimestamp: number;

  constructor(count: number, records: Uint8Array, { baseTimestamp, maxTimestamp }: { readonly baseTimestamp: number; readonly maxTimestamp: number }) {
    this.count = count;
    this.records = records;
    this.baseTimestamp = baseTimestamp;
    this.maxTimestamp = maxTimestamp;
  }
}

/** Whether a builder made the batch, so that a log need not walk its records before it takes them. */
export function isBuilt(batch: RecordBatch): boolean {
  return batch instanceof BuiltBatch;
}

function writeZero(bytes: Uint8Array, position: number): number {
  bytes[position] = 0;
  return position + 1;
}

function writeBytes(bytes: Uint8Array, position: number, source: Uint8Array | null, length: number): number {
  const start = writeVarint(bytes, position, length);
  if (source === null) return start;
  if (length > loopBytesMax) bytes.set(source, start);
  else for (let index = 0; index < length; index++) bytes[start + index] = source[index]!;
  return start + length;
}

function headersBytes(headers: readonly RecordHeader[]): number {
  let bytes = varintBytes(headers.length);
  for (const { key, value } of headers) {
    const keyLength = Buffer.byteLength(key);
    bytes += varintBytes(keyLength) + keyLength + (value === null ? 1 : varintBytes(value.length) + value.length);
  }
  return bytes;
}

function writeHeaders(bytes: Uint8Array, position: number, headers: readonly RecordHeader[]): number {
  let next = writeVarint(bytes, position, headers.length);
  for (const { key, value } of headers) {
    next = writeBytes(bytes, next, Buffer.from(key), Buffer.byteLength(key));
    next = writeBytes(bytes, next, value, value === null ? -1 : value.length);
  }
  return next;
}
