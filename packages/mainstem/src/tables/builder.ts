import type { Contract } from "@mainstem/contract";
import type { PartitionProgress } from "../archive/index.ts";
import {
  columnPropertiesOf,
  icebergSchemaOf,
  isSortedBy,
  newTableOf,
  sortFieldsOf,
  summaryKeys,
  tablePrefix,
  type IcebergTables,
  type TableState,
} from "../iceberg/index.ts";
import type { Log, Partition, Waits } from "../log/index.ts";
import type { ObjectStore } from "../objects/index.ts";
import type { Dataset, Registry } from "../registry/index.ts";
import { assert } from "../runtime/assert.ts";
import { createAgeClock, type AgeClock } from "../runtime/age-clock.ts";
import type { Env } from "../runtime/env.ts";
import { MainstemError } from "../runtime/errors.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Task, TaskContext } from "../tasks/index.ts";
import { advance, checkpointOf, formatCheckpoint, positionIn, type TableCheckpoint } from "./checkpoint.ts";
import type { BuiltFiles, TableEngine } from "./engine.ts";
import { putUnreadable } from "./inbox.ts";
import { readPending, type PendingChunks } from "./pending-chunks.ts";
import { tombstonePrefix, tombstonesOf, tombstoneSummary } from "./tombstones.ts";

export const builderLimits = {
  /** What the chunks of one build may take in the archive; more is left for the next. One chunk is taken whatever its size. */
  buildBytesMax: 134_217_728,
  /** What the engine may hold in memory. */
  memoryBytesMax: 1_073_741_824,
  /** How often a build starts over because another writer was first, before the task backs off. */
  conflictsMax: 10,
} as const;

/** How long a build may take before its task counts as slow. */
const buildMsExpected = 60_000;

export interface TableBuilderOptions {
  /** Its name, `namespace.name`. */
  readonly dataset: string;
  readonly registry: Pick<Registry, "require">;
  readonly log: Pick<Log, "append">;
  readonly objects: ObjectStore;
  readonly tables: IcebergTables;
  readonly engine: TableEngine;
  readonly env: Env;
  /** By which a delete is beyond its horizon; one that trusts the clock at the start by default. */
  readonly ages?: AgeClock;
  readonly logger: Logger;
  /** The chain is looked at this often, in milliseconds. */
  readonly everyMs: number;
  /** Nothing is built before the new chunks take so many bytes, but for a flush. */
  readonly minBytes: number;
  /** How far the archive is, where an archiver of this process knows it: makes complete-through exact for quiet partitions. */
  readonly archived?: () => readonly PartitionProgress[];
  readonly buildBytesMax?: number;
  readonly memoryBytesMax?: number;
  /** Nothing beyond is built. */
  readonly until?: TableCheckpoint;
}

/** How far a table is. */
export interface TableProgress {
  /** Offsets of the archive that are in the table, and that there are, over all partitions. */
  readonly position: number;
  readonly end: number;
  /** What waits to be built, in bytes of chunks: at most what one build takes. */
  readonly pendingBytes: number;
  readonly snapshotId: bigint | undefined;
  readonly rows: number;
  readonly contractVersion: number | undefined;
  /** Milliseconds since 1970: everything appended up to then is in the table. Absent until it is known. */
  readonly completeThrough?: number;
}

/**
 * Builds the table of a dataset from its archive: the task `table.<dataset>`.
 *
 * Each chunk exactly once: the checkpoint is in the snapshot that holds its rows, and of two builders that start from one snapshot one commits; the
 * other deletes its files and starts over. Records that no table can hold are in the inbox before the snapshot without them is committed.
 */
export interface TableBuilder extends Task {
  /** It needs no fence: commits move a pointer by compare-and-swap. */
  run(context: TaskContext): Promise<void>;
  /** As of the last look; undefined before the first. */
  progress(): TableProgress | undefined;
  /**
   * Builds now: resolves when everything that the chain held at the time of the call is in the table. It waits for a task that is not running or is
   * backing off, so give it a signal.
   */
  flush(options?: Waits): Promise<void>;
}

