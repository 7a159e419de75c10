import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { systemEnv } from "../runtime/env.ts";
import { ByteBudget, ByteShare } from "./byte-budget.ts";

const open = (more: { readonly bytesMax?: number; readonly waitingMax?: number; readonly waitMs?: number } = {}): ByteBudget =>
  new ByteBudget({ bytesMax: 100, waitingMax: 2, waitMs: 5_000, env: systemEnv, ...more });

describe("the byte budget", () => {
  test("serves who waits in the order of their coming", async () => {
    const budget = open();
    await budget.take(90);
    const order: string[] = [];
    const large = budget.take(80).then(() => order.push("large"));
    const small = budget.take(5).then(() => order.push("small"));
    assert.equal(budget.tryTake(1), false, "nobody overtakes");
    budget.give(90);
    await Promise.all([large, small]);
    assert.deepEqual(order, ["large", "small"]);
    assert.equal(budget.heldBytes, 85);
  });

  test("lets a request that is alone go beyond the whole", async () => {
    const budget = open();
    await budget.take(1_000);
    assert.equal(budget.tryTake(1), false);
  });

  test("turns away who would wait in too long a line", async () => {
    const budget = open();
    await budget.take(100);
    const waiting = [budget.take(1), budget.take(1)];
    await assert.rejects(budget.take(1), { code: "ingest.overloaded" });
    budget.give(100);
    await Promise.all(waiting);
  });

  test("turns away who has waited too long, and serves the next", async () => {
    const budget = open({ waitMs: 20 });
    await budget.take(50);
    const late = budget.take(80);
    const small = budget.take(10);
    await assert.rejects(late, { code: "ingest.overloaded" });
    await small;
    assert.equal(budget.heldBytes, 60);
    assert.equal(budget.waiting, 0);
  });

  test("forgets who stops waiting", async () => {
    const budget = open();
    await budget.take(100);
    const stop = new AbortController();
    const waiting = budget.take(1, { signal: stop.signal });
    stop.abort();
    await assert.rejects(waiting, { name: "AbortError" });
    assert.equal(budget.waiting, 0);
    budget.give(100);
    assert.equal(budget.heldBytes, 0);
  });

  test("gets back what a share holds when the share ends", () => {
    const budget = open();
    {
      using share = new ByteShare(budget);
      assert.ok(share.tryReserve(30));
      share.settle(70);
      assert.equal(budget.heldBytes, 70);
      share.settle(10);
      assert.equal(budget.heldBytes, 10);
    }
    assert.equal(budget.heldBytes, 0);
  });
});
