import { durationMs, type Contract } from "@mainstem/contract";
import type { GroupName, Log, TopicInfo, TopicName, TopicSpec } from "../log/index.ts";
import { limits } from "../runtime/limits.ts";
import type { Dataset } from "./dataset.ts";

/** What topics of records are made with. Existing ones keep their number of partitions and take the rest over. */
export interface TopicSettings {
  readonly partitions: number;
  readonly retention: { readonly ms?: number; readonly bytes?: number };
}

/** Makes what is missing of a dataset's three topics. Idempotent. What the contract says of retention goes before the settings. */
export async function ensureTopics(
  log: Log,
  { name: dataset, retention: own }: Pick<Contract, "name" | "retention">,
  { partitions, retention: common }: TopicSettings,
): Promise<Dataset["topics"]> {
  const retention = {
    ...common,
    ...(own?.log === undefined ? {} : { ms: durationMs(own.log) }),
    ...(own?.logBytes === undefined ? {} : { bytes: own.logBytes }),
  };
  const ensure = async (name: string, spec: Omit<TopicSpec, "name" | "timestampType">): Promise<TopicInfo> => {
    const topic = name as TopicName;
    const found = await log.describeTopic(topic);
    return await log.createTopic({ ...spec, name: topic, partitions: found?.partitions ?? spec.partitions, timestampType: "append" });
  };
  // Entries of the inbox stay until somebody retries or drops them.
  return {
    records: await ensure(dataset, { partitions, retention, retainFor: [`mainstem.archive.${dataset}` as GroupName] }),
    chunks: await ensure(`_mainstem.chunks.${dataset}`, { partitions: 1, retention: { ms: limits.chunksRetentionMs }, retainFor: [] }),
    inbox: await ensure(`_mainstem.inbox.${dataset}`, { partitions: 1, retention: {}, retainFor: [] }),
  };
}
