import { assert } from "../runtime/assert.ts";
import { icebergLimits } from "./limits.ts";
import { manifestHead, statuses, writeManifest, type Manifest, type ManifestEntry, type ManifestHead, type Status } from "./manifest.ts";
import { writeManifestList, type ManifestFile, type StatusCounts } from "./manifest-list.ts";
import type { SnapshotEntry, TableMetadata } from "./metadata.ts";
import type { DataFile, TableChange } from "./model.ts";
import { summarizePartitions } from "./partition-summary.ts";
import { summarizeSnapshot } from "./snapshot-summary.ts";
import { isLive, isLiveEntry, readEntries, readManifests, type Readers, type TableView } from "./table-objects.ts";
import type { WriteSession } from "./write-session.ts";
import type { ObjectKey } from "../objects/index.ts";

/** What a new snapshot is written with. */
export interface SnapshotJob {
  readonly readers: Readers;
  readonly session: WriteSession;
  readonly view: TableView;
  readonly metadata: TableMetadata;
  /** The manifest list of the snapshot that it follows. */
  readonly parentList: ObjectKey | undefined;
  readonly change: TableChange;
  readonly snapshotId: bigint;
  readonly time: number;
}

/** Writes the manifests and the manifest list of a new snapshot, which nothing names yet. */
export async function writeSnapshot(job: SnapshotJob): Promise<SnapshotEntry> {
  const { readers, session, view, metadata, change, snapshotId } = job;
  const parent = job.parentList === undefined ? [] : await readManifests(readers, job.parentList, view);
  const sequenceNumber = metadata.lastSequenceNumber + 1;
  const added = await writeAdded(job, sequenceNumber);
  const { kept, rewritten, removed } = await withoutRemoved(job, parent, sequenceNumber);
  assert(removed.length === change.removed.size, "what a change removes is in the snapshot that it started from");
  const merged = await mergeSmall(job, kept, sequenceNumber);
  const manifests = [...added, ...rewritten, ...merged];
  const { addresses } = view;
  const list = { snapshotId, parentId: metadata.current?.id, sequenceNumber, addresses, env: readers.env };
  const key = await session.putManifestList(writeManifestList(manifests, list), { snapshotId });
  const created = session.manifests;
  const counts = { created, kept: manifests.length - created, replaced: parent.length - (manifests.length - created) };
  return {
    id: snapshotId,
    parentId: metadata.current?.id,
    sequenceNumber,
    timestamp: job.time,
    schemaId: metadata.schema["schema-id"],
    manifestList: addresses.addressOf(key),
    summary: summarizeSnapshot({ change, removed, manifests, counts, parent: metadata.current }),
  };
}

/** New files go into manifests of their own. */
async function writeAdded(job: SnapshotJob, sequenceNumber: number): Promise<readonly ManifestFile[]> {
  const { spec, schema, schemas } = job.metadata;
  const head = manifestHead({ schema, spec }, schemas);
  const entries = job.change.added.map((file): ManifestEntry => {
    assert(file.specId === spec["spec-id"] && file.partition.length === spec.fields.length, "a new file is partitioned by the table's current spec");
    // Sequence numbers are inherited from the manifest list.
    return { status: "added", snapshotId: job.snapshotId, sequenceNumber: undefined, fileSequenceNumber: undefined, file };
  });
  return putEntries(job, { entries, head, sequenceNumber });
}

/** Manifests that list a removed file are written again with it marked as deleted; the others are carried over as they are. */
async function withoutRemoved(
  job: SnapshotJob,
  parent: readonly ManifestFile[],
  sequenceNumber: number,
): Promise<{ readonly kept: readonly ManifestFile[]; readonly rewritten: readonly ManifestFile[]; readonly removed: readonly DataFile[] }> {
  const kept: ManifestFile[] = [];
  const rewritten: ManifestFile[] = [];
  const removed: DataFile[] = [];
  // A manifest of nothing but files that an earlier snapshot deleted has said what it had to say.
  for (const manifest of parent.filter(isLive)) {
    const read = job.change.removed.size === 0 ? undefined : await readEntries(job.readers, manifest, job.view);
    const hit = read?.entries.some((entry) => isLiveEntry(entry) && job.change.removed.has(entry.file.key)) ?? false;
    if (read === undefined || !hit) {
      kept.push(manifest);
      continue;
    }
    const entries = read.entries.filter(isLiveEntry).map((entry): ManifestEntry => {
      if (!job.change.removed.has(entry.file.key)) return { ...entry, status: "existing" };
      removed.push(entry.file);
      return { ...entry, status: "deleted", snapshotId: job.snapshotId };
    });
    rewritten.push(...(await putEntries(job, { entries, head: headOf(job, read), sequenceNumber })));
  }
  return { kept, rewritten, removed };
}

