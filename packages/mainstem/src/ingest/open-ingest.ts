import { batchHeaderBytes, BufferPool, type Log, type TopicPartition } from "../log/index.ts";
import type { Dataset, Registry } from "../registry/index.ts";
import { createAgeClock, type AgeClock } from "../runtime/age-clock.ts";
import type { Env } from "../runtime/env.ts";
import { MainstemError, factsOf, isAbort, toErrorValue } from "../runtime/errors.ts";
import { limits as platformLimits } from "../runtime/limits.ts";
import type { Logger } from "../runtime/logger.ts";
import { acceptStream, acceptWhole, type Run } from "./accept.ts";
import { decodeBody } from "./body.ts";
import { ByteBudget, ByteShare } from "./byte-budget.ts";
import { createDoors, type Door, type Doors } from "./door.ts";
import type { Answer, DoorCounts, Ingest, IngestLimits, IngestRequest, IngestStatus } from "./ingest.ts";
import type { Intake } from "./intake.ts";
import { KeyIndex } from "./key-index.ts";
import { Linger } from "./linger.ts";
import { datasetClosed, Shutters } from "./shutters.ts";

export interface IngestOptions {
  readonly registry: Registry;
  readonly log: Log;
  readonly env: Env;
  /** By which it is judged how long ago an idempotency key was used; one that trusts the clock at the start by default. */
  readonly ages?: AgeClock | undefined;
  readonly logger: Logger;
  readonly limits?: Partial<IngestLimits>;
  /** Datasets that nothing may be appended to, each with the reason. */
  readonly barred?: ReadonlyMap<string, MainstemError> | undefined;
}

