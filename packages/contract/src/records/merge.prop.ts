import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { toSchemaJson } from "../avro/schema-text.ts";
import { parseContract } from "../contract-parser.ts";
import { formatContract } from "../contract-json.ts";
import { orderFields, type Contract } from "../contract.ts";
import { contractsWithRecords, jsonValue, longs, oneZero, texts, timed } from "../testing/arbitraries.ts";
import { compileDecoder, type NativeRecord } from "./decoder.ts";
import { compileMerge, mergeRecords, type RowDigest } from "./merge.ts";
import { compareBytes, compileOrderBytes } from "./order-bytes.ts";
import { compileRecordEncoder } from "./record-encoder.ts";
import { compareText, compileRowText } from "./row-text.ts";

const md5: RowDigest = (text) => createHash("md5").update(text).digest("hex");
/** A digest that is the same for everything: what is left decides alone. */
const collision: RowDigest = () => "0";

function nativesOf(contract: Contract, records: readonly unknown[], reader = contract): NativeRecord[] {
  const encoder = compileRecordEncoder(contract);
  const decode = compileDecoder({ writer: contract.schema, reader: reader.schema });
  return records.map((record) => {
    const result = encoder.encode(record);
    return result.kind === "valid" ? oneZero(decode(result.value)) : assert.fail(JSON.stringify(result));
  });
}

/** Few keys and few orders, so that ties are the rule. */
const crowded = fc.record({ merge: fc.constantFrom("latest", "first"), digest: fc.constantFrom(md5, collision) }).map(({ merge, digest }) => ({
  digest,
  contract: parseContract({
    name: "a.b",
    schema: {
      type: "record",
      name: "b",
      namespace: "a",
      fields: [
        { name: "k", type: "string" },
        { name: "o", type: "int" },
        { name: "x", type: ["null", "double"], default: null },
        { name: "l", type: { type: "array", items: "string" } },
      ],
    },
    key: ["k"],
    order: ["o"],
    merge: { kind: merge },
  }),
}));
const row = fc.record({
  k: fc.constantFrom("", "a", "ä"),
  o: fc.integer({ min: -1, max: 1 }),
  x: fc.constantFrom(null, 0, -0, 0.5, 1),
  l: fc.constantFrom<readonly string[]>([], ["a"], ["a", "b"], ['a","b']),
});

test("whatever order records arrive in, however often and however they are grouped, the rows are the same", () => {
  fc.assert(
    fc.property(crowded, fc.array(row, { minLength: 1, maxLength: 12 }), fc.infiniteStream(fc.nat()), ({ contract, digest }, records, random) => {
      const natives = nativesOf(contract, records);
      const { rows } = mergeRecords(contract, natives, digest);
      const shuffled = [...natives, ...natives.filter((_, index) => index % 2 === 0)]
        .map((native) => ({ native, at: random.next().value as number }))
        .sort((a, b) => a.at - b.at)
        .map(({ native }) => native);
      assert.deepStrictEqual(mergeRecords(contract, shuffled, digest).rows, rows);
      // Built in steps: each step merges what is there with the next records.
      let table: readonly NativeRecord[] = [];
      for (let start = 0; start < shuffled.length;) {
        const next = start + 1 + ((random.next().value as number) % 4);
        table = mergeRecords(contract, [...table, ...shuffled.slice(start, next)], digest).rows;
        start = next;
      }
      assert.deepStrictEqual(table, rows);
    }),
    timed(),
  );
});

test("the merge of two is commutative, associative and idempotent", () => {
  fc.assert(
    fc.property(contractsWithRecords({ min: 3, max: 3 }), fc.constantFrom(md5, collision), fc.boolean(), ({ contract, records }, digest, tied) => {
      const first = records[0] as Readonly<Record<string, unknown>>;
      const order = tied ? Object.fromEntries(orderFields(contract).map((name) => [name, first[name]])) : {};
      const [a, b, c] = nativesOf(
        contract,
        records.map((record) => ({ ...(record as object), ...order })),
      ) as [NativeRecord, NativeRecord, NativeRecord];
      const merge = compileMerge(contract, digest);
      assert.deepStrictEqual(merge(a, b), merge(b, a));
      assert.deepStrictEqual(merge(merge(a, b), c), merge(a, merge(b, c)));
      assert.deepStrictEqual(merge(a, a), a);
    }),
    timed(),
  );
});

test("the row has the greatest order under latest, the least under first", () => {
  fc.assert(
    fc.property(crowded, fc.array(row, { minLength: 1, maxLength: 8 }), ({ contract, digest }, records) => {
      const { rows } = mergeRecords(contract, nativesOf(contract, records), digest);
      assert.equal(rows.length, new Set(records.map((record) => record.k)).size);
      for (const winner of rows) {
        const orders = records.filter((record) => record.k === winner["k"]).map((record) => record.o);
        assert.equal(winner["o"], contract.merge.kind === "latest" ? Math.max(...orders) : Math.min(...orders));
      }
    }),
    timed(0.1),
  );
});

