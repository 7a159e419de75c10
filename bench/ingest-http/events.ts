/** The records of the benchmark: ten fields, about 200 bytes of JSON and 90 of Avro. The same ones in every run. */
export const eventSchema = {
  type: "record",
  name: "events",
  namespace: "bench",
  fields: [
    { name: "id", type: "string" },
    { name: "at", type: { type: "long", logicalType: "timestamp-micros" } },
    { name: "account", type: "string" },
    { name: "status", type: { type: "enum", name: "Status", symbols: ["NEW", "PENDING", "SETTLED", "REJECTED", "REVERSED"] } },
    { name: "quantity", type: "int" },
    { name: "amount", type: "double" },
    { name: "note", type: ["null", "string"], default: null },
    { name: "reference", type: ["null", "long"], default: null },
    { name: "ok", type: "boolean" },
    { name: "tags", type: { type: "array", items: "string" } },
  ],
};

const words = ["invoice", "refund", "monthly", "café", "order", "late fee", "gift", "über", "transfer", "salary"];
const tags = ["eu", "retail", "priority", "card", "wire", "blue", "fx", "batch-7"];

/** NDJSON bodies of `records` records each. */
export function createBodies({ bodies, records }: { readonly bodies: number; readonly records: number }): readonly Buffer[] {
  const random = createRandom(42);
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T;
  const hex = (digits: number): string => Array.from({ length: digits }, () => Math.floor(random() * 16).toString(16)).join("");
  let at = 1_766_000_000_000_000;
  const event = () => ({
    id: `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(12)}`,
    at: (at += 137),
    account: `acc-${String(Math.floor(random() * 50_000)).padStart(6, "0")}`,
    status: pick(["NEW", "PENDING", "SETTLED", "REJECTED", "REVERSED"]),
    quantity: Math.floor(random() * 2_000) - 100,
    amount: Math.round(random() * 1e7) / 100,
    note: random() < 0.3 ? null : `${pick(words)} ${Math.floor(random() * 1_000)}`,
    reference: random() < 0.5 ? null : Math.floor(random() * 9e9),
    ok: random() < 0.7,
    tags: Array.from({ length: Math.floor(random() * 4) }, () => pick(tags)),
  });
  return Array.from({ length: bodies }, () => Buffer.from(Array.from({ length: records }, () => `${JSON.stringify(event())}\n`).join("")));
}

/** Mulberry32: small, and the same everywhere. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
