import type { ObjectKey, ObjectStore } from "../objects/index.ts";
import type { AgeClock } from "../runtime/age-clock.ts";
import type { Logger } from "../runtime/logger.ts";
import { onBranch, withBranchStart, withMain, withOtherSchema, withoutBranch, withShape } from "./branch-change.ts";
import type { SnapshotEntry, TableMetadata } from "./metadata.ts";
import { sortOrderIdOf, withSort, type ChangeOf, type MetadataChange } from "./metadata-change.ts";
import type { BranchChange, IcebergBranches, TableState } from "./model.ts";
import { partitionColumns } from "./manifest-schema.ts";
import { writeSnapshot } from "./snapshot-writer.ts";
import { summaryKeys } from "./snapshot-summary.ts";
import { createView, readListedFiles, readManifests, type Readers, type TableView } from "./table-objects.ts";
import { deleteQuietly, type WriteSession } from "./write-session.ts";

/** A table as it was loaded for a change. */
export interface LoadedTable {
  readonly prefix: ObjectKey;
  /** Of its metadata file. */
  readonly key: ObjectKey;
  readonly metadata: TableMetadata;
  readonly view: TableView;
  readonly state: TableState;
}

/** What branches need of the tables that they belong to. */
export interface TableWrites<Table extends LoadedTable> {
  require(dataset: string): Promise<Table>;
  changeOf(table: Table): ChangeOf;
  session(prefix: ObjectKey): WriteSession;
  snapshotId(metadata: TableMetadata): bigint;
  publish(publication: {
    readonly dataset: string;
    readonly session: WriteSession;
    readonly before: Table;
    readonly change: MetadataChange;
  }): Promise<BranchChange>;
  /** Milliseconds since 1970. */
  now(): number;
  /** By which it is judged what is too old to keep. */
  readonly ages: AgeClock;
  readonly readers: Readers;
  readonly objects: ObjectStore;
  readonly logger: Logger;
}

/** Branches as changes of a table's metadata (`branch-change.ts`), each published by one swap of its pointer. */
export class Branches<Table extends LoadedTable> implements IcebergBranches {
  readonly #writes: TableWrites<Table>;

  constructor(writes: TableWrites<Table>) {
    this.#writes = writes;
  }

