/** Numbers from a seed: a failed run is repeated with `MAINSTEM_TEST_SEED`. */
export interface Dice {
  /** From 0 (inclusive) to `sides` (exclusive). */
  roll(sides: number): number;
}

/** xorshift32, by George Marsaglia. */
export function createDice(seed: number): Dice {
  let state = seed >>> 0 || 1;
  return {
    roll(sides) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      state >>>= 0;
      return state % sides;
    },
  };
}

export const datasetName = "kill.events";

/** Keys that return with greater revisions and move between days; small enough to be updated many times, large enough for several files. */
export const contract = {
  formatVersion: 1,
  name: datasetName,
  schema: {
    type: "record",
    name: "events",
    namespace: "kill",
    fields: [
      { name: "id", type: "string" },
      { name: "revision", type: "long" },
      { name: "at", type: { type: "long", logicalType: "timestamp-micros" } },
      { name: "sent", type: "string" },
      { name: "note", type: ["null", "string"], default: null },
    ],
  },
  key: ["id"],
  order: ["revision"],
  merge: { kind: "latest" },
  partition: [{ field: "at", transform: "day" }],
};

export interface Sent {
  readonly id: string;
  /** Greater than that of every record made before. */
  readonly revision: number;
  readonly at: string;
  /** Different for every record: tells one from another wherever it turns up. */
  readonly sent: string;
  readonly note: string | null;
}

export interface Batch {
  readonly lines: readonly string[];
  readonly valid: readonly Sent[];
  /** Indexes of the invalid lines. */
  readonly invalid: readonly number[];
  /** The `sent` of invalid records: none of them may turn up anywhere. */
  readonly refusedIds: readonly string[];
}

const keys = 700;
const days = 5;

/** Makes batches without end; one record in twenty is invalid. No two of `clients` make the same revision. */
export function createBatches(dice: Dice, { client, clients }: { readonly client: number; readonly clients: number }): { next(): Batch } {
  let revision = client;
  const makeRecord = (): Sent => {
    revision += clients;
    const time = Date.UTC(2026, 10, 1 + dice.roll(days), dice.roll(24), dice.roll(60));
    return {
      id: `key-${dice.roll(keys)}`,
      revision,
      at: new Date(time).toISOString(),
      sent: `${client}-${revision}`,
      note: dice.roll(3) === 0 ? null : "n".repeat(dice.roll(200)),
    };
  };
  return {
    next() {
      const lines: string[] = [];
      const valid: Sent[] = [];
      const invalid: number[] = [];
      const refusedIds: string[] = [];
      for (let index = 0, count = 1 + dice.roll(150); index < count; index++) {
        const record = makeRecord();
        if (dice.roll(20) > 0) {
          valid.push(record);
          lines.push(JSON.stringify(record));
        } else {
          invalid.push(index);
          refusedIds.push(record.sent);
          lines.push(dice.roll(2) === 0 ? JSON.stringify({ ...record, revision: "soon" }) : `{"sent":"${record.sent}", no JSON`);
        }
      }
      return { lines, valid, invalid, refusedIds };
    },
  };
}
