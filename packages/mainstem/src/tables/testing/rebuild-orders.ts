import { parseContract, type NativeRecord } from "@mainstem/contract";
import type { Pipeline } from "./pipeline.ts";
import { readRows } from "./rows.ts";

const fields = [
  { name: "id", type: "string" },
  { name: "revision", type: "int" },
  { name: "rank", type: "int" },
  { name: "at", type: { type: "long", logicalType: "timestamp-micros" } },
  { name: "note", type: ["null", "string"], default: null },
];
export const contractOf = (change: object = {}, extra: readonly object[] = []) =>
  parseContract({
    name: "shop.orders",
    schema: { type: "record", name: "orders", namespace: "shop", fields: [...fields, ...extra] },
    key: ["id"],
    order: ["revision"],
    partition: [{ field: "at", transform: "day" }],
    ...change,
  });
export const contract = contractOf();
const day = 86_400_000_000;
export const order = (id: number, revision: number, change: NativeRecord = {}): NativeRecord => ({
  id: `o${id}`,
  revision,
  rank: 100 - revision,
  at: (id % 3) * day + revision,
  note: null,
  ...change,
});

export async function rowsOf({ tables, objects }: Pipeline, of = contract): Promise<readonly NativeRecord[]> {
  const state = (await tables.load(of.name))!;
  return await readRows(objects, of, await tables.files(of.name, state, state.current!), state.schema);
}

export const records = Array.from({ length: 60 }, (_, index) => order(index % 20, Math.floor(index / 20)));

/** The same rows by another order: what a table follows only once it is rebuilt. */
export const reordered = contractOf({ order: ["rank"] });
