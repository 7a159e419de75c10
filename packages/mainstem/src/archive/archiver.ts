import { assert } from "../runtime/assert.ts";
import type { Env } from "../runtime/env.ts";
import { factsOf, isAbort } from "../runtime/errors.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Log, Partition } from "../log/index.ts";
import type { ObjectStore } from "../objects/index.ts";
import type { Dataset, Generation, Registry } from "../registry/index.ts";
import type { ResetTarget, Task, TaskContext } from "../tasks/index.ts";
import { checkArchiveReset } from "./archive-reset.ts";
import { archiveGroup } from "./log-check.ts";
import { PartitionArchiver, type PartitionProgress } from "./partition-archiver.ts";

/** The log is looked at four times within the time at which chunks are closed, within these bounds. */
const lookEveryMsMin = 20;
const lookEveryMsMax = 1_000;

export interface ArchiverOptions {
  /** Its name, `namespace.name`. */
  readonly dataset: string;
  readonly registry: Pick<Registry, "require" | "schema">;
  readonly log: Log;
  readonly objects: ObjectStore;
  readonly env: Env;
  readonly logger: Logger;
  /** A chunk is closed this many milliseconds after its first record was appended, if not before by size or hour. */
  readonly everyMs: number;
  /** What a data object may take before it is closed; one record, and the header, may exceed it. */
  readonly maxBytes: number;
  /** For the blocks of chunks that are not closed. Files in it that a kill left behind may be deleted while no archiver runs. */
  readonly scratchDir: string;
}

/**
 * Archives a dataset: the task `archive.<dataset>`.
 *
 * Each position of the log exactly once: of any number of archivers that run at once, one puts each chain entry, and the others adopt it.
 * Stopping writes no chunk: what was read and not closed is read again. Call `flush` before, to leave nothing behind.
 */
export interface Archiver extends Task {
  /** It needs no fence: chain entries are put if absent. */
  run(context: TaskContext): Promise<void>;
  /** What was read and is in no chunk yet is forgotten; only the chain's end is no refusal. */
  reset(to: ResetTarget, context: { readonly signal: AbortSignal }): Promise<void>;
  /** Of the partitions of every generation that the log still has; empty before the first run. */
  progress(): readonly PartitionProgress[];
  /**
   * Closes chunks now: resolves when everything that the log held at the time of the call is in the chain. It waits for a task that is not running or is backing
   * off, so give it a signal.
   */
  flush(options?: { readonly signal?: AbortSignal | undefined }): Promise<void>;
}

export function createArchiver(options: ArchiverOptions): Archiver {
  return new DatasetArchiver(options);
}

interface Lane {
  readonly archiver: PartitionArchiver;
  /** The last request to flush that it has fulfilled. */
  flushed: number;
  /** Ends its sleep, while it sleeps. */
  wake: (() => void) | undefined;
}

interface FlushWaiter {
  readonly request: number;
  resolve(): void;
}

class DatasetArchiver implements Archiver {
  readonly name: string;
  /** A chunk is closed so often, which is when the position moves. */
  readonly periodMs: number;
  readonly #options: ArchiverOptions;
  #lanes: readonly Lane[] = [];
  #running = false;
  #flushRequest = 0;
  #flushAnswered = 0;
  readonly #flushWaiters = new Set<FlushWaiter>();

  constructor(options: ArchiverOptions) {
    this.name = `archive.${options.dataset}`;
    this.periodMs = options.everyMs;
    this.#options = options;
  }

