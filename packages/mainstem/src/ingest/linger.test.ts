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
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const step = async (): Promise<void> => {
    sleeps.shift()?.();
    await turn();
  };
  return { env, turn, step, pass: (ms: number) => void (now += ms), sleeping: () => sleeps.length };
}

test("each call is made once, when it has waited, with one timer for all", async () => {
  const { env, turn, step, pass, sleeping } = createSteppedEnv();
  await using linger = new Linger({ env, ms: 200 });
  const calls: string[] = [];
  const of = (name: string) => linger.of(() => void calls.push(name));
  const [first, second, gone] = [of("first"), of("second"), of("gone")];
  first.wanted();
  pass(50);
  gone.wanted();
  first.wanted();
  pass(50);
  second.wanted();
  gone[Symbol.dispose]();
  await turn();
  assert.equal(sleeping(), 1);
  await step();
  assert.deepEqual(calls, ["first"], "200 ms after it was first given");
  while (sleeping() > 0) await step();
  assert.deepEqual(calls, ["first", "second"]);
  first.wanted();
  await turn();
  assert.equal(sleeping(), 1, "after a rest it begins anew");
  while (sleeping() > 0) await step();
  assert.deepEqual(calls, ["first", "second", "first"]);
});

test("a process that stands still for longer than a call waits calls it all the same, and what comes later", async () => {
  let now = 0;
  const env: Env = { ...systemEnv, monotonic: () => (now += 1_000), sleep: () => assert.fail("the time is over") };
  await using linger = new Linger({ env, ms: 200 });
  let calls = 0;
  const call = linger.of(() => void calls++);
  for (const count of [1, 2]) {
    call.wanted();
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(calls, count);
  }
});

test("what waits when it is closed is not called", async () => {
  const { env } = createSteppedEnv();
  const linger = new Linger({ env, ms: 200 });
  linger.of(() => assert.fail("called")).wanted();
  await linger[Symbol.asyncDispose]();
});
