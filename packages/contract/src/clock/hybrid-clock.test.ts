import assert from "node:assert/strict";
import { test } from "node:test";
import { ContractError } from "../errors.ts";
import { createHybridClock } from "./hybrid-clock.ts";
import { hybridTimeMax, hybridTimeMillis, toHybridTime } from "./hlc.ts";

test("a time is the millisecond above a counter of 16 bits, and fits a long", () => {
  assert.equal(toHybridTime({ millis: 1_000, counter: 7 }), 65_536_007n);
  assert.equal(hybridTimeMillis(65_536_007n), 1_000);
  assert.equal(toHybridTime({ millis: Number.MAX_VALUE, counter: 65_535 }), hybridTimeMax);
  assert.equal(toHybridTime({ millis: -1 }), 0n);
  assert.equal(hybridTimeMax, 2n ** 63n - 1n);
});

test("more times than one millisecond holds run into the next", () => {
  const clock = createHybridClock({ now: () => 5, random: () => 0.999 });
  let before = clock.tick();
  for (let count = 0; count < 70_000; count += 1) {
    const time = clock.tick();
    assert.equal(time, before + 1n);
    before = time;
  }
  assert.equal(hybridTimeMillis(before), 6);
  assert.equal(clock.aheadMs, 1);
});

test("a counter starts anywhere in the lower half, as randomness says", () => {
  const starts = [0, 0.25, 0.999].map((random) => createHybridClock({ now: () => 9, random: () => random }).tick() & 0xffffn);
  assert.deepEqual(starts, [0n, 8_192n, 32_735n]);
});

test("what is no time is refused by name, and a clock without times left says so", () => {
  const refusal = (run: () => unknown) => assert.throws(run, (error) => error instanceof ContractError && error.code === "contract.invalid");
  const options = { now: () => 1, random: () => 0 };
  for (const wrong of [-1n, hybridTimeMax + 1n, 5 as unknown as bigint]) {
    refusal(() => createHybridClock({ ...options, last: wrong }));
    refusal(() => createHybridClock(options).receive(wrong));
  }
  const spent = createHybridClock({ ...options, last: hybridTimeMax });
  refusal(() => spent.tick());
});
