import type { IncomingMessage, ServerResponse } from "node:http";
import type { Replay, Replays } from "../archive/index.ts";
import type { Instant, Log, LogPosition, Offset, TopicInfo, TopicPartition } from "../log/index.ts";
import type { Closed, Dataset, Registry } from "../registry/index.ts";
import { MainstemError, isAbort } from "../runtime/errors.ts";
import { createPacedResponse } from "./paced-response.ts";
import { parseBoolean, parseCount, parseParameters, parseTime } from "./parameters.ts";
import { successorHeader } from "./records-post.ts";
import { createRecordLines, type RecordLines } from "./record-lines.ts";

const readBytesMax = 1_048_576;
/** Lines are written together up to about this many characters. */
const writeCharactersMax = 32_768;

export interface RecordsGetOptions {
  readonly registry: Registry;
  readonly log: Log;
  readonly replays: Replays;
  readonly idleMs: number;
  /** Aborted when the server closes. */
  readonly closing: AbortSignal;
}

/** `GET /v1/datasets/{name}/records`: the records of the log, in its order, as NDJSON (`RecordLines`). For HEAD nothing is read, nor followed. */
export function createRecordsGet({ registry, log, replays, idleMs, closing }: RecordsGetOptions) {
  const lines = createRecordLines(registry);
  const followed = createFollowed(registry, closing);
  return async (
    request: IncomingMessage,
    response: ServerResponse,
    { name, query, signal }: { name: string; query: string; signal: AbortSignal },
  ): Promise<void> => {
    const parameters = parseParameters(query, ["partition", "from", "limit", "follow", "replay"], "server.request");
    const wanted = parseBoolean("follow", parameters.follow, "server.request");
    // Before the dataset is looked at: a closing between the two would be missed.
    using ending = followed.until(name);
    const dataset = await registry.require(name);
    const closed = parameters.replay === undefined ? dataset.closed : undefined;
    const follow = wanted && closed === undefined;
    const limit = parameters.limit === undefined ? Number.POSITIVE_INFINITY : parseCount("limit", parameters.limit, "server.request");
    const topic = parameters.replay === undefined ? dataset.topics.records : await shadowTopic(log, await replays.get(name, parameters.replay));
    const positions = await findPositions(log, topic, parameters);
    request.resume();
    response.writeHead(200, {
      "content-type": "application/x-ndjson",
      "cache-control": "no-store",
      // Where it begins: so a reader that is cut off before the first record knows where it was, and that it is the same topic.
      "mainstem-topic-id": topic.id,
      "mainstem-offsets": JSON.stringify(Object.fromEntries(positions.map(({ partition: of, offset }) => [of, offset]))),
      ...(closed === undefined ? {} : closedHeaders(closed, topic)),
    });
    if (request.method === "HEAD") {
      response.end();
      return;
    }
    if (follow) response.flushHeaders();
    const reading = new AbortController();
    const paced = createPacedResponse(response, { idleMs });
    const job: Job = {
      log,
      dataset,
      lines,
      left: limit,
      follow,
      signal: AbortSignal.any([signal, reading.signal, ending.signal]),
      write: (text) => paced.write(text),
    };
    try {
      if (follow) await Promise.all(positions.map((position) => send(job, position).finally(() => job.left <= 0 && reading.abort())));
      else for (const position of positions) if (job.left > 0) await send(job, position);
    } catch (error) {
      // The limit, the closing of the dataset, or the end of the server, ends a followed log; both are a whole answer.
      if (!isAbort(error) || response.destroyed) throw error;
    } finally {
      reading.abort();
    }
    response.end();
  };
}

/** Readers that follow a dataset, which end when it is closed: they come back and hear where it ends. */
function createFollowed(registry: Registry, closing: AbortSignal): { readonly until: (name: string) => Disposable & { readonly signal: AbortSignal } } {
  const reading = new Map<string, Set<AbortController>>();
  const stop = registry.onChange(({ contract, closed }) => {
    if (closed === undefined) return;
    for (const one of reading.get(contract.name) ?? []) one.abort();
  });
  closing.addEventListener("abort", stop, { once: true });
  return {
    until(name) {
      const one = new AbortController();
      const all = reading.get(name) ?? new Set();
      reading.set(name, all.add(one));
      return {
        signal: one.signal,
        [Symbol.dispose]() {
          all.delete(one);
          if (all.size === 0 && reading.get(name) === all) reading.delete(name);
        },
      };
    },
  };
}

