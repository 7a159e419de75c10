import type { PartitionProgress, Replays } from "./archive/index.ts";
import { isForgotten, snapshotAt, snapshotById, summaryKeys, type IcebergTables, type Snapshot, type TableState } from "./iceberg/index.ts";
import type { Partition, TopicInfo } from "./log/index.ts";
import type { Pipeline } from "./platform.ts";
import type { Registry } from "./registry/index.ts";
import { MainstemError } from "./runtime/errors.ts";
import { perhaps } from "./runtime/nearest-name.ts";
import type { ArchiveStatus, PlatformView, QueryAt, SnapshotStatus, TableStatus } from "./server/index.ts";
import { checkpointOf, positionIn, type ExpiryCounts, type QueryEngine, type QueryTable, type Rebuilds, type SnapshotExpiry } from "./tables/index.ts";
import type { Tasks } from "./tasks/index.ts";

/** How long one query may take. */
const queryMsMax = 60_000;

interface Rooms {
  readonly registry: Registry;
  readonly tables: IcebergTables;
  readonly queries: QueryEngine;
  readonly tasks: Tasks;
  readonly replays: Replays;
  readonly rebuilds: Rebuilds;
  readonly expiry: Pick<SnapshotExpiry, "counts">;
  /** By dataset. */
  readonly pipelines: ReadonlyMap<string, Pipeline>;
}

/** What the server shows of the rooms behind the log. */
export function createPlatformView(rooms: Rooms): PlatformView {
  const { registry, tables, queries, tasks, pipelines, replays, rebuilds, expiry } = rooms;
  return {
    async status(name) {
      const { topics } = await registry.require(name);
      const state = await tables.load(name);
      const pipeline = pipelines.get(name);
      const current = (pipeline?.archiver.progress() ?? []).filter(({ topicId }) => topicId === topics.records.id);
      return {
        archive: toArchiveStatus(current),
        table:
          state === undefined
            ? undefined
            : toTableStatus(state, {
                topic: topics.records,
                completeThrough: pipeline?.builder.progress()?.completeThrough,
                expired: expiry.counts().get(name),
              }),
      };
    },
    async snapshots(name) {
      await registry.require(name);
      const state = await tables.load(name);
      // Those of a rebuild are no versions of the table before it was swapped in.
      const seen = new Set(state?.snapshotLog.map(({ snapshotId }) => snapshotId));
      return state?.snapshots.filter(({ id, summary }) => seen.has(id) || summary[summaryKeys.branchSpec] === undefined).map(toSnapshotStatus) ?? [];
    },
    async *query({ sql, at }, { signal } = {}) {
      checkNames(at, await registry.list());
      const named = new Map<string, QueryTable>();
      using reading = new DisposableStack();
      for (const name of await queries.tablesOf(sql, { signal })) named.set(name, await tableAt(rooms, { name, at, reading }));
      yield* queries.query(sql, { tables: named, timeoutMs: queryMsMax, signal });
    },
    replays,
    rebuilds,
    tasks: () => tasks.status(),
    taskControl: tasks,
  };
}

/** A table as a query sees it. Its snapshot is kept from expiry until `reading` ends. */
async function tableAt(
  { registry, tables }: Rooms,
  { name, at, reading }: { readonly name: string; readonly at: QueryAt | undefined; readonly reading: DisposableStack },
): Promise<QueryTable> {
  const { contract } = await registry.require(name);
  const state = await tables.load(name);
  const snapshot = snapshotOf(name, state, at);
  if (snapshot !== undefined) reading.use(tables.expiry.hold(name, snapshot.id));
  return {
    contract,
    columns: at === undefined || (at.kind === "snapshots" && !at.ids.has(name)) ? "contract" : "snapshot",
    version: state === undefined || snapshot === undefined ? undefined : { state, snapshot, files: await tables.files(name, state, snapshot) },
  };
}

function snapshotOf(name: string, state: TableState | undefined, at: QueryAt | undefined): Snapshot | undefined {
  if (at === undefined) return state?.current;
  if (at.kind === "time") {
    if (state !== undefined && isForgotten(state, at.time)) {
      const [oldest] = state.snapshotLog;
      const since = oldest === undefined ? "" : ` What it was is known from ${new Date(oldest.timestamp).toISOString()} on.`;
      throw new MainstemError("table.snapshotUnknown", `The snapshot of ${name} at that time is expired.${since}`, { dataset: name });
    }
    return state === undefined ? undefined : snapshotAt(state, at.time);
  }
  const id = at.ids.get(name);
  if (id === undefined) return state?.current;
  const snapshot = state === undefined ? undefined : snapshotById(state, id);
  if (snapshot === undefined)
    throw new MainstemError("table.snapshotUnknown", `Dataset ${name} has no snapshot ${id}.`, { dataset: name, snapshotId: String(id) });
  return snapshot;
}

/** A snapshot is named for a dataset that there is, also where the statement does not read it. */
function checkNames(at: QueryAt | undefined, datasets: readonly { readonly contract: { readonly name: string } }[]): void {
  if (at?.kind !== "snapshots") return;
  for (const name of at.ids.keys()) {
    if (!datasets.some(({ contract }) => contract.name === name))
      throw new MainstemError(
        "registry.datasetUnknown",
        `There is no dataset ${name}${perhaps(
          name,
          datasets.map(({ contract }) => contract.name),
        )}.`,
        { dataset: name },
      );
  }
}

function toArchiveStatus(partitions: readonly PartitionProgress[]): ArchiveStatus {
  const times = partitions.map(({ completeThrough }) => completeThrough);
  const known = times.filter((time) => time !== undefined);
  return {
    partitions: partitions.map(({ partition, chainNext }) => ({ partition, next: chainNext })),
    ...(known.length > 0 && known.length === times.length ? { completeThrough: Math.min(...known) } : {}),
  };
}

function toTableStatus(
  state: TableState,
  { topic, completeThrough, expired }: { readonly topic: TopicInfo; readonly completeThrough: number | undefined; readonly expired: ExpiryCounts | undefined },
): TableStatus {
  const checkpoint = checkpointOf(state, state.current);
  return {
    snapshots: state.snapshots.length,
    expired: expired ?? { snapshots: 0, deleted: 0, waiting: 0 },
    metadataLocation: state.metadataLocation,
    snapshot: state.current === undefined ? undefined : toSnapshotStatus(state.current),
    partitions: Array.from({ length: topic.partitions }, (_, partition) => ({
      partition,
      next: positionIn(checkpoint, { topicId: topic.id, partition: partition as Partition }).next,
    })),
    ...(completeThrough === undefined ? {} : { completeThrough }),
  };
}

function toSnapshotStatus({ id, parentId, timestamp, summary }: Snapshot): SnapshotStatus {
  const { operation, "total-records": rows, "mainstem.contract-version": contractVersion } = summary;
  return {
    id,
    parentId,
    committedAt: timestamp,
    rows: Number(rows ?? 0),
    ...(operation === undefined ? {} : { operation }),
    ...(contractVersion === undefined ? {} : { contractVersion: Number(contractVersion) }),
    summary,
  };
}
