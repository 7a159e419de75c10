import assert from "node:assert/strict";
import { test } from "node:test";
import { editDistance, nearestName, perhaps } from "./nearest-name.ts";

test("a slip, other capitals and other separators find the name that was meant", () => {
  const known = ["host", "port", "token", "bodyBytesMax"];
  for (const [typed, meant] of [
    ["hots", "host"],
    ["prot", "port"],
    ["TOKEN", "token"],
    ["body_bytes_max", "bodyBytesMax"],
    ["bodyByteMax", "bodyBytesMax"],
    ["bodySize", undefined],
    ["x", undefined],
    ["", undefined],
  ] as const)
    assert.equal(nearestName(typed, known), meant, typed);
});

test("a sentence about an unknown name ends with the near one, if there is one", () => {
  assert.equal(perhaps("shop.order", ["shop.orders", "shop.items"]), " (perhaps shop.orders)");
  assert.equal(perhaps("shop.order", ["web.visits"]), "");
});

test("distances count insertions, omissions, changes and swaps", () => {
  for (const [from, to, distance] of [
    ["", "", 0],
    ["abc", "abc", 0],
    ["abc", "ab", 1],
    ["ab", "abc", 1],
    ["abc", "axc", 1],
    ["abc", "acb", 1],
    ["kitten", "sitting", 3],
  ] as const)
    assert.equal(editDistance(from, to, 9), distance, `${from} ${to}`);
  assert.ok(editDistance("a", "abcdefgh", 3) > 3);
});
