import { parseContract } from "@mainstem/contract";
import { createArchiver, type Archiver } from "../../packages/mainstem/src/archive/index.ts";
import { logWithFaults, withFaults } from "../../packages/mainstem/src/archive/testing/faults.ts";
import { openIcebergTables, type IcebergTables } from "../../packages/mainstem/src/iceberg/index.ts";
import type { Log } from "../../packages/mainstem/src/log/index.ts";
import type { ObjectStore } from "../../packages/mainstem/src/objects/index.ts";
import { openRegistry, type Dataset } from "../../packages/mainstem/src/registry/index.ts";
import { silentLogger } from "../../packages/mainstem/src/runtime/logger.ts";
import type { StateStore } from "../../packages/mainstem/src/state/index.ts";
import { createTableBuilder, type TableBuilder } from "../../packages/mainstem/src/tables/index.ts";
import { openTasks, type Task, type Tasks } from "../../packages/mainstem/src/tasks/index.ts";
import type { Process } from "./process.ts";
import { createRowsEngine } from "./rows-engine.ts";
import { stateThrough } from "./state-through.ts";
import type { Truth } from "./truth.ts";

export const datasetName = "sim.events";

export const contract = parseContract({
  formatVersion: 1,
  name: datasetName,
  schema: { type: "record", name: "events", namespace: "sim", fields: [{ name: "id", type: "string" }] },
  merge: { kind: "none" },
});

/** How quick a worker is about its work, in milliseconds of the world. */
export interface Pace {
  readonly archiveEveryMs: number;
  readonly buildEveryMs: number;
}

export interface WorkerOptions {
  readonly process: Process;
  /** Its leases are held in this name. */
  readonly owner: string;
  readonly log: Log;
  readonly objects: ObjectStore;
  readonly state: StateStore;
  readonly pace: Pace;
  readonly truth: Truth;
  readonly partitions: number;
  /** For local copies, should one be made: the world's directory. */
  readonly directory: string;
  /** What a broken variant puts in the place of something whole. */
  readonly breakTables?: ((tables: IcebergTables, state: StateStore) => IcebergTables) | undefined;
  readonly breakArchiver?: ((archiver: Archiver) => Archiver) | undefined;
}

/** One process with everything that carries a dataset from the log into its table, as the platform wires it. */
export interface Worker {
  readonly process: Process;
  readonly tasks: Tasks;
  readonly archiver: Archiver;
  readonly builder: TableBuilder;
  readonly dataset: Dataset;
}

export async function openWorker(options: WorkerOptions): Promise<Worker> {
  const { process, owner, directory, pace, partitions, truth } = options;
  const shared = { env: process.env, logger: silentLogger };
  const objects = withFaults(options.objects, process.gate("objects.failed"));
  const log = logWithFaults(options.log, process.gate("log.writeFailed"));
  const state = stateThrough(options.state, process.gate("state.failed"));
  const registry = await openRegistry({ ...shared, state, log, objects, partitions, retention: { bytes: 6_000 } });
  const { dataset } = await registry.apply(contract);
  const whole = openIcebergTables({ ...shared, objects, pointers: state.pointers });
  const tables = options.breakTables?.(whole, state) ?? whole;
  const rooms = { ...shared, registry, log, objects, dataset: datasetName };
  const created = createArchiver({ ...rooms, everyMs: pace.archiveEveryMs, maxBytes: 3_000, scratchDir: directory });
  const archiver = options.breakArchiver?.(created) ?? created;
  const engine = createRowsEngine({ objects, env: process.env });
  const builder = createTableBuilder({ ...rooms, tables, engine, everyMs: pace.buildEveryMs, minBytes: 0, archived: () => archiver.progress() });
  const tasks = openTasks({ ...shared, state, owner });
  tasks.start(observed(archiver, () => archiver.progress().forEach((progress) => truth.claimArchive(progress))));
  tasks.start(
    observed(builder, () => {
      const progress = builder.progress();
      if (progress !== undefined) truth.claimTable(progress);
    }),
  );
  return { process, tasks, archiver, builder, dataset };
}

/** The same task; whenever it tells how far it is, somebody listens. */
function observed(task: Task, listen: () => void): Task {
  return {
    name: task.name,
    ...(task.periodMs === undefined ? {} : { periodMs: task.periodMs }),
    run: (context) =>
      task.run({
        ...context,
        report: (progress) => {
          listen();
          context.report(progress);
        },
      }),
    reset: async (to, context) => task.reset?.(to, context),
  };
}