export function createTableBuilder(options: TableBuilderOptions): TableBuilder {
  return new DatasetTableBuilder(options);
}

interface FlushWaiter {
  readonly request: number;
  resolve(): void;
}

class DatasetTableBuilder implements TableBuilder {
  readonly name: string;
  readonly periodMs: number;
  readonly resetRefusal = "A table follows the archive from the checkpoint in its own snapshot. To make it anew from the archive, rebuild the dataset.";
  readonly #options: TableBuilderOptions;
  readonly #ages: AgeClock;
  readonly #waiters = new Set<FlushWaiter>();
  #progress: TableProgress | undefined;
  #request = 0;
  #answered = 0;
  #wake: (() => void) | undefined;
  #running = false;

  constructor(options: TableBuilderOptions) {
    this.name = `table.${options.dataset}`;
    this.periodMs = options.everyMs + buildMsExpected;
    this.#options = options;
    this.#ages = options.ages ?? createAgeClock(options);
  }

  async run(context: TaskContext): Promise<void> {
    assert(!this.#running, "a table builder runs once at a time");
    this.#running = true;
    try {
      for (;;) {
        // Taken before the look: a request that comes during it is for the next one.
        const request = this.#request;
        await this.#buildAll({ force: request > this.#answered, context });
        this.#answer(request);
        if (this.#request === request) await this.#pause(context.signal);
      }
    } finally {
      this.#running = false;
    }
  }

  progress(): TableProgress | undefined {
    return this.#progress;
  }

  async flush({ signal }: Waits = {}): Promise<void> {
    signal?.throwIfAborted();
    const request = ++this.#request;
    this.#wake?.();
    await new Promise<void>((resolve, reject) => {
      const abort = (): void => {
        this.#waiters.delete(waiter);
        reject(signal?.reason as Error);
      };
      const waiter: FlushWaiter = { request, resolve: () => (signal?.removeEventListener("abort", abort), resolve()) };
      this.#waiters.add(waiter);
      signal?.addEventListener("abort", abort, { once: true });
    });
  }

  /** Builds until nothing is left, or what is left is not worth a build yet. */
  async #buildAll({ force, context }: { readonly force: boolean; readonly context: TaskContext }): Promise<void> {
    const { signal } = context;
    for (let conflicts = 0; ;) {
      signal.throwIfAborted();
      const look = await this.#look(signal);
      this.#report(look, context);
      if (look.pending.records === 0 || (!force && look.pending.bytes < this.#options.minBytes)) return;
      if ((await this.#build(look, signal)) === "committed") {
        conflicts = 0;
      } else if (++conflicts > builderLimits.conflictsMax) {
        throw new MainstemError("table.conflict", `Other writers of ${this.#options.dataset} were first ${conflicts} times in a row.`, { conflicts });
      }
    }
  }

  /** The table, the chain beyond its checkpoint, and then the contract, which so is never older than the schema of a record in those chunks. */
  async #look(signal: AbortSignal): Promise<Look> {
    const { tables, registry, objects, dataset: name, until, buildBytesMax = builderLimits.buildBytesMax } = this.#options;
    const state = await tables.load(name);
    const checkpoint = state === undefined ? new Map() : checkpointOf(state, state.current);
    const known = await registry.require(name);
    const pending = await readPending(objects, { dataset: known, checkpoint, until, bytesMax: buildBytesMax, signal });
    return { state, checkpoint, pending, dataset: await registry.require(name) };
  }

  async #build({ state, checkpoint, pending, dataset }: Look, signal: AbortSignal): Promise<"committed" | "conflict"> {
    const { tables, engine, log, env, logger, memoryBytesMax = builderLimits.memoryBytesMax } = this.#options;
    const { contract, version } = dataset;
    const table = await this.#tableFor(dataset, state);
    if (table === undefined) return "conflict";
    using reading = new DisposableStack();
    if (table.current !== undefined) reading.use(tables.expiry.hold(contract.name, table.current.id));
    const existing = table.current === undefined ? [] : await tables.files(contract.name, table, table.current);
    const { schema, spec: partition, sortOrderId } = table;
    const into = `${tablePrefix(contract.name)}/data`;
    const remembered = tombstonesOf(contract.name, table, table.current);
    const tombstones = { existing: remembered, into: tombstonePrefix(contract.name), now: env.now(), judgedAt: this.#ages.now() };
    const { chunks } = pending;
    const generations = new Map(dataset.generations.map(({ topicId, generation }) => [topicId, generation]));
    const built = await engine.build({ contract, schema, partition, sortOrderId, chunks, generations, existing, into, tombstones, memoryBytesMax }, { signal });
    const next = advance(checkpoint, pending.steps);
    try {
      const inbox = { inbox: dataset.topics.inbox, task: this.name, records: built.unreadable, contractVersion: version, now: env.now(), signal };
      await putUnreadable(log, inbox);
      signal.throwIfAborted();
    } catch (error) {
      await this.#deleteBuilt(built);
      throw error;
    }
    const summary = {
      [summaryKeys.checkpoint]: formatCheckpoint(next),
      [summaryKeys.contractVersion]: String(version),
      ...tombstoneSummary(remembered, built.tombstones),
    };
    const change = { base: table.current?.id, schemaId: schema["schema-id"], added: built.added, removed: new Set(built.removed), summary };
    // When this throws, the outcome is unknown: files that a snapshot may name must stay.
    const commit = await tables.commit(contract.name, change);
    if (commit.kind === "conflict") {
      await this.#deleteBuilt(built);
      return "conflict";
    }
    const { counts, unreadable } = built;
    logger.info("snapshot committed", { dataset: contract.name, snapshot: String(commit.snapshot.id), ...counts, unreadable: unreadable.length });
    if (counts.conflicts > 0) logger.warn("records with equal order but different content", { dataset: contract.name, conflicts: counts.conflicts });
    return "committed";
  }

  /** The table, made or grown to hold the contract; undefined when somebody else changed it meanwhile. */
  async #tableFor({ contract }: Dataset, state: TableState | undefined): Promise<TableState | undefined> {
    const { tables } = this.#options;
    if (state === undefined || state.snapshots.length === 0) {
      const created = await tables.create(contract.name, newTableOf(contract));
      if (created.current !== undefined) return undefined;
      if (state === undefined || created.metadataKey !== state.metadataKey) return created;
    }
    const schema = icebergSchemaOf(contract, state);
    if (schema === state.schema) return await this.#sorted(contract, state);
    // In one change: no order may name a column that is gone.
    const shape = { schema, sort: sortFieldsOf(contract, schema), properties: columnPropertiesOf(contract) };
    const changed = await tables.changeColumns(contract.name, { expected: state.schema["schema-id"], ...shape });
    return changed.kind === "committed" && changed.state.current?.id === state.current?.id ? await this.#sorted(contract, changed.state) : undefined;
  }

  /** The table with the contract's sort order: files that are there keep theirs. */
  async #sorted(contract: Contract, state: TableState): Promise<TableState | undefined> {
    const sort = sortFieldsOf(contract, state.schema);
    if (isSortedBy(state, sort)) return state;
    const sorted = await this.#options.tables.sortBy(contract.name, sort);
    const { current, schema } = sorted.state;
    return sorted.kind === "committed" && current?.id === state.current?.id && schema["schema-id"] === state.schema["schema-id"] ? sorted.state : undefined;
  }

  /** Where it fails, objects that nothing names are left: they cost room, nothing else. */
  async #deleteBuilt({ added, tombstones }: BuiltFiles): Promise<void> {
    try {
      await this.#options.objects.delete([...added, ...tombstones.added].map(({ key }) => key));
    } catch (error) {
      this.#options.logger.warn("files of a failed build were left behind", { dataset: this.#options.dataset, files: added.length, error: String(error) });
    }
  }

