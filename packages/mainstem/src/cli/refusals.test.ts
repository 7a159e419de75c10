import assert from "node:assert/strict";
import { test } from "node:test";
import { createRefusalCounter, describeGroup } from "./refusals.ts";

const error = (path: string, received = "number 300") => ({ path, expected: "string", received });
const refused = (index: number, ...errors: readonly ReturnType<typeof error>[]) => ({ index, code: "record.invalid", errors });
const describe = (counter: ReturnType<typeof createRefusalCounter>) => counter.tally().groups.map((group) => describeGroup(group, "line"));

test("counts refused records by cause, the most frequent first, at their places in the whole input", () => {
  const counter = createRefusalCounter();
  counter.add(refused(3, error("title")));
  counter.add(refused(10, error("year")));
  counter.add(refused(11, error("title", "number 1776")));
  counter.add(refused(12, error("title", "null")));
  assert.equal(counter.tally().total, 4);
  assert.deepEqual(describe(counter), [
    "     2 × record.invalid at title: expected string, received number 300, number 1776 (lines 3, 11)",
    "     1 × record.invalid at year: expected string, received number 300 (line 10)",
    "     1 × record.invalid at title: expected string, received null (line 12)",
  ]);
});

test("a record with several errors is one refused record, and has a part in each cause", () => {
  const counter = createRefusalCounter();
  counter.add(refused(3, error("title"), error("year")));
  counter.add(refused(4, error("year")));
  assert.equal(counter.tally().total, 2);
  assert.deepEqual(describe(counter), [
    "     2 × record.invalid at year: expected string, received number 300 (lines 3, 4)",
    "     1 × record.invalid at title: expected string, received number 300 (line 3)",
  ]);
});

test("puts the elements of a list together, and counts the record once", () => {
  const counter = createRefusalCounter();
  for (const index of [0, 1, 2]) counter.add(refused(index, error(`items[${index}].price`), error(`items[${index + 1}].price`)));
  assert.deepEqual(describe(counter), ["     3 × record.invalid at items[0].price: expected string, received number 300 (lines 0, 1, 2)"]);
});

test("counts what the server refused without naming it", () => {
  const counter = createRefusalCounter();
  counter.addAll({ accepted: 0, quarantined: 0, refused: [refused(2, error("title"))], refusedMore: 40 }, { placeOf: (index) => index + 100 });
  assert.equal(counter.tally().total, 41);
  assert.deepEqual(describe(counter), [
    "    40 × (cause not given: an answer of the server names only its first refused records)",
    "     1 × record.invalid at title: expected string, received number 300 (line 102)",
  ]);
});

test("stays small whatever comes", () => {
  const counter = createRefusalCounter();
  for (let index = 0; index < 5_000; index++) counter.add(refused(index, error(`field${index}`), error("all", `string "${index}"`)));
  const { total, groups } = counter.tally();
  assert.equal(total, 5_000);
  assert.equal(groups.length, 1_001);
  assert.ok(groups.every(({ received, places }) => received.length <= 4 && places.length <= 5));
});

test("says a cause in one line, with a few of its values and places", () => {
  const counter = createRefusalCounter();
  for (let index = 0; index < 7; index++) counter.add(refused(index, error("title", `number ${index}`)));
  assert.deepEqual(describe(counter), ["     7 × record.invalid at title: expected string, received number 0, number 1, number 2, … (lines 0, 1, 2, 3, 4, …)"]);
  const [group] = counter.tally().groups;
  assert.ok(group);
  assert.equal(describeGroup({ ...group, count: 1, places: [4], path: "", expected: "" }, "index"), "     1 × record.invalid (index 4)");
});
