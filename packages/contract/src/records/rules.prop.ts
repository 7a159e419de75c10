import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { parseContract } from "../contract-parser.ts";
import { fieldRules, orderFields, type Contract, type FieldRule } from "../contract.ts";
import { timed } from "../testing/arbitraries.ts";
import type { NativeRecord } from "./decoder.ts";
import { compileFieldMerge, type MergeState } from "./field-merge.ts";
import { mergePlacedRecords, mergeRecords, type MergedRecords, type PlacedRecord, type RowDigest, type Tombstone } from "./merge.ts";
import { compareBytes, compileOrderBytes, positionOrderBytes, type RecordPosition } from "./order-bytes.ts";
import { compareText, compileValueText } from "./row-text.ts";

const md5: RowDigest = (text) => createHash("md5").update(text).digest("hex");

/** Few values, so that ties, repeats and nulls are the rule. */
const values = {
  k: fc.constantFrom("a", "b"),
  o: fc.integer({ min: 0, max: 3 }),
  number: fc.constantFrom(null, 0, 1.5, Number.NaN, Number.NEGATIVE_INFINITY),
  text: fc.constantFrom(null, "", "a", "ä", "\u{10000}", "\uffff"),
  list: fc.constantFrom(null, [], ["b", "a"], ["a", "a", "c"], ["\u{10000}", "\uffff"]),
  gone: fc.boolean(),
};
const records: fc.Arbitrary<readonly NativeRecord[]> = fc.array(fc.record(values, { noNullPrototype: true }), { minLength: 1, maxLength: 10 });
const rulesOf = {
  number: fc.constantFrom<FieldRule>("min", "max", "latest", "first", "latestNonNull"),
  text: fc.constantFrom<FieldRule>("min", "max", "latest", "first", "latestNonNull"),
  list: fc.constantFrom<FieldRule>("union", "latest", "first", "latestNonNull"),
};

function declare(rest: object): Contract {
  const fields = [
    { name: "k", type: "string" },
    { name: "o", type: "int" },
    { name: "number", type: ["null", "double"] },
    { name: "text", type: ["null", "string"] },
    { name: "list", type: ["null", { type: "array", items: "string" }] },
    { name: "gone", type: "boolean" },
  ];
  return parseContract({ name: "a.b", schema: { type: "record", name: "b", namespace: "a", fields }, key: ["k"], order: ["o"], ...rest });
}

const byField = fc
  .tuple(fc.record(rulesOf, { requiredKeys: ["text"], noNullPrototype: true }), fc.constantFrom<unknown>(["o"], "log"))
  .map(([fields, order]) => declare({ merge: { kind: "fields", fields }, order }));

/** Each record with an order: of its fields, or of a place of its own. */
function statesOf(contract: Contract, natives: readonly NativeRecord[]): readonly MergeState[] {
  const merge = compileFieldMerge(contract);
  const order = contract.order === "log" ? undefined : compileOrderBytes(contract);
  return natives.map((native, offset) => merge.of(native, order?.(native) ?? positionOrderBytes({ generation: 1, partition: 0, offset })));
}

test("merging by field is commutative, associative and idempotent, of records and of what some of them came to", () => {
  fc.assert(
    fc.property(byField, records, fc.nat(), fc.nat(), (contract, natives, first, second) => {
      const { merge } = compileFieldMerge(contract);
      const states = statesOf(contract, natives);
      const cut = [first % (states.length + 1), second % (states.length + 1)].sort((a, b) => a - b);
      const parts = [states.slice(0, cut[0]), states.slice(cut[0], cut[1]), states.slice(cut[1])].map((part) =>
        (part.length === 0 ? states : part).reduce(merge),
      );
      const [a, b, c] = parts as [MergeState, MergeState, MergeState];
      assert.deepStrictEqual(merge(a, b), merge(b, a));
      assert.deepStrictEqual(merge(merge(a, b), c), merge(a, merge(b, c)));
      assert.deepStrictEqual(merge(a, a), a);
      assert.deepStrictEqual(merge(merge(a, b), b), merge(a, b));
    }),
    timed(0.3),
  );
});

