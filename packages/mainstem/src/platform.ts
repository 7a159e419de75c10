import { rm } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { createArchiver, findLogFault, openReplays, type Archiver } from "./archive/index.ts";
import { openIcebergTables } from "./iceberg/index.ts";
import { openIngest } from "./ingest/index.ts";
import type { Log } from "./log/index.ts";
import { inspectEmbeddedLog, openEmbeddedLog, readLogTime, type LogInspection } from "./log/embedded/index.ts";
import { openDirectoryStore } from "./objects/directory/index.ts";
import type { ObjectStore } from "./objects/index.ts";
import { createPlatformView } from "./platform-view.ts";
import { openRegistry, type Dataset, type Registry } from "./registry/index.ts";
import { resolveSecret, type Config } from "./runtime/config.ts";
import { createAgeClock } from "./runtime/age-clock.ts";
import { systemEnv, type Env } from "./runtime/env.ts";
import { MainstemError } from "./runtime/errors.ts";
import { refusalOf } from "./runtime/files.ts";
import { silentLogger, type Logger } from "./runtime/logger.ts";
import { version } from "./runtime/version.ts";
import { openServer } from "./server/index.ts";
import { inspectSqliteState, openSqliteState, type StateInspection } from "./state/sqlite/index.ts";
import { openDuckdbQueryEngine, openDuckdbTableEngine } from "./tables/duckdb/index.ts";
export { inspectLoading } from "./tables/duckdb/index.ts";
import { createSnapshotExpiry, createTableBuilder, openRebuilds, registryForTable, type TableBuilder } from "./tables/index.ts";
import { openTasks, type Tasks } from "./tasks/index.ts";
import { findWebDirectory } from "./web-directory.ts";

export interface PlatformOptions {
  readonly env?: Env;
  readonly logger?: Logger;
}