  #report({ state, checkpoint, pending, dataset }: Look, context: TaskContext): void {
    const archived = this.#options.archived?.() ?? [];
    let position = 0;
    let end = 0;
    for (const { topicId } of dataset.generations) {
      for (const [partition, { next }] of checkpoint.get(topicId) ?? []) {
        position += next;
        end += Math.max(next, archived.find((one) => one.topicId === topicId && one.partition === partition)?.chainNext ?? 0);
      }
    }
    const steps = pending.steps.reduce((sum, step) => sum + step.next - positionIn(checkpoint, step).next, 0);
    const through = completeThrough({ dataset, checkpoint, archived });
    const current = state?.current;
    const version = current?.summary[summaryKeys.contractVersion];
    this.#progress = {
      position,
      end: Math.max(end, position + steps),
      pendingBytes: pending.bytes,
      snapshotId: current?.id,
      rows: Number(current?.summary["total-records"] ?? 0),
      contractVersion: version === undefined ? undefined : Number(version),
      ...(through === undefined ? {} : { completeThrough: through }),
    };
    const { snapshotId, rows } = this.#progress;
    const facts = {
      rows,
      ...(snapshotId === undefined ? {} : { snapshotId: String(snapshotId) }),
      ...(through === undefined ? {} : { completeThrough: new Date(through).toISOString() }),
    };
    const deferred = pending.bytes < this.#options.minBytes;
    context.report({ position, end: this.#progress.end, unit: "offsets", deferred, facts });
  }

  #answer(request: number): void {
    this.#answered = request;
    for (const waiter of this.#waiters) {
      if (waiter.request > request) continue;
      this.#waiters.delete(waiter);
      waiter.resolve();
    }
  }

  /** Sleeps until it is time to look again, or a flush is asked for. */
  async #pause(signal: AbortSignal): Promise<void> {
    const waking = new AbortController();
    this.#wake = () => waking.abort();
    try {
      await this.#options.env.sleep(this.#options.everyMs, { signal: AbortSignal.any([signal, waking.signal]) });
    } catch (error) {
      signal.throwIfAborted();
      if (!waking.signal.aborted) throw error;
    } finally {
      this.#wake = undefined;
    }
  }
}

