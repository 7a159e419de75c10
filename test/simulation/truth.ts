import assert from "node:assert/strict";
import { openChunkFile, readChain, type PartitionProgress } from "../../packages/mainstem/src/archive/index.ts";
import type { IcebergTables } from "../../packages/mainstem/src/iceberg/index.ts";
import {
  RecordCursor,
  type AppendedRange,
  type Log,
  type Offset,
  type Partition,
  type TopicInfo,
  type TopicPartition,
} from "../../packages/mainstem/src/log/index.ts";
import type { ObjectStore } from "../../packages/mainstem/src/objects/index.ts";
import type { TableProgress } from "../../packages/mainstem/src/tables/index.ts";
import { readRows, wireBytes } from "./rows-engine.ts";

/** A record as anybody outside can see it. */
interface Seen {
  readonly timestamp: number;
  readonly value: string;
}

/** What a table or an archive said of itself: everything that was appended up to then is in it. */
interface Claim {
  readonly through: number;
  /** The table's snapshot, or where the archive of the partition ends. */
  readonly of: { readonly snapshotId: bigint } | { readonly partition: number; readonly next: number };
}

/**
 * What is known from outside of a world that may lose its power at any moment: a simple model of what must be there. It grows by what was acknowledged or
 * read, never by what a store says of itself.
 */
export class Truth {
  topic: TopicInfo | undefined;
  acknowledged = 0;
  readonly partitions: number;
  /** Every record that was acknowledged or read, by partition and offset. */
  readonly #known: Map<number, Seen>[];
  /** Every batch that was ever handed over, by its first value. */
  readonly #sent = new Map<string, readonly string[]>();
  /** The least offset that a log still had: what was dropped does not come back. */
  readonly #first: number[];
  readonly #claims = new Map<string, Claim>();

  constructor({ partitions }: { readonly partitions: number }) {
    this.partitions = partitions;
    this.#known = Array.from({ length: partitions }, () => new Map<number, Seen>());
    this.#first = Array.from({ length: partitions }, () => 0);
  }

  send(values: readonly string[]): void {
    this.#sent.set(values[0]!, values);
  }

  acknowledge(partition: number, { first, timestamp }: AppendedRange, values: readonly string[]): void {
    for (const [index, value] of values.entries()) this.#learn(partition, first + index, { timestamp, value });
    this.acknowledged += values.length;
  }

  claimTable({ completeThrough, snapshotId }: TableProgress): void {
    if (completeThrough !== undefined && snapshotId !== undefined) this.#claim(String(snapshotId), { through: completeThrough, of: { snapshotId } });
  }

  claimArchive({ partition, chainNext, completeThrough }: PartitionProgress): void {
    if (completeThrough !== undefined) this.#claim(`${partition}/${chainNext}`, { through: completeThrough, of: { partition, next: chainNext } });
  }

