import type { Offset } from "../log.ts";
import { readInt64, writeInt64 } from "../int64.ts";

/** An entry follows when more than this many bytes of batches came since the last one: Kafka's default of log.index.interval.bytes. */
export const indexIntervalBytes = 4_096;

/** A batch as the indexes see it. */
export interface IndexedBatch {
  readonly position: number;
  readonly bytes: number;
  readonly lastOffset: Offset;
  readonly maxTimestamp: number;
}

/**
 * The two sparse indexes of a segment, held as the bytes of Kafka's files, big-endian, offsets relative to the segment's base:
 * `.index` has (last offset of a batch i32, its position i32), `.timeindex` has (greatest time so far i64, last offset of the batch that has it i32).
 * Source: Apache Kafka, storage module, OffsetIndex and TimeIndex.
 */
export class SegmentIndex {
  readonly offsets: IndexFile;
  readonly times: IndexFile;
  readonly #base: Offset;
  #bytesSinceEntry = 0;
  #maxTimestamp = -1;
  #maxTimestampOffset = -1;

  constructor(base: Offset, { offsets = Buffer.alloc(0), times = Buffer.alloc(0) }: { readonly offsets?: Buffer; readonly times?: Buffer } = {}) {
    this.#base = base;
    this.offsets = new IndexFile(8, offsets);
    this.times = new IndexFile(12, times);
    if (this.times.length > 0) {
      this.#maxTimestamp = this.#timeAt(this.times.length - 1);
      this.#maxTimestampOffset = this.#timeOffsetAt(this.times.length - 1);
    }
  }

  /** The greatest batch time so far, -1 if there is none, and the last offset of the first batch that has it. */
  get maxTimestamp(): number {
    return this.#maxTimestamp;
  }
  get maxTimestampOffset(): number {
    return this.#maxTimestampOffset;
  }

  /** Batches come in the order of their positions, each once. */
  add({ position, bytes, lastOffset, maxTimestamp }: IndexedBatch): void {
    if (maxTimestamp > this.#maxTimestamp) {
      this.#maxTimestamp = maxTimestamp;
      this.#maxTimestampOffset = lastOffset;
    }
    if (this.#bytesSinceEntry > indexIntervalBytes) {
      const at = this.offsets.grow();
      this.offsets.bytes.writeInt32BE(lastOffset - this.#base, at);
      this.offsets.bytes.writeInt32BE(position, at + 4);
      this.#addTime();
      this.#bytesSinceEntry = 0;
    }
    this.#bytesSinceEntry += bytes;
  }

  /** No more batches come: the greatest time of all gets its entry, by which retention and searches know the segment. */
  seal(): void {
    if (this.#maxTimestamp >= 0) this.#addTime();
  }

  /** Where to begin to look for the offset: the batch of the last entry that is not beyond it, or the beginning. */
  floorOffset(offset: Offset): { readonly position: number; readonly lastOffset: Offset | undefined } {
    const index = this.offsets.last((at) => this.offsets.bytes.readInt32BE(at) <= offset - this.#base);
    return index < 0 ? { position: 0, lastOffset: undefined } : this.entry(index);
  }

  /** The last entry that is earlier than the time: every batch before its own is, too. */
  floorTime(timestamp: number): { readonly timestamp: number; readonly offset: Offset } | undefined {
    const index = this.times.last((at) => readInt64(this.times.bytes, at) < timestamp);
    return index < 0 ? undefined : { timestamp: this.#timeAt(index), offset: this.#timeOffsetAt(index) };
  }

  entry(index: number): { readonly position: number; readonly lastOffset: Offset } {
    const bytes = this.offsets.bytes;
    return { position: bytes.readInt32BE(index * 8 + 4), lastOffset: (this.#base + bytes.readInt32BE(index * 8)) as Offset };
  }

  /** Whether the entries ascend and stay within the segment: what a torn or zeroed index file does not. */
  plausible({ bytes, next }: { readonly bytes: number; readonly next: Offset }): boolean {
    for (let index = 0; index < this.offsets.length; index++) {
      const entry = this.entry(index);
      const before = index === 0 ? { position: 0, lastOffset: this.#base - 1 } : this.entry(index - 1);
      if (entry.position <= before.position || entry.position >= bytes || entry.lastOffset <= before.lastOffset || entry.lastOffset >= next) return false;
    }
    for (let index = 0; index < this.times.length; index++) {
      const [time, offset] = [this.#timeAt(index), this.#timeOffsetAt(index)];
      if (index > 0 && (time <= this.#timeAt(index - 1) || offset <= this.#timeOffsetAt(index - 1))) return false;
      if (time < 0 || offset < this.#base || offset >= next) return false;
    }
    return true;
  }

  #addTime(): void {
    const known = this.times.length;
    if (known > 0 && this.#timeAt(known - 1) >= this.#maxTimestamp) return;
    const at = this.times.grow();
    writeInt64(this.times.bytes, at, this.#maxTimestamp);
    this.times.bytes.writeInt32BE(this.#maxTimestampOffset - this.#base, at + 8);
  }

  #timeAt(index: number): number {
    return readInt64(this.times.bytes, index * 12);
  }

  #timeOffsetAt(index: number): Offset {
    return (this.#base + this.times.bytes.readInt32BE(index * 12 + 8)) as Offset;
  }
}

/** Fixed-size entries in a buffer that grows. */
export class IndexFile {
  readonly entryBytes: number;
  bytes: Buffer;
  length: number;
  /** Entries that are in the file already. */
  written: number;

  constructor(entryBytes: number, bytes: Buffer) {
    this.entryBytes = entryBytes;
    this.bytes = bytes;
    this.length = this.written = Math.floor(bytes.length / entryBytes);
  }

  /** Makes room for one more entry and gives its place. */
  grow(): number {
    const at = this.length++ * this.entryBytes;
    if (at + this.entryBytes > this.bytes.length) {
      const larger = Buffer.alloc(Math.max(64 * this.entryBytes, this.bytes.length * 2));
      this.bytes.copy(larger);
      this.bytes = larger;
    }
    return at;
  }

  /** Keeps the first entries only. */
  cut(length: number): void {
    this.length = length;
    this.written = Math.min(this.written, length);
  }

  /** A copy of the entries alone. */
  kept(): Buffer {
    return Buffer.from(this.bytes.subarray(0, this.length * this.entryBytes));
  }

  /** The last entry that holds, -1 if none does; `holds` is true for a beginning of the entries. */
  last(holds: (at: number) => boolean): number {
    let low = -1;
    let high = this.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (holds(middle * this.entryBytes)) low = middle;
      else high = middle;
    }
    return low;
  }
}
