import { wireSchemaId } from "@mainstem/contract";
import { MainstemError } from "../runtime/errors.ts";
import type { Offset, RecordHeader, TimestampType } from "../log/index.ts";
import { avroAppend, avroCreate, avroNull, avroPresent } from "./envelope.ts";

/**
 * Walks the envelopes of one block without making objects: after `next()` returned true the fields describe the current record.
 * Positions are indexes into `bytes`; a start of -1 means null. Throws `archive.corrupt`, naming the object, where the bytes are not envelopes.
 * Source: Apache Avro 1.12 specification, "Binary Encoding"; docs/formats/chunk.md.
 */
export class EnvelopeCursor {
  /** The block, decompressed; of no use once the next block is asked for. */
  readonly bytes: Uint8Array;
  /** Records of the block. */
  readonly count: number;
  offset = -1 as Offset;
  timestamp = 0;
  timestampType: TimestampType = "append";
  keyStart = -1;
  keyEnd = -1;
  valueStart = -1;
  valueEnd = -1;
  headerCount = 0;
  readonly #key: string;
  readonly #next: number;
  #headersStart = 0;
  #position = 0;
  #index = 0;
  #least: number;

  /** `range`: the offsets that the records may have; they must ascend within it. `key`: names the object in errors. */
  constructor(block: {
    readonly bytes: Uint8Array;
    readonly count: number;
    readonly range: { readonly start: number; readonly next: number };
    readonly key: string;
  }) {
    this.bytes = block.bytes;
    this.count = block.count;
    this.#least = block.range.start;
    this.#next = block.range.next;
    this.#key = block.key;
  }

  next(): boolean {
    if (this.#index === this.count) {
      if (this.#position !== this.bytes.length) this.#fail("bytes follow the last record of a block");
      return false;
    }
    const offset = this.#long();
    if (offset < this.#least || offset >= this.#next) this.#fail(`offset ${offset} is out of its range or order`);
    this.#least = offset + 1;
    this.offset = offset as Offset;
    this.timestamp = this.#long();
    const type = this.#byte();
    if (type !== avroAppend && type !== avroCreate) this.#fail("a timestamp type is neither create nor append");
    this.timestampType = type === avroAppend ? "append" : "create";
    const keyLength = this.#optional();
    this.keyStart = keyLength < 0 ? -1 : this.#position;
    this.keyEnd = keyLength < 0 ? -1 : (this.#position += keyLength);
    const valueLength = this.#optional();
    this.valueStart = valueLength < 0 ? -1 : this.#position;
    this.valueEnd = valueLength < 0 ? -1 : (this.#position += valueLength);
    this.#skipHeaders();
    this.#index++;
    return true;
  }

  /** The least offset that the next record may have. */
  get least(): number {
    return this.#least;
  }

  /** The id in the value's Confluent wire header; -1 when the value has none. */
  schemaId(): number {
    return this.valueStart < 0 ? -1 : wireSchemaId(this.bytes, this.valueStart, this.valueEnd);
  }

  /** A view into the block. */
  key(): Uint8Array | null {
    return this.keyStart < 0 ? null : this.bytes.subarray(this.keyStart, this.keyEnd);
  }

  /** A view into the block. */
  value(): Uint8Array | null {
    return this.valueStart < 0 ? null : this.bytes.subarray(this.valueStart, this.valueEnd);
  }

  /** The headers as objects; values are views. */
  headers(): readonly RecordHeader[] {
    const after = this.#position;
    this.#position = this.#headersStart;
    const headers: RecordHeader[] = [];
    for (let index = 0; index < this.headerCount; index++) {
      const key = this.#slice(this.#length());
      const length = this.#optional();
      headers.push({ key: Buffer.from(key.buffer, key.byteOffset, key.length).toString("utf8"), value: length < 0 ? null : this.#slice(length) });
    }
    this.#position = after;
    return headers;
  }

  #skipHeaders(): void {
    const count = this.#long();
    // Each header takes at least two bytes, so a count beyond the block is refused before it is walked.
    if (count < 0 || count * 2 > this.bytes.length - this.#position) this.#fail("a number of headers is impossible");
    this.headerCount = count;
    this.#headersStart = this.#position;
    if (count === 0) return;
    for (let index = 0; index < count; index++) {
      const keyLength = this.#length();
      this.#position += keyLength;
      const valueLength = this.#optional();
      if (valueLength > 0) this.#position += valueLength;
    }
    if (this.#byte() !== 0) this.#fail("headers are not one block");
  }

  #slice(length: number): Uint8Array {
    return this.bytes.subarray(this.#position, (this.#position += length));
  }

  /** The length of optional bytes, all of which are there; -1 for null. */
  #optional(): number {
    const branch = this.#byte();
    if (branch === avroNull) return -1;
    if (branch !== avroPresent) this.#fail("a union has no such branch");
    return this.#length();
  }

  #length(): number {
    const length = this.#long();
    if (length < 0 || length > this.bytes.length - this.#position) this.#fail("a field reaches beyond its block");
    return length;
  }

  #byte(): number {
    if (this.#position >= this.bytes.length) this.#fail("a block ends within a record");
    return this.bytes[this.#position++]!;
  }

  /** A zig-zag long as a number. What a number does not hold exactly is refused: the writer never had it. */
  #long(): number {
    const bytes = this.bytes;
    const first = this.#byte();
    if (first < 0x80) return (first >>> 1) ^ -(first & 1);
    const negative = (first & 1) === 1;
    let magnitude = (first & 0x7f) >>> 1;
    for (let factor = 0x40; ; factor *= 0x80) {
      if (this.#position >= bytes.length) this.#fail("a block ends within a number");
      const byte = bytes[this.#position++]!;
      magnitude += (byte & 0x7f) * factor;
      if (magnitude > Number.MAX_SAFE_INTEGER || factor > Number.MAX_SAFE_INTEGER) this.#fail("a number lies beyond 2^53");
      if (byte < 0x80) return negative ? -magnitude - 1 : magnitude;
    }
  }

  #fail(what: string): never {
    throw new MainstemError("archive.corrupt", `Chunk ${this.#key} is damaged: ${what}.`, { key: this.#key, record: this.#index, position: this.#position });
  }
}
