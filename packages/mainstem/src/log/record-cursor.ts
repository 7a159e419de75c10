import { MainstemError } from "../runtime/errors.ts";
import type { Offset } from "./log.ts";
import type { FetchedBatch, RecordHeader } from "./record-batch.ts";

/**
 * Walks the records of a batch without making objects: after `next()` returned true the fields describe the current record.
 * Positions are indexes into `bytes`; a start of -1 means null. Throws `log.corrupt` where the bytes are not records.
 * Source: Apache Kafka documentation, "Message Format", "Record" and "Record Header".
 */
export class RecordCursor {
  readonly bytes: Uint8Array;
  offset: Offset;
  timestamp: number;
  keyStart = -1;
  keyEnd = -1;
  valueStart = -1;
  valueEnd = -1;
  /** The headers' raw bytes, after their count. */
  headersStart = 0;
  headersEnd = 0;
  headerCount = 0;
  readonly #batch: FetchedBatch;
  #position = 0;
  #index = 0;
  #offsetDelta = -1;
  /** The end of the record at hand: no field may reach beyond it. */
  #end = 0;

  constructor(batch: FetchedBatch) {
    this.#batch = batch;
    this.bytes = batch.records;
    this.offset = batch.baseOffset;
    this.timestamp = batch.timestamp;
  }

  next(): boolean {
    const batch = this.#batch;
    if (this.#index === batch.count) {
      if (this.#position !== this.bytes.length) this.#fail("bytes follow its last record");
      return false;
    }
    this.#end = this.bytes.length;
    const length = this.#varint();
    if (length < 0 || length > this.bytes.length - this.#position) this.#fail("a record reaches beyond the batch");
    const end = (this.#end = this.#position + length);
    // One byte of attributes, of which message format v2 uses none.
    this.#position++;
    const timestampDelta = this.#varlong();
    const offsetDelta = this.#varint();
    if (offsetDelta <= this.#offsetDelta || offsetDelta > batch.lastOffset - batch.baseOffset) this.#fail("its offsets do not ascend");
    this.#offsetDelta = offsetDelta;
    this.offset = (batch.baseOffset + offsetDelta) as Offset;
    this.timestamp = batch.timestampType === "append" ? batch.timestamp : batch.baseTimestamp + timestampDelta;
    const keyLength = this.#length();
    this.keyStart = keyLength < 0 ? -1 : this.#position;
    this.keyEnd = keyLength < 0 ? -1 : (this.#position += keyLength);
    const valueLength = this.#length();
    this.valueStart = valueLength < 0 ? -1 : this.#position;
    this.valueEnd = valueLength < 0 ? -1 : (this.#position += valueLength);
    this.#skipHeaders();
    if (this.#position !== end) this.#fail("a record is longer or shorter than its fields");
    this.#index++;
    return true;
  }

  /** A view into the batch's bytes. */
  key(): Uint8Array | null {
    return this.keyStart < 0 ? null : this.bytes.subarray(this.keyStart, this.keyEnd);
  }

  /** A view into the batch's bytes. */
  value(): Uint8Array | null {
    return this.valueStart < 0 ? null : this.bytes.subarray(this.valueStart, this.valueEnd);
  }

  /** The headers as objects; values are views. Keys that are not UTF-8 get replacement characters: their bytes are in `headersStart` to `headersEnd`. */
  headers(): readonly RecordHeader[] {
    if (this.headerCount === 0) return [];
    const after = this.#position;
    this.#position = this.headersStart;
    this.#end = this.headersEnd;
    const headers: RecordHeader[] = [];
    for (let index = 0; index < this.headerCount; index++) {
      const key = this.#slice(this.#length());
      const valueLength = this.#length();
      headers.push({ key: Buffer.from(key.buffer, key.byteOffset, key.length).toString("utf8"), value: valueLength < 0 ? null : this.#slice(valueLength) });
    }
    this.#position = after;
    return headers;
  }

  #skipHeaders(): void {
    const count = this.#varint();
    if (count < 0) this.#fail("a record has a negative number of headers");
    this.headerCount = count;
    this.headersStart = this.#position;
    for (let index = 0; index < count; index++) {
      const keyLength = this.#length();
      if (keyLength < 0) this.#fail("a header has no key");
      this.#position += keyLength;
      const valueLength = this.#length();
      if (valueLength > 0) this.#position += valueLength;
    }
    this.headersEnd = this.#position;
  }

  #slice(length: number): Uint8Array {
    return this.bytes.subarray(this.#position, (this.#position += length));
  }

  /** A length of -1 (null) or more, of which that many bytes are there. */
  #length(): number {
    const length = this.#varint();
    if (length < -1 || length > this.#end - this.#position) this.#fail("a field reaches beyond its record");
    return length;
  }

  #varint(): number {
    const bytes = this.bytes;
    if (this.#position >= this.#end) this.#fail("a number reaches beyond its record");
    let byte = bytes[this.#position++]!;
    if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1);
    let zigzag = byte & 0x7f;
    for (let shift = 7; ; shift += 7) {
      if (this.#position >= this.#end) this.#fail("a number reaches beyond its record");
      byte = bytes[this.#position++]!;
      if (shift === 28 && byte > 0x0f) this.#fail("a number is longer than 32 bits");
      zigzag |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (zigzag >>> 1) ^ -(zigzag & 1);
    }
  }

  /** A 64-bit integer as a number: exact within 2^53, which times in milliseconds never leave; anything beyond is refused. */
  #varlong(): number {
    if (this.#position < this.#end && this.bytes[this.#position]! < 0x80) return this.#varint();
    let magnitude = 0;
    let negative = false;
    for (let factor = 1, index = 0; ; index++) {
      if (this.#position >= this.#end) this.#fail("a number reaches beyond its record");
      const byte = this.bytes[this.#position++]!;
      if (index === 0) negative = (byte & 1) === 1;
      magnitude += index === 0 ? (byte & 0x7f) >>> 1 : (byte & 0x7f) * factor;
      factor = index === 0 ? 0x40 : factor * 0x80;
      if (magnitude > Number.MAX_SAFE_INTEGER) this.#fail("a time lies beyond 2^53 milliseconds");
      if (byte < 0x80) return negative ? -magnitude - 1 : magnitude;
      if (index === 9) this.#fail("a number is longer than 64 bits");
    }
  }

  #fail(what: string): never {
    const batch = this.#batch;
    throw new MainstemError("log.corrupt", `The batch at offset ${batch.baseOffset} is not made of records: ${what}.`, {
      baseOffset: batch.baseOffset,
      record: this.#index,
      position: this.#position,
    });
  }
}