/** Where the topic of a closed dataset ends. One that was made anew since then has nothing in it. */
function closedHeaders({ successor, topicId, ends }: Closed, { id, partitions }: TopicInfo): Readonly<Record<string, string>> {
  const offsets = Array.from({ length: partitions }, (_, partition) => [partition, (id === topicId ? ends[partition] : 0) ?? 0]);
  return { [successorHeader]: successor, "mainstem-ends": JSON.stringify(Object.fromEntries(offsets)) };
}

interface Job {
  readonly log: Log;
  readonly dataset: Dataset;
  readonly lines: RecordLines;
  /** How many records may still be given. */
  left: number;
  readonly follow: boolean;
  readonly signal: AbortSignal;
  write(text: string): Promise<void>;
}

async function send(job: Job, position: LogPosition): Promise<void> {
  const { log, dataset, lines, signal } = job;
  let { offset } = position;
  for await (const batch of log.read(position, { until: job.follow ? "live" : "end", batchBytesMax: readBytesMax, signal })) {
    let text = "";
    for await (const line of lines.of(batch, { dataset, partition: position.partition, from: offset, limit: job.left })) {
      if (job.left <= 0) break;
      job.left--;
      text += line;
      if (text.length < writeCharactersMax) continue;
      await job.write(text);
      text = "";
    }
    if (text !== "") await job.write(text);
    if (job.left <= 0) return;
    offset = batch.next;
  }
}

/** The topic of a replay, which may have been removed. */
async function shadowTopic(log: Log, { spec }: Replay): Promise<TopicInfo> {
  const topic = await log.describeTopic(spec.topic);
  if (topic?.id === spec.topicId) return topic;
  throw new MainstemError("log.topicUnknown", `The topic of replay ${spec.id} is gone.`, { topic: spec.topic });
}

type From = { readonly kind: "start" | "end" } | { readonly kind: "time"; readonly time: number } | { readonly kind: "offset"; readonly offset: number };

async function findPositions(
  log: Log,
  topic: TopicInfo,
  { partition, from = "start" }: { readonly partition?: string; readonly from?: string },
): Promise<readonly LogPosition[]> {
  const wanted = parseFrom(from);
  const one = partition === undefined ? undefined : parseCount("partition", partition, "server.request");
  if (one !== undefined && one >= topic.partitions)
    throw new MainstemError("server.request", `${topic.name} has the partitions 0 to ${topic.partitions - 1}.`, {
      parameter: "partition",
      partitions: topic.partitions,
    });
  const partitions = one === undefined ? Array.from({ length: topic.partitions }, (_, index) => index) : [one];
  return Promise.all(
    partitions.map(async (index) => {
      const of: TopicPartition = { topic: topic.name, topicId: topic.id, partition: index as TopicPartition["partition"] };
      return { ...of, offset: await findOffset(log, of, wanted, { clamp: partitions.length > 1 }) };
    }),
  );
}

/** With `clamp` an offset outside of the partition's bounds, as one of several, means its nearest end. */
async function findOffset(log: Log, of: TopicPartition, from: From, { clamp }: { readonly clamp: boolean }): Promise<Offset> {
  const { first, end, stable } = await log.bounds(of);
  switch (from.kind) {
    case "start":
      return first;
    case "end":
      return stable;
    case "time":
      return Math.max(first, await log.offsetAt(of, from.time as Instant)) as Offset;
    case "offset":
      if (!clamp && (from.offset < first || from.offset > end))
        throw new MainstemError("log.offsetOutOfRange", `Partition ${of.partition} has the offsets ${first} up to ${end}.`, { first, end, from: from.offset });
      return Math.min(Math.max(from.offset, first), stable) as Offset;
    default:
      return from satisfies never;
  }
}

function parseFrom(text: string): From {
  if (text === "start" || text === "end") return { kind: text };
  const time = parseTime(text);
  if (time !== undefined) return { kind: "time", time };
  if (/^\d+$/.test(text)) return { kind: "offset", offset: parseCount("from", text, "server.request") };
  const sentence = "The parameter from is start, end, an offset, or a time with its zone, such as 2026-11-21T12:00:00Z.";
  throw new MainstemError("server.request", sentence, { parameter: "from" });
}
