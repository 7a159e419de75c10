/** One record that the door refused. */
export interface Refused {
  /** The record's place in its request, from 0. */
  readonly index: number;
  readonly code: string;
  readonly errors: readonly { readonly path: string; readonly expected: string; readonly received: string }[];
}

/** The answer of the records route. */
export interface Receipt {
  readonly accepted: number;
  readonly quarantined: number;
  readonly refused: readonly Refused[];
  /** Refused records beyond those that the answer names. */
  readonly refusedMore?: number;
}

/** Refused records with one cause. A record with several errors is in several groups. */
export interface RefusalGroup {
  readonly code: string;
  readonly path: string;
  readonly expected: string;
  /** A few of the different values that they had there. */
  readonly received: readonly string[];
  /** Records. */
  readonly count: number;
  /** The first few in what was sent: lines from 1, or indexes of a JSON array from 0, as the server's answer has them. */
  readonly places: readonly number[];
}

const placesNamedMax = 5;
const receivedNamedMax = 3;
/** Causes beyond this many are counted together, so that hostile input cannot fill the memory. */
const groupsMax = 1_000;
const unnamed = "(cause not given: an answer of the server names only its first refused records)";

export interface RefusalTally {
  /** Refused records. */
  readonly total: number;
  /** The most frequent first. */
  readonly groups: readonly RefusalGroup[];
}

export interface RefusalCounter {
  /** The index is a place in the whole input. */
  add(refused: Refused): void;
  /** Everything that a receipt refuses; `placeOf` says where in the whole input a record of the request is. */
  addAll(receipt: Receipt, options: { readonly placeOf: (index: number) => number }): void;
  readonly tally: () => RefusalTally;
}

/** Counts refusals by cause while a long input is sent in many requests. */
export function createRefusalCounter(): RefusalCounter {
  // `last` is the record that was counted last, so that two elements of its list count once.
  const groups = new Map<string, { group: { -readonly [K in keyof RefusalGroup]: RefusalGroup[K] }; last: number }>();
  let total = 0;
  const add = ({ index, code, errors }: Refused, count = 1): void => {
    total += count;
    for (const { path, expected, received } of errors.length === 0 ? [{ path: "", expected: "", received: "" }] : errors) {
      const cause = JSON.stringify([code, path.replace(/\[\d+\]/g, "[]"), expected, received.split(" ", 1)[0]]);
      const known = groups.size < groupsMax || groups.has(cause);
      const key = known ? cause : "";
      const named = known ? { code, path, expected } : { code: "(other causes)", path: "", expected: "" };
      const entry = groups.get(key) ?? { group: { ...named, received: [], count: 0, places: [] }, last: 0 };
      groups.set(key, entry);
      const { group } = entry;
      // One more than is shown tells that there are others.
      if (!group.received.includes(received) && group.received.length <= receivedNamedMax) group.received = [...group.received, received];
      if (entry.last === total) continue;
      entry.last = total;
      group.count += count;
      if (index >= 0 && group.places.length < placesNamedMax) group.places = [...group.places, index];
    }
  };
  return {
    add: (refused) => add(refused),
    addAll({ refused, refusedMore = 0 }, { placeOf }) {
      for (const one of refused) add({ ...one, index: placeOf(one.index) });
      if (refusedMore > 0) add({ index: -1, code: unnamed, errors: [] }, refusedMore);
    },
    tally: () => ({ total, groups: [...groups.values()].map(({ group }) => group).sort((a, b) => b.count - a.count) }),
  };
}

const plurals = { line: "lines", index: "indexes" } as const;

/** `  9 × record.invalid at title: expected string, received number 300, number 1776 (lines 12, 80, …)` */
export function describeGroup(group: RefusalGroup, noun: keyof typeof plurals): string {
  const place = group.path === "" ? "" : ` at ${group.path}`;
  const received = [...group.received.slice(0, receivedNamedMax), ...(group.received.length > receivedNamedMax ? ["…"] : [])].join(", ");
  const expectation = group.expected === "" ? "" : `: expected ${group.expected}, received ${received}`;
  const more = group.count > group.places.length ? ", …" : "";
  const places = group.places.length === 0 ? "" : ` (${group.count === 1 ? noun : plurals[noun]} ${group.places.join(", ")}${more})`;
  return `${String(group.count).padStart(6)} × ${group.code}${place}${expectation}${places}`;
}
