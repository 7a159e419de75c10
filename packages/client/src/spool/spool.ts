import { mkdir, readdir, unlink } from "node:fs/promises";
import { join } from "node:path";
import { BackOff, orAborted, pause } from "../back-off.ts";
import { ClientError, parseLimit, usage, type OnProblem } from "../client-error.ts";
import type { Batch } from "../producer/batch.ts";
import type { Outbox } from "../producer/outbox.ts";
import { openCounter, type Counter } from "./counters.ts";
import { encodeBatch } from "./frame.ts";
import { lockDirectory } from "./lock.ts";
import {
  corrupt,
  createSegment,
  openSegment,
  parseSegmentName,
  readEntry,
  segmentName,
  syncDirectory,
  writeDurably,
  type Entry,
  type Segment,
} from "./segment.ts";

const usualSegmentBytesMax = 8_000_000;

export interface SpoolOptions {
  /** A directory of its own for each process and dataset; made if it is not there. */
  readonly directory: string;
  /** What may wait on the disk before `send` waits: 1 GB. The files take up to one segment (8 MB) more. */
  readonly bytesMax?: number;
  readonly segmentBytesMax?: number;
}

/** Opens the spool, cuts a torn tail, and finds what waits in it. Errors: `client.spoolLocked`, `client.spoolCorrupt`, `client.spoolMismatch`, those of the disk. */
export async function openSpool(options: SpoolOptions & { readonly dataset: string; readonly onProblem: OnProblem }): Promise<Outbox> {
  const { directory, dataset, onProblem, ...limits } = options;
  if (directory === "") throw usage("spool.directory is the path of a directory.", { option: "spool.directory" });
  const bytesMax = parseLimit("spool.bytesMax", limits.bytesMax, { usual: 1_000_000_000, least: 1 });
  const segmentBytesMax = parseLimit("spool.segmentBytesMax", limits.segmentBytesMax, { usual: usualSegmentBytesMax, least: 1 });
  await mkdir(directory, { recursive: true });
  await using stack = new AsyncDisposableStack();
  stack.use(lockDirectory(directory));
  const sent = stack.use(await openCounter(join(directory, "sent")));
  const found = await findSegments(directory, { dataset, sent: sent.value, stack });
  return new Spool({ directory, dataset, bytesMax, segmentBytesMax, sent, onProblem, ...found, stack: stack.move() });
}

interface Found {
  readonly segments: Segment[];
  /** What is not sent, oldest first. */
  readonly entries: Entry[];
  readonly next: bigint;
  /** The segment that the next batch may be written to. */
  readonly current: Segment | undefined;
}

async function findSegments(directory: string, of: { readonly dataset: string; readonly sent: bigint; readonly stack: AsyncDisposableStack }): Promise<Found> {
  const firsts = (await readdir(directory)).flatMap((name) => parseSegmentName(name) ?? []).sort((a, b) => (a < b ? -1 : 1));
  const segments: Segment[] = [];
  const entries: Entry[] = [];
  let next = 0n;
  for (const [index, first] of firsts.entries()) {
    const path = join(directory, segmentName(first));
    // Numbers that are missing were sent, or something is.
    if (index > 0 && first !== next && (first < next || first > of.sent)) throw corrupt(path, 0);
    const opened = await openSegment(path, { first, dataset: of.dataset, isLast: index === firsts.length - 1 });
    if (opened === undefined) {
      await unlink(path);
      continue;
    }
    of.stack.defer(() => opened.segment.file.close().catch(() => undefined));
    segments.push(opened.segment);
    entries.push(...opened.entries.filter(({ number }) => number >= of.sent));
    next = first + BigInt(opened.entries.length);
  }
  // A batch that was sent may have been cut as damaged: then the places in its segment do not give the next numbers.
  return of.sent > next ? { segments, entries, next: of.sent, current: undefined } : { segments, entries, next, current: segments.at(-1) };
}

