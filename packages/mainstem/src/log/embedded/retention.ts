import type { Logger } from "../../runtime/logger.ts";
import type { Offset, TopicSpec } from "../log.ts";
import type { Partition } from "./partition.ts";
import type { Segment } from "./segment.ts";

interface RetainOptions {
  readonly retention: TopicSpec["retention"];
  /** Nothing at or above it is dropped: the least committed offset of the groups that the topic waits for. */
  readonly keepFrom: Offset;
  /** By which age is judged. */
  readonly now: number;
  readonly logger: Logger;
}

/** Drops whole segments, oldest first, that are too old or too many. Gives the number of bytes that were dropped. */
export async function retain(partition: Partition, { retention, keepFrom, now, logger }: RetainOptions): Promise<number> {
  const { ms, bytes: bytesMax } = retention;
  if (ms === undefined && bytesMax === undefined) return 0;
  // A last segment that is wholly too old would otherwise stay for as long as nothing is appended.
  const last = await partition.indexOf(partition.segments.at(-1)!);
  if (ms !== undefined && last.maxTimestamp >= 0 && last.maxTimestamp + ms < now && partition.bounds.end <= keepFrom) await partition.roll();
  const segments = partition.segments;
  let total = partition.bytes;
  let dropped = 0;
  let first: Segment | undefined;
  for (const [at, segment] of segments.entries()) {
    const following = segments[at + 1];
    if (following === undefined || following.base > keepFrom) break;
    const tooMany = bytesMax !== undefined && total - segment.bytes >= bytesMax;
    if (!tooMany && !(ms !== undefined && (await newest(partition, segment)) + ms < now)) break;
    total -= segment.bytes;
    dropped += segment.bytes;
    first = following;
  }
  if (first === undefined) return 0;
  await partition.dropBefore(first.base);
  logger.info("segments dropped", { topic: partition.options.at.topic, partition: partition.options.at.partition, first: first.base, bytes: dropped });
  return dropped;
}

/** The greatest time in a closed segment; never, if damage hides it: damage is no reason to drop. */
async function newest(partition: Partition, segment: Segment): Promise<number> {
  if (segment.maxTimestamp === undefined) await partition.indexOf(segment);
  return segment.maxTimestamp ?? Number.POSITIVE_INFINITY;
}
