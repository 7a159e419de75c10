import type { IcebergTables } from "../iceberg/index.ts";
import type { Registry } from "../registry/index.ts";
import { assert } from "../runtime/assert.ts";
import { factsOf, isAbort, toErrorValue } from "../runtime/errors.ts";
import type { Task, TaskContext } from "../tasks/index.ts";
import { createTableBuilder, type TableBuilderOptions } from "./builder.ts";
import { tablesOnBranch } from "./branch-tables.ts";
import { checkpointOf, type TableCheckpoint } from "./checkpoint.ts";
import { compareSnapshots, type TableComparison } from "./comparison.ts";
import type { QueryEngine } from "./engine.ts";
import { registryForTable } from "./table-contract.ts";

/** Where a rebuild is: the branch holds what the table holds in its snapshot `base`. */
export interface RebuildOutcome {
  readonly base: bigint;
  readonly comparison?: TableComparison;
  readonly comparisonError?: { readonly code: string; readonly message: string };
}

export interface RebuildTaskOptions extends Pick<
  TableBuilderOptions,
  "dataset" | "log" | "objects" | "engine" | "env" | "ages" | "logger" | "memoryBytesMax" | "buildBytesMax"
> {
  readonly name: string;
  readonly branch: string;
  readonly registry: Pick<Registry, "require" | "history">;
  readonly tables: IcebergTables;
  readonly queries: QueryEngine;
  readonly compare: boolean;
  readonly onReady: (outcome: RebuildOutcome) => Promise<void>;
}

/**
 * Builds the branch of a table from its archive, to the very position of the table's current snapshot, so that the two can be compared row by row.
 * It finishes when that is done; a run after a crash goes on from the branch's checkpoint.
 */
export function createRebuildTask(options: RebuildTaskOptions): Task {
  return {
    name: options.name,
    resetRefusal: "Discard the rebuild and start another.",
    async run(context) {
      const { dataset, branch, tables, registry } = options;
      const goal = await tables.load(dataset);
      const base = goal?.current;
      assert(goal !== undefined && base !== undefined, "a table that is rebuilt has a snapshot");
      using held = new DisposableStack();
      held.use(tables.expiry.hold(dataset, base.id));
      const on = tablesOnBranch(tables, branch);
      await buildTo(checkpointOf(goal, base), { options, on, context });
      if (!options.compare) return await options.onReady({ base: base.id });
      const state = await on.load(dataset);
      const { contract } = await registryForTable(registry, on).require(dataset);
      await options.onReady({ base: base.id, ...(await compare({ contract, state: state!, before: base, after: state!.current! }, options, context)) });
    },
  };
}

/** A table that is damaged is a reason to rebuild it, not one against it. */
async function compare(
  sides: Parameters<typeof compareSnapshots>[1],
  options: RebuildTaskOptions,
  context: TaskContext,
): Promise<Pick<RebuildOutcome, "comparison" | "comparisonError">> {
  try {
    return { comparison: await compareSnapshots(options, sides, context) };
  } catch (error) {
    if (isAbort(error) || factsOf(error).task === "bug" || !["table.corrupt", "objects.notFound"].includes(factsOf(error).code)) throw error;
    const { code, message } = toErrorValue(error);
    return { comparisonError: { code, message } };
  }
}

/** Lets a table builder work on the branch until it has all below these positions. */
async function buildTo(
  until: TableCheckpoint,
  { options, on, context }: { readonly options: RebuildTaskOptions; readonly on: IcebergTables; readonly context: TaskContext },
): Promise<void> {
  const end = [...until.values()].flatMap((partitions) => [...partitions.values()]).reduce((sum, { next }) => sum + next, 0);
  const builder = createTableBuilder({
    ...options,
    tables: on,
    registry: registryForTable(options.registry, on),
    everyMs: idleMs,
    minBytes: 0,
    until,
  });
  const stop = new AbortController();
  const signal = AbortSignal.any([context.signal, stop.signal]);
  const flush = builder.flush({ signal });
  const report: TaskContext["report"] = ({ position, unit, facts }) => context.report({ position, end, unit, ...(facts === undefined ? {} : { facts }) });
  const run = builder.run({ ...context, signal, report });
  try {
    await Promise.race([flush, run]);
  } finally {
    stop.abort();
    // Both end by the abort when neither has failed before, which the race has told.
    await Promise.allSettled([flush, run]);
  }
  context.signal.throwIfAborted();
}

/** The builder is stopped as soon as it is done, so how often it would look again does not matter. */
const idleMs = 60_000;
