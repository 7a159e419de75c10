import type { Progress } from "./task.ts";

/** Reports are put together so that so many points describe a window, however often a task reports. */
const pointsMax = 48;
/** Below this span a rate says nothing. */
const spanMsMin = 1_000;

interface Point {
  /** When it began and where the task was then; then the latest of it. */
  readonly from: number;
  readonly fromPosition: number;
  at: number;
  position: number;
  /** The least distance from the end within it. */
  lagMin: number;
}

/** What a task did of late. All times are monotonic milliseconds. */
export class ProgressWindow {
  readonly windowMs: number;
  #points: Point[] = [];
  #lookedAt: number;
  #behindSince: number | undefined;

  constructor({ windowMs, now }: { readonly windowMs: number; readonly now: number }) {
    this.windowMs = windowMs;
    this.#lookedAt = now;
  }

  /** Forgets everything: the task begins anew. */
  clear(now: number): void {
    this.#points = [];
    this.#lookedAt = now;
    this.#behindSince = undefined;
  }

  add({ position, end, deferred = false }: Progress, now: number): void {
    const last = this.#points.at(-1);
    // It went back: what was before says nothing about what comes.
    if (last !== undefined && position < last.position) this.clear(now);
    const advanced = last !== undefined && position > last.position;
    const behind = position < end && !deferred;
    if (!behind) this.#behindSince = undefined;
    else if (advanced || this.#behindSince === undefined) this.#behindSince = now;
    this.#lookedAt = now;
    this.#put({ from: now, fromPosition: position, at: now, position, lagMin: Math.max(0, end - position) });
  }

  /** Since when it has work and did not advance; undefined while it has none. */
  get behindSince(): number | undefined {
    return this.#behindSince;
  }

  /** When it last reported, or began. */
  get lookedAt(): number {
    return this.#lookedAt;
  }

  /** Units a second over the window up to now, which falls while a task stands still; undefined while too little is known. */
  ratePerSecond(now: number): number | undefined {
    const last = this.#points.at(-1);
    const base = this.#points.findLast(({ from }) => from <= now - this.windowMs) ?? this.#points[0];
    if (last === undefined || base === undefined || now - base.from < spanMsMin) return undefined;
    return ((last.position - base.fromPosition) * 1_000) / (now - base.from);
  }

  /** Whether it loses against what arrives: in the newer half of a full window it never came as close to the end as in the older half. */
  isLosing(now: number): boolean {
    const first = this.#points[0];
    if (first === undefined || now - first.from < this.windowMs * 0.75) return false;
    const middle = now - this.windowMs / 2;
    const older = this.#points.filter(({ at }) => at <= middle && at > now - this.windowMs);
    const newer = this.#points.filter(({ at }) => at > middle);
    if (older.length === 0 || newer.length === 0) return false;
    return Math.min(...newer.map(({ lagMin }) => lagMin)) > Math.min(...older.map(({ lagMin }) => lagMin));
  }

  #put(point: Point): void {
    const last = this.#points.at(-1);
    if (last !== undefined && point.at - last.from < this.windowMs / pointsMax) {
      last.at = point.at;
      last.position = point.position;
      last.lagMin = Math.min(last.lagMin, point.lagMin);
    } else this.#points.push(point);
    // One point older than the window stays, as the base of the rate.
    while ((this.#points[1]?.from ?? Infinity) <= point.at - this.windowMs) this.#points.shift();
  }
}
