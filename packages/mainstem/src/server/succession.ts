import type { Contract } from "@mainstem/contract";
import type { Log, TopicPartition } from "../log/index.ts";
import type { Dataset, Registry } from "../registry/index.ts";
import { toTime } from "./json.ts";

/** Groups that are shown; more are counted. */
const groupsMax = 1_000;

/** Where a topic that another one follows ends, as of now. */
export interface TopicEnd {
  readonly topicId: string;
  readonly partitions: readonly { readonly partition: number; readonly end: number }[];
  /** RFC 3339: since then nothing is appended, and `partitions` stay; null while the dataset is open. */
  readonly closedAt: string | null;
}
export interface ReaderGroup {
  readonly group: string;
  /** Records that it has not read in the older one. */
  readonly behind: number;
  /** It has read all of the older one, which is closed, and has committed offsets in the newer one. */
  readonly moved: boolean;
}
/** A dataset before or after another, where the older one's topic ends, and how far the groups are that have committed offsets there. */
export interface Neighbour extends TopicEnd {
  readonly name: string;
  readonly groups: readonly ReaderGroup[];
}
export interface Succession {
  /** The dataset that this one continues. */
  readonly predecessor: Neighbour | null;
  /** The dataset that continues this one. */
  readonly successor: Neighbour | null;
}
type Rooms = { readonly registry: Registry; readonly log: Log };

/** What comes before and after a dataset, by the predecessors that contracts name. */
export async function describeSuccession(dataset: Dataset, rooms: Rooms): Promise<Succession> {
  const { name } = dataset.contract;
  const after = await rooms.registry.successorOf(name);
  return {
    predecessor: await describePredecessor(dataset.contract, rooms),
    successor: after === undefined ? null : { name: after.contract.name, ...(await endWithGroups(dataset, after, rooms)) },
  };
}

export async function describePredecessor({ predecessor }: Contract, rooms: Rooms): Promise<Neighbour | null> {
  const before = predecessor === undefined ? undefined : await rooms.registry.get(predecessor);
  return before === undefined ? null : { name: before.contract.name, ...(await describeEnd(before, rooms)) };
}

type EndWithGroups = TopicEnd & { readonly groups: readonly ReaderGroup[] };

/** Where a dataset's topic ends, and how far its readers are. */
export async function describeEnd(dataset: Dataset, rooms: Rooms): Promise<EndWithGroups> {
  return await endWithGroups(dataset, await rooms.registry.successorOf(dataset.contract.name), rooms);
}

async function endWithGroups(dataset: Dataset, successor: Dataset | undefined, { log }: Pick<Rooms, "log">): Promise<EndWithGroups> {
  const end = await endOf(log, dataset);
  return { ...end, groups: await groupsOf(log, { end, next: successor?.topics.records.id }) };
}

async function endOf(log: Log, { topics, closed }: Dataset): Promise<TopicEnd> {
  const { name: topic, id: topicId, partitions } = topics.records;
  const ends = Array.from({ length: partitions }, async (_, partition) => {
    if (closed?.topicId === topicId) return { partition, end: closed.ends[partition] ?? 0 };
    const { end } = await log.bounds({ topic, topicId, partition: partition as TopicPartition["partition"] });
    return { partition, end };
  });
  return { topicId, partitions: await Promise.all(ends), closedAt: closed === undefined ? null : toTime(closed.at) };
}

/** `next` is the topic of the successor. */
async function groupsOf(log: Log, { end, next }: { readonly end: TopicEnd; readonly next: string | undefined }): Promise<readonly ReaderGroup[]> {
  const { topicId, partitions, closedAt } = end;
  const found: ReaderGroup[] = [];
  for await (const { group, positions } of log.groups()) {
    const own = positions.filter((one) => one.topicId === topicId);
    if (own.length === 0 || group.startsWith("mainstem.")) continue;
    // A partition without a committed offset was not read at all.
    const behind = partitions.reduce(
      (sum, { partition, end: last }) => sum + Math.max(0, last - (own.find((one) => one.partition === partition)?.offset ?? 0)),
      0,
    );
    const moved = behind === 0 && closedAt !== null && positions.some((one) => one.topicId === next);
    found.push({ group, behind, moved });
    if (found.length === groupsMax) break;
  }
  return found.sort((a, b) => (a.group < b.group ? -1 : 1));
}
