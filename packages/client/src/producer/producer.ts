import { randomUUID } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { DatasetContract } from "@mainstem/contract";
import { BackOff, orAborted, usualBackOff, type BackOffOptions } from "../back-off.ts";
import { ClientError, parseLimit, RefusedError, UnsentError, usage, type OnProblem, type Refusal } from "../client-error.ts";
import { openConnection, type Connection } from "../connection.ts";
import { toLine } from "../ndjson.ts";
import { openSpool, type SpoolOptions } from "../spool/spool.ts";
import { recordsOf, type Batch, type LiveBatch, type Outcome, type Waiter } from "./batch.ts";
import { createMemoryOutbox, type Outbox } from "./outbox.ts";
import { Refusals } from "./refusals.ts";
import { openStamper, type Sendable, type Stamper } from "./stamper.ts";
import { transmit } from "./transmit.ts";

/** The door names at most this many refused records in one answer. */
const batchRecordsMost = 10_000;

export interface ProducerOptions<Input extends object> {
  /** Such as `http://127.0.0.1:7070`. */
  readonly url: string;
  /** The server's token, if it wants one. */
  readonly token?: string | undefined;
  /** The contract, which gives the type of the records; or the dataset's name. */
  readonly dataset: DatasetContract<Input> | string;
  /**
   * Told of each record that `send` took and the door refused. Without it `flush` and `close` throw `client.refused`.
   * It is called before `flush` resolves; what it throws is an unhandled rejection.
   */
  readonly onRefused?: (refusal: Refusal) => void;
  /** Told when a request failed and will be tried again. */
  readonly onProblem?: OnProblem;
  /** A batch is sent when it has so many records (1,000; at most 10,000), so many bytes (1 MB), or is so old (10 ms). */
  readonly batchRecordsMax?: number;
  readonly batchBytesMax?: number;
  readonly lingerMs?: number;
  /** What the producer may hold in memory before `send` waits: 32 MB. */
  readonly bufferBytesMax?: number;
  /** How long a request may take before it is tried again: 60 s. */
  readonly requestMs?: number;
  /** How long `close` waits for the server: 30 s. */
  readonly closeMs?: number;
  readonly backOff?: BackOffOptions;
  /** Batches go to disk first and from there to the server: they survive the end of this process, and are sent later while the server is away. */
  readonly spool?: SpoolOptions;
}

export interface ProducerStatus {
  /** Records and bytes in memory that are not safe yet. */
  readonly heldRecords: number;
  readonly heldBytes: number;
  /** Batches that wait for the server, and their bytes: in memory, or in the spool. */
  readonly waitingBatches: number;
  readonly waitingBytes: number;
  /** How many requests failed one after the other, up to now, and why. */
  readonly failures: number;
  readonly lastProblem: ClientError | undefined;
}

export interface Waits {
  readonly signal?: AbortSignal | undefined;
}

/**
 * Sends records of one dataset, in the order of the calls, one request after the other.
 *
 * Durability: `deliver` resolves when the record is in the log, on disk. `flush` resolves when every record before it is in the log, or, with a
 * spool, on the disk of this machine. `send` resolves before that.
 * Repeats: a request is repeated with the same bytes and idempotency key, which counts once in the log. Keys are remembered for 24 hours: a batch
 * that was sent, never heard of again, and waited in a spool for longer may be in the log twice.
 * Order: kept, also over retries and restarts. Records that wait for nothing but a slow server hold up those behind them.
 * Memory: at most `bufferBytesMax` of records, and one batch.
 * Errors: `client.*` (`clientCodes`), and those of the server.
 */
export interface Producer<Input extends object> extends AsyncDisposable {
  /** Hands a record over. Resolves when it is in the buffer; waits while that is full: await it, and a slow server slows you down instead of filling the memory. */
  send(record: Sendable<Input>, options?: Waits): Promise<void>;
  /** Resolves when the record is in the log; rejects with `RefusedError` when the door refuses it. An abort ends the waiting, not the sending. */
  deliver(record: Sendable<Input>, options?: Waits): Promise<void>;
  /** Resolves when all that was handed over is safe. Throws `RefusedError` for what was refused since and nobody was told of. */
  flush(options?: Waits): Promise<void>;
  /**
   * Flushes and ends. With a spool: sends what waits there as long as the server answers; the rest is sent by the next producer.
   * Without: waits `closeMs` for the server, then throws `UnsentError` with the records. Closing twice is fine.
   */
  close(options?: Waits): Promise<void>;
  status(): ProducerStatus;
}

