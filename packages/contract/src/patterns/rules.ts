import type { PatternCost } from "./cost.ts";
import { judgePattern } from "./cost.ts";
import { unreachable } from "../unreachable.ts";

const patternLengthMax = 1_000;
const textMax = 10_000;
/** Patterns that leave only shorter texts are of no use. */
const textMin = 10;
/** A step takes some nanoseconds, so that a search ends within a second or so. */
const stepsMax = 1e8;
/** So many ways are taken for one. */
const waysFree = 10;

/** Why no check can have a pattern; undefined where one can. */
export function patternFault(pattern: string): string | undefined {
  const expected = `The pattern must be a regular expression in JavaScript's syntax with the flag u, at most ${patternLengthMax} characters.`;
  if (pattern.length > patternLengthMax || !holds(() => new RegExp(pattern, "u"))) return expected;
  const cost = costOf(pattern);
  if (textMaxOf(cost) < textMin) return costFault(cost);
  // Whether it is too large shows at its first use, which only now is known to end.
  return holds(() => new RegExp(pattern, "u").test("")) ? undefined : expected;
}

/** The longest text, in units of UTF-16, that is held against a pattern without fault: that by which no search takes more than some 10^8 steps. */
export function matchedLengthMax(pattern: string): number {
  return textMaxOf(costOf(pattern));
}

function textMaxOf(cost: PatternCost): number {
  if (cost.kind !== "polynomial") return 0;
  const steps = stepsMax / Math.max(1, cost.ways / waysFree);
  // A root that is whole may come out a hair too small.
  return Math.min(textMax, Math.floor(steps ** (1 / cost.degree) + 1e-9));
}

function costFault(cost: PatternCost): string {
  const remedy = "Write its repetitions so that a text can be matched in one way only, such as [a-z]+(-[a-z]+)* and not ([a-z]+-?)*.";
  switch (cost.kind) {
    case "exponential":
      return `By this pattern a text of N characters may be matched in 2^N ways, and a search that finds nothing tries them all. ${remedy}`;
    case "polynomial":
      return `By this pattern a search in a text of N characters may take ${cost.ways} * N^${cost.degree} steps. ${remedy}`;
    case "involved":
      return `The pattern is too involved to say how long a search may take: make it shorter. ${remedy}`;
    default:
      return unreachable(cost);
  }
}

/** A pattern is judged when it is declared, and asked about again by each encoder that is compiled. */
const known = new Map<string, PatternCost>();
const knownMax = 1_000;

function costOf(pattern: string): PatternCost {
  const cost = known.get(pattern) ?? judgePattern(pattern);
  if (known.size >= knownMax) known.clear();
  known.set(pattern, cost);
  return cost;
}

function holds(attempt: () => unknown): boolean {
  try {
    attempt();
    return true;
  } catch {
    return false;
  }
}
