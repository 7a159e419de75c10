import type { Contract } from "@mainstem/contract";
import { icebergSchemaOf, partitionSpecOf, summaryKeys, type IcebergTables, type Snapshot, type TableState } from "../iceberg/index.ts";
import type { Log, Waits } from "../log/index.ts";
import type { ObjectKey, ObjectStore } from "../objects/index.ts";
import type { Registry } from "../registry/index.ts";
import type { AgeClock } from "../runtime/age-clock.ts";
import type { Env } from "../runtime/env.ts";
import { MainstemError, toErrorValue } from "../runtime/errors.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Tasks } from "../tasks/index.ts";
import { formatCheckpoint } from "./checkpoint.ts";
import type { TableComparison } from "./comparison.ts";
import type { QueryEngine, TableEngine } from "./engine.ts";
import { createRebuildTask, type RebuildOutcome } from "./rebuild-task.ts";
import { createStoredOutcomes, type StoredOutcomes } from "./stored-outcome.ts";
import { pendingRebuild } from "./table-contract.ts";
import { tombstonesOf } from "./tombstones.ts";

export const rebuildLimits = {
  /** How often starting, swapping or discarding is tried again because another writer was first. */
  conflictsMax: 20,
} as const;

/** The rebuild of a table, on a branch beside the one that readers see. */
export interface Rebuild {
  readonly dataset: string;
  readonly id: string;
  /** `building`: rows come in, then they are compared. `ready`: swap it or discard it. */
  readonly state: "building" | "ready";
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly contractVersion: number;
  /** The branch's newest snapshot: it can be queried by its id. */
  readonly snapshotId: bigint;
  readonly rows: number;
  /** Its name among the tasks, where its progress is shown. */
  readonly task: string;
  readonly comparison?: TableComparison;
  /** Why the comparison could not be made, such as a damaged file of the present table: the rebuild can be swapped all the same. */
  readonly comparisonError?: { readonly code: string; readonly message: string };
}

/** What the table is after a swap. */
export interface Swapped {
  readonly dataset: string;
  readonly id: string;
  readonly snapshotId: bigint;
  readonly rows: number;
}

/**
 * Tables built again from their archives, each on a branch: nobody sees it before it is swapped.
 *
 * Crash: the branch is all there is to a rebuild, beside what it came to, which is found again where it is lost; who opens rebuilds goes on with those that
 * were begun. At any moment readers have the old table or the new one.
 * Swap: the branch is brought to where the table is, then one conditional change makes it the table, with its checkpoint; the builder goes on from there.
 * Errors: `registry.datasetUnknown`, `table.rebuildUnknown`, `table.rebuildRefused`, `table.conflict`, those of tables, objects and state.
 */
export interface Rebuilds {
  /** Resolves when the branch is begun and the task runs: from then on it survives a crash. */
  start(dataset: string): Promise<Rebuild>;
  /** Undefined when there is none. */
  get(dataset: string): Promise<Rebuild | undefined>;
  swap(dataset: string, options?: Waits): Promise<Swapped>;
  /** Ends it and deletes its files. */
  discard(dataset: string): Promise<void>;
  /** What of a dataset's contract, or of one that would be applied next, its table follows only once it is rebuilt, such as `order`; mostly nothing. */
  pending(dataset: string, next?: Contract): Promise<readonly string[]>;
}

export interface RebuildsOptions {
  readonly registry: Pick<Registry, "require" | "history" | "list">;
  readonly log: Pick<Log, "append">;
  readonly objects: ObjectStore;
  readonly tables: IcebergTables;
  readonly engine: TableEngine;
  readonly queries: QueryEngine;
  readonly tasks: Pick<Tasks, "start" | "stop" | "remove" | "status">;
  readonly env: Env;
  readonly ages?: AgeClock;
  readonly logger: Logger;
  readonly memoryBytesMax?: number;
  readonly buildBytesMax?: number;
}

/** Opens the rebuilds and takes up those that were begun. */
export async function openRebuilds(options: RebuildsOptions): Promise<Rebuilds> {
  const rebuilds = new BranchRebuilds(options);
  for (const { contract } of await options.registry.list()) await rebuilds.takeUp(contract.name);
  return rebuilds;
}

const branchPrefix = "rebuild-";

class BranchRebuilds implements Rebuilds {
  readonly #options: RebuildsOptions;
  /** Of rebuilds that are ready, by branch. */
  readonly #outcomes = new Map<string, RebuildOutcome>();
  readonly #changing = new Set<string>();
  readonly #stored: StoredOutcomes;

  constructor(options: RebuildsOptions) {
    this.#options = options;
    this.#stored = createStoredOutcomes(options.objects);
  }

