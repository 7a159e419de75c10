import assert from "node:assert/strict";
import { test } from "node:test";
import { countWay, nextBaseline, type CountedDataset } from "./way-counts.ts";

interface Given {
  readonly door?: number;
  readonly first?: number;
  readonly end: number;
  /** Undefined: not looked yet. */
  readonly archived?: number | undefined;
  /** Undefined: no table yet. */
  readonly tabled?: number | undefined;
  readonly rows?: number;
  readonly generations?: number;
}

/** Two partitions: what is given stands in the first, the second holds ten everywhere. */
function dataset({ door = 0, first = 0, end, archived, tabled, rows = 5, generations = 1 }: Given): CountedDataset {
  const places = (next: number) => [
    { partition: 0, next },
    { partition: 1, next: 10 },
  ];
  const partitions = [
    { partition: 0, first, end },
    { partition: 1, first: 0, end: 10 },
  ];
  return {
    rows: tabled === undefined ? null : rows,
    door: { accepted: door, quarantined: 0, refused: 0 },
    generations: Array.from({ length: generations }, (_, index) => ({ generation: index + 1, topicId: `t${index}` })),
    topics: { records: { name: "a.b", id: "t", partitions }, inbox: { name: "i", id: "i", partitions: [] } },
    archive: { partitions: archived === undefined ? [] : places(archived), completeThrough: null },
    table:
      tabled === undefined
        ? null
        : { snapshot: { id: "7", parentId: null, committedAt: "2026-11-21T00:00:00Z", rows, summary: {} }, partitions: places(tabled), completeThrough: null },
  };
}

const kindOf = (given: Given, known: Parameters<typeof countWay>[1] = {}): string => countWay(dataset(given), known).agreement.kind;
const faultsOf = (given: Given, known: Parameters<typeof countWay>[1] = {}): readonly string[] => {
  const { agreement } = countWay(dataset(given), known);
  return agreement.kind === "disagree" ? agreement.faults.map(({ station, sentence }) => `${station}: ${sentence}`) : [];
};

test("stations agree where each holds all of the one before it", () => {
  const counts = countWay(dataset({ door: 40, end: 40, archived: 40, tabled: 40 }));
  assert.deepEqual(counts, { appended: 50, readable: 50, archived: 50, archiveWaits: 0, tabled: 50, tableWaits: 0, rows: 5, agreement: { kind: "agree" } });
  assert.equal(countWay(dataset({ first: 30, end: 40, archived: 40, tabled: 40 })).readable, 20);
});

test("records on their way are no contradiction, and are counted", () => {
  const counts = countWay(dataset({ end: 40, archived: 30, tabled: 10 }));
  assert.deepEqual([counts.archiveWaits, counts.tableWaits, counts.agreement.kind], [10, 20, "moving"]);
  assert.equal(kindOf({ end: 40, archived: undefined, tabled: 40 }), "moving");
  assert.equal(kindOf({ end: 40, archived: 40, tabled: undefined }), "moving");
});

test("a station that is ahead of the one before it is named, in each partition alone", () => {
  assert.deepEqual(faultsOf({ end: 40, archived: 41, tabled: 40 }), ["archive: In partition 0 the archive stands at 41, and the log ends at 40."]);
  assert.deepEqual(faultsOf({ end: 40, archived: 30, tabled: 31 }), ["table: In partition 0 the table stands at 31, and the archive at 30."]);
  assert.deepEqual(faultsOf({ end: 40, archived: undefined, tabled: 41 }), ["table: In partition 0 the table stands at 41, and the log ends at 40."]);
});

test("what the log dropped before the archive read it is a contradiction", () => {
  assert.deepEqual(faultsOf({ first: 35, end: 40, archived: 30, tabled: 30 }), [
    "archive: In partition 0 the log begins at 35, and the archive has read only to 30.",
  ]);
});

test("the door may not have accepted more than the log was given", () => {
  assert.deepEqual(faultsOf({ door: 51, end: 40, archived: 40, tabled: 40 }), ["log: The door accepted 51 records, and the log was given only 50."]);
  assert.equal(kindOf({ door: 51, end: 40, archived: 40, tabled: 40, generations: 2 }), "agree", "the door also counts the records of earlier topics");
  const baseline = nextBaseline(undefined, dataset({ door: 5, end: 30 }));
  assert.deepEqual(baseline, { accepted: 5, end: 40 });
  assert.deepEqual(faultsOf({ door: 9, end: 33, archived: 33, tabled: 33 }, { baseline }), [
    "log: While this page looked, the door accepted 4 records, and the log grew by only 3.",
  ]);
  assert.equal(kindOf({ door: 8, end: 40, archived: 40, tabled: 40 }, { baseline }), "agree", "a replay adds records without the door");
});

test("a door that counts less than before belongs to a server that began anew", () => {
  const baseline = nextBaseline(undefined, dataset({ door: 5, end: 30 }));
  assert.equal(nextBaseline(baseline, dataset({ door: 6, end: 31 })), baseline);
  assert.deepEqual(nextBaseline(baseline, dataset({ door: 1, end: 31 })), { accepted: 1, end: 41 });
});

test("rows are counted again by a query, and are no more than the records that they are made of", () => {
  const even = { end: 40, archived: 40, tabled: 40 };
  assert.equal(kindOf(even, { counted: { snapshot: "7", rows: 5 } }), "agree");
  assert.deepEqual(faultsOf(even, { counted: { snapshot: "7", rows: 4 } }), ["table: The snapshot says that it has 5 rows, and a query counts 4."]);
  assert.equal(kindOf(even, { counted: { snapshot: "6", rows: 4 } }), "agree", "what was counted in another snapshot says nothing of this one");
  assert.deepEqual(faultsOf({ ...even, rows: 51 }), ["table: The table has 51 rows of only 50 records."]);
  assert.equal(kindOf({ ...even, rows: 51, generations: 2 }), "agree");
});
