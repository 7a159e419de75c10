import type { Log, Offset, Partition, TopicId, TopicInfo, TopicName, Waits } from "../log/index.ts";
import type { ObjectStore } from "../objects/index.ts";
import type { Dataset, Registry } from "../registry/index.ts";
import type { Env } from "../runtime/env.ts";
import { MainstemError } from "../runtime/errors.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Tasks } from "../tasks/index.ts";
import { readChainEnd } from "./chain.ts";
import { putReplay, readReplayEnd, readReplaySpec, replayKey, replayPrefix, type ReplayEnd, type ReplaySpec } from "./replay-spec.ts";
import { createReplayTask, type WhileOpen } from "./replay-task.ts";

export interface Replay {
  readonly spec: ReplaySpec;
  /** Undefined while it goes on. */
  readonly end: ReplayEnd | undefined;
}

/** What a replay is asked to do. Into the live topic goes what a finished replay has put into a shadow topic: a second step, taken on purpose. */
export type ReplayRequest =
  | { readonly target: "shadow"; /** Milliseconds since 1970, inclusive. */ readonly from?: number; /** Exclusive. */ readonly to?: number }
  | { readonly target: "live"; readonly repeats: string };

/**
 * Copies of time ranges of the archive into topics. Each is a task, which a restart of the process takes up where it was.
 * Errors: `registry.datasetUnknown`, `archive.replayUnknown`, `archive.replayRefused`, `archive.corrupt`, those of log and objects.
 */
export interface Replays {
  /** Resolves when the replay is stored and runs: from then on it survives a crash. */
  start(dataset: string, request: ReplayRequest, options?: Waits): Promise<Replay>;
  /** The oldest first. */
  list(dataset: string, options?: Waits): Promise<readonly Replay[]>;
  get(dataset: string, id: string, options?: Waits): Promise<Replay>;
  /** Ends it where it runs, and deletes its shadow topic. Records that it put into the live topic stay. */
  remove(dataset: string, id: string): Promise<void>;
}

export interface ReplaysOptions {
  readonly log: Log;
  readonly objects: ObjectStore;
  readonly registry: Registry;
  readonly tasks: Tasks;
  readonly env: Env;
  readonly logger: Logger;
  readonly whileOpen: WhileOpen;
}

/** Opens the replays and takes up those that had not ended. */
export async function openReplays(options: ReplaysOptions): Promise<Replays> {
  const replays = new StoredReplays(options);
  for (const { contract } of await options.registry.list()) await replays.takeUp(contract.name);
  return replays;
}

class StoredReplays implements Replays {
  readonly #options: ReplaysOptions;
  /** Of live replays that are being started, what they repeat. */
  readonly #goingLive = new Set<string>();

  constructor(options: ReplaysOptions) {
    this.#options = options;
  }

  async takeUp(dataset: string): Promise<void> {
    for (const { spec, end } of await this.list(dataset)) {
      if (end === undefined) this.#run(spec);
      // A kill came between the end and the deletion.
      else if (end.kind === "cancelled") await this.#drop(spec);
    }
  }

  async start(name: string, request: ReplayRequest, options: Waits = {}): Promise<Replay> {
    if (request.target === "shadow") return await this.#start(name, request, options);
    const { repeats } = request;
    // It goes there once, also when the answer to the first request was lost; a look at what is stored does not see one that just starts.
    if (this.#goingLive.has(repeats)) throw wentLive(name, repeats);
    this.#goingLive.add(repeats);
    try {
      if ((await this.list(name, options)).some(({ spec }) => spec.repeats === repeats)) throw wentLive(name, repeats);
      return await this.#start(name, request, options);
    } finally {
      this.#goingLive.delete(repeats);
    }
  }

  async #start(name: string, request: ReplayRequest, { signal }: Waits): Promise<Replay> {
    const { log, objects, registry, env } = this.#options;
    const dataset = await registry.require(name);
    if (request.target === "live" && dataset.closed !== undefined)
      throw new MainstemError("archive.replayRefused", `${name} is closed: nothing is appended to it any more.`, { dataset: name });
    const id = Buffer.from(env.random(8)).toString("hex");
    const range = request.target === "live" ? await this.#rangeOf(name, request.repeats) : await this.#newRange(dataset, request, signal);
    const topic = request.target === "live" ? dataset.topics.records : await this.#shadowTopic(dataset, id);
    const start = await Promise.all(Array.from({ length: topic.partitions }, async (_, index) => (await log.bounds(partitionOf(topic, index))).end));
    const spec: ReplaySpec = {
      formatVersion: 1,
      id,
      dataset: name,
      target: request.target,
      ...range,
      topic: topic.name,
      topicId: topic.id,
      start,
      createdAt: env.now(),
    };
    await putReplay(objects, replayKey(spec, "spec"), spec);
    this.#run(spec);
    return { spec, end: undefined };
  }