  async takeUp(dataset: string): Promise<void> {
    const { tables, logger } = this.#options;
    try {
      const branch = branchOf(await tables.load(dataset));
      await this.#clearStored(dataset, { but: branch });
      if (branch === undefined) return;
      const outcome = await this.#stored.read({ dataset, id: idOf(branch) }).catch((error: unknown) => {
        // What a newer program found is not for this one to write over.
        if (error instanceof MainstemError && error.code === "table.newer") throw error;
        logger.warn("what a rebuild came to could not be read: it is compared again", { dataset, ...toErrorValue(error) });
      });
      if (outcome === undefined) this.#run(dataset, branch);
      else this.#outcomes.set(branch, outcome);
    } catch (error) {
      // A table that cannot be read must not keep the platform from starting: its builder says the same.
      logger.warn("a table could not be looked at for a rebuild", { dataset, ...toErrorValue(error) });
    }
  }

  async start(name: string): Promise<Rebuild> {
    const { registry, tables, env } = this.#options;
    return await this.#alone(name, async () => {
      const branch = `${branchPrefix}${Buffer.from(env.random(8)).toString("hex")}`;
      for (let attempt = 0; attempt < rebuildLimits.conflictsMax; attempt++) {
        const { contract, version } = await registry.require(name);
        const state = await tables.load(name);
        if (state?.current === undefined) throw refused(name, "It has no rows yet: the next build makes its table.");
        if (branchOf(state) !== undefined) throw refused(name, "One is under way: swap it or discard it first.");
        const schema = icebergSchemaOf(contract, state);
        const summary = { [summaryKeys.checkpoint]: formatCheckpoint(new Map()), [summaryKeys.contractVersion]: String(version) };
        const started = await tables.branches.start(name, { branch, of: state, schema, partition: partitionSpecOf(contract, schema), summary });
        if (started.kind === "conflict") continue;
        this.#run(name, branch);
        return this.#toRebuild(name, branch, started.state);
      }
      throw conflict(name);
    });
  }

  async get(name: string): Promise<Rebuild | undefined> {
    const { registry, tables } = this.#options;
    await registry.require(name);
    const state = await tables.load(name);
    const branch = branchOf(state);
    return state === undefined || branch === undefined ? undefined : this.#toRebuild(name, branch, state);
  }

  async swap(name: string, { signal }: Waits = {}): Promise<Swapped> {
    const { tables, logger } = this.#options;
    return await this.#alone(name, async () => {
      const rebuild = await this.#require(name);
      if (rebuild.state !== "ready") throw refused(name, "It is not ready yet: wait until it is built and compared.");
      const branch = branchPrefix + rebuild.id;
      for (let attempt = 0; attempt < rebuildLimits.conflictsMax; attempt++) {
        await this.#catchUp(name, branch, signal);
        const state = await tables.load(name);
        const head = state?.refs.get(branch);
        if (head === undefined) throw unknown(name);
        const { base } = this.#outcomes.get(branch)!;
        // Main may have moved since; then the branch is brought up to it first.
        if (state?.current?.id !== base) continue;
        const swapped = await tables.branches.becomeMain(name, { branch, head, base });
        if (swapped.kind === "conflict") continue;
        await this.#forget(name, branch);
        const rows = Number(swapped.state.snapshots.find(({ id }) => id === head)?.summary["total-records"] ?? 0);
        logger.info("rebuilt table swapped in", { dataset: name, rebuild: rebuild.id, snapshot: String(head), rows });
        return { dataset: name, id: rebuild.id, snapshotId: head, rows };
      }
      throw conflict(name);
    });
  }

  async discard(name: string): Promise<void> {
    const { tables, tasks, objects, logger } = this.#options;
    await this.#alone(name, async () => {
      const { id } = await this.#require(name);
      const branch = branchPrefix + id;
      await tasks.stop(taskName(name));
      for (let attempt = 0; attempt < rebuildLimits.conflictsMax; attempt++) {
        const before = await tables.load(name);
        const dropped = await tables.branches.drop(name, branch);
        if (dropped.kind === "conflict") continue;
        await this.#forget(name, branch);
        const orphans = before === undefined ? [] : tombstonesOfOnly(name, { before, after: dropped.state });
        await objects.delete(orphans).catch((error: unknown) => logger.warn("remembered deletes of a rebuild were left behind", { error: String(error) }));
        logger.info("rebuild discarded", { dataset: name, rebuild: id });
        return;
      }
      throw conflict(name);
    });
  }

  async pending(name: string, next?: Contract): Promise<readonly string[]> {
    const { registry, tables } = this.#options;
    return await pendingRebuild(registry, await registry.require(name), { state: await tables.load(name), next });
  }

  #run(dataset: string, branch: string, { compare = true, onEnd }: { readonly compare?: boolean; readonly onEnd?: () => void } = {}): void {
    const onReady = async (outcome: RebuildOutcome): Promise<void> => {
      const known = this.#outcomes.get(branch);
      if (compare) await this.#stored.put({ dataset, id: idOf(branch) }, outcome);
      this.#outcomes.set(branch, compare ? outcome : { ...known, ...outcome });
      onEnd?.();
    };
    this.#options.tasks.start(createRebuildTask({ ...this.#options, name: taskName(dataset), dataset, branch, compare, onReady }));
  }

  /** The branch is gone. */
  async #forget(dataset: string, branch: string): Promise<void> {
    this.#outcomes.delete(branch);
    // After a swap it has finished, and would be shown for as long as the process lives.
    await this.#options.tasks.remove(taskName(dataset));
    await this.#clearStored(dataset);
  }

  /** What cannot be deleted now is tried again whenever rebuilds are opened or end. */
  async #clearStored(dataset: string, { but }: { readonly but?: string | undefined } = {}): Promise<void> {
    try {
      await this.#stored.clear(dataset, { but: but === undefined ? undefined : idOf(but) });
    } catch (error) {
      this.#options.logger.warn("what an earlier rebuild came to was left behind", { dataset, ...toErrorValue(error) });
    }
  }

  /** Runs the task once more, so that it ends where the table is now. */
  async #catchUp(dataset: string, branch: string, signal: AbortSignal | undefined): Promise<void> {
    const { tasks } = this.#options;
    await tasks.stop(taskName(dataset));
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const abort = (): void => reject(signal?.reason as Error);
    signal?.throwIfAborted();
    signal?.addEventListener("abort", abort, { once: true });
    const watch = setInterval(() => {
      const status = tasks.status().find(({ name }) => name === taskName(dataset));
      if (status?.state === "stopped" || status?.state === "paused") reject(refused(dataset, `Its task is ${status.state}: see what it says, and resume it.`));
    }, 200);
    try {
      this.#run(dataset, branch, { compare: false, onEnd: resolve });
      await promise;
    } finally {
      clearInterval(watch);
      signal?.removeEventListener("abort", abort);
    }
  }

  async #require(name: string): Promise<Rebuild> {
    const rebuild = await this.get(name);
    if (rebuild === undefined) throw unknown(name);
    return rebuild;
  }

  #toRebuild(dataset: string, branch: string, state: TableState): Rebuild {
    const head = this.#options.tables.branches.view(state, branch)?.current;
    if (head === undefined) throw unknown(dataset);
    const outcome = this.#outcomes.get(branch);
    return {
      dataset,
      id: idOf(branch),
      state: outcome === undefined ? "building" : "ready",
      startedAt: firstOf(state, head).timestamp,
      contractVersion: Number(head.summary[summaryKeys.contractVersion]),
      snapshotId: head.id,
      rows: Number(head.summary["total-records"] ?? 0),
      task: taskName(dataset),
      ...(outcome?.comparison === undefined ? {} : { comparison: outcome.comparison }),
      ...(outcome?.comparisonError === undefined ? {} : { comparisonError: outcome.comparisonError }),
    };
  }

  /** One change of a dataset's rebuild at a time. */
  async #alone<T>(dataset: string, work: () => Promise<T>): Promise<T> {
    if (this.#changing.has(dataset)) throw refused(dataset, "It is being started, swapped or discarded right now.");
    this.#changing.add(dataset);
    try {
      return await work();
    } finally {
      this.#changing.delete(dataset);
    }
  }
}

