import assert from "node:assert/strict";
import { test } from "node:test";
import { systemEnv, type Env } from "../runtime/env.ts";
import { Linger } from "./linger.ts";

/** A clock that is moved by hand; each step ends the oldest sleep, at its time. */
function createSteppedEnv() {
  let now = 0;
  const sleeps: (() => void)[] = [];
  const env: Env = {
    ...systemEnv,
    monotonic: () => now,
    sleep: (ms, { signal } = {}) =>
      new Promise((resolve, reject) => {
        signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
        const until = now + ms;
        sleeps.push(() => {
          now = Math.max(now, until);
          resolve();
        });
      }),
  };
  const step = async (): Promise<void> => {
    sleeps.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { env, step, pass: (ms: number) => void (now += ms), sleeping: () => sleeps.length };
}

test("each call is made once, when it has waited, with one timer for all", async () => {
  const { env, step, pass, sleeping } = createSteppedEnv();
  await using linger = new Linger({ env, ms: 200 });
  const calls: string[] = [];
  const [first, second, gone] = ["first", "second", "gone"].map((name) => () => void calls.push(name)) as [() => void, () => void, () => void];
  linger.add(first);
  pass(50);
  linger.add(gone);
  linger.add(first);
  pass(50);
  linger.add(second);
  linger.delete(gone);
  assert.equal(sleeping(), 1);
  await step();
  assert.deepEqual(calls, ["first"], "200 ms after it was first given");
  while (sleeping() > 0) await step();
  assert.deepEqual(calls, ["first", "second"]);
  linger.add(first);
  assert.equal(sleeping(), 1, "after a rest it begins anew");
  while (sleeping() > 0) await step();
  assert.deepEqual(calls, ["first", "second", "first"]);
});

test("what waits when it is closed is not called", async () => {
  const { env } = createSteppedEnv();
  const linger = new Linger({ env, ms: 200 });
  linger.add(() => assert.fail("called"));
  await linger[Symbol.asyncDispose]();
});
