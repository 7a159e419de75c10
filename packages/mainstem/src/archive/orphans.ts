import type { Offset, Partition, TopicPartition, Waits } from "../log/index.ts";
import type { ObjectInfo, ObjectKey, ObjectStore } from "../objects/index.ts";
import type { Dataset } from "../registry/index.ts";
import { listChain, readChainEntry } from "./chain.ts";
import { parseDataKey, partitionPrefix } from "./paths.ts";

const deletedAtOnceMax = 1_000;

/**
 * The data objects of a partition that no entry names and none ever will: the entry that covers their last offset names another. A crash, a lost race or a put
 * whose acknowledgement was lost leaves them; nothing reads them, so they may be deleted. Where the chain is broken or not yet that far, none are told.
 *
 * Cost: two listings, and an entry read for each place that has two objects, or one that ends where no entry does. One that stands alone where an entry ends
 * is taken for that entry's own: it is not found where that is a gap's. Throws `archive.corrupt` for an entry that is damaged.
 */
export async function findOrphans(objects: ObjectStore, of: TopicPartition, { signal }: Waits = {}): Promise<readonly ObjectInfo[]> {
  const starts: Offset[] = [];
  for await (const { start } of listChain(objects, of, { from: 0 as Offset, signal })) starts.push(start);
  const byLast = new Map<Offset, ObjectInfo[]>();
  for await (const object of objects.list(partitionPrefix(of), { signal })) {
    const last = parseDataKey(of, object.key)?.last;
    if (last === undefined) continue;
    const there = byLast.get(last);
    if (there === undefined) byLast.set(last, [object]);
    else there.push(object);
  }
  const ends = new Set<number>(starts);
  const orphans: ObjectInfo[] = [];
  for (const [last, found] of byLast) {
    if (found.length === 1 && ends.has(last + 1)) continue;
    const start = lastUpTo(starts, last);
    const entry = start === undefined ? undefined : await readChainEntry(objects, of, start, { signal });
    if (entry !== undefined && entry.next > last) orphans.push(...found.filter(({ key }) => key !== entry.path));
  }
  return orphans;
}

/** The greatest of ascending offsets that is not beyond one. */
function lastUpTo(offsets: readonly Offset[], limit: Offset): Offset | undefined {
  let [low, high] = [0, offsets.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (offsets[middle]! <= limit) low = middle + 1;
    else high = middle;
  }
  return offsets[low - 1];
}

/**
 * Deletes the orphans of a dataset that were stored before a time (milliseconds since 1970); returns how many there were.
 * Concurrency: any number of archivers may work meanwhile. Each puts its entry where the chain ended when it began its chunk, so once the chain goes beyond,
 * that place is taken: its object is named by then, or never will be.
 */
export async function deleteOrphans(
  { topics: { records }, generations }: Pick<Dataset, "topics" | "generations">,
  { objects, before, signal }: { readonly objects: ObjectStore; readonly before: number } & Waits,
): Promise<number> {
  const found: ObjectKey[] = [];
  for (const { topicId } of generations)
    for (let partition = 0; partition < records.partitions; partition++) {
      const of = { topic: records.name, topicId, partition: partition as Partition };
      for (const { key, modified } of await findOrphans(objects, of, { signal })) if (modified < before) found.push(key);
    }
  for (let from = 0; from < found.length; from += deletedAtOnceMax) await objects.delete(found.slice(from, from + deletedAtOnceMax), { signal });
  return found.length;
}