/** What a build starts from. */
interface Look {
  readonly state: TableState | undefined;
  readonly checkpoint: TableCheckpoint;
  readonly pending: PendingChunks;
  readonly dataset: Dataset;
}

/**
 * The time up to which a table holds everything that was appended: the least over all partitions. Where the table holds all that the archive has, it
 * is the archive's own; otherwise the moment before the last record that was built. Undefined while it is unknown for a partition.
 */
export function completeThrough({
  dataset,
  checkpoint,
  archived,
}: {
  readonly dataset: Pick<Dataset, "generations" | "topics">;
  readonly checkpoint: TableCheckpoint;
  readonly archived: readonly PartitionProgress[];
}): number | undefined {
  let through = Number.POSITIVE_INFINITY;
  for (const { topicId } of dataset.generations) {
    for (let partition = 0; partition < dataset.topics.records.partitions; partition++) {
      const { next, before } = positionIn(checkpoint, { topicId, partition: partition as Partition });
      const archive = archived.find((one) => one.topicId === topicId && one.partition === partition);
      const all = archive !== undefined && next >= archive.chainNext ? archive.completeThrough : undefined;
      through = Math.min(through, all ?? (before === undefined ? Number.NEGATIVE_INFINITY : before - 1));
    }
  }
  return Number.isFinite(through) ? through : undefined;
}
