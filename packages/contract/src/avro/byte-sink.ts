import { encodeUtf8 } from "./utf8.ts";

const twoTo27 = 134_217_728;
/** The most bytes that a varint of 64 bits takes. */
const varintBytesMax = 10;
const shortTextMax = 64;

/**
 * A growing buffer with Avro's binary encodings (specification, "Binary Encoding").
 * `bytes` and `position` are open for hot loops, which call `ensure` before they write there; `bytes` changes when the buffer grows.
 */
export class ByteSink {
  bytes: Uint8Array<ArrayBuffer>;
  /** Where the next byte goes; also how many were written. */
  position = 0;
  /** Of writers: how deep the value that is written is within types that contain themselves. */
  levels = 0;
  #view: DataView;

  constructor(capacity = 1024) {
    this.bytes = new Uint8Array(Math.max(capacity, 32));
    this.#view = new DataView(this.bytes.buffer);
  }

  /** What was written, as a view that is valid until the next write or reset. */
  view(start = 0, end = this.position): Uint8Array<ArrayBuffer> {
    return this.bytes.subarray(start, end);
  }

  /** What was written, as a copy. */
  copy(start = 0, end = this.position): Uint8Array<ArrayBuffer> {
    return this.bytes.slice(start, end);
  }

  /** Starts over in the same buffer. */
  reset(): void {
    this.position = 0;
    this.levels = 0;
  }

  /** Makes room for `count` more bytes. */
  ensure(count: number): void {
    const needed = this.position + count;
    if (needed > this.bytes.length) this.#grow(needed);
  }

  #grow(needed: number): void {
    const next = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    next.set(this.bytes.subarray(0, this.position));
    this.bytes = next;
    this.#view = new DataView(next.buffer);
  }

  writeByte(value: number): void {
    this.ensure(1);
    this.bytes[this.position++] = value;
  }

  writeBoolean(value: boolean): void {
    this.writeByte(value ? 1 : 0);
  }

  /** A zig-zag varint of a 32-bit integer. */
  writeInt(value: number): void {
    this.ensure(varintBytesMax);
    this.#writeVarint32(((value << 1) ^ (value >> 31)) >>> 0);
  }

  /** A zig-zag varint of a safe integer. */
  writeLong(value: number): void {
    this.ensure(varintBytesMax);
    if ((value | 0) === value) return this.#writeVarint32(((value << 1) ^ (value >> 31)) >>> 0);
    // The zig-zag form of a safe integer needs 54 bits, one more than a number holds: its lowest bit, the sign, is kept apart.
    const half = value < 0 ? -value - 1 : value;
    const high = Math.floor(half / twoTo27);
    this.#writeParts((half - high * twoTo27) * 2 + (value < 0 ? 1 : 0), high);
  }

  /** A zig-zag varint of a 64-bit integer. */
  writeBigLong(value: bigint): void {
    if (value >= -9007199254740991n && value <= 9007199254740991n) return this.writeLong(Number(value));
    this.ensure(varintBytesMax);
    let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
    while (rest > 127n) {
      this.bytes[this.position++] = Number(rest & 127n) | 128;
      rest >>= 7n;
    }
    this.bytes[this.position++] = Number(rest);
  }

  #writeVarint32(value: number): void {
    const { bytes } = this;
    let { position } = this;
    let rest = value;
    while (rest > 127) {
      bytes[position++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    bytes[position++] = rest;
    this.position = position;
  }

  /** The low 28 bits, then the rest, which is not 0. */
  #writeParts(low: number, high: number): void {
    const { bytes, position } = this;
    bytes[position] = (low & 127) | 128;
    bytes[position + 1] = ((low >>> 7) & 127) | 128;
    bytes[position + 2] = ((low >>> 14) & 127) | 128;
    bytes[position + 3] = ((low >>> 21) & 127) | 128;
    this.position = position + 4;
    this.#writeVarint32(high);
  }

  writeFloat(value: number): void {
    this.ensure(4);
    this.#view.setFloat32(this.position, value, true);
    this.position += 4;
  }

  writeDouble(value: number): void {
    this.ensure(8);
    this.#view.setFloat64(this.position, value, true);
    this.position += 8;
  }

  /** Bytes as they are. */
  writeRaw(value: Uint8Array): void {
    this.ensure(value.length);
    this.bytes.set(value, this.position);
    this.position += value.length;
  }

  /** Bytes after their length. */
  writeBytes(value: Uint8Array): void {
    this.writeLong(value.length);
    this.writeRaw(value);
  }

  /** UTF-8 after its length. False, and nothing that counts written, when the text has lone surrogates, which have no UTF-8. */
  writeString(text: string): boolean {
    const { length } = text;
    if (length >= shortTextMax) return this.#writeLongText(text);
    this.ensure(length + 1);
    const { bytes } = this;
    let position = this.position + 1;
    for (let index = 0; index < length; index++) {
      const unit = text.charCodeAt(index);
      if (unit > 127) return this.#writeLongText(text);
      bytes[position++] = unit;
    }
    bytes[this.position] = length << 1;
    this.position = position;
    return true;
  }

  #writeLongText(text: string): boolean {
    const start = this.position;
    this.ensure(text.length * 3 + varintBytesMax);
    // The length stands before the bytes but is known after them: guess that the text is ASCII, write it again when that was wrong.
    this.writeLong(text.length);
    const guessed = this.position;
    const end = encodeUtf8(text, this.bytes, guessed);
    this.position = start;
    if (end < 0) return false;
    this.writeLong(end - guessed);
    // A length that is longer than guessed lies over the text's first bytes.
    this.position = this.position === guessed ? end : encodeUtf8(text, this.bytes, this.position);
    return true;
  }
}
