import { deleteOrphans } from "../archive/index.ts";
import type { Expired, IcebergTables, SnapshotRetention } from "../iceberg/index.ts";
import type { ObjectStore } from "../objects/index.ts";
import type { Dataset, Registry } from "../registry/index.ts";
import type { AgeClock } from "../runtime/age-clock.ts";
import type { Env } from "../runtime/env.ts";
import { isAbort, toErrorValue } from "../runtime/errors.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Task, TaskContext } from "../tasks/index.ts";
import { tombstonePrefix, tombstonesOf } from "./tombstones.ts";

const expiryLimits = {
  /** How often the tables are looked at, in milliseconds. */
  everyMs: 300_000,
  /** How often it is looked for what crashes left, in milliseconds, and at the start. */
  sweepEveryMs: 86_400_000,
  /** By how much the clocks of object store and platform may differ, in milliseconds. */
  sweepMarginMs: 86_400_000,
  /** How long one look at all of them may take before the task counts as slow. */
  lookMsExpected: 600_000,
} as const;

export interface SnapshotExpiryOptions {
  readonly registry: Pick<Registry, "list">;
  readonly tables: Pick<IcebergTables, "load" | "expiry">;
  readonly objects: ObjectStore;
  readonly env: Env;
  readonly ages: AgeClock;
  readonly logger: Logger;
  readonly retention: SnapshotRetention;
  readonly everyMs?: number;
}

/** What was expired of one table since the task was made. */
export type ExpiryCounts = Pick<Expired, "snapshots" | "deleted" | "waiting">;

/** Forgets old snapshots of all tables, and deletes what only they named, and what crashes left of tables and archives: the task `tables.expiry`. */
export interface SnapshotExpiry extends Task {
  /** By dataset, of those that were looked at. */
  counts(): ReadonlyMap<string, ExpiryCounts>;
}

export function createSnapshotExpiry({ everyMs = expiryLimits.everyMs, ...options }: SnapshotExpiryOptions): SnapshotExpiry {
  const { env } = options;
  const counts = new Map<string, ExpiryCounts>();
  let sweptAt = Number.NEGATIVE_INFINITY;
  return {
    name: "tables.expiry",
    periodMs: everyMs + expiryLimits.lookMsExpected,
    resetRefusal: "It looks at every table anew each time.",
    counts: () => counts,
    async run(context) {
      for (;;) {
        const sweeps = env.monotonic() >= sweptAt + expiryLimits.sweepEveryMs;
        if (sweeps) sweptAt = env.monotonic();
        await expireAll(options, { counts, sweeps, context });
        await env.sleep(everyMs, { signal: context.signal });
      }
    },
  };
}

/** One table that cannot be read keeps no other one from its turn; then the first failure is told. */
async function expireAll(
  options: SnapshotExpiryOptions,
  { counts, sweeps, context }: { readonly counts: Map<string, ExpiryCounts>; readonly sweeps: boolean; readonly context: TaskContext },
): Promise<void> {
  const { registry, tables, logger, retention } = options;
  const { signal } = context;
  let failure: { readonly error: unknown } | undefined;
  for (const dataset of await registry.list()) {
    signal.throwIfAborted();
    const { name } = dataset.contract;
    if (sweeps) await sweepArchive(dataset, { ...options, signal });
    try {
      if ((await tables.load(name)) === undefined) continue;
      const outside = { prefix: tombstonePrefix(name), keysOf: (...of: Of) => tombstonesOf(name, ...of).map(({ key }) => key) };
      const { snapshots, deleted, waiting } = await tables.expiry.run(name, { retention, outside, signal });
      const swept = sweeps ? await tables.expiry.sweep(name, { marginMs: expiryLimits.sweepMarginMs, outside, signal }) : 0;
      const before = counts.get(name);
      counts.set(name, { snapshots: (before?.snapshots ?? 0) + snapshots, deleted: (before?.deleted ?? 0) + deleted + swept, waiting });
    } catch (error) {
      if (isAbort(error)) throw error;
      logger.warn("snapshots of a table could not be expired", { dataset: name, ...toErrorValue(error) });
      failure ??= { error };
    }
  }
  const sum = (of: keyof ExpiryCounts): number => [...counts.values()].reduce((total, one) => total + one[of], 0);
  const expired = sum("snapshots");
  context.report({
    position: expired,
    end: expired,
    unit: "snapshots",
    facts: { tables: counts.size, objectsDeleted: sum("deleted"), objectsWaiting: sum("waiting") },
  });
  if (failure !== undefined) throw failure.error;
}

/** What of an archive cannot be read is told by the tasks that need it. */
async function sweepArchive(
  dataset: Dataset,
  { objects, ages, logger, signal }: Pick<SnapshotExpiryOptions, "objects" | "ages" | "logger"> & { readonly signal: AbortSignal },
): Promise<void> {
  const { name } = dataset.contract;
  try {
    // The chain proves what no entry names; the margin is for who puts back an older chain by mistake.
    const deleted = await deleteOrphans(dataset, { objects, before: ages.now() - expiryLimits.sweepMarginMs, signal });
    if (deleted > 0) logger.info("objects that no chain entry names deleted", { dataset: name, objects: deleted });
  } catch (error) {
    if (isAbort(error)) throw error;
    logger.warn("an archive could not be looked through for what a crash left", { dataset: name, ...toErrorValue(error) });
  }
}

type Of = Parameters<typeof tombstonesOf> extends [string, ...infer Rest] ? Rest : never;
