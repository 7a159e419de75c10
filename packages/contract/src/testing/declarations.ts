// Random contracts that use every clause: docs, marks, defaults, attributes, partition, checks.
import fc from "fast-check";
import { formatContract } from "../contract-json.ts";
import { parseContract } from "../contract-parser.ts";
import type { Contract } from "../contract.ts";
import { formatExact, parseExact } from "../exact-json.ts";
import { contracts, texts } from "./arbitraries.ts";

type Json = Readonly<Record<string, unknown>>;

const someText = fc.oneof(texts, fc.constantFrom("", "Kund:innen", "*/ done", "`${x}`\n\u2028two", "a.b"));
const within = fc.constantFrom("15m", "1h", "7d", "500ms", "30s");

/** Each is tried on a contract and kept where it is accepted. */
const fieldEdits = fc.record(
  {
    doc: someText,
    pii: fc.constantFrom(true, true, false),
    default: fc.constantFrom<unknown>(null, 0, 1.5, "", "text", true, [], {}, -3, 2n ** 63n - 1n, -(2n ** 53n) - 1n),
    order: fc.constantFrom("descending", undefined, undefined, undefined),
    aliases: fc.constantFrom(["was"], ["WAS", "earlier"], undefined, undefined),
    "x-unit": fc.constantFrom<unknown>("cm", 10n ** 19n, undefined, undefined, undefined, undefined),
  },
  { requiredKeys: [] },
);
const clause = fc.oneof(
  fc.record({ kind: fc.constantFrom("sum", "min", "max", "unique", "notNull") }),
  fc.record({ kind: fc.constant("range"), min: fc.constantFrom<unknown>(0, 1.5, "0.00", "2020-01-01", -(2n ** 63n)) }),
  fc.record({
    kind: fc.constant("range"),
    above: fc.constantFrom<unknown>(-1, "1999-12-31T00:00:00Z", "00:00:00"),
    max: fc.constantFrom<unknown>(9, "3000-01-01T00:00:00Z"),
  }),
  fc.record({ kind: fc.constant("length"), min: fc.nat(3), max: fc.integer({ min: 3, max: 90 }) }),
  fc.record({ kind: fc.constant("oneOf"), values: fc.constantFrom<unknown>(["A", "b_1"], [1, 2], ["x y"]) }),
  fc.record({ kind: fc.constant("matches"), pattern: fc.constantFrom("^a", "\\d{2}", '"') }),
);

/** Clauses of all kinds, each tried alone. */
const clauses = fc.record(
  {
    deletes: fc.option(fc.constantFrom<Json>({}, { values: ["gone", "A"] }, { horizon: "30d" }), { nil: undefined }),
    merge: fc.oneof(
      fc.constantFrom<Json>({ kind: "first" }, { kind: "none" }),
      fc.array(fc.tuple(fc.nat(), fc.constantFrom("min", "max", "union", "latest", "first", "latestNonNull")), { minLength: 1, maxLength: 6 }),
    ),
    order: fc.constant("log"),
    sort: fc.array(fc.nat(), { minLength: 1, maxLength: 3 }),
    subject: fc.array(fc.nat(), { minLength: 1, maxLength: 3 }),
    tags: fc.array(fc.constantFrom("gold", "finance team", "ä", "b,c", "2026"), { maxLength: 3 }),
    retention: fc.constantFrom<Json>({ log: "7d" }, { logBytes: 1_000_000 }, { log: "36h", logBytes: 5 }),
    maxAhead: within,
    predecessor: fc.constantFrom("old.orders", "a.b"),
    removed: fc.constantFrom(["gone"], [{ name: "gone", place: 2 }, "away"]),
    /** A field of its own in the order. */
    clock: fc.constant(true),
  },
  { requiredKeys: [] },
);