interface Place extends Found {
  readonly directory: string;
  readonly dataset: string;
  readonly bytesMax: number;
  readonly segmentBytesMax: number;
  readonly onProblem: OnProblem;
  /** The number of the oldest batch that is not sent. */
  readonly sent: Counter;
  readonly stack: AsyncDisposableStack;
}

/**
 * Batches in files, in order (docs/formats/spool.md). `add` is called by one caller at a time, `first` and `removeFirst` by one other.
 * That a batch was sent is written without waiting for the disk: forgotten by a loss of power, it is sent again with the same key.
 */
class Spool implements Outbox {
  readonly #place: Place;
  readonly #entries: Entry[];
  readonly #segments: Segment[];
  /** The last segment, unless none may be written on. */
  #current: Segment | undefined;
  #next: bigint;
  #bytes: number;
  #changed = Promise.withResolvers<void>();

  constructor(place: Place) {
    this.#place = place;
    this.#entries = place.entries;
    this.#segments = place.segments;
    this.#current = place.current;
    this.#next = place.next;
    this.#bytes = place.entries.reduce((sum, { start, end }) => sum + end - start, 0);
  }

  async add(batch: Batch, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    const frame = encodeBatch(batch);
    while (this.#bytes > 0 && this.#bytes + frame.length > this.#place.bytesMax) await orAborted(this.#changed.promise, { signal });
    for (const backOff = new BackOff(); ;) {
      signal.throwIfAborted();
      try {
        this.#entries.push(await this.#write(frame));
        break;
      } catch (cause) {
        // A full disk: what is sent meanwhile makes room. The caller waits, as for a slow server.
        const retryInMs = backOff.next();
        const { directory, onProblem } = this.#place;
        onProblem(new ClientError("client.spoolFailed", `The spool ${directory} could not be written: ${String(cause)}.`, { directory }, { cause }), {
          retryInMs,
        });
        await pause(retryInMs, { signal });
      }
    }
    this.#bytes += frame.length;
    this.#change();
  }

  async first({ signal }: { readonly signal: AbortSignal }): Promise<Batch> {
    for (;;) {
      signal.throwIfAborted();
      const [entry] = this.#entries;
      if (entry !== undefined) return readEntry(entry);
      await orAborted(this.#changed.promise, { signal });
    }
  }

  async removeFirst(): Promise<void> {
    const entry = this.#entries.shift();
    if (entry === undefined) return;
    this.#bytes -= entry.end - entry.start;
    const next = this.#entries[0]?.segment;
    // A segment goes when something is written elsewhere: then none of its batches can be asked for again.
    const over = entry.segment !== this.#current && entry.segment !== next;
    await this.#place.sent.write(entry.number + 1n, { sync: over });
    if (over) await this.#dropSegmentsBefore(next ?? this.#current);
    this.#change();
  }

  size(): { readonly batches: number; readonly bytes: number } {
    return { batches: this.#entries.length, bytes: this.#bytes };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { file } of this.#segments) await file.close().catch(() => undefined);
    await this.#place.stack.disposeAsync();
  }

  /** One batch, then the disk: so a torn batch is always the last one. */
  async #write(frame: Buffer): Promise<Entry> {
    const { directory, dataset, segmentBytesMax } = this.#place;
    if (this.#current === undefined || this.#current.end >= segmentBytesMax) {
      const segment = await createSegment(directory, { first: this.#next, dataset });
      this.#segments.push(segment);
      this.#current = segment;
    }
    const segment = this.#current;
    const start = segment.end;
    // From the same place after a failure, over whatever that left.
    await writeDurably(segment.file, frame, start);
    segment.end = start + frame.length;
    return { number: this.#next++, segment, start, end: segment.end };
  }

  async #dropSegmentsBefore(kept: Segment | undefined): Promise<void> {
    const count = kept === undefined ? 0 : this.#segments.indexOf(kept);
    for (const segment of this.#segments.splice(0, Math.max(count, 0))) {
      await segment.file.close();
      await unlink(segment.path);
    }
    await syncDirectory(this.#place.directory);
  }

  #change(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}
