import { toPrintable } from "./terminal.ts";
import { formatCount } from "./text-table.ts";

const samplesMax = 5;
/** Reasons beyond this many are counted together, as the server counts them. */
const reasonsMax = 1_000;

/** What became of one entry. */
export interface Attempt {
  readonly id: string;
  readonly record?: unknown;
  readonly code?: string;
  readonly errors?: readonly { readonly path: string; readonly expected: string; readonly received: string }[];
}

interface Reason {
  readonly code: string;
  readonly path: string;
  readonly expected: string;
  readonly received: string;
  readonly count: number;
}

/** What a preview or a retry answers. */
export interface OutcomeDetail {
  readonly selected: number;
  readonly accepted: number;
  readonly refused: number;
  readonly samples: readonly Attempt[];
  readonly reasons: readonly Reason[];
}

/** Adds up the outcomes of several requests, and of entries that none was made for. */
export interface OutcomeSum {
  add(outcome: OutcomeDetail): void;
  /** An entry that stays without having been sent. */
  addStaying(attempt: Attempt): void;
  outcome(): OutcomeDetail;
}

export function createOutcomeSum(): OutcomeSum {
  const samples: { readonly good: Attempt[]; readonly bad: Attempt[] } = { good: [], bad: [] };
  const reasons = new Map<string, Reason>();
  let accepted = 0;
  let refused = 0;
  const addSample = (attempt: Attempt): void => {
    const list = attempt.code === undefined ? samples.good : samples.bad;
    if (list.length < samplesMax) list.push(attempt);
  };
  const addReason = (reason: Reason): void => {
    const { code, path, expected, received, count } = reason;
    const cause = JSON.stringify([code, path, expected === "" ? received : expected]);
    const named = reasons.has(cause) || reasons.size < reasonsMax;
    const key = named ? cause : "";
    const known = reasons.get(key) ?? (named ? { ...reason, count: 0 } : { code: "(other reasons)", path: "", expected: "", received: "", count: 0 });
    reasons.set(key, { ...known, count: known.count + count });
  };
  return {
    add(outcome) {
      accepted += outcome.accepted;
      refused += outcome.refused;
      outcome.samples.forEach(addSample);
      outcome.reasons.forEach(addReason);
    },
    addStaying(attempt) {
      refused++;
      addSample(attempt);
      const [error = { path: "", expected: "", received: "" }] = attempt.errors ?? [];
      addReason({ code: attempt.code ?? "", ...error, count: 1 });
    },
    outcome: () => ({
      selected: accepted + refused,
      accepted,
      refused,
      samples: [...samples.good, ...samples.bad],
      reasons: [...reasons.values()].sort((a, b) => b.count - a.count),
    }),
  };
}

/** Why entries stay. */
export function showReasons({ refused, reasons }: OutcomeDetail): readonly string[] {
  if (refused === 0) return [];
  const line = ({ count, code, path: place, expected, received }: Reason): string =>
    `  ${formatCount(count)} ${code}${place === "" ? "" : ` at ${place}`}: ${expected === "" ? "" : `expected ${expected}, received `}${toPrintable(received)}`;
  return [`${formatCount(refused)} ${refused === 1 ? "stays" : "stay"} in the inbox:`, ...reasons.map(line)];
}