export const declarations: fc.Arbitrary<Contract> = fc
  .record({
    base: contracts,
    edits: fc.array(fc.option(fieldEdits, { nil: undefined }), { minLength: 12, maxLength: 12 }),
    checks: fc.array(fc.tuple(fc.nat(), clause), { maxLength: 8 }),
    freshness: fc.array(within, { maxLength: 2 }),
    volume: fc.option(fc.record({ within, min: fc.nat() }), { nil: undefined }),
    partition: fc.array(
      fc.tuple(
        fc.nat(),
        fc.constantFrom<Json>({ transform: "identity" }, { transform: "day" }, { transform: "bucket", width: 8 }, { transform: "truncate", width: 2 }),
      ),
      { maxLength: 4 },
    ),
    immutable: fc.boolean(),
    head: fc.record({ description: someText, owner: someText, compatibility: fc.constant("FULL_TRANSITIVE") }, { requiredKeys: [] }),
    clauses,
    schemaEdits: fc.record({ doc: someText, "x-origin": fc.constantFrom("erp", undefined, undefined, undefined) }, { requiredKeys: [] }),
  })
  .map(({ base, edits, checks, freshness, volume, partition, immutable, head, schemaEdits, clauses: wished }) => {
    let contract = base;
    const attempt = (change: (json: Json & { readonly schema: { readonly fields: readonly Json[] } }) => unknown): void => {
      try {
        contract = parseContract(parseExact(formatExact(change(formatContract(contract) as never))));
      } catch {
        // Not for this contract.
      }
    };
    attempt((json) => ({ ...json, ...head, schema: { ...json.schema, ...schemaEdits } }));
    for (const [index, edit] of edits.entries()) {
      if (edit === undefined) continue;
      attempt((json) => ({
        ...json,
        schema: { ...json.schema, fields: json.schema.fields.map((field, place) => (place === index ? { ...field, ...edit } : field)) },
      }));
    }
    const paths = pathsOf(contract.schema.fields as readonly unknown[] as readonly Json[], "");
    const fieldAt = (place: number): string => paths[place % paths.length] as string;
    const wanted = [
      ...checks.map(([place, check]) => ({ ...check, field: fieldAt(place) })),
      ...freshness.map((value) => ({ kind: "freshness", within: value })),
      ...(volume === undefined ? [] : [{ kind: "volume", ...volume }]),
    ];
    for (const check of wanted) attempt((json) => ({ ...json, checks: [...(json["checks"] as readonly unknown[]), check] }));
    for (const [place, one] of partition)
      attempt((json) => ({ ...json, partition: [...(json["partition"] as readonly unknown[]), { ...one, field: fieldAt(place) }] }));
    attempt((json) => ({ ...json, immutable }));
    for (const change of changesOf(wished, contract, fieldAt)) attempt(change);
    return contract;
  });

type Change = (json: Json & { readonly schema: { readonly fields: readonly Json[] } }) => unknown;

function changesOf(
  wished: typeof clauses extends fc.Arbitrary<infer Wished> ? Wished : never,
  contract: Contract,
  fieldAt: (place: number) => string,
): readonly Change[] {
  const { deletes, merge, sort, subject, clock, ...plain } = wished;
  const changes: Change[] = [];
  const names = contract.schema.fields.map(({ name }) => name);
  const nameAt = (place: number): string => names[place % names.length] as string;
  if (clock === true) {
    const field = { name: "stampedAt", type: { type: "long", "mainstem.clock": "hlc" } };
    changes.push((json) => ({ ...json, schema: { ...json.schema, fields: [...json.schema.fields, field] }, order: [field.name] }));
  }
  // A merge before a delete, so that each meets the other where the other came first.
  if (Array.isArray(merge)) {
    for (const [place, rule] of merge) {
      changes.push((json) => {
        const before = (json["merge"] as { readonly fields?: Json }).fields;
        return { ...json, merge: { kind: "fields", fields: { ...before, [nameAt(place)]: rule } } };
      });
    }
  } else if (merge !== undefined) changes.push((json) => ({ ...json, merge, ...(merge["kind"] === "none" ? { order: "log", key: [] } : {}) }));
  if (deletes !== undefined) {
    const type = deletes["values"] === undefined ? "boolean" : "string";
    changes.push((json) => ({
      ...json,
      schema: { ...json.schema, fields: [...json.schema.fields, { name: "goneBy", type }] },
      merge: { kind: "latest" },
      deletes: { field: "goneBy", ...deletes },
    }));
  }
  for (const place of sort ?? []) changes.push((json) => ({ ...json, sort: [...(json["sort"] as readonly unknown[]), nameAt(place)] }));
  for (const place of subject ?? []) changes.push((json) => ({ ...json, subject: [...((json["subject"] ?? []) as readonly unknown[]), fieldAt(place)] }));
  for (const [name, value] of Object.entries(plain)) changes.push((json) => ({ ...json, [name]: value }));
  return changes;
}

/** Fields and those within records. */
function pathsOf(fields: readonly Json[], prefix: string): readonly string[] {
  return fields.flatMap((field) => {
    const path = `${prefix}${String(field["name"])}`;
    const inner = [field["type"]].flat().find((type) => typeof type === "object" && type !== null && "fields" in type) as Json | undefined;
    return [path, ...(inner === undefined ? [] : pathsOf(inner["fields"] as readonly Json[], `${path}.`))];
  });
}
