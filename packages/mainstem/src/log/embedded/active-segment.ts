import type { Logger } from "../../runtime/logger.ts";
import { batchHeaderBytes, encodeBatch, encodeBatchHeader } from "../batch-header.ts";
import type { Offset, TimestampType } from "../log.ts";
import type { RecordBatch } from "../record-batch.ts";
import type { FileSystem, LogFile } from "./file-system.ts";
import type { RecoveredPartition } from "./recovery.ts";
import { segmentPath, writeIndex } from "./segment.ts";
import type { Segment } from "./segment.ts";
import { SegmentIndex } from "./segment-index.ts";
import type { IndexedBatch } from "./segment-index.ts";

/** For so many bytes of batches index entries wait in memory: what a crash leaves to be walked again on open, 0.1 s of it. A write of them goes eight times to another thread and back. */
const unindexedBytesMax = 16_777_216;
/** Smaller batches are copied together: that costs less than a vector of its own for each. */
const copiedBytesMax = 8_192;
/** Relative offsets in Kafka's indexes are signed 32-bit integers; so are positions, which the options bound. */
export const offsetsPerSegmentMax = 2_147_483_647;

/** The batches of one write, as they will lie in the segment. */
export interface Round {
  readonly buffers: readonly Uint8Array[];
  readonly batches: readonly IndexedBatch[];
  readonly bytes: number;
  readonly next: Offset;
  readonly lastTimestamp: number;
}

interface ActiveSegmentOptions {
  readonly files: FileSystem;
  readonly directory: string;
  readonly logger: Logger;
}

/** The last segment of a partition: the only one that is written to. One writer at a time. */
export class ActiveSegment {
  readonly segment: Segment;
  readonly index: SegmentIndex;
  /** The clock when its first batch came. */
  since: number | undefined;
  readonly #file: LogFile;
  readonly #options: ActiveSegmentOptions;
  /** How far the segment reached when its entries were last written, or could not be; since it was opened. */
  #indexedBytes = 0;

  constructor(
    options: ActiveSegmentOptions,
    { segment, file, index, since }: Pick<RecoveredPartition, "file" | "index" | "since"> & { readonly segment: Segment },
  ) {
    this.#options = options;
    this.segment = segment;
    this.index = index;
    this.since = since;
    this.#file = file;
  }

  /** Makes the next segment; its name is durable when resolved. */
  static async create(options: ActiveSegmentOptions, base: Offset): Promise<ActiveSegment> {
    const file = await options.files.open(segmentPath(options.directory, base, "log"), "create", { durable: true });
    try {
      await options.files.syncDirectory(options.directory);
    } catch (error) {
      await file.close();
      throw error;
    }
    return new ActiveSegment(options, { segment: { base, bytes: 0 }, file, index: new SegmentIndex(base), since: undefined });
  }

  /** Lays batches out behind what is durable, in one list of buffers. */
  layOut(
    batches: readonly RecordBatch[],
    { from, now, timestampType }: { readonly from: Offset; readonly now: number; readonly timestampType: TimestampType },
  ): Round {
    // Headers and small batches, one behind the other; the records of large ones stay where they are.
    const made = Buffer.allocUnsafeSlow(
      batches.reduce((sum, { records }) => sum + batchHeaderBytes + (records.length < copiedBytesMax ? records.length : 0), 0),
    );
    const buffers: Uint8Array[] = [];
    const placed: IndexedBatch[] = [];
    let position = this.segment.bytes;
    let next = from;
    let [start, end] = [0, 0];
    for (const batch of batches) {
      const { count, records } = batch;
      const { baseTimestamp, maxTimestamp } = timestampType === "append" ? { baseTimestamp: now, maxTimestamp: now } : batch;
      const header = { baseOffset: next, count, timestampType, baseTimestamp, maxTimestamp };
      const bytes = batchHeaderBytes + records.length;
      if (records.length < copiedBytesMax) {
        encodeBatch(made, end, header, records);
        end += bytes;
      } else {
        encodeBatchHeader(made, end, header, records);
        end += batchHeaderBytes;
        buffers.push(made.subarray(start, end), records);
        start = end;
      }
      next = (next + count) as Offset;
      placed.push({ position, bytes, lastOffset: (next - 1) as Offset, maxTimestamp });
      position += bytes;
    }
    if (end > start) buffers.push(made.subarray(start, end));
    return { buffers, batches: placed, bytes: position - this.segment.bytes, next, lastTimestamp: now };
  }

  /** Durable when resolved. */
  write({ buffers }: Round): Promise<void> {
    return this.#file.write(buffers, this.segment.bytes);
  }

  /** Makes durable what `takeBack` did. */
  sync(): Promise<void> {
    return this.#file.sync();
  }

  /** Drops what was written but not taken in. */
  takeBack(): Promise<void> {
    return this.#file.truncate(this.segment.bytes);
  }

  /** The round is durable now. */
  takeIn({ batches, bytes }: Round): void {
    for (const batch of batches) this.index.add(batch);
    this.segment.bytes += bytes;
  }

  /** Writes the index entries out when many wait. A failure is no matter: they are built again from the batches. */
  async writeIndexWhenDue(): Promise<void> {
    if (this.segment.bytes - this.#indexedBytes < unindexedBytesMax) return;
    this.#indexedBytes = this.segment.bytes;
    await this.#writeIndex({ sync: false });
  }

  /** No more batches come: the indexes get their last entries. */
  async seal(): Promise<void> {
    this.index.seal();
    await this.#writeIndex({ sync: true });
    await this.#file.close();
  }

  async close({ keepIndex }: { readonly keepIndex: boolean }): Promise<void> {
    if (keepIndex) await this.#writeIndex({ sync: false });
    await this.#file.close();
  }

  async #writeIndex({ sync }: { readonly sync: boolean }): Promise<void> {
    try {
      await writeIndex({ ...this.#options, base: this.segment.base }, this.index, { sync });
    } catch (error) {
      this.#options.logger.warn("index was not written", { directory: this.#options.directory, base: this.segment.base, cause: String(error) });
    }
  }
}
