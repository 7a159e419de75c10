import assert from "node:assert/strict";
import { test } from "node:test";
import { describeRebuild } from "./rebuild.ts";

const none = { rows: 0, samples: [] };
const rebuild = {
  dataset: "shop.orders",
  id: "1",
  state: "ready" as const,
  snapshotId: "77",
  rows: 3,
  task: "rebuild.shop.orders",
  comparison: { before: { rows: 2 }, after: { rows: 3 }, added: { rows: 1, samples: [{ id: "c" }] }, removed: none, changed: none },
  comparisonError: null,
};

test("says that it did not swap, and why", () => {
  assert.deepEqual(describeRebuild(rebuild, { swap: true }), [
    "Rebuild 1 of shop.orders is ready.",
    "2 rows now, 3 rebuilt",
    "  added    1  such as c",
    "  removed  0",
    "  changed  0",
    "Not swapped: 1 row differs, and --swap alone is for a table that is the same.",
    "Look into it: mainstem query 'select …' --at shop.orders=77",
    "Then: mainstem rebuild shop.orders --swap --yes, or --discard",
  ]);
  const unknown = { ...rebuild, comparison: null, comparisonError: { code: "x", message: "No space." } };
  assert.deepEqual(describeRebuild(unknown, { swap: true }).slice(1, 3), [
    "It could not be compared with the table: No space.",
    "Not swapped: nobody knows what differs, and --swap alone is for a table that is the same.",
  ]);
});

test("says nothing of swapping where nobody asked for it", () => {
  assert.ok(!describeRebuild(rebuild, { swap: false }).some((line) => line.startsWith("Not swapped")));
});