  async list(dataset: string, { signal }: Waits = {}): Promise<readonly Replay[]> {
    const { objects } = this.#options;
    const found: Replay[] = [];
    for await (const { key } of objects.list(replayPrefix(dataset), { signal })) {
      if (!key.endsWith("/spec.json")) continue;
      const spec = await readReplaySpec(objects, key, { signal });
      if (spec !== undefined) found.push({ spec, end: await readReplayEnd(objects, replayKey(spec, "end"), { signal }) });
    }
    return found.sort((a, b) => a.spec.createdAt - b.spec.createdAt);
  }

  async get(dataset: string, id: string, { signal }: Waits = {}): Promise<Replay> {
    const { objects, registry } = this.#options;
    await registry.require(dataset);
    const spec = /^[0-9a-f]{16}$/.test(id) ? await readReplaySpec(objects, replayKey({ dataset, id }, "spec"), { signal }) : undefined;
    if (spec === undefined) throw new MainstemError("archive.replayUnknown", `Dataset ${dataset} has no replay ${id.slice(0, 100)}.`, { dataset });
    return { spec, end: await readReplayEnd(objects, replayKey(spec, "end"), { signal }) };
  }

  async remove(dataset: string, id: string): Promise<void> {
    const { objects, tasks, env } = this.#options;
    const { spec, end } = await this.get(dataset, id);
    if (spec.target === "live" && end !== undefined)
      throw new MainstemError("archive.replayRefused", `Replay ${id} is over: its records are in ${dataset}.`, { id });
    await tasks.remove(nameOf(spec));
    const counts = { records: 0, tooLarge: 0 };
    await putReplay(objects, replayKey(spec, "end"), { formatVersion: 1, kind: "cancelled", ...counts, endedAt: env.now() });
    await this.#drop(spec);
  }

  #run(spec: ReplaySpec): void {
    const { log, objects, tasks, env, logger, whileOpen } = this.#options;
    const onFinished = async ({ records, tooLarge }: { readonly records: number; readonly tooLarge: number }): Promise<void> =>
      putReplay(objects, replayKey(spec, "end"), { formatVersion: 1, kind: "finished", records, tooLarge, endedAt: env.now() });
    tasks.start(createReplayTask({ spec, log, objects, logger, whileOpen, onFinished }));
  }

  async #drop(spec: ReplaySpec): Promise<void> {
    const { log, objects } = this.#options;
    if (spec.target === "shadow" && (await log.describeTopic(spec.topic))?.id === spec.topicId) await log.deleteTopic(spec.topic, spec.topicId);
    // The end goes last: without it, what is left would be taken up again.
    await objects.delete([replayKey(spec, "spec")]);
    await objects.delete([replayKey(spec, "end")]);
  }

  async #newRange(dataset: Dataset, { from, to }: { readonly from?: number; readonly to?: number }, signal: AbortSignal | undefined) {
    if (from !== undefined && to !== undefined && from >= to)
      throw new MainstemError("archive.replayRefused", "The range ends before it begins: from has to be earlier than to.", { from, to });
    const { objects, log } = this.#options;
    const { records } = dataset.topics;
    const sources: { readonly topicId: TopicId; readonly ends: readonly Offset[] }[] = [];
    for (const { topicId } of dataset.generations) {
      const ends: Offset[] = [];
      for (let index = 0; index < records.partitions; index++) {
        const hint = topicId === records.id ? (await log.bounds(partitionOf(records, index))).stable : undefined;
        const of = { topic: records.name, topicId, partition: index as Partition };
        ends.push((await readChainEnd(objects, of, { ...(hint === undefined ? {} : { hint }), signal }))?.next ?? (0 as Offset));
      }
      sources.push({ topicId, ends });
    }
    return { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }), sources };
  }

  async #rangeOf(dataset: string, id: string) {
    const { spec, end } = await this.get(dataset, id);
    if (spec.target !== "shadow" || end?.kind !== "finished")
      throw new MainstemError("archive.replayRefused", `Replay ${id} has not put its records into a shadow topic, so nothing can follow it into ${dataset}.`, {
        id,
      });
    const { from, to, sources } = spec;
    return { repeats: id, ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }), sources };
  }

  async #shadowTopic(dataset: Dataset, id: string): Promise<TopicInfo> {
    const { partitions } = dataset.topics.records;
    const name = `_mainstem.replay.${dataset.contract.name}.${id}` as TopicName;
    return await this.#options.log.createTopic({ name, partitions, timestampType: "create", retention: {}, retainFor: [] });
  }
}

function wentLive(dataset: string, id: string): MainstemError {
  const message = `Replay ${id} goes into ${dataset} already, or has gone there. To append its range once more, replay it anew.`;
  return new MainstemError("archive.replayRefused", message, { id });
}

function nameOf({ dataset, id }: ReplaySpec): string {
  return `replay.${dataset}.${id}`;
}

function partitionOf({ name, id }: TopicInfo, index: number) {
  return { topic: name, topicId: id, partition: index as Partition };
}
