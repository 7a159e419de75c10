import { ContractError } from "../errors.ts";
import { hybridTimeMax, hybridTimeMillis, toHybridTime } from "./hlc.ts";

export interface HybridClockOptions {
  /** Milliseconds since 1970 by the clock of the host. It may stand still, jump and go backwards. */
  readonly now: () => number;
  /** From 0 to below 1: where the counter starts in a new millisecond, so that two hosts seldom give the same time. */
  readonly random: () => number;
  /**
   * A time that all times to come must lie above: what the clock gave last before a restart, or anything above it. So it is enough to store a time
   * ahead of those that are given, and the next one before it is reached.
   */
  readonly last?: bigint;
  /** How far beyond the host's clock a time from elsewhere may lie. One minute by default. */
  readonly aheadMsMax?: number;
}

/** What came of a time from elsewhere. `refused`: it lies too far beyond the host's clock (one of the two is wrong), and changed nothing. */
export type ReceivedTime = { readonly kind: "received"; readonly time: bigint } | { readonly kind: "refused"; readonly aheadMs: number };

/**
 * A hybrid logical clock: times that follow the host's clock, and grow whatever that does.
 *
 * Order: every time that `tick` gives lies above all that it gave before, above `last`, and above all times that were received.
 * Drift: no time from elsewhere moves the clock more than `aheadMsMax` beyond the host's clock. A host's clock that is set back leaves it ahead
 * (`aheadMs`) until the host has caught up.
 *
 * Source: Kulkarni, Demirbas, Madappa, Avva, Leone, "Logical Physical Clocks" (2014), with both parts in one whole number, so that
 * 65,536 times of one millisecond carry into the next.
 */
export interface HybridClock {
  /** The last time that was given or received; 0 when there is none. */
  readonly last: bigint;
  /** Milliseconds by which the clock is ahead of the host's; 0 when it is not. */
  readonly aheadMs: number;
  /** A new time. Throws `contract.invalid` when all times of a long are used up. */
  tick(): bigint;
  /** Takes note of a time from elsewhere: the next `tick` lies above it. Throws `contract.invalid` for what is no such time. */
  receive(remote: bigint): ReceivedTime;
}

const aheadMsDefault = 60_000;
/** A new millisecond begins in the lower half of the counter: the upper one is for what follows. */
const startBelow = 32_768;

/** Makes a hybrid logical clock. Throws `contract.invalid` where `last` is no time of such a clock. */
export function createHybridClock({ now, random, last: stored = 0n, aheadMsMax = aheadMsDefault }: HybridClockOptions): HybridClock {
  checkTime(stored);
  let last = stored;
  return {
    get last() {
      return last;
    },
    get aheadMs() {
      return Math.max(hybridTimeMillis(last) - Math.floor(now()), 0);
    },
    tick() {
      const counter = Math.floor(random() * startBelow) % startBelow;
      const time = toHybridTime({ millis: now(), counter });
      if (time <= last && last === hybridTimeMax)
        throw new ContractError("contract.invalid", "The hybrid clock has no time left: a clock was set far into the future.");
      last = time > last ? time : last + 1n;
      return last;
    },
    receive(remote) {
      checkTime(remote);
      const aheadMs = hybridTimeMillis(remote) - Math.floor(now());
      // What is not beyond the clock itself moves nothing, however far it is ahead of a host's clock that was set back.
      if (remote > last && aheadMs > aheadMsMax) return { kind: "refused", aheadMs };
      if (remote > last) last = remote;
      return { kind: "received", time: last };
    },
  };
}

function checkTime(time: bigint): void {
  if (typeof time !== "bigint" || time < 0n || time > hybridTimeMax)
    throw new ContractError("contract.invalid", `${String(time)} is no time of a hybrid clock: those are whole numbers from 0 to ${hybridTimeMax}.`);
}
