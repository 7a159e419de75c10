import { isObjectKey, type ObjectKey, type ObjectStore } from "../objects/index.ts";
import { assert } from "../runtime/assert.ts";
import { createAgeClock, type AgeClock } from "../runtime/age-clock.ts";
import type { Env } from "../runtime/env.ts";
import { MainstemError } from "../runtime/errors.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Pointer, StateStore } from "../state/index.ts";
import { tablePrefix } from "./addresses.ts";
import { uuidText } from "./bounds.ts";
import { onBranch, withBranchSnapshot } from "./branch-change.ts";
import { Branches, takingBack, type TableWrites } from "./branches.ts";
import { ByteCache } from "./byte-cache.ts";
import { Expiry } from "./expiry.ts";
import { formatJson } from "./json.ts";
import { icebergLimits } from "./limits.ts";
import { partitionColumns } from "./manifest-schema.ts";
import { checkMetadata, type TableMetadata } from "./metadata.ts";
import { changeTime, newMetadata, sortOrderIdOf, withSchema, withSnapshot, withSort, type MetadataChange } from "./metadata-change.ts";
import type { DataFile, IcebergBranches, IcebergExpiry, IcebergTables, NewTable, Snapshot, TableChange, TableCommit, TableState } from "./model.ts";
import { assertEvolves } from "./schema-change.ts";
import { summaryKeys } from "./snapshot-summary.ts";
import { writeSnapshot } from "./snapshot-writer.ts";
import { createView, isLive, isLiveEntry, readEntries, readManifests, readTableMetadata, type Readers, type TableView } from "./table-objects.ts";
import { toTableState } from "./table-state.ts";
import { deleteQuietly, WriteSession } from "./write-session.ts";

export interface IcebergOptions {
  readonly objects: ObjectStore;
  readonly pointers: StateStore["pointers"];
  readonly env: Env;
  readonly logger: Logger;
  /** By which expiry judges age; one that trusts the clock at the start by default. */
  readonly ages?: AgeClock | undefined;
}

/** Opens the tables of a platform: objects under `tables/`, pointers `table/<dataset>` (docs/formats/table.md). Owns nothing that needs closing. */
export function openIcebergTables(options: IcebergOptions): IcebergTables {
  return new Tables(options);
}

/** What new tables say to other programs that write to them. */
const defaultProperties = {
  "write.format.default": "parquet",
  "write.parquet.compression-codec": "zstd",
  "write.metadata.delete-after-commit.enabled": "true",
  "write.metadata.previous-versions-max": "100",
  "commit.manifest.min-count-to-merge": String(icebergLimits.manifestsBeforeMerge),
};

/** A table as it was loaded for a change. */
interface Loaded {
  readonly prefix: ObjectKey;
  readonly pointer: Pointer;
  readonly key: ObjectKey;
  readonly metadata: TableMetadata;
  readonly view: TableView;
  readonly state: TableState;
}

/** A change that is about to be published. */
interface Publication {
  readonly dataset: string;
  readonly prefix: ObjectKey;
  readonly session: WriteSession;
  readonly before: Loaded | undefined;
  readonly change: MetadataChange;
}

/** How a publication is recognised in what others made from it. */
interface Published {
  readonly key: ObjectKey;
  /** The snapshot that it adds, if it adds one. */
  readonly snapshotId: bigint | undefined;
}

class Tables implements IcebergTables {
  readonly branches: IcebergBranches;
  readonly expiry: IcebergExpiry;
  readonly #objects: ObjectStore;
  readonly #pointers: StateStore["pointers"];
  readonly #env: Env;
  readonly #logger: Logger;
  readonly #readers: Readers;

