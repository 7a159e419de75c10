import type { Env } from "../../runtime/env.ts";
import { MainstemError, messageOf } from "../../runtime/errors.ts";
import { errnoOf } from "../../runtime/files.ts";
import type { Logger } from "../../runtime/logger.ts";
import { batchHeaderBytes } from "../batch-header.ts";
import type { AppendedRange, Bounds, Instant, Offset, SettledBounds, TimestampType, TopicPartition } from "../log.ts";
import type { RecordBatch } from "../record-batch.ts";
import { ActiveSegment, offsetsPerSegmentMax } from "./active-segment.ts";
import type { Round } from "./active-segment.ts";
import type { AppendBudget } from "./append-budget.ts";
import type { FileSystem } from "./file-system.ts";
import type { LogClock } from "./log-clock.ts";
import { recoverPartition, removeSegment } from "./recovery.ts";
import type { RecoveryPointFile } from "./recovery-point.ts";
import { SealedIndexes } from "./sealed-indexes.ts";
import type { Segment } from "./segment.ts";
import type { SegmentIndex } from "./segment-index.ts";

/** One write takes at most this many batches (two vectors each) and, beyond the first, bytes. */
const roundBatchesMax = 512;
const roundBytesMax = 16_777_216;
/** Who sends batches of this size does not wait for a single record. */
const largeBytesMin = 8_192;
/** Large batches wait for others through so many turns of the event loop. */
const gatherTurnsMax = 8;

export interface PartitionOptions {
  readonly at: TopicPartition;
  readonly directory: string;
  readonly timestampType: TimestampType;
  readonly segmentBytesMax: number;
  readonly segmentMsMax: number;
  readonly files: FileSystem;
  readonly env: Env;
  readonly logger: Logger;
  readonly budget: AppendBudget;
  readonly clock: LogClock;
  /** The bytes of all segments of the log; kept up by its partitions. */
  readonly usage: { bytes: number };
  /** Called after a segment was closed and the next one begun. */
  readonly onRoll: () => void;
}

interface Waiting {
  readonly batch: RecordBatch;
  readonly bytes: number;
  readonly resolve: (range: AppendedRange) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * One partition: its segments, one writer, any number of readers.
 * Appends that come while a round is written are gathered into the next: one durable write for all of them. Readers see a batch only after it.
 * After a write that failed, unless the disk had no room, nothing more is written: what the disk holds is unknown until the partition is opened again.
 */
export class Partition {
  readonly options: PartitionOptions;
  readonly #segments: Segment[];
  readonly #point: RecoveryPointFile;
  readonly #sealed: SealedIndexes;
  #active: ActiveSegment;
  #end: Offset;
  /** Where the round ends that is being written; the end, while none is. */
  #reserved: Offset;
  #queue: Waiting[] = [];
  #writing: Promise<void> | undefined;
  #rollWanted: PromiseWithResolvers<void> | undefined;
  /** Whether the last write of the recovery point failed. */
  #pointLags = false;
  /** Why nothing can be appended any more. */
  #failure: MainstemError | undefined;
  /** Why nothing can be read any more either: closed or deleted. */
  #ended: MainstemError | undefined;
  #ending: Promise<void> | undefined;
  /** No set: they come and go with every round (decision 050). */
  #waitingReaders: (() => void)[] = [];

  private constructor(options: PartitionOptions, { segments, active, point }: { segments: Segment[]; active: ActiveSegment; point: RecoveryPointFile }) {
    this.options = options;
    this.#segments = segments;
    this.#active = active;
    this.#point = point;
    this.#end = this.#reserved = point.current.next;
    this.#sealed = new SealedIndexes(options);
  }

  /** Throws `log.corrupt` where what was durable is damaged. */
  static async open(options: PartitionOptions): Promise<Partition> {
    const { segments, file, index, point, since } = await recoverPartition(options);
    const active = new ActiveSegment(options, { segment: segments.at(-1)!, file, index, since });
    const partition = new Partition(options, { segments: [...segments], active, point });
    options.usage.bytes += partition.bytes;
    return partition;
  }

