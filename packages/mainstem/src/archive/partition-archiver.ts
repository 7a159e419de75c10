import { createHash } from "node:crypto";
import { join } from "node:path";
import type { AvroRecordSchema } from "@mainstem/contract";
import { assert } from "../runtime/assert.ts";
import { randomId, type Env } from "../runtime/env.ts";
import { factsOf } from "../runtime/errors.ts";
import { limits } from "../runtime/limits.ts";
import type { Logger } from "../runtime/logger.ts";
import {
  RecordCursor,
  type FetchedBatch,
  type GroupName,
  type Log,
  type Offset,
  type Partition,
  type TimestampType,
  type TopicId,
  type TopicInfo,
  type TopicPartition,
} from "../log/index.ts";
import type { ObjectKey, ObjectStore } from "../objects/index.ts";
import type { Registry } from "../registry/index.ts";
import { putChainEntry, readChainEnd } from "./chain.ts";
import { encodeChunkHeader, syncMarker } from "./chunk-container.ts";
import { announceChunk } from "./chunk-message.ts";
import { ChunkWriter } from "./chunk-writer.ts";
import type { ChainEntry } from "./chunk.ts";
import { blockBytes } from "./compression.ts";
import { checkLogGoesOn, logBehind } from "./log-check.ts";
import { dataKey } from "./paths.ts";

const hourMs = 3_600_000;
/** Schema ids that one chunk may hold; values that only look like the wire format may name any. */
const schemaIdsMax = 1_000;

export interface PartitionArchiverOptions {
  readonly of: TopicPartition;
  readonly generation: number;
  readonly dataset: string;
  readonly timestampType: TimestampType;
  readonly chunksTopic: TopicInfo;
  readonly group: GroupName;
  readonly everyMs: number;
  readonly maxBytes: number;
  readonly scratchDir: string;
  readonly registry: Pick<Registry, "schema">;
  readonly log: Log;
  readonly objects: ObjectStore;
  readonly env: Env;
  readonly logger: Logger;
}

/** How far the archive of a partition is. */
export interface PartitionProgress {
  readonly topicId: TopicId;
  readonly generation: number;
  readonly partition: Partition;
  /** The end of the chain: everything below is in the archive. */
  readonly chainNext: Offset;
  /** The stable end of the log when it was last looked at. */
  readonly logStable: Offset;
  /** Milliseconds since 1970: what was appended up to then is in the archive. Absent until it was found out. */
  readonly completeThrough?: number;
}

/** A chunk that is being filled with what lies between the chain's end and where the log was read to. */
interface OpenChunk {
  readonly attempt: string;
  readonly writer: ChunkWriter;
}

/**
 * Carries one partition of the log into its chain. What was read but is not in the chain yet is only in memory and a scratch file: after any failure the
 * archiver is thrown away, and the next one begins at the chain's end.
 */
export class PartitionArchiver implements AsyncDisposable {
  readonly #options: PartitionArchiverOptions;
  /** The end of the chain. */
  #position = 0 as Offset;
  /** Where to read on: offsets from `#position` to here are in the open chunk, or hold no records. */
  #readTo = 0 as Offset;
  #open: OpenChunk | undefined;
  /** When the oldest offset that is not in the chain was read, on the monotonic clock. */
  #openedAt = 0;
  #stable = 0 as Offset;
  #completeThrough: number | undefined;

  constructor(options: PartitionArchiverOptions) {
    this.#options = options;
  }

  /** Finds the end of the chain, which wins over the group's offset, and announces the last entry, as its author may have died before. */
  async takeOver(signal: AbortSignal): Promise<void> {
    const { of, objects, log, group, timestampType } = this.#options;
    const hint = (await log.committed(group, of, { signal })).get(of.partition);
    const last = await readChainEnd(objects, of, { ...(hint === undefined ? {} : { hint }), signal });
    if (last !== undefined) await checkLogGoesOn(last, { of, log, timestampType, signal });
    this.#position = this.#readTo = last?.next ?? (0 as Offset);
    if (last !== undefined) await this.#announce(last);
    else await this.#commit();
  }

