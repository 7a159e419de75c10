import type { Earthquake } from "./datasets.ts";
import type { Random } from "./random.ts";
import { toTimestamp } from "./source-data.ts";

const minuteMs = 60_000;
const dayMs = 86_400_000;

/** What is sent, in this order: each batch is one request. */
export interface Shipment {
  /** Sent first; the table is looked at after it. */
  readonly before: readonly (readonly Earthquake[])[];
  readonly after: readonly (readonly Earthquake[])[];
  readonly counts: {
    readonly events: number;
    /** Different records, revisions included. */
    readonly distinct: number;
    readonly repeated: number;
    /** Revisions that put an event on another day than the published one. */
    readonly moved: number;
    /** Old revisions that come after everything else. */
    readonly late: number;
  };
}

/**
 * The seismologists' work, made up: each published event gets up to three earlier revisions (rougher, not reviewed) and up to two later ones,
 * some of them on another day. All are shuffled and cut into batches; two in five are sent twice, and some old revisions come last of all.
 */
export function makeShipment(events: readonly Earthquake[], options: { readonly random: Random; readonly batchRecords: number }): Shipment {
  const { random, batchRecords } = options;
  const earlier = events.flatMap((event) => makeEarlier(event, random));
  const later = events.flatMap((event) => makeLater(event, random));
  const late = random.shuffle(earlier).slice(0, Math.floor(earlier.length / 5));
  const held = new Set(late);
  const distinct = [...earlier.filter((record) => !held.has(record)), ...events, ...later];
  const repeated = random.shuffle(distinct).slice(0, Math.floor(distinct.length * 0.4));
  const stream = random.shuffle([...distinct, ...repeated]);
  const half = Math.floor(stream.length / 2);
  const days = new Map(events.map((event) => [event.id, dayOf(event)]));
  return {
    before: cut(stream.slice(0, half), batchRecords),
    after: [...cut(stream.slice(half), batchRecords), ...cut(late, batchRecords)],
    counts: {
      events: events.length,
      distinct: distinct.length + late.length,
      repeated: repeated.length,
      moved: [...earlier, ...later].filter((record) => dayOf(record) !== days.get(record.id)).length,
      late: late.length,
    },
  };
}

function makeEarlier(event: Earthquake, random: Random): Earthquake[] {
  const updated = Date.parse(event.updated);
  return Array.from({ length: random.integer({ from: 0, to: 3 }) }, (_, index) => ({
    ...revise(event, random),
    status: "automatic" as const,
    nst: null,
    updated: toTimestamp(updated - (index + 1) * 7 * minuteMs),
  }));
}

function makeLater(event: Earthquake, random: Random): Earthquake[] {
  const updated = Date.parse(event.updated);
  return Array.from({ length: random.integer({ from: 0, to: 2 }) }, (_, index) => ({
    ...revise(event, random),
    status: "reviewed" as const,
    updated: toTimestamp(updated + (index + 1) * 31 * minuteMs),
  }));
}

/** Another magnitude; for one in six another day. */
function revise(event: Earthquake, random: Random): Earthquake {
  const mag = Math.round((event.mag + random.integer({ from: -3, to: 3 }) / 10) * 100) / 100;
  const time = Date.parse(event.time);
  const moved = random.integer({ from: 1, to: 6 }) === 1 ? time + (random.next() < 0.5 ? -dayMs : dayMs) : time;
  return { ...event, mag, time: toTimestamp(moved), title: `M ${mag.toFixed(1)} - ${event.place}` };
}

function dayOf(event: Earthquake): string {
  return event.time.slice(0, 10);
}

function cut<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) => items.slice(index * size, (index + 1) * size));
}
