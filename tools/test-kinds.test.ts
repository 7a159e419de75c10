import assert from "node:assert/strict";
import { test } from "node:test";
import { listFiles } from "./source-files.ts";
import { selectTests } from "./test-kinds.ts";

const files = [
  "a/x.test.ts",
  "a/x.prop.ts",
  "a/x.sim.ts",
  "a/x.fault.ts",
  "a/x.golden.ts",
  "a/x.service.ts",
  "a/x.contract.ts",
  "a/x.ts",
  "test/system/y.test.ts",
  "tools/tidy.test.ts",
];

test("each run takes its kinds, what takes longest first", () => {
  assert.deepEqual(selectTests(files, { run: "unit" }), ["a/x.test.ts"]);
  assert.deepEqual(selectTests(files, { run: "services" }), ["a/x.service.ts"]);
  assert.deepEqual(selectTests(files, { run: "tidy" }), ["tools/tidy.test.ts"]);
  assert.deepEqual(selectTests(files, { run: "all" }), [
    "test/system/y.test.ts",
    "a/x.sim.ts",
    "a/x.fault.ts",
    "a/x.prop.ts",
    "a/x.golden.ts",
    "a/x.test.ts",
    "tools/tidy.test.ts",
  ]);
});

test("parts of paths choose among them", () => {
  assert.deepEqual(selectTests(files, { run: "all", filters: ["x.prop", "system"] }), ["test/system/y.test.ts", "a/x.prop.ts"]);
});

test("no test of the repository belongs to no run", () => {
  const all = listFiles();
  const taken = new Set([...selectTests(all, { run: "all" }), ...selectTests(all, { run: "services" })]);
  const stray = all.filter((file) => /\.(test|prop|sim|fault|golden|service)s?\.(ts|mts|js|mjs)$/.test(file) && !taken.has(file));
  assert.deepEqual(stray, []);
  assert.ok(taken.size > 20, `only ${taken.size} test files were found`);
});
