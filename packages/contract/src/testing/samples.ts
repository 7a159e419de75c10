import { parseContract } from "../contract-parser.ts";
import type { Contract } from "../contract.ts";

/** A JSON form with one field of every kind that a contract takes. */
export const everyKindJson = {
  name: "test.all",
  description: "One field of every kind.",
  owner: "nobody",
  schema: {
    type: "record",
    name: "all",
    namespace: "test",
    fields: [
      { name: "id", type: { type: "string", logicalType: "uuid" } },
      { name: "revision", type: "long" },
      { name: "flag", type: "boolean" },
      { name: "count", type: "int" },
      { name: "ratio", type: "float" },
      { name: "weight", type: "double" },
      { name: "label", type: "string" },
      { name: "status", type: { type: "enum", name: "status", symbols: ["open", "closed"] } },
      { name: "raw", type: "bytes" },
      { name: "code", type: { type: "fixed", name: "code", size: 3 } },
      { name: "amount", type: { type: "bytes", logicalType: "decimal", precision: 12, scale: 2 } },
      { name: "rate", type: { type: "fixed", name: "rate", size: 4, logicalType: "decimal", precision: 9, scale: 4 } },
      { name: "day", type: { type: "int", logicalType: "date" } },
      { name: "clock", type: { type: "int", logicalType: "time-millis" } },
      { name: "clockMicros", type: { type: "long", logicalType: "time-micros" } },
      { name: "seenAt", type: { type: "long", logicalType: "timestamp-millis" } },
      { name: "placedAt", type: { type: "long", logicalType: "timestamp-micros" } },
      { name: "wallMillis", type: { type: "long", logicalType: "local-timestamp-millis" } },
      { name: "wall", type: { type: "long", logicalType: "local-timestamp-micros" } },
      { name: "email", type: ["null", "string"], pii: true },
      { name: "tags", type: { type: "array", items: "string" } },
      { name: "scores", type: { type: "map", values: ["null", "int"] } },
      {
        name: "address",
        type: {
          type: "record",
          name: "address",
          fields: [
            { name: "zip", type: "string" },
            { name: "floor", type: ["int", "null"], default: 0 },
          ],
        },
      },
    ],
  },
  key: ["id"],
  order: ["revision"],
} as const;

/** A record of it, in the JSON form that comes back. */
export const everyKindRecord = {
  id: "01234567-89ab-cdef-0123-456789abcdef",
  revision: 7,
  flag: true,
  count: -3,
  ratio: 0.5,
  weight: -2.25,
  label: "größer",
  status: "closed",
  raw: "AAH/",
  code: "YWJj",
  amount: "-12.50",
  rate: "0.0001",
  day: "2026-11-21",
  clock: "09:56:18.123",
  clockMicros: "23:59:59.999999",
  seenAt: "1969-12-31T23:59:59.999Z",
  placedAt: "9999-12-31T23:59:59.999999Z",
  wallMillis: "0001-01-01T00:00:00.000",
  wall: "2024-02-29T12:00:00.000001",
  email: null,
  tags: ["a", ""],
  scores: { one: 1, none: null },
  address: { zip: "80331", floor: null },
};

export const everyKind: Contract = parseContract(everyKindJson);

/** A small contract: key `k`, order `o`, and the given fields. */
export function contractOf(
  fields: readonly unknown[],
  rest: object = {},
  types: { readonly k: unknown; readonly o: unknown } = { k: "string", o: "long" },
): Contract {
  const own = [{ name: "k", type: types.k }, { name: "o", type: types.o }, ...fields];
  return parseContract({ name: "test.small", schema: { type: "record", name: "small", namespace: "test", fields: own }, key: ["k"], order: ["o"], ...rest });
}
