import { limits } from "../runtime/limits.ts";
import { factsOf, MainstemError } from "../runtime/errors.ts";
import { RecordCursor, type GroupName, type Log, type Offset, type Partition, type TimestampType, type TopicPartition, type Waits } from "../log/index.ts";
import type { ObjectStore } from "../objects/index.ts";
import type { Dataset } from "../registry/index.ts";
import { readChainEnd } from "./chain.ts";
import type { ChainEntry } from "./chunk.ts";

/** The group whose offsets are how far a dataset is archived. */
export function archiveGroup(dataset: string): GroupName {
  return `mainstem.archive.${dataset}` as GroupName;
}

/**
 * Why nothing may be appended to a dataset's topic: its log does not go on from where its archive ends, so what comes next would get offsets that the archive
 * holds for other records, and never reach it. So it is with parts of copies of different times. Undefined where all is well.
 * Errors: those of log, objects and chain.
 */
export async function findLogFault(
  { contract, topics: { records } }: Dataset,
  { log, objects, signal }: { readonly log: Log; readonly objects: ObjectStore } & Waits,
): Promise<MainstemError | undefined> {
  const topic = { topic: records.name, topicId: records.id };
  const hints = await log.committed(archiveGroup(contract.name), topic, { signal });
  for (let partition = 0; partition < records.partitions; partition++) {
    const of = { ...topic, partition: partition as Partition };
    const hint = hints.get(of.partition);
    const last = await readChainEnd(objects, of, { ...(hint === undefined ? {} : { hint }), signal });
    const fault = last === undefined ? undefined : await faultAfter(last, { of, log, timestampType: records.timestampType, signal });
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/** Throws what `findLogFault` tells, of one partition and the end of its chain. */
export async function checkLogGoesOn(last: ChainEntry, options: GoesOn): Promise<void> {
  const fault = await faultAfter(last, options);
  if (fault !== undefined) throw fault;
}

interface GoesOn extends Waits {
  readonly of: TopicPartition;
  readonly log: Log;
  readonly timestampType: TimestampType;
}

async function faultAfter(last: ChainEntry, { of, log, timestampType, signal }: GoesOn): Promise<MainstemError | undefined> {
  const { first, end } = await log.bounds(of, { signal });
  if (end < last.next) return logBehind(of, { chainNext: last.next, end });
  const offset = (last.next - 1) as Offset;
  if (timestampType !== "append" || last.times === undefined || offset < first) return undefined;
  const timestamp = await timestampAt(log, { ...of, offset }, signal);
  if (timestamp === undefined || timestamp === last.times.last) return undefined;
  return new MainstemError(
    "archive.logDiverged",
    `Offset ${offset} of partition ${of.partition} of ${of.topic} is another record in the log than in the archive: the two belong to different copies.`,
    { topic: of.topic, topicId: of.topicId, partition: of.partition, offset, inLog: timestamp, inArchive: last.times.last },
  );
}

/** Undefined where the offset holds no record, or retention has just removed it. */
async function timestampAt(log: Log, at: TopicPartition & { readonly offset: Offset }, signal: AbortSignal | undefined): Promise<number | undefined> {
  try {
    for await (const batch of log.read(at, { until: (at.offset + 1) as Offset, batchBytesMax: limits.batchBytesMax, signal })) {
      const records = new RecordCursor(batch);
      while (records.next()) if (records.offset === at.offset) return records.timestamp;
    }
  } catch (error) {
    if (factsOf(error).code !== "log.offsetOutOfRange") throw error;
  }
  return undefined;
}

export function logBehind(of: TopicPartition, { chainNext, end }: { readonly chainNext: Offset; readonly end: Offset }): MainstemError {
  return new MainstemError(
    "archive.logBehind",
    `The archive of partition ${of.partition} of ${of.topic} reaches to offset ${chainNext}, but the log ends at ${end}: it has lost records, or is an older copy.`,
    { topic: of.topic, topicId: of.topicId, partition: of.partition, chainNext, logEnd: end },
  );
}
