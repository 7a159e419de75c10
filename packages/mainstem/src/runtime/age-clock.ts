import type { Env } from "./env.ts";

/** A wall clock that is further ahead than this of the time that passed has leapt: set by somebody, or the machine slept. */
export const leapMsMin = 600_000;
/** How long a leap ahead has to last before it is believed. */
export const leapHeldMs = 3_600_000;

/** The time by which something is judged too old to keep. */
export interface AgeClock {
  /** Milliseconds since 1970. Never ahead of the wall clock, and behind it for as long as a leap is not believed. Ask it at least once in some minutes. */
  now(): number;
}

export interface AgeClockOptions {
  readonly env: Pick<Env, "now" | "monotonic">;
  /** A time that surely has been, from before this process; without it the wall clock is believed at the start. */
  readonly known?: number | undefined;
}

/**
 * A wall clock that is set a year ahead makes everything a year old at once. Until it has said so for an hour, time goes on from where it was: whoever set it
 * wrong can set it right before anything is dropped for its age. A clock that goes back is believed at once: it only keeps things for longer.
 */
export function createAgeClock({ env, known }: AgeClockOptions): AgeClock {
  const began = env.now();
  // How far the time that is believed is ahead of the monotonic clock.
  let offset = (known !== undefined && began - known > leapMsMin ? known : began) - env.monotonic();
  let leapt: number | undefined;
  return {
    now() {
      const wall = env.now();
      const monotonic = env.monotonic();
      if (wall - monotonic - offset > leapMsMin) {
        leapt ??= monotonic;
        if (monotonic - leapt < leapHeldMs) return monotonic + offset;
      }
      leapt = undefined;
      offset = wall - monotonic;
      return wall;
    },
  };
}
