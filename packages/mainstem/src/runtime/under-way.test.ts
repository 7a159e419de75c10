import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { UnderWay } from "./under-way.ts";

test("holds what was added and not deleted", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20)), (steps) => {
      const underWay = new UnderWay<number>();
      const entries = steps.map((step, index) => {
        const entry = underWay.add(index);
        return { entry, step };
      });
      const gone = new Set<number>();
      for (const { step } of entries) {
        const one = entries[step]?.entry;
        if (one === undefined) continue;
        underWay.delete(one);
        gone.add(one.value);
      }
      const left = entries.map(({ entry: { value } }) => value).filter((value) => !gone.has(value));
      assert.deepEqual([...underWay].toSorted(ascending), left);
    }),
  );
});

test("may change while it is read", () => {
  const underWay = new UnderWay<string>();
  const [first, second] = [underWay.add("first"), underWay.add("second")];
  const seen: string[] = [];
  for (const value of underWay) {
    underWay.delete(first);
    underWay.delete(second);
    seen.push(value);
  }
  assert.deepEqual(seen, ["first", "second"]);
  assert.deepEqual([...underWay], []);
});

function ascending(a: number, b: number): number {
  return a - b;
}
