import assert from "node:assert/strict";
import { join } from "node:path";
import type { Contract, NativeRecord } from "@mainstem/contract";
import { systemEnv } from "../../runtime/env.ts";
import { silentLogger } from "../../runtime/logger.ts";
import { openSqliteState } from "../../state/sqlite/store.ts";
import { openTasks, type Tasks } from "../../tasks/index.ts";
import { openDuckdbQueryEngine } from "../duckdb/query-engine.ts";
import { openRebuilds, type Rebuild, type Rebuilds } from "../rebuilds.ts";
import { registryForTable } from "../table-contract.ts";
import { openPipeline, type AroundWrite, type Pipeline } from "./pipeline.ts";

/** A pipeline with rebuilds, all real. */
export interface RebuildWorld extends AsyncDisposable {
  readonly pipeline: Pipeline;
  readonly tasks: Tasks;
  readonly rebuilds: Rebuilds;
}

export async function openRebuildWorld(directory: string, contract: Contract, around?: AroundWrite): Promise<RebuildWorld> {
  await using stack = new AsyncDisposableStack();
  const [env, logger] = [systemEnv, silentLogger];
  const pipeline = stack.use(await openPipeline({ directory, contract, around }));
  const queries = stack.use(await openDuckdbQueryEngine({ objects: pipeline.objects, directory: join(directory, "query") }));
  const state = stack.use(await openSqliteState({ file: join(directory, "tasks.sqlite") }));
  const tasks = stack.use(openTasks({ env, logger, state, owner: "test" }));
  const rebuilds = await openRebuilds({ ...pipeline, queries, tasks, env, logger });
  const owned = stack.move();
  return { pipeline, tasks, rebuilds, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** Brings records into the table, under the contract that it follows. */
export async function fill(pipeline: Pipeline, records: readonly NativeRecord[]): Promise<void> {
  await pipeline.append(records);
  await pipeline.archive();
  await pipeline.build(pipeline.builder({ registry: registryForTable(pipeline.registry, pipeline.tables) }));
}

/** Waits until a rebuild is ready; fails when a task does. */
export async function ready({ rebuilds, tasks }: RebuildWorld, dataset: string): Promise<Rebuild> {
  for (;;) {
    const rebuild = await rebuilds.get(dataset);
    if (rebuild?.state === "ready") return rebuild;
    const failed = tasks.status().find(({ lastError }) => lastError !== undefined);
    assert.equal(failed?.lastError?.message, undefined);
    await systemEnv.sleep(20);
  }
}
