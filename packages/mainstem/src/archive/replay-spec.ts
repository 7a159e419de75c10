import { z } from "zod";
import type { Offset, TopicId, TopicName, Waits } from "../log/index.ts";
import { parseObjectKey, readWhole, type ObjectKey, type ObjectStore } from "../objects/index.ts";
import { factsOf, MainstemError } from "../runtime/errors.ts";
import { refuseNewer } from "../runtime/formats.ts";

/** Where a replay's records go. `shadow`: a topic of its own that keeps the archived times. `live`: the dataset's topic, which gives them new ones. */
export const replayTargets = ["shadow", "live"] as const;
export type ReplayTarget = (typeof replayTargets)[number];

/** What a replay was asked to do; never changed once it is stored (docs/formats/replay.md). */
export interface ReplaySpec {
  readonly formatVersion: 1;
  /** 16 characters of hex. */
  readonly id: string;
  readonly dataset: string;
  /** Records with a timestamp from `from` up to, without, `to`; milliseconds since 1970. Absent: from the first, to the archive's end at the start. */
  readonly from?: number;
  readonly to?: number;
  readonly target: ReplayTarget;
  /** The finished replay into a shadow topic that this one repeats into the live one. */
  readonly repeats?: string;
  readonly topic: TopicName;
  readonly topicId: TopicId;
  /** By partition: where the target ended before the replay began. What is beyond and carries the replay's id, it wrote. */
  readonly start: readonly Offset[];
  /** What is read: for each generation of the dataset's topic, the chain's end of each partition at the start. */
  readonly sources: readonly { readonly topicId: TopicId; readonly ends: readonly Offset[] }[];
  readonly createdAt: number;
}

/** How a replay ended. */
export interface ReplayEnd {
  readonly formatVersion: 1;
  readonly kind: "finished" | "cancelled";
  /** Records in the target. */
  readonly records: number;
  /** Records that no batch of the log can hold together with the header that names their origin. */
  readonly tooLarge: number;
  readonly endedAt: number;
}

const offset = z
  .int()
  .min(0)
  .transform((value) => value as Offset);
const topicId = z.string().transform((value) => value as TopicId);
const specSchema = z.strictObject({
  formatVersion: z.literal(1),
  id: z.string().regex(/^[0-9a-f]{16}$/),
  dataset: z.string(),
  from: z.int().optional(),
  to: z.int().optional(),
  target: z.enum(replayTargets),
  repeats: z.string().optional(),
  topic: z.string().transform((value) => value as TopicName),
  topicId,
  start: z.array(offset),
  sources: z.array(z.strictObject({ topicId, ends: z.array(offset) })),
  createdAt: z.int(),
});
const endSchema = z.strictObject({
  formatVersion: z.literal(1),
  kind: z.enum(["finished", "cancelled"]),
  records: z.int().min(0),
  tooLarge: z.int().min(0),
  endedAt: z.int(),
});
const bytesMax = 1_048_576;

/** The prefix of everything that is stored of a dataset's replays. */
export function replayPrefix(dataset: string): string {
  return `replays/${dataset}/`;
}

export function replayKey({ dataset, id }: Pick<ReplaySpec, "dataset" | "id">, part: "spec" | "end"): ObjectKey {
  return parseObjectKey(`${replayPrefix(dataset)}${id}/${part}.json`);
}

/** Stores a part unless it is there: of two ends, the first counts. */
export async function putReplay(objects: ObjectStore, key: ObjectKey, value: ReplaySpec | ReplayEnd): Promise<void> {
  await objects.put(key, [Buffer.from(JSON.stringify(value))], { ifAbsent: true });
}

/** Throws `archive.corrupt`, naming the object, where it is no spec. */
export async function readReplaySpec(objects: ObjectStore, key: ObjectKey, options: Waits = {}): Promise<ReplaySpec | undefined> {
  return (await readPart(objects, key, specSchema, options)) as ReplaySpec | undefined;
}

/** Undefined while the replay goes on. Throws `archive.corrupt`, naming the object, where it is no end. */
export async function readReplayEnd(objects: ObjectStore, key: ObjectKey, options: Waits = {}): Promise<ReplayEnd | undefined> {
  return await readPart(objects, key, endSchema, options);
}

async function readPart<T>(objects: ObjectStore, key: ObjectKey, schema: z.ZodType<T>, { signal }: Waits): Promise<T | undefined> {
  let bytes: Buffer;
  try {
    bytes = await readWhole(objects, key, { bytesMax, signal });
  } catch (error) {
    if (factsOf(error).code === "objects.notFound") return undefined;
    throw error;
  }
  try {
    const json: unknown = JSON.parse(bytes.toString());
    refuseNewer(json, { code: "archive.newer", what: key, known: 1 });
    return schema.parse(json);
  } catch (cause) {
    if (cause instanceof MainstemError) throw cause;
    throw new MainstemError("archive.corrupt", `${key} is not what a replay stores.`, { key }, { cause });
  }
}
