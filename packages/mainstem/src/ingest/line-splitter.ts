import { isUtf8 } from "node:buffer";

/** Takes the lines of an NDJSON body, one call a line, in order. The bytes are a view that is valid only during the call. */
export interface LineSink {
  /**
   * Takes lines from `start` on as long as it can tell for itself that each is UTF-8, and where it ends, which is with `end`, a newline, at the latest. Gives
   * the position after the last of them, `start` where there was none, as when that is behind `end`. A line of more than `lineBytesMax` is not to be taken.
   */
  plainLines(bytes: Buffer, start: number, end: number, lineBytesMax: number): number;
  /** A line of UTF-8 that is not blank. */
  line(bytes: Buffer, start: number, end: number): void;
  /** A line that cannot be read. `length` is its whole length, of which at most the limit's bytes are given. */
  badLine(code: "record.notUtf8" | "record.tooLarge", bytes: Buffer, start: number, end: number, length: number): void;
}

const newline = 0x0a;
const carriageReturn = 0x0d;
const space = 0x20;
/** Of a byte order mark: EF BB BF. */
const markFirst = 0xef;
/** A buffer for unfinished lines is kept for the next one up to this size. */
const keptBytesMax = 65_536;
/** Below half of Node's pool for small buffers: most requests need no memory of their own for a line that crosses chunks. */
const keptBytesFirst = 1_024;
const nothing = Buffer.alloc(0);

/**
 * Cuts a stream of bytes into lines without making objects: whole lines are read where they lie in the chunk, only a line that crosses chunks is copied.
 * Lines end with LF or CRLF, the last one also with the body; blank lines are left out, and so is a byte order mark at the very start.
 * Holds at most one line of `lineBytesMax`; of a longer one the rest is counted and dropped.
 */
export class LineSplitter {
  readonly #sink: LineSink;
  readonly #lineBytesMax: number;
  #pending: Buffer = nothing;
  #pendingLength = 0;
  #dropped = 0;
  #lastByte: number | undefined;
  #first = true;

  constructor(sink: LineSink, { lineBytesMax }: { readonly lineBytesMax: number }) {
    this.#sink = sink;
    this.#lineBytesMax = lineBytesMax;
  }

  /** Bytes of the unfinished line that are held. */
  get pendingBytes(): number {
    return this.#pendingLength;
  }

  push(chunk: Uint8Array): void {
    const bytes = toBuffer(chunk);
    let start = 0;
    if (this.#pendingLength > 0 || this.#dropped > 0) {
      const end = bytes.indexOf(newline);
      this.#keep(bytes, 0, end < 0 ? bytes.length : end);
      if (end < 0) return;
      this.#finishPending();
      start = end + 1;
    }
    const last = bytes.lastIndexOf(newline);
    if (last >= start) {
      this.#block(bytes, start, last);
      start = last + 1;
    }
    this.#keep(bytes, start, bytes.length);
  }

  /** The body is over: what is left is its last line. */
  end(): void {
    if (this.#pendingLength > 0 || this.#dropped > 0) this.#finishPending();
  }

  /** Whole lines between `start` and `end`, which is a newline. */
  #block(bytes: Buffer, start: number, end: number): void {
    const takeLine = (from: number, valid: boolean): number => {
      const to = bytes.indexOf(newline, from);
      this.#bytesLine(bytes, from, withoutReturn(bytes, from, to), valid);
      return to + 1;
    };
    const first = this.#first && bytes[start] === markFirst ? takeLine(start, false) : start;
    this.#first = false;
    let from = this.#sink.plainLines(bytes, first, end, this.#lineBytesMax);
    if (from > end) return;
    // The lines of a sender are much alike: after one that is not plain, the rest of the block is not tried.
    const valid = isUtf8(bytes.subarray(from, end));
    while (from <= end) from = takeLine(from, valid);
  }

  #bytesLine(bytes: Buffer, start: number, end: number, valid: boolean): void {
    const marked = this.#first && bytes[start] === markFirst && bytes[start + 1] === 0xbb && bytes[start + 2] === 0xbf;
    this.#first = false;
    if (!this.#fits(bytes, start, end)) return;
    if (!valid && !isUtf8(bytes.subarray(start, end))) return this.#sink.badLine("record.notUtf8", bytes, start, end, end - start);
    const from = marked ? start + 3 : start;
    this.#line(bytes, from, end);
  }

  #fits(bytes: Buffer, start: number, end: number): boolean {
    if (end - start <= this.#lineBytesMax) return true;
    this.#sink.badLine("record.tooLarge", bytes, start, start + this.#lineBytesMax, end - start);
    return false;
  }

  #line(bytes: Buffer, start: number, end: number): void {
    if (end === start || ((bytes[start] as number) <= space && bytes.toString("utf8", start, end).trim() === "")) return;
    this.#sink.line(bytes, start, end);
  }

  #keep(bytes: Buffer, start: number, end: number): void {
    const room = this.#lineBytesMax - this.#pendingLength;
    const length = Math.min(end - start, room);
    this.#dropped += end - start - length;
    if (end > start) this.#lastByte = bytes[end - 1];
    if (length === 0) return;
    const needed = this.#pendingLength + length;
    if (needed > this.#pending.length) {
      const larger = Buffer.allocUnsafe(Math.min(this.#lineBytesMax, Math.max(needed, this.#pending.length * 2, keptBytesFirst)));
      this.#pending.copy(larger, 0, 0, this.#pendingLength);
      this.#pending = larger;
    }
    bytes.copy(this.#pending, this.#pendingLength, start, start + length);
    this.#pendingLength = needed;
  }

  #finishPending(): void {
    const bytes = this.#pending;
    const kept = this.#pendingLength;
    const dropped = this.#dropped;
    const length = kept + dropped - (dropped > 0 && this.#lastByte === carriageReturn ? 1 : 0);
    this.#pendingLength = this.#dropped = 0;
    if (bytes.length > keptBytesMax) this.#pending = nothing;
    if (length <= kept) return this.#bytesLine(bytes, 0, dropped > 0 ? kept : withoutReturn(bytes, 0, kept), false);
    this.#first = false;
    this.#sink.badLine("record.tooLarge", bytes, 0, kept, length);
  }
}

/** The same bytes with Buffer's methods. */
export function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The end of a line whose line feed may follow a carriage return. */
function withoutReturn(bytes: Buffer, start: number, end: number): number {
  return end > start && bytes[end - 1] === carriageReturn ? end - 1 : end;
}
