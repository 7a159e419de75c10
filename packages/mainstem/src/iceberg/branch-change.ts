import { isDeepStrictEqual } from "node:util";
import { MainstemError } from "../runtime/errors.ts";
import type { JsonObject } from "./json.ts";
import type { SnapshotEntry, TableMetadata } from "./metadata.ts";
import { list, snapshotJson, toJson, withLogs, withRef, type ChangeOf, type MetadataChange } from "./metadata-change.ts";
import type { IcebergPartitionSpec, IcebergSchema } from "./model.ts";
import { lastFieldId } from "./primitives.ts";
import { summaryKeys } from "./snapshot-summary.ts";

/**
 * A table's metadata as it is on a branch, for writing the branch's next snapshot: its newest snapshot is the current one. Undefined without the branch.
 * `schemaId` is the branch's schema, by default that of its newest snapshot.
 */
export function onBranch(metadata: TableMetadata, branch: string, schemaId?: number): TableMetadata | undefined {
  const id = metadata.refs.get(branch);
  const current = metadata.snapshots.find((snapshot) => snapshot.id === id);
  if (current === undefined) return undefined;
  const schema = metadata.schemas.find((known) => known["schema-id"] === (schemaId ?? current.schemaId));
  const spec = metadata.specs.find((known) => String(known["spec-id"]) === current.summary[summaryKeys.branchSpec]);
  if (schema === undefined || spec === undefined) {
    throw new MainstemError("table.unsupported", `The branch ${branch} was not made by Mainstem, or another program wrote to it.`, { branch });
  }
  return { ...metadata, current, schema, spec };
}

/** The metadata with a schema and a spec that are not the current ones, as `withBranchStart` adds them. */
export function withShape(
  metadata: TableMetadata,
  { schema, partition }: { readonly schema: IcebergSchema; readonly partition: IcebergPartitionSpec },
): TableMetadata {
  const schemas = addSchema(metadata, schema);
  const spec = addSpec(metadata, partition);
  const specs = metadata.specs.includes(spec) ? metadata.specs : [...metadata.specs, spec];
  const lastColumnId = Math.max(metadata.lastColumnId, lastFieldId(schema.fields));
  return { ...metadata, schema: schemas.schema, schemas: schemas.all, spec, specs, lastColumnId, current: undefined };
}

/** Adds the first snapshot of a branch, with the schema and spec of `shaped`. */
export function withBranchStart(
  change: ChangeOf,
  { branch, shaped, snapshot }: { readonly branch: string; readonly shaped: TableMetadata; readonly snapshot: SnapshotEntry },
): MetadataChange {
  const { raw } = change.metadata;
  const last = shaped.spec.fields.reduce((most, field) => Math.max(most, field["field-id"]), Number(raw["last-partition-id"] ?? 999));
  return withLogs(change, {
    ...schemasOf(change.metadata, shaped),
    "partition-specs": shaped.specs === change.metadata.specs ? raw["partition-specs"] : [...list(raw["partition-specs"]), toJson(shaped.spec)],
    "last-partition-id": last,
    ...branchSnapshot(raw, branch, snapshot),
  });
}

/** Adds a snapshot to a branch; the table's current one stays. */
export function withBranchSnapshot(change: ChangeOf, { branch, snapshot }: { readonly branch: string; readonly snapshot: SnapshotEntry }): MetadataChange {
  return withLogs(change, branchSnapshot(change.metadata.raw, branch, snapshot));
}

/** Adds a schema that is not the current one. */
export function withOtherSchema(change: ChangeOf, schema: IcebergSchema): { readonly change: MetadataChange; readonly schemaId: number } {
  const added = addSchema(change.metadata, schema);
  const shaped = { schemas: added.all, lastColumnId: Math.max(change.metadata.lastColumnId, lastFieldId(schema.fields)) };
  return { change: withLogs(change, schemasOf(change.metadata, shaped)), schemaId: added.schema["schema-id"] };
}