/** What a rule says, in the plainest words: over all records at once. */
function expected(
  rule: FieldRule,
  { natives, orders, name, text }: { natives: readonly NativeRecord[]; orders: readonly Uint8Array[]; name: string; text: (value: unknown) => string },
): unknown {
  const greatestText = (candidates: readonly unknown[]) => [...candidates].sort((a, b) => compareText(text(a), text(b))).at(-1);
  const all = natives.map((native, index) => ({ value: native[name], order: orders[index] as Uint8Array }));
  const some = all.filter(({ value }) => value !== null);
  const ofOrder = (from: typeof all, sign: 1 | -1): unknown => {
    const best = from
      .map(({ order }) => order)
      .sort(compareBytes)
      .at(sign === 1 ? -1 : 0) as Uint8Array;
    return greatestText(from.filter(({ order }) => compareBytes(order, best) === 0).map(({ value }) => value));
  };
  if (rule === "latest") return ofOrder(all, 1);
  if (rule === "first") return ofOrder(all, -1);
  if (some.length === 0) return null;
  if (rule === "latestNonNull") return ofOrder(some, 1);
  if (rule === "union")
    return [...new Set(some.flatMap(({ value }) => value as readonly string[]))].sort((a, b) => compareText(JSON.stringify(a), JSON.stringify(b)));
  const less = (a: unknown, b: unknown): number => {
    if (typeof a === "string") return Buffer.compare(Buffer.from(a), Buffer.from(b as string));
    const rank = (value: unknown): number => (Number.isNaN(value) ? 2 : 1);
    return rank(a) - rank(b) || (rank(a) === 2 || a === b ? 0 : (a as number) - (b as number));
  };
  const sorted = some.map(({ value }) => value).sort(less);
  const best = sorted.at(rule === "max" ? -1 : 0);
  return greatestText(sorted.filter((value) => less(value, best) === 0));
}

test("each field of the row is what its rule says of all records", () => {
  fc.assert(
    fc.property(byField, records, (contract, natives) => {
      const one = natives.map((native) => ({ ...native, k: "a" }));
      const states = statesOf(contract, one);
      const { merge, row } = compileFieldMerge(contract);
      const orders = states.map((state) => state["gone"]?.order as Uint8Array);
      const rules: Readonly<Record<string, FieldRule>> = contract.merge.kind === "fields" ? contract.merge.fields : {};
      const wanted = contract.schema.fields.map(({ name, type }) => {
        const value = expected(rules[name] ?? "latest", { natives: one, orders, name, text: compileValueText(type) });
        return [name, value];
      });
      assert.deepStrictEqual(row(states.reduce(merge)), Object.fromEntries(wanted));
    }),
    timed(0.3),
  );
});

test("what a table must remember beside the row is the order of each field that the row's own order does not tell", () => {
  fc.assert(
    fc.property(byField, records, (contract, natives) => {
      const { merge, remembered, row } = compileFieldMerge(contract);
      const states = statesOf(
        contract,
        natives.map((native) => ({ ...native, k: "a" })),
      );
      const state = states.reduce(merge);
      const last = positionOrderBytes({ generation: 1, partition: 0, offset: natives.length - 1 });
      const own = contract.order === "log" ? last : compileOrderBytes(contract)(row(state));
      for (const [name, field] of Object.entries(state)) {
        if (remembered.includes(name) || contract.key.includes(name) || field.order === undefined) continue;
        assert.deepEqual(field.order, own, name);
      }
    }),
    timed(0.1),
  );
});

const deleting = fc.constantFrom(declare({ deletes: { field: "gone" } }), declare({ deletes: { field: "text", values: ["a", "ä"], horizon: "30d" } }));

/** Records of the table, and the rest of the records, in steps, as builds do it. */
function inSteps(contract: Contract, natives: readonly NativeRecord[], sizes: Iterator<number>): MergedRecords {
  let rows: readonly NativeRecord[] = [];
  let tombstones: readonly Tombstone[] = [];
  let merged: MergedRecords = { rows, tombstones, conflicts: 0 };
  for (let start = 0; start < natives.length;) {
    const next = start + 1 + ((sizes.next().value as number) % 3);
    merged = mergeRecords(contract, [...rows, ...natives.slice(start, next)], md5, { tombstones });
    ({ rows, tombstones } = merged);
    start = next;
  }
  return merged;
}

test("deletes and updates make the same table in any order, however often they come and however they are grouped", () => {
  fc.assert(
    fc.property(deleting, records, fc.infiniteStream(fc.nat()), (contract, natives, random) => {
      const { rows, tombstones } = mergeRecords(contract, natives, md5);
      const shuffled = [...natives, ...natives.slice(0, 3)]
        .map((native) => ({ native, at: random.next().value as number }))
        .sort((a, b) => a.at - b.at)
        .map(({ native }) => native);
      const built = inSteps(contract, shuffled, random);
      assert.deepStrictEqual(built.rows, rows);
      assert.deepStrictEqual(built.tombstones, tombstones);
    }),
    timed(0.3),
  );
});

