import assert from "node:assert/strict";
import { test } from "node:test";
import { createRefusalCounter, describeGroup } from "./refusals.ts";

const refused = (index: number, path: string, received = "number 300") => ({ index, code: "record.invalid", errors: [{ path, expected: "string", received }] });

test("counts refused records by cause, the most frequent first, at their places in the whole input", () => {
  const counter = createRefusalCounter();
  counter.add(refused(3, "title"));
  counter.add(refused(10, "year"));
  counter.add(refused(11, "title", "number 1776"));
  counter.add(refused(12, "title", "null"));
  const { total, groups } = counter.tally();
  assert.equal(total, 4);
  assert.deepEqual(
    groups.map(({ path, count, indexes }) => ({ path, count, indexes })),
    [
      { path: "title", count: 2, indexes: [3, 11] },
      { path: "year", count: 1, indexes: [10] },
      { path: "title", count: 1, indexes: [12] },
    ],
  );
});

test("puts the elements of a list together", () => {
  const counter = createRefusalCounter();
  for (const index of [0, 1, 2]) counter.add(refused(index, `items[${index}].price`));
  assert.equal(counter.tally().groups.length, 1);
});

test("counts what the server refused without naming it", () => {
  const counter = createRefusalCounter();
  counter.addAll({ accepted: 0, quarantined: 0, refused: [refused(2, "title")], refusedMore: 40 }, { placeOf: (index) => index + 100 });
  const { total, groups } = counter.tally();
  assert.equal(total, 41);
  assert.deepEqual(
    groups.map((group) => describeGroup(group)),
    ["    40 × (not named by the server)", "     1 × record.invalid at title: expected string, received number 300 (record 102)"],
  );
});

test("stays small whatever comes", () => {
  const counter = createRefusalCounter();
  for (let index = 0; index < 5_000; index++) counter.add(refused(index, `field${index}`));
  const { total, groups } = counter.tally();
  assert.equal(total, 5_000);
  assert.equal(groups.length, 1_001);
  assert.equal(groups[0]?.count, 4_000);
});

test("says a cause in one line", () => {
  const counter = createRefusalCounter();
  for (let index = 0; index < 7; index++) counter.add(refused(index, "title"));
  const [group] = counter.tally().groups;
  assert.ok(group);
  assert.equal(describeGroup(group), "     7 × record.invalid at title: expected string, received number 300 (records 0, 1, 2, 3, 4, …)");
  assert.equal(describeGroup({ ...group, count: 1, indexes: [4], path: "", expected: "" }), "     1 × record.invalid (record 4)");
});