function idOf(branch: string): string {
  return branch.slice(branchPrefix.length);
}

function taskName(dataset: string): string {
  return `rebuild.${dataset}`;
}

function branchOf(state: TableState | undefined): string | undefined {
  return state === undefined ? undefined : [...state.refs.keys()].find((name) => name.startsWith(branchPrefix));
}

function firstOf({ snapshots }: TableState, head: Snapshot): Snapshot {
  let first = head;
  for (let at: Snapshot | undefined = head; at !== undefined; at = snapshots.find(({ id }) => id === first.parentId)) first = at;
  return first;
}

/** Files of remembered deletes that only snapshots of the dropped branch named. */
function tombstonesOfOnly(dataset: string, { before, after }: { readonly before: TableState; readonly after: TableState }): readonly ObjectKey[] {
  const keysOf = (state: TableState): readonly ObjectKey[] =>
    state.snapshots.flatMap((snapshot) => tombstonesOf(dataset, state, snapshot).map(({ key }) => key));
  const kept = new Set(keysOf(after));
  return [...new Set(keysOf(before))].filter((key) => !kept.has(key));
}

function refused(dataset: string, why: string): MainstemError {
  return new MainstemError("table.rebuildRefused", `This cannot be done with a rebuild of ${dataset} now. ${why}`, { dataset });
}

function unknown(dataset: string): MainstemError {
  return new MainstemError("table.rebuildUnknown", `Dataset ${dataset} is not being rebuilt.`, { dataset });
}

function conflict(dataset: string): MainstemError {
  return new MainstemError("table.conflict", `Other writers of ${dataset} were first again and again.`, { dataset });
}