  /** Everything acknowledged is in the log where it was said to be, and between it there are only whole batches that were sent. */
  async checkLog(log: Log): Promise<void> {
    const { topic } = this;
    if (topic === undefined) return;
    assert.equal((await log.describeTopic(topic.name))?.id, topic.id, "the topic is there");
    for (let partition = 0; partition < this.partitions; partition++) {
      const { first, stable } = await log.bounds(at(topic, partition));
      assert.ok(first >= this.#first[partition]!, "what was dropped does not come back");
      this.#first[partition] = first;
      const found = await readAll(log, at(topic, partition), { first, stable });
      for (const offset of this.#known[partition]!.keys())
        assert.ok(offset < first || found.has(offset), `offset ${offset} of partition ${partition} was acknowledged or read, and is not in the log`);
      this.#learnBatches(partition, found, { first, end: stable });
    }
  }

  /** The archive holds every record once, byte for byte as the log does, without a hole or an overlap. */
  async checkArchive(objects: ObjectStore, log: Log): Promise<void> {
    const { topic } = this;
    assert.ok(topic !== undefined);
    for (let partition = 0; partition < this.partitions; partition++) {
      const of = at(topic, partition);
      const archived = await readArchive(objects, of);
      const { stable } = await log.bounds(of);
      assert.equal(archived.size, stable, `the archive of partition ${partition} holds as many records as the log had`);
      for (const [offset, seen] of this.#known[partition]!)
        assert.deepEqual(archived.get(offset), seen, `offset ${offset} of partition ${partition} in the archive`);
      this.#learnBatches(partition, archived, { first: 0, end: stable });
    }
  }

  /** The table holds every record once; and every claim of being complete was true. */
  async checkTable(objects: ObjectStore, tables: IcebergTables, dataset: string): Promise<void> {
    const state = await tables.load(dataset);
    const current = state?.current;
    assert.ok(state !== undefined && current !== undefined, "there is a table");
    for (const { of } of this.#claims.values())
      assert.ok(!("snapshotId" in of) || state.snapshots.some(({ id }) => id === of.snapshotId), "a version that was published stays in the table");
    for (const snapshot of state.snapshots) {
      const isCurrent: boolean = snapshot.id === current.id;
      const claim = this.#claims.get(String(snapshot.id));
      if (!isCurrent && claim === undefined) continue;
      const rows = new Map<string, string>();
      for (const file of await tables.files(dataset, state, snapshot)) {
        for (const { partition, offset, value } of await readRows(objects, file)) {
          assert.ok(!rows.has(`${partition}/${offset}`), `offset ${offset} of partition ${partition} is twice in the table`);
          rows.set(`${partition}/${offset}`, value);
        }
      }
      for (const [partition, known] of this.#known.entries())
        for (const [offset, { timestamp, value }] of known) {
          if (!isCurrent && timestamp > claim!.through) continue;
          const because: string = isCurrent ? "of the whole" : `that said to be complete through ${claim!.through}`;
          assert.equal(
            rows.get(`${partition}/${offset}`),
            value,
            `offset ${offset} of partition ${partition}, appended at ${timestamp}, in the table ${because}`,
          );
        }
      if (isCurrent)
        assert.equal(
          rows.size,
          this.#known.reduce((sum, known) => sum + known.size, 0),
        );
    }
  }

  checkArchiveClaims(): void {
    for (const { of, through } of this.#claims.values()) {
      if (!("next" in of)) continue;
      for (const [offset, { timestamp }] of this.#known[of.partition]!)
        assert.ok(
          offset < of.next || timestamp > through,
          `the archive of partition ${of.partition} said at offset ${of.next} to be complete through ${through}, and offset ${offset} has ${timestamp}`,
        );
    }
  }

  #claim(of: string, claim: Claim): void {
    const before = this.#claims.get(of);
    if (before === undefined || before.through < claim.through) this.#claims.set(of, claim);
  }

  #learn(partition: number, offset: number, seen: Seen): void {
    const known = this.#known[partition]!.get(offset);
    if (known === undefined) this.#known[partition]!.set(offset, seen);
    else assert.deepEqual(seen, known, `offset ${offset} of partition ${partition} is what it was before`);
  }

  #learnBatches(partition: number, found: ReadonlyMap<number, Seen>, { first, end }: { readonly first: number; readonly end: number }): void {
    for (let offset = first; offset < end;) {
      const seen = found.get(offset);
      const batch = this.#known[partition]!.has(offset) ? [seen!.value] : this.#sent.get(seen?.value ?? "");
      assert.ok(seen !== undefined && batch !== undefined, `offset ${offset} of partition ${partition} begins no batch that was sent`);
      for (const [index, value] of batch.entries()) {
        const one = found.get(offset + index);
        assert.equal(one?.value, value, `offset ${offset + index} of partition ${partition}`);
        this.#learn(partition, offset + index, one);
      }
      offset += batch.length;
    }
  }
}

export function at(topic: TopicInfo, partition: number): TopicPartition {
  return { topic: topic.name, topicId: topic.id, partition: partition as Partition };
}

interface Cursor {
  readonly offset: number;
  readonly timestamp: number;
  next(): boolean;
  value(): Uint8Array | null;
}

function collect(cursor: Cursor, into: Map<number, Seen>, from = 0): void {
  while (cursor.next()) {
    if (cursor.offset < from) continue;
    assert.ok(!into.has(cursor.offset), `offset ${cursor.offset} is there twice`);
    into.set(cursor.offset, { timestamp: cursor.timestamp, value: Buffer.from(cursor.value()!.subarray(wireBytes)).toString() });
  }
}

async function readAll(log: Log, of: TopicPartition, { first, stable }: { readonly first: Offset; readonly stable: Offset }): Promise<Map<number, Seen>> {
  const found = new Map<number, Seen>();
  for await (const batch of log.read({ ...of, offset: first }, { until: stable, batchBytesMax: 65_536 })) collect(new RecordCursor(batch), found, first);
  return found;
}

async function readArchive(objects: ObjectStore, of: TopicPartition): Promise<Map<number, Seen>> {
  const found = new Map<number, Seen>();
  for await (const entry of readChain(objects, { ...of, from: 0 as Offset })) {
    assert.equal(entry.kind, "data", "nothing was dropped before it was archived");
    if (entry.path === undefined) continue;
    await using local = await objects.local(entry.path);
    using chunk = openChunkFile(local.path, entry);
    for (const block of chunk.blocks()) collect(block, found);
  }
  return found;
}
