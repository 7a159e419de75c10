import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { timed } from "../testing/arbitraries.ts";
import { createHybridClock, type HybridClock } from "./hybrid-clock.ts";
import { hybridTimeMax, hybridTimeMillis, toHybridTime } from "./hlc.ts";

const base = 1_790_000_000_000;
const aheadMsMax = 1_000;
/** What happens on one of three hosts: its clock moves (also back), it stamps, it hears from another one, it restarts. */
const step = fc.record({
  host: fc.nat(2),
  kind: fc.constantFrom("tick", "tick", "receive", "restart", "move"),
  from: fc.nat(2),
  by: fc.oneof(fc.integer({ min: -2, max: 3 }), fc.integer({ min: -5_000, max: 5_000 })),
  random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
});

test("times of a host only grow, through jumps of its clock, receipts and restarts, and what is received lies below what follows", () => {
  let refusals = 0;
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 1, maxLength: 60 }),
      fc.array(fc.integer({ min: -3_000, max: 3_000 }), { minLength: 3, maxLength: 3 }),
      (steps, skews) => {
        const nows = skews.map((skew) => base + skew);
        let random = 0;
        const open = (host: number, last?: bigint): HybridClock =>
          createHybridClock({ now: () => nows[host] as number, random: () => random, aheadMsMax, ...(last === undefined ? {} : { last }) });
        const clocks = [open(0), open(1), open(2)];
        /** Above which every next time of a host must lie. */
        const floors = [0n, 0n, 0n];
        for (const { host, kind, from, by, ...rest } of steps) {
          ({ random } = rest);
          const clock = clocks[host] as HybridClock;
          if (kind === "move") nows[host] = (nows[host] as number) + by;
          if (kind === "restart") clocks[host] = open(host, clock.last);
          if (kind === "tick") {
            const time = clock.tick();
            assert.ok(time > (floors[host] as bigint) && time <= hybridTimeMax);
            assert.ok(hybridTimeMillis(time) >= (nows[host] as number), "behind the host's clock");
            floors[host] = time;
          }
          if (kind !== "receive") continue;
          const remote = (clocks[from] as HybridClock).last;
          const before = clock.last;
          const received = clock.receive(remote);
          const ahead = hybridTimeMillis(remote) - (nows[host] as number);
          assert.equal(received.kind, remote > before && ahead > aheadMsMax ? "refused" : "received");
          if (received.kind === "refused") {
            refusals += 1;
            assert.equal(clock.last, before);
            assert.equal(received.aheadMs, ahead);
          } else if (remote > (floors[host] as bigint)) floors[host] = remote;
        }
      },
    ),
    timed(0.3),
  );
  assert.ok(refusals > 0, "no host ever heard of a time too far ahead");
});

test("what happened after is stamped after, across hosts whose clocks disagree", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(3), fc.integer({ min: -400, max: 400 })), { minLength: 2, maxLength: 40 }), (relay) => {
      let skew = 0;
      const clocks = Array.from({ length: 4 }, () => createHybridClock({ now: () => base + skew, random: () => 0.5, aheadMsMax }));
      let message = 0n;
      for (const [host, own] of relay) {
        skew = own;
        const clock = clocks[host] as HybridClock;
        assert.equal(clock.receive(message).kind, "received");
        const next = clock.tick();
        assert.ok(next > message);
        // Nobody drifts: the greatest of the hosts' clocks leads.
        assert.ok(hybridTimeMillis(next) <= base + 400);
        message = next;
      }
    }),
    timed(0.2),
  );
});

test("a clock never lets a time from elsewhere move it further than its limit", () => {
  fc.assert(
    fc.property(fc.array(fc.bigInt({ min: 0n, max: hybridTimeMax }), { maxLength: 20 }), (remotes) => {
      const clock = createHybridClock({ now: () => base, random: () => 0, aheadMsMax });
      for (const remote of [...remotes, toHybridTime({ millis: base + aheadMsMax })]) {
        clock.receive(remote);
        assert.ok(hybridTimeMillis(clock.tick()) <= base + aheadMsMax);
      }
      assert.equal(clock.aheadMs, aheadMsMax);
    }),
    timed(0.1),
  );
});