  /** Reads what the log has and closes the chunk where it is due; with `close`, whether it is due or not. */
  async advance({ close, signal }: { readonly close: boolean; readonly signal: AbortSignal }): Promise<void> {
    const { of, log } = this.#options;
    for (;;) {
      const bounds = await log.settled(of, { signal });
      if (bounds.stable < this.#position) throw logBehind(of, { chainNext: this.#position, end: bounds.stable });
      this.#stable = bounds.stable;
      if (bounds.first > this.#readTo) await this.#passGap(bounds.first, signal);
      if (!(await this.#readUntil(bounds.stable, signal))) continue;
      // Where another archiver's chunk ends before ours would have, the rest is still to do.
      if ((close || this.#isDue()) && !(await this.#close(signal))) continue;
      this.#lookBack(bounds.end === bounds.stable ? bounds.asOf : undefined);
      return;
    }
  }

  progress(): PartitionProgress {
    const { of, generation } = this.#options;
    return {
      topicId: of.topicId,
      generation,
      partition: of.partition,
      chainNext: this.#position,
      logStable: this.#stable,
      ...(this.#completeThrough === undefined ? {} : { completeThrough: this.#completeThrough }),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    await open?.writer[Symbol.asyncDispose]();
  }

  /** False when retention removed what was to be read next: the log then begins later. */
  async #readUntil(stable: Offset, signal: AbortSignal): Promise<boolean> {
    const { of, log } = this.#options;
    try {
      while (this.#readTo < stable) {
        let whole = true;
        for await (const batch of log.read({ ...of, offset: this.#readTo }, { until: stable, batchBytesMax: limits.batchBytesMax, signal })) {
          whole = await this.#take(batch, signal);
          if (!whole) break;
        }
        // The last offsets may hold no records.
        if (whole) this.#passEmpty(stable);
      }
      return true;
    } catch (error) {
      if (factsOf(error).code === "log.offsetOutOfRange") return false;
      throw error;
    }
  }

  /** Copies a batch into the open chunk, closing chunks at the hour and by size. False when reading has to start anew from `#readTo`. */
  async #take(batch: FetchedBatch, signal: AbortSignal): Promise<boolean> {
    const { maxBytes, timestampType } = this.#options;
    const hourly = timestampType === "append";
    const records = new RecordCursor(batch);
    while (records.next()) {
      if (records.offset < this.#readTo) continue;
      const open = this.#open;
      if (open !== undefined && hourly && records.timestamp !== open.writer.lastTime && hourOf(records.timestamp) !== hourOf(open.writer.firstTime)) {
        if (!(await this.#close(signal))) return false;
      }
      const { writer } = (this.#open ??= this.#openChunk());
      writer.add(records);
      this.#readTo = (records.offset + 1) as Offset;
      if (!writer.full) continue;
      await writer.flush();
      if ((writer.bytes >= maxBytes || writer.schemaIds.size >= schemaIdsMax) && !(await this.#close(signal))) return false;
    }
    this.#passEmpty(batch.next);
    return true;
  }

  #passEmpty(to: Offset): void {
    if (to <= this.#readTo) return;
    if (this.#readTo === this.#position) this.#openedAt = this.#options.env.monotonic();
    this.#readTo = to;
  }

  #openChunk(): OpenChunk {
    const { of, env, scratchDir, timestampType, maxBytes } = this.#options;
    if (this.#readTo === this.#position) this.#openedAt = env.monotonic();
    const attempt = randomId(env);
    const path = join(scratchDir, `${attempt}.blocks`);
    return { attempt, writer: new ChunkWriter({ path, timestampType, sync: syncMarker(of, this.#position), blockBytes: Math.min(blockBytes, maxBytes) }) };
  }

  #isDue(): boolean {
    const { env, everyMs, timestampType } = this.#options;
    if (this.#readTo === this.#position) return false;
    if (env.monotonic() - this.#openedAt >= everyMs) return true;
    const firstTime = timestampType === "append" ? this.#open?.writer.firstTime : undefined;
    return firstTime !== undefined && (env.now() - firstTime >= everyMs || hourOf(env.now()) > hourOf(firstTime));
  }

  /** Puts what was read into the chain. False when another archiver's chunk stood there, of another length: reading goes on where that ends. */
  async #close(signal: AbortSignal): Promise<boolean> {
    const next = this.#readTo;
    if (next === this.#position) return true;
    const open = this.#open;
    this.#open = undefined;
    try {
      await this.#link(open === undefined ? this.#emptyEntry("data", next) : await this.#store(open, next, signal));
    } finally {
      await open?.writer[Symbol.asyncDispose]();
    }
    return this.#position === next;
  }

  /**
   * Puts an entry; whoever's entry stands there afterwards is announced, and is where the archive goes on. No abort interrupts it: it is short, and an entry
   * whose outcome is open would leave an object that may or may not count.
   */
  async #link(entry: ChainEntry): Promise<void> {
    const { of, objects, dataset, logger } = this.#options;
    const put = await putChainEntry(objects, of, entry);
    const winner = put.kind === "stored" ? entry : put.winner;
    this.#position = this.#readTo = winner.next;
    // If it cannot be deleted it is an orphan.
    if (put.kind === "taken" && entry.path !== undefined) await objects.delete([entry.path]).catch(() => undefined);
    await this.#announce(winner);
    const { start, next, records, bytes, kind } = winner;
    const facts = { dataset, topicId: of.topicId, partition: of.partition, start, next, records, bytes };
    if (put.kind === "taken") logger.info("chunk of another archiver adopted", facts);
    else if (kind === "gap") logger.error("retention removed records before they were archived", facts);
    else logger.info("chunk stored", facts);
  }

  /** Stores the data object of a finished chunk and describes it. */
  async #store({ attempt, writer }: OpenChunk, next: Offset, signal: AbortSignal): Promise<ChainEntry> {
    const { of } = this.#options;
    await writer.finish();
    const start = this.#position;
    const { records, firstTime, lastTime } = writer;
    const path = dataKey(of, { firstTime, last: (next - 1) as Offset, attempt });
    const header = encodeChunkHeader({ of, start, next, schemas: await this.#schemas(writer.schemaIds) });
    const { sha256, bytes } = await this.#put(path, writer.body(header), signal);
    return { formatVersion: 1, kind: "data", start, next, path, attempt, sha256, records, bytes, times: { first: firstTime, last: lastTime } };
  }

  async #put(path: ObjectKey, body: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<{ readonly sha256: string; readonly bytes: number }> {
    const { objects } = this.#options;
    const hash = createHash("sha256");
    let bytes = 0;
    async function* hashed(): AsyncGenerator<Uint8Array> {
      for await (const part of body) {
        hash.update(part);
        bytes += part.length;
        yield part;
      }
    }
    try {
      const put = await objects.put(path, hashed(), { signal });
      assert(put.kind === "stored" && put.bytes === bytes, "a data object is stored once, with all of its bytes");
    } catch (error) {
      // No entry names it, and none ever will: its attempt ends here. If it cannot be deleted it is an orphan.
      await objects.delete([path]).catch(() => undefined);
      throw error;
    }
    return { sha256: hash.digest("hex"), bytes };
  }

  async #schemas(ids: ReadonlySet<number>): Promise<ReadonlyMap<number, AvroRecordSchema>> {
    const { registry, logger, dataset } = this.#options;
    const schemas = new Map<number, AvroRecordSchema>();
    for (const id of [...ids].sort((a, b) => a - b)) {
      const schema = await registry.schema(id);
      if (schema === undefined) logger.warn("archived values name a schema that is not registered", { dataset, schemaId: id });
      else schemas.set(id, schema);
    }
    return schemas;
  }

  /** Retention removed what lies below `first`: where no other archiver had it before, the chain says that it is missing. */
  async #passGap(first: Offset, signal: AbortSignal): Promise<void> {
    // What was read before it was removed is safe, and comes first.
    await this.#close(signal);
    while (this.#position < first) await this.#link(this.#emptyEntry("gap", first));
  }

  #emptyEntry(kind: "data" | "gap", next: Offset): ChainEntry {
    return { formatVersion: 1, kind, start: this.#position, next, attempt: randomId(this.#options.env), records: 0, bytes: 0 };
  }

  async #announce(entry: ChainEntry): Promise<void> {
    const { of, dataset, log, chunksTopic } = this.#options;
    await announceChunk(log, chunksTopic, { formatVersion: 1, dataset, topicId: of.topicId, partition: of.partition, entry });
    await this.#commit();
  }

  async #commit(): Promise<void> {
    const { of, log, group } = this.#options;
    await log.commit(group, [{ ...of, offset: this.#position }]);
  }

  /**
   * Everything is archived that the log had, or ever will have, of the time before it was looked at; or, of an open chunk, everything before its first record.
   * `asOf` is absent where the log was writing records at that moment: they may have an earlier append time.
   */
  #lookBack(asOf: number | undefined): void {
    const { timestampType } = this.#options;
    const firstOpen = timestampType === "append" ? this.#open?.writer.firstTime : undefined;
    const through = this.#readTo === this.#position ? asOf : firstOpen;
    // Records may yet come within the same millisecond.
    if (through !== undefined) this.#completeThrough = Math.max(this.#completeThrough ?? 0, through - 1);
  }
}

function hourOf(ms: number): number {
  return Math.floor(ms / hourMs);
}
