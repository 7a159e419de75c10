import assert from "node:assert/strict";
import { test } from "node:test";
import type { SnapshotEntry, TableMetadata } from "./metadata.ts";
import { cutOf } from "./retention.ts";

const hour = 3_600_000;
const retention = { keepMs: 10 * hour, least: 2, most: 5, graceMs: 0 };
/** What only a builder of ours says of its snapshots. */
const own = { "mainstem.checkpoint": "{}", "mainstem.contract-version": "1" };

interface Given {
  /** Each has the one before it as its parent, and became current at its hour. */
  readonly hours: readonly number[];
  readonly now: number;
  readonly refs?: Readonly<Record<string, number>>;
  readonly held?: readonly number[];
  /** Snapshots by id that are not of that line. */
  readonly others?: readonly { readonly id: number; readonly parent?: number; readonly hour: number }[];
  /** Of these the summary says nothing of ours. */
  readonly silent?: readonly number[];
  readonly tombstones?: readonly number[];
}

/** Ids count from 1. Gives the ids of what stays, and how many entries of the log go. */
function keptOf({ hours, now, refs = {}, held = [], others = [], silent = [], tombstones = [] }: Given, of = retention): readonly [readonly number[], number] {
  const line = hours.map((at, index) => ({ id: index + 1, parent: index, hour: at }));
  const snapshots = [...line, ...others]
    .sort((a, b) => a.hour - b.hour)
    .map(({ id, parent = 0, hour: at }, index): SnapshotEntry => {
      const summary = { ...(silent.includes(id) ? {} : own), ...(tombstones.includes(id) ? { "mainstem.tombstones": "{}" } : {}) };
      return {
        id: BigInt(id),
        parentId: parent === 0 ? undefined : BigInt(parent),
        sequenceNumber: index + 1,
        timestamp: at * hour,
        schemaId: 0,
        manifestList: "",
        summary,
      };
    });
  const current = snapshots.find(({ id }) => id === BigInt(hours.length));
  const metadata = {
    snapshots,
    current,
    snapshotLog: hours.map((at, index) => ({ timestamp: at * hour, snapshotId: BigInt(index + 1) })),
    refs: new Map(Object.entries({ main: hours.length, ...refs }).map(([name, id]) => [name, BigInt(id)])),
  } as unknown as TableMetadata;
  const cut = cutOf(metadata, { retention: of, now: now * hour, held: new Set(held.map(BigInt)) });
  return [snapshots.map(({ id }) => Number(id)).filter((id) => !cut.forgotten.has(BigInt(id))), cut.logEntries];
}

test("what was still current within the time stays, and so do the newest few at any age", () => {
  assert.deepEqual(keptOf({ hours: [0, 5, 20], now: 21 }), [[2, 3], 1], "the second was current until an hour ago");
  assert.deepEqual(keptOf({ hours: [0, 5, 20], now: 29 }), [[2, 3], 1]);
  assert.deepEqual(keptOf({ hours: [0, 5, 20], now: 500 }), [[2, 3], 1]);
  assert.deepEqual(keptOf({ hours: [0, 5, 20], now: 500 }, { ...retention, least: 1 }), [[3], 2]);
  assert.deepEqual(keptOf({ hours: [0, 5], now: 500 }), [[1, 2], 0]);
  assert.deepEqual(keptOf({ hours: [], now: 500 }), [[], 0]);
});

test("there are never more than the most, and a cut waits until it is worth its cost", () => {
  const hours = (count: number): number[] => Array.from({ length: count }, () => 100);
  assert.deepEqual(keptOf({ hours: hours(5), now: 101 })[0].length, 5);
  assert.deepEqual(keptOf({ hours: hours(9), now: 101 }), [[5, 6, 7, 8, 9], 4]);
  const many = { ...retention, most: 40 };
  assert.deepEqual(keptOf({ hours: hours(44), now: 101 }, many)[0].length, 44);
  assert.deepEqual(keptOf({ hours: hours(45), now: 101 }, many), [Array.from({ length: 40 }, (_, index) => index + 6), 5]);
  assert.deepEqual(keptOf({ hours: [0, 20, 25], now: 30.5 }), [[1, 2, 3], 0], "not yet a tenth over its time");
  assert.deepEqual(keptOf({ hours: [0, 20, 25], now: 31.5 }), [[2, 3], 1]);
});

test("branches, tags and what is held stay, without the history of main that is below them", () => {
  const hours = [0, 1, 2, 3, 4, 5, 6, 7];
  assert.deepEqual(keptOf({ hours, now: 500 })[0], [7, 8]);
  assert.deepEqual(keptOf({ hours, now: 500, refs: { tag: 2 } })[0], [2, 7, 8]);
  assert.deepEqual(keptOf({ hours, now: 500, held: [4, 99] })[0], [4, 7, 8]);
  const others = [
    { id: 20, hour: 1.5 },
    { id: 21, parent: 20, hour: 1.6 },
    { id: 22, parent: 21, hour: 1.7 },
    { id: 23, parent: 3, hour: 2.5 },
  ];
  assert.deepEqual(keptOf({ hours, now: 500, others, refs: { rebuild: 22 } })[0], [20, 21, 22, 7, 8], "a branch keeps its own line");
  assert.deepEqual(keptOf({ hours, now: 500, others, refs: { theirs: 23 } })[0], [23, 7, 8]);
});

test("what never was current stays for its time", () => {
  const others = [{ id: 20, hour: 490 }];
  assert.deepEqual(keptOf({ hours: [0, 1, 2, 3], now: 495, others })[0], [3, 4, 20]);
  assert.deepEqual(keptOf({ hours: [0, 1, 2, 3], now: 600, others })[0], [3, 4]);
});

test("a snapshot keeps those that it has its checkpoint, contract and remembered deletes from", () => {
  const hours = [0, 1, 2, 3, 4, 5, 6, 7];
  assert.deepEqual(keptOf({ hours, now: 500, silent: [5, 6, 7, 8] })[0], [4, 5, 6, 7, 8]);
  assert.deepEqual(keptOf({ hours, now: 500, tombstones: [3] })[0], [3, 4, 5, 6, 7, 8]);
  assert.deepEqual(keptOf({ hours, now: 500, tombstones: [3, 6, 7, 8] })[0], [7, 8]);
  assert.deepEqual(keptOf({ hours, now: 500, silent: hours.map((_, index) => index + 1) })[0], [7, 8], "nothing to inherit");
});