  async start(dataset: string, { branch, of, schema, partition, summary }: Parameters<IcebergBranches["start"]>[1]): Promise<BranchChange> {
    const table = await this.#writes.require(dataset);
    const { metadata, state, prefix } = table;
    if (state.metadataKey !== of.metadataKey || metadata.refs.has(branch)) return { kind: "conflict", state };
    partitionColumns(partition, [schema]);
    const shaped = withShape(metadata, { schema, partition });
    const session = this.#writes.session(prefix);
    const changeOf = this.#writes.changeOf(table);
    const change = {
      base: undefined,
      schemaId: shaped.schema["schema-id"],
      added: [],
      removed: new Set<ObjectKey>(),
      summary: { ...summary, [summaryKeys.branchSpec]: String(shaped.spec["spec-id"]) },
    };
    const job = { readers: this.#writes.readers, session, view: createView(shaped, prefix), metadata: shaped, parentList: undefined, change };
    const snapshot = await takingBack(session, () => writeSnapshot({ ...job, snapshotId: this.#writes.snapshotId(metadata), time: changeOf.time }));
    return this.#writes.publish({ dataset, session, before: table, change: withBranchStart(changeOf, { branch, shaped, snapshot }) });
  }

  view(state: TableState, branch: string): TableState | undefined {
    const current = state.snapshots.find((snapshot) => snapshot.id === state.refs.get(branch));
    if (current === undefined) return undefined;
    const schema = state.schemas.find((known) => known["schema-id"] === current.schemaId);
    const spec = state.specs.find((known) => String(known["spec-id"]) === current.summary[summaryKeys.branchSpec]);
    return schema === undefined || spec === undefined ? undefined : { ...state, current, schema, spec };
  }

  async changeColumns(dataset: string, { branch, schema }: Parameters<IcebergBranches["changeColumns"]>[1]): Promise<BranchChange> {
    const table = await this.#writes.require(dataset);
    const before = this.view(table.state, branch);
    if (before === undefined) return { kind: "conflict", state: table.state };
    const { change, schemaId } = withOtherSchema(this.#writes.changeOf(table), schema);
    const session = this.#writes.session(table.prefix);
    const { kind, state } = await this.#writes.publish({ dataset, session, before: table, change });
    const after = this.view(state, branch);
    const added = state.schemas.find((known) => known["schema-id"] === schemaId);
    if (kind === "conflict" || after === undefined || added === undefined) return { kind: "conflict", state };
    return { kind, state: { ...after, schema: added } };
  }

  async sortBy(dataset: string, { branch, sort }: Parameters<IcebergBranches["sortBy"]>[1]): Promise<BranchChange> {
    const table = await this.#writes.require(dataset);
    const known = sortOrderIdOf(table.metadata, sort);
    const change = known === undefined ? withSort(this.#writes.changeOf(table), sort, { current: false }) : undefined;
    const session = this.#writes.session(table.prefix);
    const { kind, state } =
      change === undefined ? { kind: "committed" as const, state: table.state } : await this.#writes.publish({ dataset, session, before: table, change });
    const view = this.view(state, branch);
    if (kind === "conflict" || view === undefined) return { kind: "conflict", state };
    return { kind, state: { ...view, sortOrderId: known ?? change!.id } };
  }

  async becomeMain(dataset: string, { branch, head, base }: Parameters<IcebergBranches["becomeMain"]>[1]): Promise<BranchChange> {
    const table = await this.#writes.require(dataset);
    const { metadata, state, prefix } = table;
    // A repeat of a swap whose answer was lost.
    if (metadata.current?.id === head && !metadata.refs.has(branch)) return { kind: "committed", state };
    if (metadata.current?.id !== base || metadata.refs.get(branch) !== head) return { kind: "conflict", state };
    const change = withMain(this.#writes.changeOf(table), { branch, on: onBranch(metadata, branch)! });
    return this.#writes.publish({ dataset, session: this.#writes.session(prefix), before: table, change });
  }

  async drop(dataset: string, branch: string): Promise<BranchChange> {
    const table = await this.#writes.require(dataset);
    const { metadata, prefix } = table;
    if (!metadata.refs.has(branch)) return { kind: "committed", state: table.state };
    const { change, forgotten } = withoutBranch(this.#writes.changeOf(table), branch);
    // Looked for before: afterwards nothing tells which objects they were.
    const orphans = await this.#objectsOfOnly(table, forgotten);
    const published = await this.#writes.publish({ dataset, session: this.#writes.session(prefix), before: table, change });
    if (published.kind === "committed") await deleteQuietly(orphans, this.#writes);
    return published;
  }

  /** The manifest lists, manifests and data files that these snapshots name and no other snapshot does. */
  async #objectsOfOnly({ metadata, view }: Table, forgotten: readonly SnapshotEntry[]): Promise<readonly ObjectKey[]> {
    const ids = new Set(forgotten.map(({ id }) => id));
    const named = await this.#objectsOf(forgotten, view);
    const others = metadata.snapshots.filter(({ id }) => !ids.has(id));
    const kept = await this.#objectsOf(others, view);
    return [...named].filter((key) => !kept.has(key));
  }

  async #objectsOf(snapshots: readonly SnapshotEntry[], view: TableView): Promise<ReadonlySet<ObjectKey>> {
    const keys = new Set<ObjectKey>();
    for (const { manifestList } of snapshots) {
      const list = view.addresses.find(manifestList);
      if (list === undefined) continue;
      keys.add(list);
      for (const manifest of await readManifests(this.#writes.readers, list, view)) {
        if (keys.has(manifest.key)) continue;
        keys.add(manifest.key);
        for (const file of await readListedFiles(this.#writes.readers, manifest, view)) keys.add(file.key);
      }
    }
    return keys;
  }
}

/** Takes back what was written when the work fails: nothing can name it yet. */
export async function takingBack<Result>(session: WriteSession, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    await session.takeBack();
    throw error;
  }
}