test("order bytes compare like the values, field by field", () => {
  fc.assert(
    fc.property(contractsWithRecords({ min: 2, max: 2 }), ({ contract, records }) => {
      const [a, b] = nativesOf(contract, records) as [NativeRecord, NativeRecord];
      const expected =
        orderFields(contract)
          .map((name) => compareNative(a[name], b[name]))
          .find((sign) => sign !== 0) ?? 0;
      const order = compileOrderBytes(contract);
      assert.equal(Math.sign(compareBytes(order(a), order(b))), expected);
    }),
    timed(),
  );
});

function compareNative(a: unknown, b: unknown): number {
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Math.sign(Buffer.compare(a, b));
  if (typeof a === "string" && typeof b === "string") return Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const [left, right] = [a as number | bigint, b as number | bigint];
  return left < right ? -1 : left > right ? 1 : 0;
}

test("several order fields never run into one another", () => {
  const contract = parseContract({
    name: "a.b",
    schema: { type: "record", name: "b", namespace: "a", fields: ["k", "s", "t"].map((name) => ({ name, type: "string" })) },
    key: ["k"],
    order: ["s", "t"],
  });
  const order = compileOrderBytes(contract);
  const tricky = fc.string({ unit: fc.constantFrom("\u0000", "\u0001", "a", "ÿ", "\u{10000}"), maxLength: 4 });
  fc.assert(
    fc.property(tricky, tricky, tricky, tricky, (s1, t1, s2, t2) => {
      const expected = compareNative(s1, s2) || compareNative(t1, t2);
      assert.equal(Math.sign(compareBytes(order({ s: s1, t: t1 }), order({ s: s2, t: t2 }))), expected);
    }),
    timed(0.05),
  );
});

test("texts compare like their UTF-8", () => {
  fc.assert(
    fc.property(texts, texts, (a, b) => {
      assert.equal(Math.sign(compareText(a, b)), Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b))));
    }),
    timed(0.05),
  );
});

test("row texts are equal exactly when the records are", () => {
  fc.assert(
    fc.property(contractsWithRecords({ min: 2, max: 2 }), fc.nat(), ({ contract, records }, at) => {
      const [a, b] = nativesOf(contract, records) as [NativeRecord, NativeRecord];
      const name = contract.schema.fields[at % contract.schema.fields.length]?.name as string;
      // One field differs at most: the case in which a text that leaves something out would show.
      const near = { ...a, [name]: b[name] };
      const rowText = compileRowText(contract);
      assert.equal(rowText(a) === rowText(near), isDeepStrictEqual(a, near));
    }),
    timed(),
  );
});

test("adding a field with a default never changes a row's text, so never a winner", () => {
  fc.assert(
    fc.property(contractsWithRecords({ min: 1, max: 2 }), fc.constantFrom("null", "value"), ({ contract, records }, kind) => {
      const json = formatContract(contract);
      const schema = toSchemaJson(contract.schema) as { readonly fields: readonly unknown[] };
      const added =
        kind === "null"
          ? { name: "added", type: ["null", "string"], default: null }
          : { name: "added", type: { type: "array", items: "int" }, default: [1, 2] };
      const after = parseContract({ ...json, schema: { ...schema, fields: [...schema.fields, added] } });
      const before = nativesOf(contract, records).map(compileRowText(contract));
      assert.deepEqual(nativesOf(contract, records, after).map(compileRowText(after)), before);
    }),
    timed(0.1),
  );
});

test("widening a number never changes a row's text", () => {
  const of = (type: unknown) =>
    parseContract({
      name: "a.b",
      schema: {
        type: "record",
        name: "b",
        namespace: "a",
        fields: [
          { name: "k", type: "int" },
          { name: "v", type },
        ],
      },
      key: ["k"],
      order: ["k"],
    });
  const widenings = [
    ["int", "long"],
    ["int", "double"],
    ["float", "double"],
    ["int", ["null", "long"]],
    ["string", ["string", "null"]],
  ] as const;
  fc.assert(
    fc.property(
      fc.constantFrom(...widenings).chain(([from, to]) => jsonValue(of(from).schema).map((record) => ({ from: of(from), to: of(to), record }))),
      ({ from, to, record }) => {
        const before = nativesOf(from, [record]).map(compileRowText(from));
        assert.deepEqual(nativesOf(from, [record], to).map(compileRowText(to)), before);
      },
    ),
    timed(0.05),
  );
});

test("whole numbers have one text, however they are held", () => {
  fc.assert(
    fc.property(longs, (value) => {
      const contract = parseContract({
        name: "a.b",
        schema: { type: "record", name: "b", namespace: "a", fields: [{ name: "k", type: "long" }] },
        key: ["k"],
        order: ["k"],
      });
      assert.equal(compileRowText(contract)({ k: value }), `{1:${value}}`);
    }),
    { numRuns: 200 },
  );
});

test("-0 has the text of 0, wherever it stands", () => {
  const type = { type: "array", items: "double" };
  const fields = [
    { name: "k", type: "string" },
    { name: "x", type: "float" },
    { name: "l", type },
  ];
  const contract = parseContract({ name: "a.b", schema: { type: "record", name: "b", namespace: "a", fields }, key: ["k"], order: ["k"] });
  assert.equal(compileRowText(contract)({ k: "a", x: -0, l: [-0, 0] }), '{1:"a",2:0,3:[0,0]}');
});
