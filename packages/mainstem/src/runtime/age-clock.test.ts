import assert from "node:assert/strict";
import { test } from "node:test";
import { createAgeClock, leapHeldMs } from "./age-clock.ts";

const start = 1_800_000_000_000;
const dayMs = 86_400_000;

function createClock(): { wall: number; ms: number; pass(ms: number): void; now(): number; monotonic(): number } {
  const clock = {
    wall: start,
    ms: 5_000,
    pass: (ms: number) => void ((clock.ms += ms), (clock.wall += ms)),
    now: () => clock.wall,
    monotonic: () => clock.ms,
  };
  return clock;
}

test("follows a clock that runs evenly, is corrected a little, or goes back", () => {
  const clock = createClock();
  const ages = createAgeClock({ env: clock });
  assert.equal(ages.now(), start);
  clock.pass(400 * dayMs);
  assert.equal(ages.now(), clock.wall);
  clock.wall += 500_000;
  assert.equal(ages.now(), clock.wall);
  clock.wall -= 30 * dayMs;
  assert.equal(ages.now(), clock.wall);
});

test("believes a leap ahead after an hour of it, and not one that was mended before", () => {
  const clock = createClock();
  const ages = createAgeClock({ env: clock });
  clock.wall += 365 * dayMs;
  assert.equal(ages.now(), start);
  clock.pass(leapHeldMs - 1);
  assert.equal(ages.now(), start + leapHeldMs - 1);
  clock.wall -= 365 * dayMs;
  clock.pass(dayMs);
  assert.equal(ages.now(), clock.wall);

  clock.wall += 365 * dayMs;
  const before = ages.now();
  assert.equal(before, clock.wall - 365 * dayMs);
  clock.pass(leapHeldMs);
  assert.equal(ages.now(), clock.wall);
});

test("takes a start long after the last known time for a leap, and one soon after it not", () => {
  const clock = createClock();
  const long = createAgeClock({ env: clock, known: start - 365 * dayMs });
  assert.equal(long.now(), start - 365 * dayMs);
  clock.pass(leapHeldMs - 1_000);
  assert.equal(long.now(), start - 365 * dayMs + leapHeldMs - 1_000);
  clock.pass(1_000);
  assert.equal(long.now(), clock.wall);
  assert.equal(createAgeClock({ env: clock, known: clock.wall - 60_000 }).now(), clock.wall);
  assert.equal(createAgeClock({ env: clock, known: clock.wall + 60_000 }).now(), clock.wall);
});
