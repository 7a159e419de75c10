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

/** Refused records with one cause. */
export interface RefusalGroup {
  readonly code: string;
  readonly path: string;
  readonly expected: string;
  /** What one of them had there. */
  readonly received: string;
  readonly count: number;
  /** The first few places in what was sent: records from 0, or lines of a CSV file from 1. */
  readonly indexes: readonly number[];
}

const indexesNamedMax = 5;
/** Causes beyond this many are counted together, so that hostile input cannot fill the memory. */
const groupsMax = 1_000;

export interface RefusalTally {
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
  const groups = new Map<string, { -readonly [K in keyof RefusalGroup]: RefusalGroup[K] }>();
  let total = 0;
  const add = (refused: Refused, count = 1): void => {
    total += count;
    const { path = "", expected = "", received = "" } = refused.errors[0] ?? {};
    const full = groups.size >= groupsMax;
    const key = full ? "" : JSON.stringify([refused.code, path.replace(/\[\d+\]/g, "[]"), expected, received.split(" ", 1)[0]]);
    const known = groups.get(key);
    const group = known ?? { code: full ? "(other causes)" : refused.code, path, expected, received, count: 0, indexes: [] };
    if (known === undefined) groups.set(key, group);
    group.count += count;
    if (refused.index >= 0 && group.indexes.length < indexesNamedMax) group.indexes = [...group.indexes, refused.index];
  };
  return {
    add: (refused) => add(refused),
    addAll({ refused, refusedMore = 0 }, { placeOf }) {
      for (const one of refused) add({ ...one, index: placeOf(one.index) });
      if (refusedMore > 0) add({ index: -1, code: "(not named by the server)", errors: [] }, refusedMore);
    },
    tally: () => ({ total, groups: [...groups.values()].sort((a, b) => b.count - a.count) }),
  };
}

/** `  9 × record.invalid at title: expected string, received number 300 (records 12, 80, …)` */
export function describeGroup(group: RefusalGroup, noun: "record" | "line" = "record"): string {
  const place = group.path === "" ? "" : ` at ${group.path}`;
  const expectation = group.expected === "" ? "" : `: expected ${group.expected}, received ${group.received}`;
  const more = group.count > group.indexes.length ? ", …" : "";
  const places = group.indexes.length === 0 ? "" : ` (${noun}${group.count === 1 ? "" : "s"} ${group.indexes.join(", ")}${more})`;
  return `${String(group.count).padStart(6)} × ${group.code}${place}${expectation}${places}`;
}