/** Opens a producer. The server need not be there; a spool directory must be free (`client.spoolLocked`) and whole (`client.spoolCorrupt`). */
export async function createProducer<Input extends object = Record<string, unknown>>(options: ProducerOptions<Input>): Promise<Producer<Input>> {
  const dataset = typeof options.dataset === "string" ? options.dataset : options.dataset.name;
  const settings: Settings = {
    dataset,
    connection: openConnection({ ...options, requestMs: parseLimit("requestMs", options.requestMs, { usual: 60_000, least: 1 }) }),
    batchRecordsMax: parseLimit("batchRecordsMax", options.batchRecordsMax, { usual: 1_000, least: 1 }),
    batchBytesMax: parseLimit("batchBytesMax", options.batchBytesMax, { usual: 1_000_000, least: 1 }),
    lingerMs: parseLimit("lingerMs", options.lingerMs, { usual: 10, least: 0 }),
    bufferBytesMax: parseLimit("bufferBytesMax", options.bufferBytesMax, { usual: 32_000_000, least: 1 }),
    closeMs: parseLimit("closeMs", options.closeMs, { usual: 30_000, least: 0 }),
    backOff: new BackOff(options.backOff ?? usualBackOff),
    onRefused: options.onRefused,
    onProblem: options.onProblem,
  };
  if (settings.batchRecordsMax > batchRecordsMost)
    throw usage(`batchRecordsMax is at most ${batchRecordsMost}: of more records one answer could not name the refused ones.`);
  await using stack = new AsyncDisposableStack();
  const { spool, onProblem = () => undefined } = options;
  const outbox = stack.use(spool === undefined ? createMemoryOutbox() : await openSpool({ ...spool, dataset, onProblem }));
  const stamper = typeof options.dataset === "string" ? undefined : stack.use(await openStamper(options.dataset, { directory: spool?.directory }));
  return new HttpProducer<Input>({ ...settings, outbox, stamper, spooled: spool !== undefined, opened: stack.move() });
}

interface Settings {
  readonly dataset: string;
  readonly connection: Connection;
  readonly batchRecordsMax: number;
  readonly batchBytesMax: number;
  readonly lingerMs: number;
  readonly bufferBytesMax: number;
  readonly closeMs: number;
  readonly backOff: BackOff;
  readonly onRefused: ((refusal: Refusal) => void) | undefined;
  readonly onProblem: OnProblem | undefined;
}

interface Place extends Settings {
  readonly outbox: Outbox;
  readonly stamper: Stamper | undefined;
  readonly spooled: boolean;
  /** The outbox and the stamper. */
  readonly opened: AsyncDisposableStack;
}

interface Taking {
  readonly waiter: Waiter | undefined;
  readonly signal: AbortSignal | undefined;
}

interface Waiting {
  readonly line: string;
  readonly bytes: number;
  readonly waiter: Waiter | undefined;
  readonly taken: PromiseWithResolvers<void>;
}

const done = Promise.resolve();

class HttpProducer<Input extends object> implements Producer<Input> {
  readonly #place: Place;
  readonly #run = randomUUID();
  readonly #ending = new AbortController();
  readonly #open: OpenBatch = { lines: [], bytes: 0, waiters: new Map() };
  /** Sends that wait for room, in order. */
  readonly #waiting: Waiting[] = [];
  /** Sealed batches that are not safe yet. */
  readonly #unsafe = new Map<string, { readonly batch: Batch; readonly safe: PromiseWithResolvers<void> }>();
  /** Waiters of batches that the server has not judged. */
  readonly #unjudged = new Map<string, LiveBatch["waiters"]>();
  readonly #refusals: Refusals;
  readonly #work: Promise<unknown>;
  #storing: Promise<void> = done;
  /** Times of the stamper that are being stored: records wait for them. */
  #reserving: Promise<void> | undefined;
  #heldBytes = 0;
  #heldRecords = 0;
  #batches = 0;
  #timer: NodeJS.Timeout | undefined;
  #lastProblem: ClientError | undefined;
  /** Resolved, and made anew, when a batch was judged or a request failed. */
  #moved = Promise.withResolvers<void>();
  /** Why nothing can be sent any more: a fault of the spool, or ours. */
  #broken: Error | undefined;
  #closing: Promise<void> | undefined;

  constructor(place: Place) {
    this.#place = place;
    this.#refusals = new Refusals(place.onRefused);
    this.#work = this.#transmitAll().catch((error: Error) => this.#break(error));
  }

  send(record: Sendable<Input>, options: Waits = {}): Promise<void> {
    return this.#take(record, { waiter: undefined, signal: options.signal });
  }

