import { readChain, type ChunkRef } from "../archive/index.ts";
import type { Offset, Partition, TopicId, Waits } from "../log/index.ts";
import type { ObjectStore } from "../objects/index.ts";
import type { Dataset } from "../registry/index.ts";
import { positionIn, type PartitionCheckpoint, type TableCheckpoint } from "./checkpoint.ts";

/** What the archive has beyond a checkpoint, as far as one build takes it. */
export interface PendingChunks {
  /** Those with records, of all partitions. */
  readonly chunks: readonly ChunkRef[];
  /** Where each partition is once they are in the table. */
  readonly steps: readonly ({ readonly topicId: TopicId; readonly partition: Partition } & PartitionCheckpoint)[];
  readonly records: number;
  /** Of the chunks' objects. */
  readonly bytes: number;
  /** True when the build leaves some for the next. */
  readonly more: boolean;
}

/**
 * Reads the chains of every generation and partition of a dataset from a checkpoint on, a chunk of each in turn, until they end or hold `bytesMax`.
 * One chunk is taken whatever its size.
 */
export async function readPending(
  objects: ObjectStore,
  {
    dataset,
    checkpoint,
    until,
    bytesMax,
    signal,
  }: {
    readonly dataset: Dataset;
    readonly checkpoint: TableCheckpoint;
    /** Where to stop, by default where the chains end. */
    readonly until?: TableCheckpoint | undefined;
    readonly bytesMax: number;
  } & Waits,
): Promise<PendingChunks> {
  const { records: topic } = dataset.topics;
  const lanes = dataset.generations.flatMap(({ generation, topicId }) =>
    Array.from({ length: topic.partitions }, (_, index) => {
      const partition = index as Partition;
      const position = positionIn(checkpoint, { topicId, partition });
      const chain = readChain(objects, { topic: topic.name, topicId, partition, from: position.next, signal });
      return { generation, topicId, partition, chain, position, moved: false };
    }),
  );
  const chunks: ChunkRef[] = [];
  let bytes = 0;
  let records = 0;
  let open = lanes;
  const full = (): boolean => chunks.length > 0 && bytes >= bytesMax;
  try {
    while (open.length > 0 && !full()) {
      const still: typeof lanes = [];
      for (const lane of open) {
        if (full()) break;
        if (until !== undefined && lane.position.next >= positionIn(until, lane).next) continue;
        const { done, value: entry } = await lane.chain.next();
        if (done === true) continue;
        const { generation, topicId, partition } = lane;
        if (entry.records > 0) chunks.push({ topicId, generation, partition, entry });
        bytes += entry.path === undefined ? 0 : entry.bytes;
        records += entry.records;
        lane.position = after(entry, lane.position);
        lane.moved = true;
        still.push(lane);
      }
      open = still;
    }
  } finally {
    for (const { chain } of lanes) await chain.return();
  }
  const steps = lanes.filter(({ moved }) => moved).map(({ topicId, partition, position }) => ({ topicId, partition, ...position }));
  return { chunks, steps, records, bytes, more: full() };
}

/** Append times never run backwards within a partition, but the next record may have the time of the last. */
function after(entry: { readonly next: Offset; readonly times?: { readonly last: number } }, before: PartitionCheckpoint): PartitionCheckpoint {
  const known = entry.times?.last ?? before.before;
  return { next: entry.next, ...(known === undefined ? {} : { before: known }) };
}