  get bounds(): Bounds {
    return { first: this.#point.current.logStart, stable: this.#end, end: this.#reserved };
  }

  async settled(): Promise<SettledBounds> {
    const floor = await this.options.clock.floor();
    this.check();
    // Records that are durable hold their successors to their own time.
    const last = this.options.timestampType === "append" ? this.#point.current.lastTimestamp : 0;
    return { ...this.bounds, asOf: Math.max(floor, last) as Instant };
  }

  /** Ascending; the last one grows. */
  get segments(): readonly Segment[] {
    return this.#segments;
  }

  get bytes(): number {
    return this.#segments.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Throws what ended the partition. */
  check(): void {
    if (this.#ended !== undefined) throw this.#ended;
  }

  /** Resolves when the batch is durable. Appends are written in the order of these calls. */
  append(batch: RecordBatch, signal: AbortSignal | undefined): Promise<AppendedRange> {
    const bytes = batchHeaderBytes + batch.records.length;
    if (this.options.budget.tryTake(bytes)) return this.#enqueue(batch, bytes);
    return this.options.budget.take(bytes, signal).then(() => this.#enqueue(batch, bytes));
  }

  /** Closes the last segment after what is being written, if it holds anything. Not kept by what is appended meanwhile. */
  async roll(): Promise<void> {
    this.check();
    const { promise } = (this.#rollWanted ??= Promise.withResolvers());
    this.#writing ??= this.#write();
    await promise;
  }

  /** Resolves when there is more than the offset, or the partition ended. Rejects with the signal's reason. */
  waitBeyond(offset: Offset, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      if (this.#end > offset || this.#ended !== undefined) return resolve();
      const abort = (): void => {
        this.#waitingReaders = this.#waitingReaders.filter((one) => one !== wake);
        reject(signal?.reason);
      };
      const wake = (): void => {
        signal?.removeEventListener("abort", abort);
        resolve();
      };
      this.#waitingReaders.push(wake);
      signal?.addEventListener("abort", abort, { once: true });
    });
  }

  /** The indexes of a segment: those in memory of the last one, else from its files. */
  async indexOf(segment: Segment): Promise<SegmentIndex> {
    if (segment === this.#active.segment) return this.#active.index;
    const following = this.#segments[this.#segments.indexOf(segment) + 1];
    return this.#sealed.get(segment, following?.base ?? this.#end);
  }

  /** An index named a batch that is not there: it is built again when it is asked for next. */
  async discardIndex(segment: Segment): Promise<void> {
    if (segment !== this.#active.segment) await this.#sealed.discard(segment);
  }

  /** Drops the segments before the one that begins at `base`: from then on they cannot be read. */
  async dropBefore(base: Offset): Promise<void> {
    this.check();
    // Before a file goes, so that an opener never misses it.
    await this.#point.affirm({ logStart: base });
    const dropped = this.#segments.splice(
      0,
      this.#segments.findIndex((segment) => segment.base === base),
    );
    for (const segment of dropped) {
      this.options.usage.bytes -= segment.bytes;
      await removeSegment(this.options.files, this.options.directory, segment.base);
    }
  }

  /** Finishes what was accepted, then refuses everything with `resource.closed`. */
  close(): Promise<void> {
    return this.#finish(new MainstemError("resource.closed", "The log is closed."), { finish: true });
  }

  /** Refuses everything, also what waits, with the error. */
  abandon(error: MainstemError): Promise<void> {
    return this.#finish(error, { finish: false });
  }

  #finish(error: MainstemError, { finish }: { readonly finish: boolean }): Promise<void> {
    return (this.#ending ??= (async () => {
      this.#ended = error;
      if (!finish) this.#refuse(this.#queue.splice(0), error);
      this.#wakeReaders();
      await this.#writing;
      this.options.usage.bytes -= this.bytes;
      const healthy = this.#failure === undefined;
      try {
        await this.#active.close({ keepIndex: healthy && finish });
      } finally {
        // What is noted must not be written later, when another process may have the log open.
        await this.#point.close({ sync: healthy && finish });
      }
    })());
  }

  /** The bytes were taken from the budget; they are given back when the promise settles. */
  #enqueue(batch: RecordBatch, bytes: number): Promise<AppendedRange> {
    return new Promise((resolve, reject) => {
      try {
        this.#checkWritable();
      } catch (error) {
        this.options.budget.give(bytes);
        throw error;
      }
      this.#queue.push({ batch, bytes, resolve, reject });
      this.#writing ??= this.#write();
    });
  }

  #checkWritable(): void {
    this.check();
    // A new error each time: its stack is that of its caller.
    if (this.#failure !== undefined) throw new MainstemError("log.writeFailed", this.#failure.message, this.#failure.facts, { cause: this.#failure.cause });
  }

  /** The writer: runs while anything waits. Never rejects. */
  async #write(): Promise<void> {
    for (;;) {
      await this.#gather();
      const rollWanted = this.#rollWanted;
      if ((this.#queue.length === 0 && rollWanted === undefined) || this.#failure !== undefined) break;
      if (this.#rollDue()) {
        this.#rollWanted = undefined;
        await this.#rollOver();
        rollWanted?.resolve();
      } else await this.#writeRound(this.#takeRound());
    }
    this.#rollWanted?.resolve();
    this.#rollWanted = undefined;
    this.#writing = undefined;
  }

  /** Whatever else is appended in this turn of the event loop joins the round. A large batch waits for what the sockets have ready, too, as long as each turn brings another. */
  async #gather(): Promise<void> {
    await nextTurn();
    if ((this.#queue[0]?.bytes ?? 0) < largeBytesMin) return;
    for (let turns = 0, before = 0; turns < gatherTurnsMax && this.#queue.length > before; turns++) {
      before = this.#queue.length;
      await nextTurn();
    }
  }

  #rollDue(): boolean {
    if (this.#rollWanted !== undefined) return true;
    const { segment, since } = this.#active;
    const { bytes, batch } = this.#queue[0]!;
    if (segment.bytes === 0) return false;
    const full = segment.bytes + bytes > this.options.segmentBytesMax || this.#end - segment.base + batch.count > offsetsPerSegmentMax;
    return full || (since !== undefined && this.options.env.now() - since >= this.options.segmentMsMax);
  }

  #takeRound(): Waiting[] {
    const { segment } = this.#active;
    const room = Math.max(0, Math.min(roundBytesMax, this.options.segmentBytesMax - segment.bytes));
    let [count, bytes, next] = [0, 0, this.#end as number];
    for (const waiting of this.#queue) {
      const full = count === roundBatchesMax || bytes + waiting.bytes > room || next + waiting.batch.count - segment.base > offsetsPerSegmentMax;
      if (count > 0 && full) break;
      count++;
      bytes += waiting.bytes;
      next += waiting.batch.count;
    }
    return this.#queue.splice(0, count);
  }

  async #writeRound(taken: readonly Waiting[]): Promise<void> {
    const active = this.#active;
    const now = Math.max(this.options.clock.now(), this.#point.current.lastTimestamp);
    const from = this.#end;
    const round = active.layOut(
      taken.map(({ batch }) => batch),
      { from, now, timestampType: this.options.timestampType },
    );
    this.#reserved = round.next;
    try {
      await active.write(round);
    } catch (error) {
      return this.#writeRefused(taken, error);
    }
    active.takeIn(round);
    this.options.usage.bytes += round.bytes;
    this.#moveRecoveryPoint(round);
    this.#end = round.next;
    this.#wakeReaders();
    for (const [index, { batch, resolve }] of taken.entries()) {
      const { lastOffset, maxTimestamp } = round.batches[index]!;
      resolve({ first: (lastOffset - batch.count + 1) as Offset, last: lastOffset, timestamp: maxTimestamp as Instant });
    }
    this.options.budget.give(round.bytes);
    await active.writeIndexWhenDue();
  }

  /**
   * After the write, so that it never runs ahead of what is durable. Nobody waits for it, and a failure is only told: it may lag, and then more is checked on open;
   * where it must not, which is when a segment is closed, a failure stops the partition.
   */
  #moveRecoveryPoint({ next, lastTimestamp }: Round): void {
    const { segment, index } = this.#active;
    const { maxTimestamp, maxTimestampOffset } = index;
    this.#point.note({ position: segment.bytes, next, lastTimestamp, maxTimestamp, maxTimestampOffset }).then(
      () => (this.#pointLags = false),
      (error: unknown) => {
        if (!this.#pointLags) this.options.logger.warn("recovery point was not written", { ...this.#facts(), cause: String(error) });
        this.#pointLags = true;
      },
    );
  }

  async #rollOver(): Promise<void> {
    const before = this.#active;
    if (before.segment.bytes === 0) return;
    try {
      // Its last write may have been one that was taken back: without a sync a loss of power could bring that back, and nobody looks for a tail in a closed segment.
      await before.sync();
    } catch (error) {
      return this.#fail([], error);
    }
    try {
      const next = await ActiveSegment.create(this.options, this.#end);
      before.segment.maxTimestamp = before.index.maxTimestamp;
      await before.seal();
      this.#active = next;
      this.#segments.push(next.segment);
      await this.#point.update({ segmentBase: this.#end, position: 0, maxTimestamp: -1, maxTimestampOffset: -1 }, { sync: true });
    } catch (error) {
      // Nothing of the queue was written yet.
      return this.#active === before ? this.#writeRefused(this.#queue.splice(0), error) : this.#fail([], error);
    }
    this.options.onRoll();
  }

  /** A write that found no room is taken back and can be tried again; any other leaves the file in an unknown state. */
  async #writeRefused(taken: readonly Waiting[], error: unknown): Promise<void> {
    const code = errnoOf(error);
    if (code !== "ENOSPC" && code !== "EDQUOT") return this.#fail(taken, error);
    try {
      await this.#active.takeBack();
      // Until then a loss of power may bring it back, with its append time.
      await this.#active.sync();
    } catch (failed) {
      return this.#fail(taken, failed);
    }
    this.#reserved = this.#end;
    this.#refuse(taken, new MainstemError("log.full", "The disk has no room left.", this.#facts(), { cause: error }));
  }

  async #fail(taken: readonly Waiting[], cause: unknown): Promise<void> {
    const sentence = `The disk refused a write (${messageOf(cause)}); nothing more is appended to the partition until Mainstem is started again on a disk that takes writes.`;
    this.#failure = new MainstemError("log.writeFailed", sentence, this.#facts(), { cause });
    this.options.logger.error("write failed", { ...this.#facts(), cause: String(cause) });
    // `#reserved` stays: until the log is opened again nobody knows whether the records that have their append time already are in it.
    // What the disk holds beyond the last sync is unknown, though the page cache may still show it: the next opener shall not find it.
    await this.#active.takeBack().catch((error: unknown) => this.options.logger.error("write was not taken back", { ...this.#facts(), cause: String(error) }));
    this.#refuse([...taken, ...this.#queue.splice(0)], this.#failure);
  }

  #refuse(taken: readonly Waiting[], error: MainstemError): void {
    for (const { bytes, reject } of taken) {
      this.options.budget.give(bytes);
      reject(error);
    }
  }

  #wakeReaders(): void {
    const waiting = this.#waitingReaders;
    if (waiting.length === 0) return;
    this.#waitingReaders = [];
    for (const wake of waiting) wake();
  }

  #facts(): { readonly topic: string; readonly partition: number } {
    return { topic: this.options.at.topic, partition: this.options.at.partition };
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
