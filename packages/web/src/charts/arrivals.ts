import { endOf } from "../dataset/way-counts.ts";
import type { Dataset } from "../api/answers.ts";

export interface Arrival {
  /** Seconds since 1970. */
  readonly at: number;
  /** Records that the log was ever given. */
  readonly end: number;
}

/** What the chart reaches back to. */
export const arrivalsSeconds = 300;
const arrivalsMax = 400;
/** Looks further apart than that were interrupted: nothing is said of the time between. */
const gapSeconds = 15;
const byTopic = new Map<string, readonly Arrival[]>();

/** Keeps what the page saw of a dataset's log, also while it shows another one. */
export function noteArrivals({ topics: { records } }: Pick<Dataset, "topics">, atMs: number): readonly Arrival[] {
  const known = byTopic.get(records.id) ?? [];
  const at = atMs / 1_000;
  if ((known.at(-1)?.at ?? 0) >= at) return known;
  const next = [...known, { at, end: endOf(records) }].filter((arrival) => arrival.at >= at - arrivalsSeconds - gapSeconds).slice(-arrivalsMax);
  byTopic.set(records.id, next);
  return next;
}

export interface Rates {
  readonly times: readonly number[];
  /** Records a second since the look before; null where that was too long ago. */
  readonly values: readonly (number | null)[];
}

export function toRates(arrivals: readonly Arrival[]): Rates {
  const steps = arrivals.slice(1).map((arrival, index): readonly [number, number | null] => {
    const before = arrivals[index] ?? arrival;
    const seconds = arrival.at - before.at;
    return [arrival.at, seconds > gapSeconds || arrival.end < before.end ? null : (arrival.end - before.end) / seconds];
  });
  return { times: steps.map(([at]) => at), values: steps.map(([, rate]) => rate) };
}
