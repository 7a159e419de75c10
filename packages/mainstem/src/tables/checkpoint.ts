import { inheritedSummary, summaryKeys, type Snapshot, type TableState } from "../iceberg/index.ts";
import type { Offset, Partition, TopicId } from "../log/index.ts";
import { MainstemError } from "../runtime/errors.ts";
import { refuseNewer } from "../runtime/formats.ts";

/** How far a partition's chain is in a table. */
export interface PartitionCheckpoint {
  /** The first offset that is not in the table. */
  readonly next: Offset;
  /** Everything that was appended before this time (milliseconds since 1970) is in the table; absent where no record told a time. */
  readonly before?: number;
}

/** How far the archive of a dataset is in its table: for each topic id and partition. What is not named is at offset 0. */
export type TableCheckpoint = ReadonlyMap<TopicId, ReadonlyMap<Partition, PartitionCheckpoint>>;

/** The checkpoint of a snapshot: its own or that of its nearest ancestor (docs/formats/table.md). Empty without any. Throws `table.corrupt`, `table.newer`. */
export function checkpointOf(state: TableState, snapshot: Snapshot | undefined): TableCheckpoint {
  const found = inheritedSummary(state, snapshot, summaryKeys.checkpoint);
  if (found === undefined) return new Map();
  try {
    const json: unknown = JSON.parse(found.value);
    refuseNewer(json, { code: "table.newer", what: `The checkpoint in snapshot ${found.snapshot.id} of ${state.metadataKey}`, known: 1 });
    return parseCheckpoint(json);
  } catch (cause) {
    if (cause instanceof MainstemError) throw cause;
    throw new MainstemError(
      "table.corrupt",
      `The checkpoint in snapshot ${found.snapshot.id} of ${state.metadataKey} cannot be read.`,
      { key: state.metadataKey, snapshot: String(found.snapshot.id) },
      { cause },
    );
  }
}

/** As the summary holds it. */
export function formatCheckpoint(checkpoint: TableCheckpoint): string {
  const positions = [...checkpoint].map(([topicId, partitions]) => [topicId, Object.fromEntries([...partitions].sort(([a], [b]) => a - b))] as const);
  return JSON.stringify({ formatVersion: 1, positions: Object.fromEntries(positions) });
}

/** A checkpoint with some partitions further on. */
export function advance(
  checkpoint: TableCheckpoint,
  steps: Iterable<{ readonly topicId: TopicId; readonly partition: Partition } & PartitionCheckpoint>,
): TableCheckpoint {
  const next = new Map([...checkpoint].map(([topicId, partitions]) => [topicId, new Map(partitions)]));
  for (const { topicId, partition, next: offset, before } of steps) {
    const partitions = next.get(topicId) ?? new Map<Partition, PartitionCheckpoint>();
    const known = before ?? partitions.get(partition)?.before;
    next.set(topicId, partitions.set(partition, { next: offset, ...(known === undefined ? {} : { before: known }) }));
  }
  return next;
}

export function positionIn(
  checkpoint: TableCheckpoint,
  { topicId, partition }: { readonly topicId: TopicId; readonly partition: Partition },
): PartitionCheckpoint {
  return checkpoint.get(topicId)?.get(partition) ?? { next: 0 as Offset };
}

function parseCheckpoint(json: unknown): TableCheckpoint {
  const { formatVersion, positions } = json as { readonly formatVersion: unknown; readonly positions: Readonly<Record<string, unknown>> };
  if (formatVersion !== 1) throw new Error(`format version ${String(formatVersion)} is not known`);
  return new Map(Object.entries(positions).map(([topicId, partitions]) => [topicId as TopicId, parsePartitions(partitions)]));
}

function parsePartitions(json: unknown): ReadonlyMap<Partition, PartitionCheckpoint> {
  return new Map(
    Object.entries(json as object).map(([partition, position]) => {
      const { next, before } = position as { readonly next: unknown; readonly before?: unknown };
      const good = /^\d{1,9}$/.test(partition) && isCount(next) && (before === undefined || Number.isSafeInteger(before));
      if (!good) throw new Error(`partition ${partition} has no position`);
      return [Number(partition) as Partition, { next: next as Offset, ...(before === undefined ? {} : { before: before as number }) }];
    }),
  );
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
