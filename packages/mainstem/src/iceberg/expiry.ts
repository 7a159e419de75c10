import type { ObjectKey } from "../objects/index.ts";
import { MainstemError } from "../runtime/errors.ts";
import type { LoadedTable, TableWrites } from "./branches.ts";
import { ByteCache } from "./byte-cache.ts";
import { listExpiryRecords, putExpiryRecord, readExpiryRecord, type ExpiryRecord } from "./expiry-records.ts";
import { icebergLimits } from "./limits.ts";
import type { ManifestFile } from "./manifest-list.ts";
import { list, withoutSnapshots } from "./metadata-change.ts";
import type { JsonObject } from "./json.ts";
import type { Expired, IcebergExpiry, Snapshot } from "./model.ts";
import { lastStartOf, listOldObjects } from "./orphans.ts";
import { cutOf } from "./retention.ts";
import { isLive, isLiveEntry, readListedFiles, readManifests, type Readers } from "./table-objects.ts";
import { deleteQuietly } from "./write-session.ts";

type RunOptions = Parameters<IcebergExpiry["run"]>[1];
type SweepOptions = Parameters<IcebergExpiry["sweep"]>[1];

/** Expiry as changes of a table's metadata, each published by one swap of its pointer. */
export class Expiry<Table extends LoadedTable> implements IcebergExpiry {
  readonly #writes: TableWrites<Table>;
  /** By dataset and snapshot: how many hold it. */
  readonly #holds = new Map<string, Map<bigint, number>>();

  constructor(writes: TableWrites<Table>) {
    this.#writes = writes;
  }

  hold(dataset: string, snapshotId: bigint): Disposable {
    const held = this.#holds.get(dataset) ?? new Map<bigint, number>();
    this.#holds.set(dataset, held);
    held.set(snapshotId, (held.get(snapshotId) ?? 0) + 1);
    let over = false;
    return {
      [Symbol.dispose]: () => {
        if (over) return;
        over = true;
        const left = held.get(snapshotId)! - 1;
        if (left > 0) held.set(snapshotId, left);
        else held.delete(snapshotId);
        if (held.size === 0) this.#holds.delete(dataset);
      },
    };
  }

