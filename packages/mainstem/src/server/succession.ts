import type { Log, TopicInfo, TopicPartition } from "../log/index.ts";
import type { Dataset, Registry } from "../registry/index.ts";

/** Groups that are shown; more are counted. */
const groupsMax = 1_000;

/** Where a topic that another one follows ends, as of now, and who has read it to there. */
export interface TopicEnd {
  readonly topicId: string;
  readonly partitions: readonly { readonly partition: number; readonly end: number }[];
}
export interface Succession {
  /** The dataset that this one continues, with the end of its topic: what a reader who starts at the beginning reads before. */
  readonly predecessor: ({ readonly name: string } & TopicEnd) | null;
  /** The dataset that continues this one. `groups`: who has committed offsets here; `moved` once nothing is left for it to read. */
  readonly successor:
    | ({ readonly name: string; readonly groups: readonly { readonly group: string; readonly behind: number; readonly moved: boolean }[] } & TopicEnd)
    | null;
}

/** What comes before and after a dataset, by the predecessors that contracts name. */
export async function describeSuccession(dataset: Dataset, { registry, log }: { readonly registry: Registry; readonly log: Log }): Promise<Succession> {
  const { name, predecessor } = dataset.contract;
  const before = predecessor === undefined ? undefined : await registry.get(predecessor);
  const after = (await registry.list()).find(({ contract }) => contract.predecessor === name);
  return {
    predecessor: before === undefined ? null : { name: before.contract.name, ...(await endOf(log, before.topics.records)) },
    successor: after === undefined ? null : { name: after.contract.name, ...(await endOf(log, dataset.topics.records)), groups: await groupsOf(log, dataset) },
  };
}

async function endOf(log: Log, { name: topic, id: topicId, partitions }: TopicInfo): Promise<TopicEnd> {
  const ends = Array.from({ length: partitions }, async (_, partition) => {
    const { end } = await log.bounds({ topic, topicId, partition: partition as TopicPartition["partition"] });
    return { partition, end };
  });
  return { topicId, partitions: await Promise.all(ends) };
}

async function groupsOf(log: Log, { topics: { records } }: Dataset): Promise<NonNullable<Succession["successor"]>["groups"]> {
  const { partitions } = await endOf(log, records);
  const found: { readonly group: string; readonly behind: number; readonly moved: boolean }[] = [];
  for await (const { group, positions } of log.groups()) {
    const own = positions.filter(({ topicId }) => topicId === records.id);
    if (own.length === 0 || group.startsWith("mainstem.")) continue;
    // A partition without a committed offset was not read at all.
    const behind = partitions.reduce((sum, { partition, end }) => sum + Math.max(0, end - (own.find((one) => one.partition === partition)?.offset ?? 0)), 0);
    found.push({ group, behind, moved: behind === 0 });
    if (found.length === groupsMax) break;
  }
  return found.sort((a, b) => (a.group < b.group ? -1 : 1));
}