/** Makes the branch the current state of the table, with its schema and spec, and ends the branch. */
export function withMain(change: ChangeOf, { branch, on }: { readonly branch: string; readonly on: TableMetadata }): MetadataChange {
  const { raw } = change.metadata;
  const head = on.current!;
  const { [branch]: _ended, ...refs } = withRef(raw, "main", head.id);
  return withLogs(change, {
    "current-schema-id": on.schema["schema-id"],
    "default-spec-id": on.spec["spec-id"],
    "current-snapshot-id": head.id,
    refs,
    "snapshot-log": [...list(raw["snapshot-log"]), { "timestamp-ms": change.time, "snapshot-id": head.id }],
  });
}

/** Ends the branch and forgets the snapshots that no other branch or tag comes from and that never were current. */
export function withoutBranch(change: ChangeOf, branch: string): { readonly change: MetadataChange; readonly forgotten: readonly SnapshotEntry[] } {
  const { metadata } = change;
  const others = [...metadata.refs].filter(([name]) => name !== branch).map(([, id]) => id);
  const kept = reachable(metadata, [...others, ...metadata.snapshotLog.map(({ snapshotId }) => snapshotId)]);
  const own = reachable(
    metadata,
    [metadata.refs.get(branch)].filter((id) => id !== undefined),
  );
  const forgotten = metadata.snapshots.filter(({ id }) => own.has(id) && !kept.has(id));
  const ids = new Set(forgotten.map(({ id }) => id));
  const { [branch]: _ended, ...refs } = (metadata.raw["refs"] ?? {}) as JsonObject;
  const snapshots = list(metadata.raw["snapshots"]).filter((entry) => !ids.has(BigInt((entry as JsonObject)["snapshot-id"] as number | bigint)));
  return { change: withLogs(change, { refs, snapshots }), forgotten };
}

function branchSnapshot(raw: JsonObject, branch: string, snapshot: SnapshotEntry): JsonObject {
  return {
    "last-sequence-number": snapshot.sequenceNumber,
    snapshots: [...list(raw["snapshots"]), snapshotJson(snapshot)],
    refs: withRef(raw, branch, snapshot.id),
  };
}

function schemasOf(before: TableMetadata, { schemas, lastColumnId }: Pick<TableMetadata, "schemas" | "lastColumnId">): JsonObject {
  const added = schemas.slice(before.schemas.length).map(toJson);
  return { schemas: [...list(before.raw["schemas"]), ...added], "last-column-id": lastColumnId };
}

/** A schema that the table has is that one; any other gets the next id. */
function addSchema({ schemas }: TableMetadata, schema: IcebergSchema): { readonly schema: IcebergSchema; readonly all: readonly IcebergSchema[] } {
  const known = schemas.find((one) => isDeepStrictEqual(one, schema));
  if (known !== undefined) return { schema: known, all: schemas };
  const added = { ...schema, "schema-id": schemas.reduce((last, one) => Math.max(last, one["schema-id"]), -1) + 1 };
  return { schema: added, all: [...schemas, added] };
}

/** An equal spec is used again; otherwise a field that an earlier spec had keeps its id and name (specification, "Partition Evolution"), and others get new ids. */
function addSpec(metadata: TableMetadata, { fields }: IcebergPartitionSpec): IcebergPartitionSpec {
  const shape = (spec: IcebergPartitionSpec["fields"]): string => JSON.stringify(spec.map((field) => [field["source-id"], field.transform]));
  const equal = metadata.specs.find((spec) => shape(spec.fields) === shape(fields));
  if (equal !== undefined) return equal;
  const known = metadata.specs.flatMap((spec) => spec.fields);
  let last = known.reduce((most, field) => Math.max(most, field["field-id"]), Number(metadata.raw["last-partition-id"] ?? 999));
  return {
    "spec-id": metadata.specs.reduce((most, spec) => Math.max(most, spec["spec-id"]), -1) + 1,
    fields: fields.map((field) => {
      const same = known.find((one) => one["source-id"] === field["source-id"] && one.transform === field.transform);
      return same ?? { ...field, "field-id": ++last };
    }),
  };
}

/** These snapshots and their ancestors. */
function reachable({ snapshots }: TableMetadata, from: readonly bigint[]): ReadonlySet<bigint> {
  const byId = new Map(snapshots.map((snapshot) => [snapshot.id, snapshot]));
  const found = new Set<bigint>();
  for (const start of from) {
    for (let at = byId.get(start); at !== undefined && !found.has(at.id); at = at.parentId === undefined ? undefined : byId.get(at.parentId)) found.add(at.id);
  }
  return found;
}