  async run(dataset: string, options: RunOptions): Promise<Expired> {
    const { retention, signal } = options;
    const { objects, logger } = this.#writes;
    const table = await this.#writes.require(dataset);
    const now = this.#writes.ages.now();
    const records = await listExpiryRecords(objects, dataset);
    const due = records.filter(({ expiredAt }) => expiredAt <= now - retention.graceMs);
    const cut = cutOf(table.metadata, { retention, now, held: this.#held(dataset) });
    // What other programs are told by this property counts for us too.
    const stopped = table.metadata.properties["gc.enabled"] === "false";
    if (stopped || (cut.forgotten.size === 0 && due.length === 0)) return { kind: "done", snapshots: 0, deleted: 0, waiting: sum(records) };

    const look = this.#look(table, options);
    const kept = table.state.snapshots.filter(({ id }) => !cut.forgotten.has(id));
    const forgotten = table.state.snapshots.filter(({ id }) => cut.forgotten.has(id));
    const expired = await this.#objectsOf(forgotten, kept, look);
    const prefixes = [table.prefix, ...(options.outside === undefined ? [] : [options.outside.prefix])];
    const old = await Promise.all(due.map((record) => readExpiryRecord(objects, record, { prefixes })));
    const dead = await withoutLiving(new Set([...expired, ...old.flatMap((record) => record.objects)]), kept, look);
    signal?.throwIfAborted();
    if (forgotten.length > 0) {
      const orphans = [...expired].filter((key) => dead.has(key));
      const key = await putExpiryRecord(objects, dataset, {
        expiredAt: this.#writes.now(),
        snapshots: [...cut.forgotten],
        objects: orphans,
        env: look.readers.env,
      });
      const change = withoutSnapshots(this.#writes.changeOf(table), cut);
      const published = await this.#writes.publish({ dataset, session: this.#writes.session(table.prefix), before: table, change });
      if (published.kind === "conflict") {
        await deleteQuietly([key], this.#writes);
        return { kind: "conflict", snapshots: 0, deleted: 0, waiting: sum(records) };
      }
      logger.info("snapshots expired", { dataset, snapshots: forgotten.length, kept: kept.length, objects: orphans.length });
    }
    // Whatever others commit from now on names what lives here, or objects that they made. What was forgotten just now has its own grace.
    const deleted = await this.#deleteDue(dataset, old, (key) => dead.has(key) && !expired.has(key));
    return { kind: "done", snapshots: forgotten.length, deleted, waiting: sum(await listExpiryRecords(objects, dataset)) };
  }

  async sweep(dataset: string, options: SweepOptions): Promise<number> {
    const { outside, signal, marginMs } = options;
    const { objects, logger } = this.#writes;
    const began = await this.#writes.require(dataset);
    const start = lastStartOf(began.metadata);
    if (began.metadata.properties["gc.enabled"] === "false" || start === undefined) return 0;
    // A clock that was ahead once made a snapshot of the future, which tells nothing of now; and under one that was just set right a build may be under way
    // whose files seem to be from long before.
    const before = Math.min(start, this.#writes.ages.now()) - marginMs;
    const old = await listOldObjects(objects, { table: began.prefix, outside: outside?.prefix, before, signal });
    // Loaded after the listing: what was published meanwhile is named.
    const table = await this.#writes.require(dataset);
    const { metadata, view, prefix, key } = table;
    const keepsMetadata = metadata.properties["write.metadata.delete-after-commit.enabled"] !== "true";
    const named = new Set<ObjectKey | undefined>([key, ...metadata.metadataLog.map(({ address }) => view.addresses.find(address))]);
    for (const record of await listExpiryRecords(objects, dataset)) {
      const prefixes = [prefix, ...(outside === undefined ? [] : [outside.prefix])];
      for (const waiting of (await readExpiryRecord(objects, record, { prefixes })).objects) named.add(waiting);
    }
    const candidates = new Set([...old].filter((one) => !named.has(one) && !(keepsMetadata && one.endsWith(".metadata.json"))));
    if (candidates.size === 0) return 0;
    const orphans = [...(await withoutLiving(candidates, table.state.snapshots, this.#look(table, options)))];
    signal?.throwIfAborted();
    await this.#delete(orphans);
    if (orphans.length > 0) logger.info("objects that no snapshot names deleted", { dataset, objects: orphans.length });
    return orphans.length;
  }

  /** Deletes what is dead of records whose grace is over, and then the records. Returns how many objects. */
  async #deleteDue(dataset: string, records: readonly ExpiryRecord[], isDead: (key: ObjectKey) => boolean): Promise<number> {
    let deleted = 0;
    for (const { key, snapshots, objects } of records) {
      const held = this.#held(dataset);
      if (snapshots.some((id) => held.has(id))) continue;
      const dead = objects.filter(isDead);
      await this.#delete(dead);
      await this.#writes.objects.delete([key]);
      deleted += dead.length;
      this.#writes.logger.info("objects of expired snapshots deleted", { dataset, objects: dead.length });
    }
    return deleted;
  }

  async #delete(keys: readonly ObjectKey[]): Promise<void> {
    for (let from = 0; from < keys.length; from += icebergLimits.deletedAtOnceMax) {
      await this.#writes.objects.delete(keys.slice(from, from + icebergLimits.deletedAtOnceMax));
    }
  }

  /** What is read in a round is read once: it must not push what builds and queries need out of the memory. */
  #look(table: LoadedTable, options: Look["options"]): Look {
    return { readers: { ...this.#writes.readers, cache: new ByteCache({ bytesMax: icebergLimits.expiryCacheBytesMax }) }, table, options };
  }

  /** All objects that snapshots name in manifests which none of the others has. Where one cannot be read, what it names is left behind. */
  async #objectsOf(snapshots: Snapshots, others: Snapshots, look: Look): Promise<ReadonlySet<ObjectKey>> {
    if (snapshots.length === 0) return new Set();
    const { readers, table, options } = look;
    const shared = new Set((await manifestsOf(others, look)).keys());
    const found = new Set<ObjectKey>([...outsideOf(snapshots, look), ...statisticsOf(snapshots, table)]);
    for (const { manifestList } of snapshots) {
      options.signal?.throwIfAborted();
      found.add(manifestList);
      await this.#orLeave(manifestList, async () => {
        for (const manifest of await readManifests(readers, manifestList, table.view)) {
          if (shared.has(manifest.key) || found.has(manifest.key)) continue;
          found.add(manifest.key);
          await this.#orLeave(manifest.key, async () => {
            for (const file of await readListedFiles(readers, manifest, table.view)) found.add(file.key);
          });
        }
      });
    }
    return found;
  }

  async #orLeave(key: ObjectKey, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const code = error instanceof MainstemError ? error.code : undefined;
      if (code !== "table.corrupt" && code !== "table.unsupported" && code !== "objects.notFound") throw error;
      this.#writes.logger.warn("an object of an expired snapshot could not be read; what it names is left behind", { key, error: String(error) });
    }
  }

