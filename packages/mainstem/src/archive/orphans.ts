import type { Offset, TopicPartition, Waits } from "../log/index.ts";
import type { ObjectInfo, ObjectKey, ObjectStore } from "../objects/index.ts";
import { readChain } from "./chain.ts";
import { parseDataKey, partitionPrefix } from "./paths.ts";

/**
 * The data objects of a partition that no entry names and none ever will: their last offset lies below the chain's end. A crash, a lost race or a put whose
 * acknowledgement was lost leaves them; nothing reads them, so they may be deleted. Throws what `readChain` throws: a broken chain tells no orphans.
 */
export async function* findOrphans(objects: ObjectStore, of: TopicPartition, { signal }: Waits = {}): AsyncGenerator<ObjectInfo, void, undefined> {
  const named = new Set<ObjectKey>();
  let end = 0;
  for await (const entry of readChain(objects, { ...of, from: 0 as Offset, signal })) {
    if (entry.path !== undefined) named.add(entry.path);
    end = entry.next;
  }
  for await (const object of objects.list(partitionPrefix(of), { signal })) {
    const data = parseDataKey(of, object.key);
    if (data !== undefined && data.last < end && !named.has(object.key)) yield object;
  }
}
