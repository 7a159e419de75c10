import assert from "node:assert/strict";
import { test } from "node:test";
import { describeEnd, describeMoves } from "./succession.ts";

const closedAt = "2026-11-21T14:05:00.000Z";

test("says where a dataset ends", () => {
  assert.equal(describeEnd({ closedAt: null, partitions: [{ partition: 0, end: 1 }] }), "open (1 record so far)");
  const partitions = [
    { partition: 0, end: 1_000 },
    { partition: 1, end: 200 },
  ];
  assert.equal(describeEnd({ closedAt, partitions }), `closed since ${closedAt} at 1,200 records`);
});

test("tells a group that has moved from one that has read all, and that from one that is behind", () => {
  const groups = [
    { group: "a", behind: 0, moved: true },
    { group: "b", behind: 0, moved: false },
    { group: "c", behind: 1, moved: false },
  ];
  assert.deepEqual(describeMoves({ closedAt, groups }), ["a, has moved on", "b, has read all of it", "c, 1 record behind"]);
  assert.deepEqual(describeMoves({ closedAt: null, groups: groups.slice(1, 2) }), ["b, has read all so far"]);
});
