import { ContractError } from "../errors.ts";
import { decodeUtf8 } from "./utf8.ts";

const twoTo27 = 134_217_728;
const twoTo55 = 36_028_797_018_963_968;

/** Reads Avro's binary encodings from a range of bytes. Every read is checked against the range; what does not fit is `avro.malformed`. */
export class ByteSource {
  bytes: Uint8Array;
  /** Index of the next byte. */
  position: number;
  /** One past the last byte. */
  end: number;
  /** How many bytes came before `bytes` in what they are a part of: positions in errors count them. */
  before = 0;
  /** Of readers: how deep the value that is read is within types that contain themselves, and how many items without bytes it has claimed. */
  levels = 0;
  emptyItems = 0;
  /** Of readers: how many values they made of defaults, less those that the bytes before the value would pay for. */
  unpaid = 0;
  /** Made when a float is read: where each value is bytes of its own, that costs more than most reads do. */
  #view: DataView | undefined;

  constructor(bytes: Uint8Array = new Uint8Array(0), start = 0, end: number = bytes.length) {
    this.bytes = bytes;
    this.position = start;
    this.end = end;
    this.#checkRange();
  }

  /** Starts over with another range, without making a new source. */
  reset(bytes: Uint8Array, start = 0, end: number = bytes.length): void {
    if (bytes !== this.bytes) {
      this.bytes = bytes;
      this.#view = undefined;
    }
    this.position = start;
    this.end = end;
    this.levels = 0;
    this.emptyItems = 0;
    this.#checkRange();
  }

  #checkRange(): void {
    const { position, end, bytes } = this;
    if (!(Number.isInteger(position) && Number.isInteger(end) && position >= 0 && position <= end && end <= bytes.length))
      throw new RangeError("the range lies outside the bytes");
  }

  get remaining(): number {
    return this.end - this.position;
  }

  /** The error of what is wrong at the current position. */
  malformed(what: string): ContractError {
    const position = this.before + this.position;
    return new ContractError("avro.malformed", `The bytes are not what their schema says: ${what}, at byte ${position}.`, { position });
  }

  /** Moves on by `count` bytes and gives where they start. */
  take(count: number): number {
    const start = this.position;
    if (!(count >= 0 && count <= this.end - start)) throw this.malformed("they end too early");
    this.position = start + count;
    return start;
  }

  readByte(): number {
    if (this.position >= this.end) throw this.malformed("they end too early");
    return this.bytes[this.position++] as number;
  }

  readBoolean(): boolean {
    const value = this.readByte();
    if (value > 1) throw this.malformed(`a boolean is ${value}`);
    return value === 1;
  }

  readInt(): number {
    const value = this.readLong();
    if (typeof value === "bigint" || (value | 0) !== value) throw this.malformed("an int has more than 32 bits");
    return value;
  }

  /** A safe integer as a number, any other as a bigint. */
  readLong(): number | bigint {
    const first = this.readByte();
    if (first < 128) return (first >>> 1) ^ -(first & 1);
    let low = first & 127;
    for (let shift = 7; shift < 28; shift += 7) {
      const byte = this.readByte();
      low |= (byte & 127) << shift;
      if (byte < 128) return (low >>> 1) ^ -(low & 1);
    }
    return this.#readHighParts(low);
  }

  #readHighParts(low: number): number | bigint {
    let middle = 0;
    let high = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.readByte();
      if (shift < 28) middle |= (byte & 127) << shift;
      else high |= (byte & 127) << (shift - 28);
      if (byte < 128) break;
      if (shift >= 35) throw this.malformed("a long has more than 64 bits");
    }
    if (high > 255) throw this.malformed("a long has more than 64 bits");
    // Zig-zag: the lowest bit is the sign, the other 63 are the value, or, where negative, its distance from -1.
    const negative = (low & 1) === 1;
    const half = (low >>> 1) + middle * twoTo27;
    if (high === 0 && half < Number.MAX_SAFE_INTEGER) return negative ? -half - 1 : half;
    const exact = BigInt(low >>> 1) + BigInt(middle) * BigInt(twoTo27) + BigInt(high) * BigInt(twoTo55);
    const value = negative ? -exact - 1n : exact;
    return value === 9007199254740991n ? Number.MAX_SAFE_INTEGER : value;
  }

  /** A length that fits into what remains. */
  readLength(): number {
    const value = this.readLong();
    if (typeof value === "bigint" || value < 0 || value > this.end - this.position)
      throw this.malformed(`a length is ${value}, with ${this.remaining} bytes left`);
    return value;
  }

  readFloat(): number {
    return this.#floats().getFloat32(this.take(4), true);
  }

  readDouble(): number {
    return this.#floats().getFloat64(this.take(8), true);
  }

  #floats(): DataView {
    this.#view ??= new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength);
    return this.#view;
  }

  /** A copy of the bytes after their length. */
  readBytes(): Uint8Array<ArrayBuffer> {
    return this.readRaw(this.readLength());
  }

  /** A copy of the next `count` bytes. */
  readRaw(count: number): Uint8Array<ArrayBuffer> {
    const start = this.take(count);
    return new Uint8Array(this.bytes.subarray(start, start + count));
  }

  readString(): string {
    const length = this.readLength();
    const start = this.position;
    this.position = start + length;
    const text = decodeUtf8(this.bytes, start, this.position);
    if (text !== undefined) return text;
    this.position = start;
    throw this.malformed("a string is not UTF-8");
  }
}
