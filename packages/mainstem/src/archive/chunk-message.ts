import { RecordBatchBuilder, type Log, type TopicId, type TopicInfo, type TopicPartition, type Partition, type TopicName } from "../log/index.ts";
import { toChainEntry } from "./chain-entry.ts";
import type { ChainEntry, ChunkMessage } from "./chunk.ts";

/** Announces an entry on the topic of the dataset's chunks (docs/formats/chunk-message.md). */
export async function announceChunk(log: Log, topic: TopicInfo, message: ChunkMessage): Promise<void> {
  const batch = new RecordBatchBuilder({ capacity: 1_024 });
  batch.add({ key: Buffer.from(`${message.topicId}/${message.partition}`), value: Buffer.from(JSON.stringify(message)) });
  await log.append({ topic: topic.name, topicId: topic.id, partition: 0 as Partition }, batch.finish());
}

/** Reads a message of a dataset's chunk topic; undefined when it is none. A listener then looks at the chain, which is the truth anyway. */
export function parseChunkMessage(value: Uint8Array | null, { dataset }: { readonly dataset: string }): ChunkMessage | undefined {
  const json = value === null ? undefined : parseJson(Buffer.from(value.buffer, value.byteOffset, value.length).toString("utf8"));
  if (typeof json !== "object" || json === null) return undefined;
  const { formatVersion, dataset: named, topicId, partition, entry: entryJson } = json as Partial<Record<keyof ChunkMessage, unknown>>;
  if (formatVersion !== 1 || named !== dataset || typeof topicId !== "string" || typeof partition !== "number" || !Number.isSafeInteger(partition))
    return undefined;
  const of: TopicPartition = { topic: dataset as TopicName, topicId: topicId as TopicId, partition: partition as Partition };
  const entry: ChainEntry | string = toChainEntry(entryJson, of);
  return typeof entry === "string" ? undefined : { formatVersion, dataset, topicId: of.topicId, partition: of.partition, entry };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