  async run(context: TaskContext): Promise<void> {
    const { signal } = context;
    assert(!this.#running, "an archiver runs once at a time");
    this.#running = true;
    try {
      const dataset = await this.#options.registry.require(this.#options.dataset);
      const partitions = await this.#openPartitions(dataset, signal);
      this.#lanes = partitions.map((archiver) => ({ archiver, flushed: this.#flushAnswered, wake: undefined }));
      const reportAll = (): void => context.report(sum(this.progress()));
      await allOrNone(
        this.#lanes.map((lane) => (until: AbortSignal) => this.#runLane(lane, until, reportAll)),
        signal,
      );
    } finally {
      await Promise.all(this.#lanes.map(({ archiver }) => archiver[Symbol.asyncDispose]()));
      this.#running = false;
    }
  }

  async reset(to: ResetTarget, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    const { registry, log, objects } = this.#options;
    await checkArchiveReset(to, { dataset: await registry.require(this.#options.dataset), log, objects, signal });
  }

  progress(): readonly PartitionProgress[] {
    return this.#lanes.map(({ archiver }) => archiver.progress());
  }

  async flush({ signal }: { readonly signal?: AbortSignal | undefined } = {}): Promise<void> {
    signal?.throwIfAborted();
    const request = ++this.#flushRequest;
    for (const lane of this.#lanes) lane.wake?.();
    await new Promise<void>((resolve, reject) => {
      const abort = (): void => {
        this.#flushWaiters.delete(waiter);
        reject(signal?.reason);
      };
      const waiter: FlushWaiter = { request, resolve: () => (signal?.removeEventListener("abort", abort), resolve()) };
      this.#flushWaiters.add(waiter);
      signal?.addEventListener("abort", abort, { once: true });
    });
  }

  /** An archiver for each partition of each generation; a generation whose topic is gone from the log has nothing left to archive. */
  async #openPartitions(dataset: Dataset, signal: AbortSignal): Promise<readonly PartitionArchiver[]> {
    const archivers: PartitionArchiver[] = [];
    for (const generation of dataset.generations) {
      const isCurrent = generation.topicId === dataset.topics.records.id;
      try {
        const ofGeneration = this.#partitionsOf(dataset, generation);
        for (const archiver of ofGeneration) await archiver.takeOver(signal);
        archivers.push(...ofGeneration);
      } catch (error) {
        const { code } = factsOf(error);
        if (isCurrent || (code !== "log.topicReplaced" && code !== "log.topicUnknown")) throw error;
      }
    }
    return archivers;
  }

  #partitionsOf(dataset: Dataset, { topicId, generation }: Generation): readonly PartitionArchiver[] {
    const { records, chunks } = dataset.topics;
    const group = archiveGroup(this.#options.dataset);
    return Array.from({ length: records.partitions }, (_, index) => {
      const of = { topic: records.name, topicId, partition: index as Partition };
      return new PartitionArchiver({ ...this.#options, of, generation, timestampType: records.timestampType, chunksTopic: chunks, group });
    });
  }

  async #runLane(lane: Lane, signal: AbortSignal, advanced: () => void): Promise<void> {
    const { everyMs } = this.#options;
    const lookEveryMs = Math.min(Math.max(everyMs / 4, lookEveryMsMin), lookEveryMsMax);
    for (;;) {
      signal.throwIfAborted();
      // Taken before the look: a request that comes during it is for the next one.
      const request = this.#flushRequest;
      await lane.archiver.advance({ close: lane.flushed < request, signal });
      lane.flushed = request;
      advanced();
      this.#answerFlushes();
      if (this.#flushRequest > request) continue;
      await this.#pause(lane, lookEveryMs, signal);
    }
  }

  /** Sleeps until the time is over, or a flush is asked for. */
  async #pause(lane: Lane, ms: number, signal: AbortSignal): Promise<void> {
    const waking = new AbortController();
    const stop = (): void => waking.abort();
    lane.wake = stop;
    signal.addEventListener("abort", stop, { once: true });
    try {
      await this.#options.env.sleep(ms, { signal: waking.signal });
    } catch (error) {
      signal.throwIfAborted();
      if (!waking.signal.aborted) throw error;
    } finally {
      signal.removeEventListener("abort", stop);
      lane.wake = undefined;
    }
  }

  #answerFlushes(): void {
    this.#flushAnswered = Math.min(...this.#lanes.map(({ flushed }) => flushed));
    for (const waiter of this.#flushWaiters) {
      if (waiter.request > this.#flushAnswered) continue;
      this.#flushWaiters.delete(waiter);
      waiter.resolve();
    }
  }
}

/** Runs all works at once. The first failure aborts the others; when all have ended it is thrown. */
async function allOrNone(works: readonly ((signal: AbortSignal) => Promise<void>)[], signal: AbortSignal): Promise<void> {
  const stop = new AbortController();
  const until = AbortSignal.any([signal, stop.signal]);
  let first: { readonly error: unknown } | undefined;
  await Promise.all(
    works.map(async (work) => {
      try {
        await work(until);
      } catch (error) {
        if (first === undefined || (isAbort(first.error) && !isAbort(error))) first = { error };
        stop.abort();
      }
    }),
  );
  if (first !== undefined) throw first.error;
}

function sum(partitions: readonly PartitionProgress[]): {
  readonly position: number;
  readonly end: number;
  readonly unit: string;
  readonly facts: Readonly<Record<string, unknown>>;
} {
  let position = 0;
  let end = 0;
  let completeThrough = Number.POSITIVE_INFINITY;
  for (const partition of partitions) {
    position += partition.chainNext;
    end += partition.logStable;
    completeThrough = Math.min(completeThrough, partition.completeThrough ?? Number.NEGATIVE_INFINITY);
  }
  return { position, end, unit: "offsets", facts: Number.isFinite(completeThrough) ? { completeThrough: new Date(completeThrough).toISOString() } : {} };
}
