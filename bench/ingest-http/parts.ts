// The parts of the door, each alone: lines to batches, and batches to the log.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compileDoorEncoder, murmur2, parseContract } from "@mainstem/contract";
import { openEmbeddedLog } from "../../packages/mainstem/src/log/embedded/index.ts";
import { BufferPool, RecordBatchBuilder, type Partition, type RecordBatch, type TopicName } from "../../packages/mainstem/src/log/index.ts";
import { systemEnv as env } from "../../packages/mainstem/src/runtime/env.ts";
import { silentLogger as logger } from "../../packages/mainstem/src/runtime/logger.ts";
import type { Contender } from "../harness.ts";
import { eventSchema } from "./events.ts";

export interface PartsLoad {
  readonly bodies: readonly Buffer[];
  readonly requests: number;
  readonly recordsEach: number;
  /** How many requests are under way at once. */
  readonly connections: number;
  readonly partitions: number;
}

/** Lines are validated, encoded and put into batches by partition. */
export function encodeAlone(load: PartsLoad): Contender {
  const makeBatches = createBatchMaker(load);
  const pool = new BufferPool();
  const encode = (): void => {
    for (let index = 0; index < load.requests; index++)
      for (const { records } of makeBatches(load.bodies[index % load.bodies.length]!, pool)) pool.give(records);
  };
  return {
    name: "encode alone",
    wake: encode,
    run() {
      encode();
      return { units: load.requests * load.recordsEach };
    },
  };
}

/**
 * The batches of a request are appended at once, those of each connection one request after the other, and are durable at the end. All runs go into one log, as
 * those of the door do: what the disk still has to write of earlier ones is work for both.
 */
export async function openAppendAlone(load: PartsLoad): Promise<Contender & AsyncDisposable> {
  const makeBatches = createBatchMaker(load);
  const pool = new BufferPool();
  const requests = load.bodies.map((body) => makeBatches(body, pool));
  const stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "mainstem-bench-parts-"));
  stack.defer(() => rm(directory, { recursive: true }));
  const log = stack.use(await openEmbeddedLog({ directory, env, logger }));
  const { name, id } = await log.createTopic({
    name: "parts" as TopicName,
    partitions: load.partitions,
    timestampType: "append",
    retention: {},
    retainFor: [],
  });
  const append = (partition: number, batch: RecordBatch): Promise<unknown> =>
    log.append({ topic: name, topicId: id, partition: partition as Partition }, batch);
  const appendAll = async (): Promise<void> => {
    let next = 0;
    const connection = async (): Promise<void> => {
      for (let index = next++; index < load.requests; index = next++)
        await Promise.all(requests[index % requests.length]!.map((batch, lane) => append(lane, batch)));
    };
    await Promise.all(Array.from({ length: load.connections }, connection));
  };
  return {
    name: "append alone",
    wake: appendAll,
    async run() {
      await appendAll();
      return { units: load.requests * load.recordsEach };
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

function createBatchMaker({ partitions }: PartsLoad): (body: Buffer, pool: BufferPool) => readonly RecordBatch[] {
  const contract = parseContract({
    formatVersion: 1,
    name: "bench.events",
    schema: eventSchema,
    key: ["id"],
    order: ["at"],
    merge: { kind: "latest" },
  });
  const encoder = compileDoorEncoder(contract, { prefix: Buffer.from([0, 0, 0, 0, 1]) });
  const { output } = encoder;
  return (body, pool) => {
    const lanes = Array.from({ length: partitions }, () => new RecordBatchBuilder({ pool }));
    for (let start = 0; start < body.length;) {
      const end = encoder.transcodeLine(body, start, body.length);
      if (end < 0) throw new Error("a line was not transcoded");
      lanes[(murmur2(output.bytes, output.keyStart, output.keyEnd) & 0x7fffffff) % partitions]!.addSlices(output);
      start = end + 1;
    }
    return lanes.map((lane) => lane.finish());
  };
}
