import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compileDecoder, compileToJson, parseContract, type Contract } from "@mainstem/contract";
import { openEmbeddedLog } from "../../log/embedded/index.ts";
import { RecordCursor, type Log, type LogPosition, type RecordHeader, type TopicInfo } from "../../log/index.ts";
import { openDirectoryStore } from "../../objects/directory/store.ts";
import type { ObjectStore } from "../../objects/index.ts";
import { openRegistry, type Registry } from "../../registry/index.ts";
import { systemEnv, type Env } from "../../runtime/env.ts";
import { silentLogger } from "../../runtime/logger.ts";
import { openSqliteState } from "../../state/sqlite/store.ts";
import { openIngest } from "../open-ingest.ts";
import type { Format, Ingest, IngestLimits, IngestRequest } from "../ingest.ts";

/** The rooms in front of and behind the door, real ones, in one directory. */
export interface Rooms extends AsyncDisposable {
  /** Closes everything but keeps the directory, for `openRooms({ directory })`, which then removes it. */
  stop(): Promise<void>;
  readonly directory: string;
  readonly env: Env;
  readonly log: Log;
  readonly objects: ObjectStore;
  readonly registry: Registry;
  readonly ingest: Ingest;
}

export interface RoomsOptions {
  /** A new one by default. Removed on closing. */
  readonly directory?: string;
  readonly partitions?: number;
  readonly limits?: Partial<IngestLimits>;
  readonly env?: Env;
  /** What the door calls in place of the log's own `append`. */
  readonly wrapAppend?: (append: Log["append"]) => Log["append"];
  readonly diskBytesMax?: number;
}

export async function openRooms(options: RoomsOptions = {}): Promise<Rooms> {
  const { partitions = 3, env = systemEnv, limits = {}, wrapAppend = (append: Log["append"]) => append, diskBytesMax } = options;
  const logger = silentLogger;
  const stack = new AsyncDisposableStack();
  const directory = options.directory ?? (await mkdtemp(join(tmpdir(), "mainstem-door-")));
  let stopped = false;
  const log = stack.use(await openEmbeddedLog({ directory: join(directory, "log"), env, logger, diskBytesMax }));
  const state = stack.use(await openSqliteState({ file: join(directory, "state.sqlite") }));
  const objects = stack.use(await openDirectoryStore({ directory: join(directory, "objects") }));
  const registry = stack.use(await openRegistry({ state, log, objects, env, logger, partitions }));
  const ingest = stack.use(
    await openIngest({
      registry,
      log: withAppend(
        log,
        wrapAppend((to, batch, waits) => log.append(to, batch, waits)),
      ),
      env,
      logger,
      limits,
    }),
  );
  return {
    directory,
    env,
    log,
    objects,
    registry,
    ingest,
    async stop() {
      stopped = true;
      await stack.disposeAsync();
    },
    async [Symbol.asyncDispose]() {
      await stack.disposeAsync();
      if (!stopped) await rm(directory, { recursive: true, force: true });
    },
  };
}

/** The real log, but for one method. */
function withAppend(log: Log, append: Log["append"]): Log {
  return {
    append,
    createTopic: (...given) => log.createTopic(...given),
    deleteTopic: (...given) => log.deleteTopic(...given),
    describeTopic: (...given) => log.describeTopic(...given),
    topics: (...given) => log.topics(...given),
    read: (...given) => log.read(...given),
    bounds: (...given) => log.bounds(...given),
    settled: (...given) => log.settled(...given),
    offsetAt: (...given) => log.offsetAt(...given),
    committed: (...given) => log.committed(...given),
    commit: (...given) => log.commit(...given),
    groups: (...given) => log.groups(...given),
    [Symbol.asyncDispose]: () => log[Symbol.asyncDispose](),
  };
}

/** A contract with a bit of everything that the door has to do with. */
export const orders: Contract = parseContract({
  formatVersion: 1,
  name: "shop.orders",
  schema: {
    type: "record",
    name: "orders",
    namespace: "shop",
    fields: [
      { name: "orderId", type: "string" },
      { name: "revision", type: "int" },
      { name: "amount", type: { type: "bytes", logicalType: "decimal", precision: 12, scale: 2 } },
      { name: "note", type: ["null", "string"], default: null },
    ],
  },
  key: ["orderId"],
  order: ["revision"],
  merge: { kind: "latest" },
});

/** `orders` with one more field: the next version. */
export const ordersWithShop: Contract = parseContract({
  ...JSON.parse(JSON.stringify(orders)),
  schema: { ...orders.schema, fields: [...orders.schema.fields, { name: "shop", type: "string", default: "main" }] },
});

export function order(index: number, more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return { orderId: `order-${index}`, revision: index, amount: "12.50", ...more };
}

export function toLines(records: readonly unknown[]): Buffer {
  return Buffer.from(records.map((record) => `${JSON.stringify(record)}\n`).join(""));
}

export async function* inChunks(bytes: Uint8Array, sizes: Iterable<number> = [bytes.length]): AsyncGenerator<Uint8Array> {
  let start = 0;
  for (const size of sizes) {
    if (start >= bytes.length) return;
    yield bytes.subarray(start, (start += size));
  }
  if (start < bytes.length) yield bytes.subarray(start);
}

export function ask(body: Uint8Array | AsyncIterable<Uint8Array>, more: Partial<IngestRequest> & { readonly format?: Format } = {}): IngestRequest {
  const stream = body instanceof Uint8Array ? inChunks(body) : body;
  return { dataset: "shop.orders", format: "ndjson", encoding: "identity", invalid: "refuse", atomic: false, body: stream, ...more };
}

export interface StoredRecord {
  readonly partition: number;
  readonly offset: number;
  readonly key: string;
  readonly bytes: Buffer;
  readonly headers: readonly RecordHeader[];
}

/** Every record of a topic, by partition and offset. */
export async function readTopic(log: Log, topic: TopicInfo): Promise<readonly StoredRecord[]> {
  const records: StoredRecord[] = [];
  for (let partition = 0; partition < topic.partitions; partition++) {
    const position = { topic: topic.name, topicId: topic.id, partition, offset: 0 } as LogPosition;
    for await (const batch of log.read(position, { until: "end", batchBytesMax: 1_048_576 })) {
      const cursor = new RecordCursor(batch);
      while (cursor.next())
        records.push({
          partition,
          offset: cursor.offset,
          key: Buffer.from(cursor.key() ?? []).toString(),
          bytes: Buffer.from(cursor.value() ?? []),
          headers: cursor.headers().map(({ key, value }) => ({ key, value: value === null ? null : Buffer.from(value) })),
        });
    }
  }
  return records;
}

/** The records of a dataset in its log, as JSON values. */
export async function readRecords(rooms: Rooms, name = "shop.orders"): Promise<readonly Record<string, unknown>[]> {
  const dataset = await rooms.registry.require(name);
  const stored = await readTopic(rooms.log, dataset.topics.records);
  return Promise.all(
    stored.map(async ({ bytes }) => {
      const writer = await rooms.registry.schema(bytes.readUInt32BE(1));
      if (writer === undefined || bytes[0] !== 0) throw new Error("not the wire format");
      return compileToJson(writer)(compileDecoder({ writer, reader: writer })(bytes, 5)) as Record<string, unknown>;
    }),
  );
}