const limitsDefault: IngestLimits = {
  bodyBytesMax: 16_777_216,
  recordBytesMax: platformLimits.recordBytesMax,
  batchBytesMax: platformLimits.batchBytesMax - batchHeaderBytes,
  windowBytes: platformLimits.ingestWindowBytes,
  lingerMs: platformLimits.ingestLingerMs,
  bytesMax: platformLimits.ingestBytesMax,
  waitingMax: platformLimits.ingestWaitingMax,
  waitMs: platformLimits.ingestWaitMs,
  keyBatchesMax: platformLimits.idempotencyBatchesMax,
};
/** The header of a record that carries the producer's own time. */
const sentAtHeader = "mainstem-sent-at";
const sentAtPattern = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;
/** A dataset is looked up again after so long; how many are remembered meanwhile. */
const datasetKnownMs = 1_000;
const datasetsKnownMax = 10_000;
/** Printable ASCII without spaces around it. */
const keyPattern = /^[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?$/;

/** Opens the door, and begins to read the idempotency keys of the last day from the log. */
export async function openIngest({ registry, log, env, ages = createAgeClock({ env }), logger, limits: own = {}, barred }: IngestOptions): Promise<Ingest> {
  const given = { ...limitsDefault, ...own };
  // A body that is taken whole counts several times while it is judged: one at least must have room.
  const limits = { ...given, bytesMax: Math.max(given.bytesMax, given.bodyBytesMax * 4) };
  const { idempotencyMs: rememberMs, idempotencyWaitMs: waitMs } = platformLimits;
  const keys = new KeyIndex({ log, env, ages, logger, rememberMs, batchesMax: limits.keyBatchesMax, waitMs });
  const room = new IngestRoom({ registry, log, env, logger, limits, barred, keys });
  const reading = readKeys(await registry.list(), keys);
  const stopListening = registry.onChange((dataset) => {
    room.forget(dataset.contract.name);
    void keys.read(dataset).catch(() => undefined);
  });
  return {
    accept: (request, options = {}) => room.accept(request, options.signal),
    close: (dataset) => room.closeDataset(dataset),
    whileOpen: (dataset, append) => room.whileOpen(dataset, append),
    counts: () => room.counts,
    status: () => room.status(),
    async [Symbol.asyncDispose]() {
      stopListening();
      await room.close();
      await keys[Symbol.asyncDispose]();
      await reading;
    },
  };
}

/** One dataset after the other, to be gentle on a start; who needs a key sooner begins it sooner. The index logs failures. */
async function readKeys(datasets: readonly Dataset[], keys: KeyIndex): Promise<void> {
  for (const dataset of datasets) await keys.read(dataset).catch(() => undefined);
}

interface RoomOptions {
  readonly registry: Registry;
  readonly log: Log;
  readonly env: Env;
  readonly logger: Logger;
  readonly limits: IngestLimits;
  readonly barred?: ReadonlyMap<string, MainstemError> | undefined;
  readonly keys: KeyIndex;
}

class IngestRoom {
  readonly counts = new Map<string, DoorCounts>();
  readonly #options: RoomOptions;
  readonly #doors: Doors;
  readonly #budget: ByteBudget;
  readonly #pool = new BufferPool();
  readonly #shutters: Shutters;
  readonly #linger: Linger;
  readonly #known = new Map<string, { readonly dataset: Dataset; readonly until: number }>();
  #changes = 0;
  #failing: IngestStatus["failing"];
  #closed = false;

  constructor(options: RoomOptions) {
    this.#options = options;
    this.#doors = createDoors({ logger: options.logger, env: options.env });
    this.#budget = new ByteBudget({ ...options.limits, env: options.env });
    this.#shutters = new Shutters(options);
    this.#linger = new Linger({ env: options.env, ms: options.limits.lingerMs });
  }

  status(): IngestStatus {
    return { heldBytes: this.#budget.heldBytes, waiting: this.#budget.waiting, failing: this.#failing };
  }

  async accept(request: IngestRequest, signal: AbortSignal | undefined): Promise<Answer> {
    if (this.#closed) throw new MainstemError("resource.closed", "The door is closed.");
    try {
      const answer = await this.#shutters.pass(request.dataset, signal, (ending) => this.#accept(request, ending));
      this.#failing = undefined;
      return answer;
    } catch (error) {
      this.#known.delete(request.dataset);
      if (!isAbort(error) && factsOf(error).status >= 500 && factsOf(error).code !== "ingest.datasetClosing") {
        const { code, message } = toErrorValue(error);
        this.#failing = { code, message, at: this.#options.env.now() };
      }
      throw error;
    }
  }

  /** The door is shut in this process first, and opens again when the dataset turns out not to be closed: one change of the definition decides. */
  async closeDataset(name: string): Promise<Dataset> {
    const { registry, log } = this.#options;
    const before = await registry.require(name);
    if (before.closed !== undefined) return before;
    if ((await registry.successorOf(name)) === undefined)
      throw new MainstemError("registry.closeRefused", `No dataset names ${name} as its predecessor, so it cannot be closed.`, { dataset: name });
    using shut = new DisposableStack();
    shut.use(await this.#shutters.shut(name));
    const { records } = (await registry.require(name)).topics;
    const ends = Array.from({ length: records.partitions }, async (_, partition) => {
      const { end } = await log.bounds({ topic: records.name, topicId: records.id, partition: partition as TopicPartition["partition"] });
      return end;
    });
    return await registry.close(name, { topicId: records.id, ends: await Promise.all(ends) });
  }

  async whileOpen<T>(name: string, append: () => Promise<T>): Promise<T> {
    return await this.#shutters.pass(name, undefined, async () => {
      const dataset = await this.#dataset(name);
      if (dataset.closed !== undefined) throw datasetClosed(dataset);
      return await append();
    });
  }

  /** Waits for the requests that run. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#shutters.ended();
    await this.#linger[Symbol.asyncDispose]();
  }

  async #accept(request: IngestRequest, signal: AbortSignal): Promise<Answer> {
    checkRequest(request);
    const { log, env, limits } = this.#options;
    const dataset = await this.#dataset(request.dataset);
    const { idempotencyKey: key, format, atomic, invalid } = request;
    // A repeat of what was taken before still gets its answer.
    if (dataset.closed !== undefined && key === undefined) throw datasetClosed(dataset);
    const counts = this.#countsOf(dataset);
    using share = new ByteShare(this.#budget);
    const run: Run = {
      log,
      env,
      limits,
      pool: this.#pool,
      linger: this.#linger,
      body: decodeBody(request.body, { encoding: request.encoding, signal, onBytes: (bytes) => (counts.bytes += bytes) }),
      bytes: request.bytes ?? 0,
      share,
      invalid,
      headers: request.sentAt === undefined ? [] : [{ key: sentAtHeader, value: Buffer.from(request.sentAt) }],
      signal,
      onDurable: (target, records, door) => (counts[target === door.partitions ? "quarantined" : "accepted"] += records),
    };
    const intake = await this.#take(run, { dataset, key, format, atomic });
    counts.refused += intake.refused.count;
    const { records, valid, quarantined, refused } = intake;
    const answer = { records, accepted: valid, quarantined, refused: refused.named, refusedMore: refused.more };
    return dataset.successor === undefined ? answer : { ...answer, successor: dataset.successor };
  }

  async #take(
    run: Run,
    { dataset, key, format, atomic }: { readonly dataset: Dataset; readonly key: string | undefined } & Pick<IngestRequest, "format" | "atomic">,
  ): Promise<Intake> {
    const doorOf = (version?: number): Promise<Door> => this.#door(dataset, version);
    if (key === undefined) return format === "ndjson" && !atomic ? acceptStream(run, await doorOf()) : acceptWhole(run, { format, atomic, doorOf });
    using claim = this.#options.keys.claim(dataset, key);
    return await acceptWhole(run, { format, atomic, doorOf, keyed: { key, mode: [format, run.invalid, atomic ? "atomic" : "each"].join(" "), claim } });
  }

  /** Asked for anew after a moment: this process hears of its own changes at once, of those of others only so. */
  async #dataset(name: string): Promise<Dataset> {
    const { env, registry } = this.#options;
    const known = this.#known.get(name);
    if (known !== undefined && env.monotonic() < known.until) return known.dataset;
    const changes = this.#changes;
    const dataset = await registry.require(name);
    // What was changed while it was looked up must not be remembered as it was before.
    if (changes !== this.#changes) return dataset;
    if (this.#known.size >= datasetsKnownMax) this.#known.clear();
    this.#known.set(name, { dataset, until: env.monotonic() + datasetKnownMs });
    return dataset;
  }

  /** The dataset was changed. */
  forget(name: string): void {
    this.#changes++;
    this.#known.delete(name);
  }

  async #door(dataset: Dataset, version: number | undefined): Promise<Door> {
    if (version === undefined || version === dataset.version) return this.#doors.of(dataset);
    const versions = await this.#options.registry.history(dataset.contract.name);
    const found = versions.find((one) => one.version === version);
    if (found === undefined)
      throw new MainstemError("runtime.bug", `Version ${version} of ${dataset.contract.name}, which a batch in the log was judged by, is not in its history.`);
    return this.#doors.of(dataset, found);
  }

  #countsOf(dataset: Dataset): DoorCounts {
    const { name } = dataset.contract;
    let counts = this.counts.get(name);
    if (counts === undefined) this.counts.set(name, (counts = { accepted: 0, quarantined: 0, refused: 0, bytes: 0 }));
    return counts;
  }
}

function checkRequest({ atomic, invalid, idempotencyKey, sentAt }: IngestRequest): void {
  if (atomic && invalid === "inbox")
    throw new MainstemError("ingest.parameter", "atomic=true and invalid=inbox contradict one another: choose one.", { parameter: "invalid" });
  if (idempotencyKey !== undefined && !keyPattern.test(idempotencyKey))
    throw new MainstemError("ingest.parameter", "An Idempotency-Key is 1 to 255 printable ASCII characters.", { parameter: "Idempotency-Key" });
  if (sentAt !== undefined && !sentAtPattern.test(sentAt))
    throw new MainstemError("ingest.parameter", "Mainstem-Sent-At is an RFC 3339 time with a zone, such as 2026-11-21T10:00:00Z.", {
      parameter: "Mainstem-Sent-At",
    });
}