/**
 * Brings manifests with few files together once there are many of them, so that neither their number nor the time to read them grows with every commit.
 * Only those of one spec and one schema are mixed: a manifest has one of each, and the schema tells with what a file was written.
 */
async function mergeSmall(job: SnapshotJob, kept: readonly ManifestFile[], sequenceNumber: number): Promise<readonly ManifestFile[]> {
  const isSmall = ({ files }: ManifestFile): boolean => files.added + files.existing < icebergLimits.mergeEntriesMax;
  const small = kept.filter(isSmall);
  if (small.length < icebergLimits.manifestsBeforeMerge) return kept;
  const groups = new Map<string, { readonly manifest: ManifestFile; readonly read: Manifest }[]>();
  for (const manifest of small) {
    const read = await readEntries(job.readers, manifest, job.view);
    const name = `${manifest.specId} ${read.schema["schema-id"]}`;
    groups.set(name, [...(groups.get(name) ?? []), { manifest, read }]);
  }
  const merged: ManifestFile[] = [];
  for (const group of groups.values()) {
    const [first, second] = group;
    if (first === undefined || second === undefined) {
      merged.push(...group.map(({ manifest }) => manifest));
      continue;
    }
    const live = group.flatMap(({ read }) => read.entries.filter(isLiveEntry));
    const entries = live.map((entry): ManifestEntry => ({ ...entry, status: "existing" }));
    merged.push(...(await putEntries(job, { entries, head: headOf(job, first.read), sequenceNumber })));
  }
  return [...merged, ...kept.filter((manifest) => !isSmall(manifest))];
}

/** A manifest that is written again keeps the schema that it was first written with. */
function headOf(job: SnapshotJob, read: Manifest): ManifestHead {
  return manifestHead(read, job.metadata.schemas);
}

async function putEntries(
  job: SnapshotJob,
  options: { readonly entries: readonly ManifestEntry[]; readonly head: ManifestHead; readonly sequenceNumber: number },
): Promise<readonly ManifestFile[]> {
  const { addresses } = job.view;
  const manifests: ManifestFile[] = [];
  for (let from = 0; from < options.entries.length; from += icebergLimits.manifestEntriesMax) {
    const entries = options.entries.slice(from, from + icebergLimits.manifestEntriesMax);
    const bytes = writeManifest(entries, { head: options.head, addresses, env: job.readers.env });
    const key = await job.session.putManifest(bytes);
    const live = entries.filter(isLiveEntry).map((entry) => entry.sequenceNumber ?? options.sequenceNumber);
    const files = entries.map((entry) => entry.file);
    manifests.push({
      key,
      bytes: bytes.length,
      specId: options.head.spec["spec-id"],
      content: "data",
      sequenceNumber: options.sequenceNumber,
      minSequenceNumber: live.reduce((least, number) => Math.min(least, number), options.sequenceNumber),
      addedSnapshotId: job.snapshotId,
      files: countByStatus(entries, () => 1),
      rows: countByStatus(entries, (entry) => entry.file.records),
      partitions: summarizePartitions(files, options.head.columns),
      keyMetadata: undefined,
    });
  }
  return manifests;
}

function countByStatus(entries: readonly ManifestEntry[], of: (entry: ManifestEntry) => number): StatusCounts {
  const sum = (status: Status): number => entries.reduce((total, entry) => (entry.status === status ? total + of(entry) : total), 0);
  const [existing, added, deleted] = statuses.map(sum) as [number, number, number];
  return { existing, added, deleted };
}
