import type { Context } from "./context.ts";
import { formatCount, formatSeconds } from "./text-table.ts";
import { cutToWidth, widthOf } from "./text-width.ts";

export interface ProgressState {
  readonly done: number;
  /** Undefined where nobody knows how much there is. */
  readonly total?: number | undefined;
  /** What else is worth saying at this moment. */
  readonly note?: string;
}

export interface Progress {
  update(state: ProgressState): void;
}

export interface ProgressOptions {
  readonly label: string;
  /** Writes an amount, such as a number of bytes. */
  readonly format?: (amount: number) => string;
  /** Milliseconds that never run backwards. */
  readonly monotonic?: () => number;
}

/** A screen is drawn anew after this time at the earliest, a pipe gets a line. */
const drawEveryMs = 100;
const lineEveryMs = 10_000;
/** Before this time a rate says nothing. */
const rateAfterMs = 1_000;
const barWidthMax = 24;
const barWidthMin = 8;
const gap = "  ";

/** Shows how far long work is: a bar on a screen, a plain line now and then in a pipe, nothing with `--json`. */
export function createProgress({ terminal, json }: Pick<Context, "terminal" | "json">, options: ProgressOptions): Progress {
  const { label, format = formatCount, monotonic = () => performance.now() } = options;
  const began = monotonic();
  let first: number | undefined;
  let shown = Number.NEGATIVE_INFINITY;
  let said = began;
  return {
    update({ done, total, note }) {
      if (json) return;
      const now = monotonic();
      const from = (first ??= done);
      const perSecond = now - began < rateAfterMs ? 0 : ((done - from) / (now - began)) * 1_000;
      const state = { label, format, done, total, note, perSecond };
      const width = terminal.progressWidth;
      if (width === undefined) {
        if (now - said < lineEveryMs) return;
        said = now;
        terminal.say(describeProgress(state).join(gap));
      } else if (now - shown >= drawEveryMs || done === total) {
        shown = now;
        terminal.progress(drawProgress(state, width - 1));
      }
    },
  };
}

interface Shown extends ProgressState {
  readonly label: string;
  readonly format: (amount: number) => string;
  readonly perSecond: number;
}

/** In one line of a width: the bar gives way to the words, and words that do not fit are left out from the right. */
export function drawProgress(shown: Shown, width: number): string {
  const { done, total } = shown;
  const [label = "", ...words] = describeProgress(shown);
  const room = width - widthOf([label, ...words].join(gap)) - gap.length;
  const bar = total !== undefined && total > 0 ? [drawBar(done / total, Math.max(barWidthMin, Math.min(barWidthMax, room)))] : [];
  let line = cutToWidth(label, width);
  for (const part of [...bar, ...words]) {
    if (widthOf(line) + gap.length + widthOf(part) > width) break;
    line += gap + part;
  }
  return line;
}

/** A share from 0 to 1 in so many columns. */
export function drawBar(share: number, width: number): string {
  const full = Math.max(0, Math.min(width, Math.floor(share * width)));
  return "█".repeat(full) + "░".repeat(width - full);
}

/** The label, then what is known, the most telling first. */
function describeProgress({ label, format, done, total, note = "", perSecond }: Shown): readonly string[] {
  const known = total !== undefined && total > 0;
  const left = known && perSecond > 0 && done < total ? `${formatSeconds((total - done) / perSecond)} left` : "";
  return [
    label,
    ...[
      known ? `${Math.max(0, Math.min(100, Math.floor((done / total) * 100)))}%` : "",
      known ? `${format(done)} of ${format(total)}` : format(done),
      left,
      note,
      perSecond > 0 ? `${format(Math.round(perSecond))}/s` : "",
    ].filter((text) => text !== ""),
  ];
}
