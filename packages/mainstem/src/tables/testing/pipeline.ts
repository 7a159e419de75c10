import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compileKeyBytes, partitionOf, type Contract, type NativeRecord } from "@mainstem/contract";
import { createArchiver, type Archiver } from "../../archive/index.ts";
import { openIcebergTables, type IcebergTables } from "../../iceberg/index.ts";
import { openEmbeddedLog } from "../../log/embedded/index.ts";
import { RecordBatchBuilder, type Log, type Partition } from "../../log/index.ts";
import { openDirectoryStore } from "../../objects/directory/store.ts";
import type { ObjectStore } from "../../objects/index.ts";
import { openRegistry, type Dataset, type Registry } from "../../registry/index.ts";
import { systemEnv } from "../../runtime/env.ts";
import { silentLogger } from "../../runtime/logger.ts";
import type { StateStore } from "../../state/index.ts";
import { openSqliteState } from "../../state/sqlite/store.ts";
import type { TaskContext } from "../../tasks/index.ts";
import { createTableBuilder, type TableBuilder, type TableBuilderOptions } from "../builder.ts";
import { openDuckdbTableEngine } from "../duckdb/table-engine.ts";
import type { TableEngine } from "../engine.ts";
import { toRecords } from "./chunks.ts";

/** The way of a record without its door, all real: log, archive and tables in a directory. */
export interface Pipeline extends AsyncDisposable {
  readonly directory: string;
  readonly log: Log;
  readonly objects: ObjectStore;
  readonly registry: Registry;
  readonly tables: IcebergTables;
  readonly engine: TableEngine;
  /** Appends records as the door would, by key and in batches of at most `batchSize`. */
  append(natives: readonly NativeRecord[], options?: { readonly batchSize?: number }): Promise<void>;
  /** Closes chunks of all that the log holds. */
  archive(): Promise<void>;
  builder(options?: Partial<TableBuilderOptions>): TableBuilder;
  /** Runs a builder until it has built all that the archive holds. */
  build(builder?: TableBuilder): Promise<void>;
}

/** What is done around each write to the objects and the pointers, such as dying. */
export type AroundWrite = <T>(what: string, write: () => Promise<T>) => Promise<T>;

/** Opens the pipeline of one dataset in a directory, which stays when it is closed: opening it again is a restart. */
export async function openPipeline({
  directory,
  contract,
  partitions = 2,
  around,
}: {
  readonly directory: string;
  readonly contract: Contract;
  readonly partitions?: number;
  readonly around?: AroundWrite | undefined;
}): Promise<Pipeline> {
  const [env, logger] = [systemEnv, silentLogger];
  await using stack = new AsyncDisposableStack();
  const state = stack.use(await openSqliteState({ file: join(directory, "state.sqlite") }));
  const stored = stack.use(await openDirectoryStore({ directory: join(directory, "objects") }));
  const objects = around === undefined ? stored : objectsAround(stored, around);
  const pointers = around === undefined ? state.pointers : pointersAround(state.pointers, around);
  const log = stack.use(await openEmbeddedLog({ directory: join(directory, "log"), env, logger }));
  const registry = stack.use(await openRegistry({ state, log, objects, env, logger, partitions }));
  const { dataset } = await registry.apply(contract);
  const tables = openIcebergTables({ objects, pointers, env, logger });
  const engine = stack.use(await openDuckdbTableEngine({ objects, directory: join(directory, "engine"), threads: 2 }));
  const archiver = createArchiver({
    dataset: contract.name,
    registry,
    log,
    objects,
    env,
    logger,
    everyMs: 60_000,
    maxBytes: 268_435_456,
    scratchDir: join(directory, "scratch"),
  });
  const builder = (options: Partial<TableBuilderOptions> = {}): TableBuilder =>
    createTableBuilder({
      dataset: contract.name,
      registry,
      log,
      objects,
      tables,
      engine,
      env,
      logger,
      everyMs: 60_000,
      minBytes: 0,
      archived: () => archiver.progress(),
      ...options,
    });
  const owned = stack.move();
  return {
    directory,
    log,
    objects,
    registry,
    tables,
    engine,
    append: (natives, { batchSize = 1_000 } = {}) => appendAll(log, dataset, { contract: dataset.contract, natives, batchSize }),
    archive: () => flushed(archiver),
    builder,
    build: (one = builder()) => flushed(one),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function objectsAround(objects: ObjectStore, around: AroundWrite): ObjectStore {
  return {
    put: (key, ...rest) => around(`put ${key}`, () => objects.put(key, ...rest)),
    putFile: (key, ...rest) => around(`put ${key}`, () => objects.putFile(key, ...rest)),
    delete: (keys, ...rest) => (keys.length === 0 ? objects.delete(keys) : around(`delete ${keys[0]}`, () => objects.delete(keys, ...rest))),
    read: (...given) => objects.read(...given),
    local: (...given) => objects.local(...given),
    stat: (...given) => objects.stat(...given),
    list: (...given) => objects.list(...given),
    uri: (key) => objects.uri(key),
    [Symbol.asyncDispose]: () => objects[Symbol.asyncDispose](),
  };
}

function pointersAround(pointers: StateStore["pointers"], around: AroundWrite): StateStore["pointers"] {
  return { get: (name) => pointers.get(name), swap: (name, change) => around(`swap ${name}`, () => pointers.swap(name, change)) };
}

/** A directory of the test's own. */
export async function openDirectory(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), "mainstem-pipeline-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Runs a task until its flush is answered; throws what the task throws. */
export async function flushed(task: Archiver | TableBuilder): Promise<void> {
  const stop = new AbortController();
  const context: TaskContext = { signal: stop.signal, report: () => undefined };
  const flush = task.flush({ signal: stop.signal });
  const run = task.run(context).catch((error: unknown) => {
    if (!stop.signal.aborted) throw error;
  });
  try {
    await Promise.race([flush, run]);
  } finally {
    stop.abort();
    flush.catch(() => undefined);
    await run.catch(() => undefined);
  }
}

async function appendAll(
  log: Log,
  dataset: Dataset,
  { contract, natives, batchSize }: { readonly contract: Contract; readonly natives: readonly NativeRecord[]; readonly batchSize: number },
): Promise<void> {
  const topic = dataset.topics.records;
  const key = compileKeyBytes(contract);
  const records = toRecords(contract, natives, dataset);
  const lanes = Map.groupBy(records, (_, index) => partitionOf(key(natives[index]!), topic.partitions));
  for (const [partition, lane] of lanes) {
    for (let start = 0; start < lane.length; start += batchSize) {
      const builder = new RecordBatchBuilder();
      for (const record of lane.slice(start, start + batchSize)) builder.add(record);
      await log.append({ topic: topic.name, topicId: topic.id, partition: partition as Partition }, builder.finish());
    }
  }
}