  #held(dataset: string): ReadonlySet<bigint> {
    return new Set(this.#holds.get(dataset)?.keys());
  }
}

type Snapshots = readonly Snapshot[];

/** What a round reads with. */
interface Look {
  readonly readers: Readers;
  readonly table: LoadedTable;
  readonly options: Pick<RunOptions, "outside" | "signal">;
}

/** The candidates that none of these snapshots needs. */
async function withoutLiving(candidates: ReadonlySet<ObjectKey>, snapshots: Snapshots, look: Look): Promise<ReadonlySet<ObjectKey>> {
  const { readers, table, options } = look;
  const dead = new Set(candidates);
  const manifests = await manifestsOf(snapshots, look);
  for (const key of [
    ...snapshots.map(({ manifestList }) => manifestList),
    ...outsideOf(snapshots, look),
    ...statisticsOf(snapshots, table),
    ...manifests.keys(),
  ])
    dead.delete(key);
  for (const manifest of [...manifests.values()].filter(isLive)) {
    options.signal?.throwIfAborted();
    for (const file of await readListedFiles(readers, manifest, table.view)) if (isLiveEntry(file)) dead.delete(file.key);
  }
  return dead;
}

async function manifestsOf(snapshots: Snapshots, { readers, table, options }: Look): Promise<ReadonlyMap<ObjectKey, ManifestFile>> {
  const manifests = new Map<ObjectKey, ManifestFile>();
  for (const { manifestList } of snapshots) {
    options.signal?.throwIfAborted();
    for (const manifest of await readManifests(readers, manifestList, table.view)) manifests.set(manifest.key, manifest);
  }
  return manifests;
}

function outsideOf(snapshots: Snapshots, { table, options }: Look): readonly ObjectKey[] {
  return snapshots.flatMap((snapshot) => options.outside?.keysOf(table.state, snapshot) ?? []);
}

/** Other programs' statistics of these snapshots. */
function statisticsOf(snapshots: Snapshots, { metadata, view }: LoadedTable): readonly ObjectKey[] {
  const ids = new Set(snapshots.map(({ id }) => id));
  const entries = ["statistics", "partition-statistics"].flatMap((name) => list(metadata.raw[name])) as readonly JsonObject[];
  return entries.flatMap((entry) => {
    const { "snapshot-id": id, "statistics-path": path } = entry;
    const key = typeof path === "string" && ids.has(BigInt(id as number | bigint)) ? view.addresses.find(path) : undefined;
    return key === undefined ? [] : [key];
  });
}

function sum(records: readonly { readonly count: number }[]): number {
  return records.reduce((total, { count }) => total + count, 0);
}