/** Mainstem, running. */
export interface Platform extends AsyncDisposable {
  /** Where its HTTP API answers. */
  readonly url: string;
  /** Where the schema registry's API answers by itself; undefined where it has no port of its own. */
  readonly registryUrl: string | undefined;
  readonly registry: Registry;
  /** Closes the door, ends the tasks, closes the drivers. What was acknowledged is durable already. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** The two tasks that carry a dataset from the log into its table. */
export interface Pipeline {
  readonly archiver: Archiver;
  readonly builder: TableBuilder;
}

/**
 * Opens every role in this process: the only place that names drivers.
 * The log comes first: its lock keeps a second process out before anything else is touched.
 */
export async function openPlatform(config: Config, { env = systemEnv, logger = silentLogger }: PlatformOptions = {}): Promise<Platform> {
  await using opened = new AsyncDisposableStack();
  const inData = (name: string): string => join(config.dataDir, name);
  await checkWritable(config);
  const stateFile = config.state.file ?? inData("state.sqlite");
  // A data directory of a later version is refused before the log's recovery could change anything.
  await inspectSqliteState(stateFile);
  const logDirectory = config.log.directory ?? inData("log");
  // Before anything of this process could have been stamped by a clock that is wrong.
  const ages = createAgeClock({ env, known: await readLogTime(logDirectory) });
  const shared = { env, ages, logger };

  const log = opened.use(
    await openEmbeddedLog({
      ...shared,
      directory: logDirectory,
      segmentBytesMax: config.log.segmentBytes,
      diskBytesMax: config.log.diskBytesMax,
    }),
  );
  // What a kill left there counts for nothing, and with the log's lock nobody else writes there.
  await rm(inData("scratch"), { recursive: true, force: true });
  const objects = opened.use(await openDirectoryStore({ directory: config.objects.directory ?? inData("objects") }));
  const state = opened.use(await openSqliteState({ file: stateFile }));
  const registry = opened.use(await openRegistry({ ...shared, state, log, objects, partitions: config.log.partitions, retention: config.log.retention }));
  const tables = openIcebergTables({ ...shared, objects, pointers: state.pointers });
  const engine = opened.use(await openDuckdbTableEngine({ ...shared, objects, directory: inData("scratch/build") }));
  const queries = opened.use(await openDuckdbQueryEngine({ objects, directory: inData("scratch/query") }));

  const rooms = { ...shared, registry, log, objects };
  const pipelines = new Map<string, Pipeline>();
  const tasks = opened.use(openTasks({ ...shared, state, owner: `${hostname()}:${config.dataDir}` }));
  const startPipeline = (dataset: string): void => {
    if (pipelines.has(dataset)) return;
    const archiver = createArchiver({
      ...rooms,
      dataset,
      everyMs: config.archive.every,
      maxBytes: config.archive.maxBytes,
      scratchDir: inData("scratch/archive"),
    });
    const builder = createTableBuilder({
      ...rooms,
      dataset,
      registry: registryForTable(registry, tables),
      tables,
      engine,
      everyMs: config.tables.every,
      minBytes: config.tables.minBytes,
      memoryBytesMax: config.tables.memoryBytesMax,
      archived: () => archiver.progress(),
    });
    const pipeline: Pipeline = { archiver, builder };
    pipelines.set(dataset, pipeline);
    startTasks(tasks, pipeline);
  };
  for (const { contract } of await registry.list()) startPipeline(contract.name);
  opened.defer(registry.onChange(({ contract }) => startPipeline(contract.name)));

  const barred = await findBarred(rooms);
  const ingest = opened.use(await openIngest({ ...shared, registry, log, barred, limits: { bodyBytesMax: config.server.bodyBytesMax } }));
  const replays = await openReplays({ ...rooms, tasks, whileOpen: (dataset, append) => ingest.whileOpen(dataset, append) });
  const rebuilds = await openRebuilds({ ...rooms, tables, engine, queries, tasks, memoryBytesMax: config.tables.memoryBytesMax });
  const { keep: keepMs, grace: graceMs, least, most } = config.tables.snapshots;
  const expiry = createSnapshotExpiry({ ...rooms, tables, retention: { keepMs, graceMs, least, most } });
  tasks.start(expiry);
  const view = createPlatformView({ expiry, registry, tables, queries, tasks, pipelines, replays, rebuilds });
  const token = config.server.token === undefined ? undefined : await resolveSecret(config.server.token, { setting: "server.token" });
  const server = opened.use(
    await openServer({
      ...shared,
      registry,
      log,
      ingest,
      view,
      version,
      webDirectory: findWebDirectory(),
      config: { host: config.server.host, port: config.server.port, registryPort: config.server.registryPort, token },
    }),
  );

  const closing = opened.move();
  return { url: server.url, registryUrl: server.registryUrl, registry, [Symbol.asyncDispose]: () => closing[Symbol.asyncDispose]() };
}

/** Before anything is made or locked: what is told is the folder, and not what was tried in it first. */
async function checkWritable({ dataDir, log, objects, state }: Config): Promise<void> {
  const folders = [
    dataDir,
    log.directory ?? join(dataDir, "log"),
    objects.directory ?? join(dataDir, "objects"),
    ...(state.file === undefined ? [] : [dirname(state.file)]),
  ];
  for (const folder of folders) {
    const refusal = await refusalOf(folder);
    if (refusal === undefined) continue;
    const { at, errno } = refusal;
    const why = { EROFS: "its file system is mounted read-only", ENOTDIR: "it is no folder", EACCES: "this user may not write there" }[errno];
    const what = at === folder ? folder : `${folder} (to be made in ${at})`;
    throw new MainstemError("platform.notWritable", `Nothing can be written in ${what}: ${why === undefined ? errno : `${why} (${errno})`}.`, {
      folder,
      errno,
    });
  }
}

/** Datasets whose log does not go on from where their archive ends: what the door took would never get there. */
async function findBarred({
  registry,
  log,
  objects,
  logger,
}: {
  readonly registry: Registry;
  readonly log: Log;
  readonly objects: ObjectStore;
  readonly logger: Logger;
}): Promise<ReadonlyMap<string, MainstemError>> {
  const barred = new Map<string, MainstemError>();
  const check = async (dataset: Dataset): Promise<void> => {
    const { name } = dataset.contract;
    try {
      const fault = await findLogFault(dataset, { log, objects });
      if (fault === undefined) return;
      barred.set(name, fault);
      logger.error("the door takes nothing", { dataset: name, code: fault.code, cause: fault.message });
    } catch (error) {
      // What is damaged in the archive is the archiver's to tell; the log is whole.
      logger.warn("the end of the archive cannot be read", { dataset: name, cause: String(error) });
    }
  };
  // One after the other: there may be thousands, and each opens files.
  for (const dataset of await registry.list()) await check(dataset);
  return barred;
}

function startTasks(tasks: Tasks, { archiver, builder }: Pipeline): void {
  tasks.start(archiver);
  tasks.start(builder);
}

/** What can be seen of the stores without opening them. Errors: as opening them would have. */
export interface StoresInspection {
  readonly log: LogInspection;
  readonly state: StateInspection;
}

/** Looks at what the configuration names, and changes nothing. */
export async function inspectStores({ dataDir, log, state }: Config): Promise<StoresInspection> {
  return {
    log: await inspectEmbeddedLog(log.directory ?? join(dataDir, "log")),
    state: await inspectSqliteState(state.file ?? join(dataDir, "state.sqlite")),
  };
}