  constructor({ objects, pointers, env, logger, ages }: IcebergOptions) {
    this.#objects = objects;
    this.#pointers = pointers;
    this.#env = env;
    this.#logger = logger;
    this.#readers = { objects, env, cache: new ByteCache({ bytesMax: icebergLimits.cacheBytesMax }) };
    const writes: TableWrites<Loaded> = {
      objects,
      logger,
      readers: this.#readers,
      require: (dataset) => this.#require(dataset),
      changeOf: (table) => this.#changeOf(table),
      session: (prefix) => this.#session(prefix),
      snapshotId: (metadata) => this.#snapshotId(metadata),
      publish: (publication) => this.#publish({ ...publication, prefix: publication.before.prefix }),
      now: () => env.now(),
      ages: ages ?? createAgeClock({ env }),
    };
    this.branches = new Branches(writes);
    this.expiry = new Expiry(writes);
  }

  async load(dataset: string): Promise<TableState | undefined> {
    return (await this.#load(dataset))?.state;
  }

  async create(dataset: string, table: NewTable): Promise<TableState> {
    const known = await this.#load(dataset);
    if (known !== undefined && (known.metadata.snapshots.length > 0 || isTable(known.metadata, table))) return known.state;
    // Throws what cannot be partitioned by before anything is written.
    partitionColumns(table.partition, [table.schema]);
    const prefix = tablePrefix(dataset);
    const location = this.#objects.uri(prefix);
    const properties = { ...defaultProperties, ...table.properties };
    const now = known === undefined ? this.#env.now() : changeTime(known.metadata, this.#env.now());
    const raw = newMetadata({ ...table, properties }, { uuid: known?.metadata.uuid ?? this.#uuid(), location, now });
    const session = this.#session(prefix);
    const published = await this.#publish({ dataset, prefix, session, before: known, change: { raw, forgotten: [] } });
    return published.state;
  }

  async changeColumns(
    dataset: string,
    { expected, schema, sort, properties }: Parameters<IcebergTables["changeColumns"]>[1],
  ): ReturnType<IcebergTables["changeColumns"]> {
    const table = await this.#require(dataset);
    if (table.state.schema["schema-id"] !== expected) return { kind: "conflict", state: table.state };
    assertEvolves({ before: table.state.schema, after: schema, lastColumnId: table.state.lastColumnId });
    const session = this.#session(table.prefix);
    const change = withSchema(this.#changeOf(table), { schema, sort, properties });
    return this.#publish({ dataset, prefix: table.prefix, session, before: table, change });
  }

  async sortBy(dataset: string, sort: NewTable["sort"]): ReturnType<IcebergTables["sortBy"]> {
    const table = await this.#require(dataset);
    if (sortOrderIdOf(table.metadata, sort) === table.metadata.sortOrderId) return { kind: "committed", state: table.state };
    const change = withSort(this.#changeOf(table), sort, { current: true });
    return this.#publish({ dataset, prefix: table.prefix, session: this.#session(table.prefix), before: table, change });
  }

  async commit(dataset: string, change: TableChange): Promise<TableCommit> {
    for (let attempt = 1; ; attempt += 1) {
      const table = await this.#require(dataset);
      const { branch } = change;
      const metadata = branch === undefined ? table.metadata : onBranch(table.metadata, branch, change.schemaId);
      const expected = metadata !== undefined && metadata.current?.id === change.base && metadata.schema["schema-id"] === change.schemaId;
      if (!expected) return { kind: "conflict", state: table.state };
      const commit = await this.#commitOn(table, metadata, { dataset, change });
      // Who was first may have changed another branch: what this change was built on is then still there.
      if (commit.kind === "committed" || attempt === icebergLimits.commitAttemptsMax) return commit;
    }
  }

  async files(dataset: string, state: TableState, snapshot: Snapshot): Promise<readonly DataFile[]> {
    const view = createView(state, tablePrefix(dataset));
    const manifests = await readManifests(this.#readers, snapshot.manifestList, view);
    const files: DataFile[] = [];
    for (const manifest of manifests.filter(isLive)) {
      const { entries } = await readEntries(this.#readers, manifest, view);
      for (const entry of entries) if (isLiveEntry(entry)) files.push(entry.file);
    }
    return files;
  }

  async #commitOn(
    table: Loaded,
    metadata: TableMetadata,
    { dataset, change }: { readonly dataset: string; readonly change: TableChange },
  ): Promise<TableCommit> {
    const { branch } = change;
    const session = this.#session(table.prefix);
    const changeOf = this.#changeOf(table);
    const parent = table.state.snapshots.find(({ id }) => id === metadata.current?.id);
    const own = branch === undefined ? change : { ...change, summary: { ...change.summary, [summaryKeys.branchSpec]: String(metadata.spec["spec-id"]) } };
    const job = { readers: this.#readers, session, view: table.view, metadata, parentList: parent?.manifestList, change: own };
    const snapshotId = this.#snapshotId(metadata);
    const entry = await takingBack(session, () => writeSnapshot({ ...job, snapshotId, time: changeOf.time }));
    const next = branch === undefined ? withSnapshot(changeOf, entry) : withBranchSnapshot(changeOf, { branch, snapshot: entry });
    const published = await this.#publish({ dataset, prefix: table.prefix, session, before: table, change: next });
    if (published.kind === "conflict") return { kind: "conflict", state: published.state };
    const snapshot = published.state.snapshots.find(({ id }) => id === snapshotId);
    assert(snapshot !== undefined, "a commit makes a snapshot");
    return { kind: "committed", state: published.state, snapshot };
  }

  async #load(dataset: string): Promise<Loaded | undefined> {
    const pointer = await this.#pointers.get(pointerName(dataset));
    return pointer === undefined ? undefined : this.#loadAt(dataset, pointer);
  }

  async #loadAt(dataset: string, pointer: Pointer): Promise<Loaded> {
    const prefix = tablePrefix(dataset);
    const key = metadataKeyOf(pointer, prefix);
    const metadata = await readTableMetadata(this.#readers, key);
    const view = createView(metadata, prefix);
    const state = toTableState(metadata, { key, location: this.#objects.uri(key), addresses: view.addresses });
    return { prefix, pointer, key, metadata, view, state };
  }

  async #require(dataset: string): Promise<Loaded> {
    const table = await this.#load(dataset);
    assert(table !== undefined, "a table is created before it is changed");
    return table;
  }

  /** Writes the metadata file and moves the pointer to it. What was written is deleted only if it is certain that it was not published. */
  async #publish({ dataset, prefix, session, before, change }: Publication): Promise<{ readonly kind: "committed" | "conflict"; readonly state: TableState }> {
    // Checked as if it came from elsewhere: what could not be read again must not be published.
    const metadata = checkMetadata(change.raw, { key: "that is about to be written" });
    const view = createView(metadata, prefix);
    const text = formatJson(change.raw);
    const version = before === undefined ? 0 : versionOf(before.key) + 1;
    const key = await takingBack(session, () => session.putMetadata(text, { version }));
    const outcome = await this.#swap(dataset, { expected: before?.pointer.version ?? "absent", key, snapshotId: newSnapshotId(metadata, before) });
    if (outcome.kind === "lost") {
      await session.takeBack();
      return { kind: "conflict", state: (await this.#loadAt(dataset, outcome.winner)).state };
    }
    if (metadata.properties["write.metadata.delete-after-commit.enabled"] === "true") {
      const forgotten = change.forgotten.map((address) => view.addresses.find(address)).filter((found) => found !== undefined);
      await deleteQuietly(forgotten, { objects: this.#objects, logger: this.#logger });
    }
    return { kind: "committed", state: toTableState(metadata, { key, location: this.#objects.uri(key), addresses: view.addresses }) };
  }

  /** Moves the pointer. A missing answer, or a conflict that may be with an earlier try of our own, is looked up. */
  async #swap(
    dataset: string,
    { expected, ...ours }: { readonly expected: Pointer["version"] | "absent" } & Published,
  ): Promise<{ readonly kind: "won" } | { readonly kind: "lost"; readonly winner: Pointer }> {
    const name = pointerName(dataset);
    let winner: Pointer | undefined;
    try {
      const swap = await this.#pointers.swap(name, { expected, value: ours.key });
      assert(swap.kind !== "fenced", "a swap without a fence is not fenced");
      if (swap.kind === "committed") return { kind: "won" };
      winner = swap.winner;
      assert(winner !== undefined, "pointers are not deleted");
    } catch (error) {
      winner = await this.#lookUp(name, error);
      // Unchanged: the swap may still be under way, so the objects must stay.
      if (winner === undefined || winner.version === expected) throw error;
    }
    return (await this.#descendsFrom(dataset, winner, ours)) ? { kind: "won" } : { kind: "lost", winner };
  }

  async #lookUp(name: string, cause: unknown): Promise<Pointer | undefined> {
    try {
      return await this.#pointers.get(name);
    } catch (error) {
      this.#logger.warn("a table's pointer could not be looked up after a failed swap; its new objects are kept", { pointer: name, error: String(error) });
      throw cause;
    }
  }

  /** Whether what the pointer names is our metadata, or was made from it. */
  async #descendsFrom(dataset: string, winner: Pointer, { key, snapshotId }: Published): Promise<boolean> {
    if (winner.value === key) return true;
    const { metadata, view } = await this.#loadAt(dataset, winner);
    const logged = metadata.metadataLog.some(({ address }) => view.addresses.find(address) === key);
    return logged || metadata.snapshots.some(({ id }) => id === snapshotId);
  }

  #changeOf({ metadata, key, view }: Loaded): { readonly metadata: TableMetadata; readonly address: string; readonly time: number } {
    return { metadata, address: view.addresses.addressOf(key), time: changeTime(metadata, this.#env.now()) };
  }

  #session(prefix: ObjectKey): WriteSession {
    return new WriteSession({ objects: this.#objects, logger: this.#logger, prefix });
  }

  #uuid(): string {
    const bytes = Uint8Array.from(this.#env.random(16));
    bytes[6] = (bytes[6]! & 0x0f) | 0x40;
    bytes[8] = (bytes[8]! & 0x3f) | 0x80;
    return uuidText(bytes);
  }

  /** A positive number of 63 bits that no snapshot of the table has. */
  #snapshotId({ snapshots }: TableMetadata): bigint {
    for (;;) {
      const id = Buffer.from(this.#env.random(8)).readBigUInt64BE() & 0x7fffffffffffffffn;
      if (id > 0n && snapshots.every((snapshot) => snapshot.id !== id)) return id;
    }
  }
}

function newSnapshotId(metadata: TableMetadata, before: Loaded | undefined): bigint | undefined {
  const known = new Set(before?.metadata.snapshots.map(({ id }) => id));
  return metadata.snapshots.find(({ id }) => !known.has(id))?.id;
}

/** Whether a table without snapshots is partitioned as a new one would be. Its columns follow by themselves. */
function isTable({ spec }: TableMetadata, { partition }: NewTable): boolean {
  const shape = ({ fields }: NewTable["partition"]): string => JSON.stringify(fields.map(({ name, transform }) => [name, transform]));
  return shape(spec) === shape(partition);
}

function pointerName(dataset: string): string {
  return `table/${dataset}`;
}

function metadataKeyOf({ name, value }: Pointer, prefix: ObjectKey): ObjectKey {
  if (value.startsWith(`${prefix}/metadata/`) && isObjectKey(value)) return value;
  throw new MainstemError("table.corrupt", `The pointer ${name} names ${value.slice(0, 500)}, which is no metadata of this table.`, { key: name });
}

/** The number before the first `-` of a metadata file's name; another program's names may have none. */
function versionOf(key: ObjectKey): number {
  return Number(/\/(\d{1,9})-[^/]*$/.exec(key)?.[1] ?? 0);
}