test("a key has a row exactly when no delete of it has the greatest order, and a tombstone exactly when one has", () => {
  fc.assert(
    fc.property(records, (natives) => {
      const { rows, tombstones } = mergeRecords(declare({ deletes: { field: "gone" } }), natives, md5);
      for (const key of new Set(natives.map(({ k }) => k))) {
        const own = natives.filter(({ k }) => k === key);
        const greatest = Math.max(...own.map(({ o }) => o as number));
        const gone = own.some((record) => record["o"] === greatest && record["gone"] === true);
        assert.equal(
          rows.some(({ k }) => k === key),
          !gone,
        );
        assert.equal(tombstones.filter((one) => new TextDecoder().decode(one.key) === key).length, gone ? 1 : 0);
      }
    }),
    timed(0.1),
  );
});

const positions = fc.uniqueArray(
  fc.record({ generation: fc.integer({ min: 1, max: 3 }), partition: fc.constant(0), offset: fc.oneof(fc.nat(5), fc.constant(Number.MAX_SAFE_INTEGER)) }),
  { minLength: 10, maxLength: 10, selector: ({ generation, offset }) => `${generation}/${offset}` },
);

test("ordered by the log, the later position wins, a null value being a delete, whatever comes first and however often", () => {
  const contract = declare({ order: "log" });
  const utf8 = new TextEncoder();
  fc.assert(
    fc.property(records, positions, fc.array(fc.boolean(), { minLength: 10, maxLength: 10 }), fc.infiniteStream(fc.nat()), (natives, places, nulls, random) => {
      const placed = natives.map((record, index): PlacedRecord => {
        const position = places[index] as RecordPosition;
        return nulls[index] === true ? { position, record: null, key: utf8.encode(record["k"] as string) } : { position, record };
      });
      const keyOf = ({ record, key }: PlacedRecord): string => (record === null ? new TextDecoder().decode(key) : (record["k"] as string));
      const later = (a: PlacedRecord, b: PlacedRecord): PlacedRecord =>
        a.position.generation - b.position.generation || a.position.offset - b.position.offset
          ? a.position.generation > b.position.generation || (a.position.generation === b.position.generation && a.position.offset > b.position.offset)
            ? a
            : b
          : a;
      const winners = [...Map.groupBy(placed, keyOf)].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group.reduce(later));
      const shuffled = [...placed, ...placed.slice(0, 4)].map((one) => ({ one, at: random.next().value as number })).sort((a, b) => a.at - b.at);
      const merged = mergePlacedRecords(
        contract,
        shuffled.map(({ one }) => one),
        md5,
      );
      assert.deepStrictEqual(
        merged.rows,
        winners.map(({ record }) => record).filter((record) => record !== null),
      );
      assert.deepStrictEqual(
        merged.tombstones.map(({ key, order }) => [new TextDecoder().decode(key), order]),
        winners.filter(({ record }) => record === null).map((winner) => [keyOf(winner), positionOrderBytes(winner.position)]),
      );
      assert.equal(merged.conflicts, 0);
    }),
    timed(0.2),
  );
});

test("under none every position is a row, once, and records without positions are rows as often as they come", () => {
  const contract = declare({ merge: { kind: "none" }, order: undefined, key: [] });
  assert.deepEqual(orderFields(contract), []);
  fc.assert(
    fc.property(records, positions, (natives, places) => {
      const placed = natives.map((record, index): PlacedRecord => ({ record, position: places[index] as RecordPosition }));
      const { rows } = mergePlacedRecords(contract, [...placed.toReversed(), ...placed], md5);
      const sorted = placed.toSorted((a, b) => a.position.generation - b.position.generation || a.position.offset - b.position.offset);
      assert.deepStrictEqual(
        rows,
        sorted.map(({ record }) => record),
      );
      assert.equal(mergeRecords(contract, [...natives, ...natives], md5).rows.length, natives.length * 2);
    }),
    timed(0.1),
  );
});

test("every rule is covered above", () => {
  const drawn = new Set(fc.sample(byField, 300).flatMap((contract) => (contract.merge.kind === "fields" ? Object.values(contract.merge.fields) : [])));
  assert.deepEqual([...drawn].sort(), [...fieldRules].sort());
});