  async deliver(record: Sendable<Input>, { signal }: Waits = {}): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    promise.catch(() => undefined);
    await this.#take(record, { waiter: { resolve, reject }, signal });
    await orAborted(promise, { signal });
  }

  async flush({ signal }: Waits = {}): Promise<void> {
    while (this.#reserving !== undefined)
      await orAborted(
        this.#reserving.catch(() => undefined),
        { signal },
      );
    const last = this.#waiting.at(-1);
    if (last !== undefined) await orAborted(last.taken.promise, { signal });
    this.#seal();
    await orAborted(Promise.all([...this.#unsafe.values()].map(({ safe }) => safe.promise)), { signal });
    this.#refusals.throwUntold();
  }

  close(options: Waits = {}): Promise<void> {
    this.#closing ??= this.#close(options);
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  status(): ProducerStatus {
    const { batches, bytes } = this.#place.outbox.size();
    const { failures } = this.#place.backOff;
    return {
      heldRecords: this.#heldRecords,
      heldBytes: this.#heldBytes,
      waitingBatches: batches,
      waitingBytes: bytes,
      failures,
      lastProblem: this.#lastProblem,
    };
  }

  #take(record: object, options: Taking): Promise<void> {
    try {
      options.signal?.throwIfAborted();
      if (this.#broken !== undefined) throw this.#broken;
      if (this.#closing !== undefined) throw new ClientError("client.closed", "The producer was closed.");
      const { stamper } = this.#place;
      return stamper === undefined ? this.#enter(record, options) : this.#stamp(record, options, stamper);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** While times are being stored, the records that come wait in their order. */
  #stamp(record: object, options: Taking, stamper: Stamper): Promise<void> {
    const stamped = this.#reserving === undefined ? stamper.stamp(record) : undefined;
    if (stamped !== undefined) return this.#enter(stamped, options);
    const reserving = (this.#reserving ??= stamper.reserve());
    const settle = (): void => {
      if (this.#reserving === reserving) this.#reserving = undefined;
    };
    return reserving.then(
      () => {
        settle();
        options.signal?.throwIfAborted();
        this.#ending.signal.throwIfAborted();
        return this.#stamp(record, options, stamper);
      },
      (error: unknown) => {
        settle();
        throw error;
      },
    );
  }

  #enter(record: object, { waiter, signal }: Taking): Promise<void> {
    try {
      const line = toLine(record);
      const bytes = Buffer.byteLength(line) + 1;
      if (bytes > this.#place.bufferBytesMax)
        throw new ClientError("client.tooLarge", `A record of ${bytes} bytes is more than the buffer holds.`, { bytes, max: this.#place.bufferBytesMax });
      if (this.#waiting.length === 0 && this.#hasRoom(bytes)) {
        // A loop that sends would otherwise not let requests begin, nor anything else of the program, before the buffer is full.
        return this.#put({ line, bytes, waiter }) ? nextTurn() : done;
      }
      return this.#wait({ line, bytes, waiter, taken: Promise.withResolvers<void>() }, signal);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async #wait(waiting: Waiting, signal: AbortSignal | undefined): Promise<void> {
    this.#waiting.push(waiting);
    try {
      await orAborted(waiting.taken.promise, { signal });
    } catch (error) {
      const index = this.#waiting.indexOf(waiting);
      if (index >= 0) this.#waiting.splice(index, 1);
      // A flush that began meanwhile does not wait for what was withdrawn.
      waiting.taken.resolve();
      throw error;
    }
  }

  #hasRoom(bytes: number): boolean {
    return this.#heldBytes === 0 || this.#heldBytes + bytes <= this.#place.bufferBytesMax;
  }

  /** Whether this made a batch whole. */
  #put({ line, bytes, waiter }: Omit<Waiting, "taken">): boolean {
    const open = this.#open;
    if (open.lines.length > 0 && open.bytes + bytes > this.#place.batchBytesMax) this.#seal();
    if (waiter !== undefined) open.waiters.set(open.lines.length, waiter);
    open.lines.push(line);
    open.bytes += bytes;
    this.#heldBytes += bytes;
    this.#heldRecords++;
    const isWhole = open.lines.length >= this.#place.batchRecordsMax || open.bytes >= this.#place.batchBytesMax;
    if (isWhole) this.#seal();
    else this.#timer ??= setTimeout(() => this.#seal(), this.#place.lingerMs);
    return isWhole;
  }

  #seal(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const open = this.#open;
    if (open.lines.length === 0) return;
    const batch: LiveBatch = {
      idempotencyKey: `${this.#run}-${this.#batches++}`,
      body: Buffer.from(`${open.lines.join("\n")}\n`),
      records: open.lines.length,
      waiters: open.waiters,
    };
    open.lines = [];
    open.bytes = 0;
    open.waiters = new Map();
    const safe = Promise.withResolvers<void>();
    safe.promise.catch(() => undefined);
    this.#unsafe.set(batch.idempotencyKey, { batch, safe });
    if (batch.waiters.size > 0) this.#unjudged.set(batch.idempotencyKey, batch.waiters);
    this.#storing = this.#storing.then(() => this.#store(batch));
  }

  async #store(batch: LiveBatch): Promise<void> {
    const { outbox, spooled } = this.#place;
    try {
      await outbox.add(batch, { signal: this.#ending.signal });
      if (spooled) this.#release(batch);
    } catch (error) {
      // It stays among the unsafe ones: close gives its records back.
      this.#unsafe.get(batch.idempotencyKey)?.safe.reject(error);
    }
  }

  /** The batch is safe: its room in memory is free again. */
  #release({ idempotencyKey, body, records }: Batch): void {
    const unsafe = this.#unsafe.get(idempotencyKey);
    if (unsafe === undefined) return;
    this.#unsafe.delete(idempotencyKey);
    this.#heldBytes -= body.length;
    this.#heldRecords -= records;
    unsafe.safe.resolve();
    for (let next = this.#waiting[0]; next !== undefined && this.#hasRoom(next.bytes); next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#put(next);
      next.taken.resolve();
    }
  }

  async #transmitAll(): Promise<void> {
    const { outbox, connection, dataset, backOff, spooled } = this.#place;
    const { signal } = this.#ending;
    const onProblem: OnProblem = (error, next) => {
      this.#lastProblem = error;
      this.#move();
      this.#place.onProblem?.(error, next);
    };
    for (;;) {
      const batch = await outbox.first({ signal });
      const outcome = await transmit(batch, { connection, dataset, backOff, patient: spooled, onProblem, signal });
      this.#lastProblem = undefined;
      this.#tell(batch, outcome);
      await outbox.removeFirst();
      this.#release(batch);
      this.#move();
    }
  }

  #move(): void {
    this.#moved.resolve();
    this.#moved = Promise.withResolvers<void>();
  }

  #break(error: Error): void {
    if (this.#ending.signal.aborted) return;
    this.#broken = error;
    this.#ending.abort(error);
    for (const { safe } of this.#unsafe.values()) safe.reject(error);
    for (const { taken } of this.#waiting.splice(0)) taken.reject(error);
    this.#rejectUnjudged(error);
  }

  #rejectUnjudged(error: Error): void {
    for (const waiters of this.#unjudged.values()) for (const waiter of waiters.values()) waiter.reject(error);
    for (const waiter of this.#open.waiters.values()) waiter.reject(error);
    this.#unjudged.clear();
  }

  #tell({ idempotencyKey, records }: Batch, { refusals }: Outcome): void {
    const waiters = this.#unjudged.get(idempotencyKey);
    this.#unjudged.delete(idempotencyKey);
    if (waiters !== undefined) for (let index = 0; index < records; index++) if (!refusals.has(index)) waiters.get(index)?.resolve();
    for (const [index, refusal] of refusals) {
      const waiter = waiters?.get(index);
      if (waiter === undefined) this.#refusals.tell(refusal);
      else waiter.reject(new RefusedError([refusal]));
    }
  }

  async #close({ signal }: Waits): Promise<void> {
    const patience = AbortSignal.any([AbortSignal.timeout(this.#place.closeMs), ...(signal === undefined ? [] : [signal])]);
    let failure: unknown;
    try {
      await this.flush({ signal: patience });
      if (this.#place.spooled) await this.#sendSpooled(patience);
      this.#refusals.throwUntold();
    } catch (error) {
      failure = error;
    }
    clearTimeout(this.#timer);
    const closed = new ClientError("client.closed", "The producer was closed before the server had answered.");
    this.#ending.abort(closed);
    await this.#work;
    await this.#storing;
    for (const { taken } of this.#waiting.splice(0)) taken.reject(closed);
    this.#rejectUnjudged(closed);
    await this.#place.opened.disposeAsync();
    const unsent = [...this.#unsafe.values()].flatMap(({ batch }) => recordsOf(batch));
    if (unsent.length > 0) throw new UnsentError(unsent, { refusals: this.#refusals.untold, cause: failure });
    if (failure !== undefined && !patience.aborted) throw failure;
  }

  /** Ends at the first failure: what then waits is safe where it is. */
  async #sendSpooled(patience: AbortSignal): Promise<void> {
    const { outbox, backOff } = this.#place;
    while (outbox.size().batches > 0 && backOff.failures === 0) await orAborted(this.#moved.promise, { signal: patience });
  }
}

interface OpenBatch {
  lines: string[];
  bytes: number;
  waiters: Map<number, Waiter>;
}
