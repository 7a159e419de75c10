import assert from "node:assert/strict";
import { test } from "node:test";
import { regexes, z } from "zod";
import { z as z3 } from "zod/v3";
import type { Issue } from "../avro/schema.ts";
import { attributeOf } from "../avro/schema.ts";
import { toSchemaJson } from "../avro/schema-text.ts";
import { formatContract } from "../contract-json.ts";
import { parseContract } from "../contract-parser.ts";
import type { Contract } from "../contract.ts";
import { ContractError } from "../errors.ts";
import { compileRecordEncoder } from "../records/record-encoder.ts";
import { checkSchemaChange } from "../schema-change.ts";
import { bucket, day, first, freshness, latest, sum } from "./clauses.ts";
import { dataset, type InputOf } from "./dataset.ts";
import { bytes, date, decimal, localTimestamp, long, timeOfDay, timestamp, timestampMillis } from "./field-types.ts";

const orders = dataset({
  name: "shop.orders",
  description: "Every order placed in the shop; one row an order, in its latest state.",
  owner: "checkout",
  schema: z.object({
    orderId: z.uuid(),
    revision: z.int(),
    placedAt: timestamp(),
    status: z.enum(["placed", "paid", "shipped", "cancelled"]),
    amount: decimal(12, 2),
    email: z.string().nullable().meta({ pii: true }),
  }),
  key: ["orderId"],
  order: ["revision"],
  merge: latest(),
  partition: [day("placedAt")],
  checks: [sum("amount"), freshness("15m")],
});

/** A dataset with the given fields after `k` and `o`. */
function declare(fields: z.core.$ZodLooseShape): Contract {
  return dataset({ name: "test.small", schema: z.object({ k: z.string(), o: z.int(), ...fields }), key: ["k"], order: ["o"] });
}
function fieldOf(type: z.core.$ZodType): Readonly<Record<string, unknown>> {
  const { fields } = toSchemaJson(declare({ v: type }).schema) as { readonly fields: readonly Readonly<Record<string, unknown>>[] };
  return fields[2] as Readonly<Record<string, unknown>>;
}
function issuesOf(fields: z.core.$ZodLooseShape): readonly Issue[] {
  try {
    declare(fields);
  } catch (error) {
    assert.ok(error instanceof ContractError, String(error));
    return error.facts["issues"] as readonly Issue[];
  }
  return assert.fail("the dataset was taken");
}

test("a declaration in Zod is the JSON form that it stands for", () => {
  assert.deepEqual(formatContract(orders), {
    formatVersion: 1,
    name: "shop.orders",
    description: "Every order placed in the shop; one row an order, in its latest state.",
    owner: "checkout",
    schema: {
      type: "record",
      name: "orders",
      namespace: "shop",
      fields: [
        { name: "orderId", type: { type: "string", logicalType: "uuid" } },
        { name: "revision", type: "long" },
        { name: "placedAt", type: { type: "long", logicalType: "timestamp-micros" } },
        { name: "status", type: { type: "enum", name: "orders_status", symbols: ["placed", "paid", "shipped", "cancelled"] } },
        { name: "amount", type: { type: "bytes", logicalType: "decimal", precision: 12, scale: 2 } },
        { name: "email", type: ["null", "string"], pii: true },
      ],
    },
    key: ["orderId"],
    order: ["revision"],
    merge: { kind: "latest" },
    partition: [{ field: "placedAt", transform: "day" }],
    immutable: false,
    sort: [],
    tags: [],
    checks: [
      { kind: "sum", field: "amount" },
      { kind: "freshness", within: "15m" },
    ],
    compatibility: "BACKWARD_TRANSITIVE",
  });
  assert.deepEqual(parseContract(formatContract(orders)), orders);
});

test("the compiler knows what a record looks like", () => {
  const order: InputOf<typeof orders> = {
    orderId: "01234567-89ab-cdef-0123-456789abcdef",
    revision: 1,
    placedAt: "2026-11-21T09:56:18Z",
    status: "paid",
    amount: "12.50",
    email: null,
  };
  assert.equal(compileRecordEncoder(orders).encode(order).kind, "valid");
  // @ts-expect-error: a status that is not in the enum
  const wrong: InputOf<typeof orders> = { ...order, status: "lost" };
  assert.equal(compileRecordEncoder(orders).encode(wrong).kind, "invalid");
  // @ts-expect-error: a key field that the schema does not have
  assert.throws(() => dataset({ name: "a.b", schema: z.object({ a: z.string() }), key: ["b"], order: ["a"] }), { code: "contract.invalid" });
  for (const schema of [undefined, null, { type: "record", name: "b", fields: [] }] as unknown as readonly z.ZodObject[])
    assert.throws(() => dataset({ name: "a.b", schema, key: ["a"] }), {
      code: "contract.invalid",
      message: /schema: The schema must be a z\.object\(\) of Zod 4/,
    });
});

test("every Zod type has the Avro type that the description gives it", () => {
  const types: readonly (readonly [z.core.$ZodType, unknown])[] = [
    [z.string(), "string"],
    [z.number(), "double"],
    [z.float64(), "double"],
    [z.float32(), "float"],
    [z.int(), "long"],
    [z.number().int(), "long"],
    [z.int32(), "int"],
    [z.bigint(), "long"],
    [z.int64(), "long"],
    [z.boolean(), "boolean"],
    [z.uuid(), { type: "string", logicalType: "uuid" }],
    [z.string().uuid(), { type: "string", logicalType: "uuid" }],
    [z.iso.datetime(), { type: "long", logicalType: "timestamp-micros" }],
    [z.iso.datetime({ offset: true }), { type: "long", logicalType: "timestamp-micros" }],
    [z.iso.date(), { type: "int", logicalType: "date" }],
    [z.iso.time(), { type: "long", logicalType: "time-micros" }],
    [timestamp(), { type: "long", logicalType: "timestamp-micros" }],
    [timestampMillis(), { type: "long", logicalType: "timestamp-millis" }],
    [localTimestamp(), { type: "long", logicalType: "local-timestamp-micros" }],
    [date(), { type: "int", logicalType: "date" }],
    [timeOfDay(), { type: "long", logicalType: "time-micros" }],
    [decimal(9, 3), { type: "bytes", logicalType: "decimal", precision: 9, scale: 3 }],
    [long(), "long"],
    [bytes(), "bytes"],
    [z.enum(["a", "b"]), { type: "enum", name: "small_v", symbols: ["a", "b"] }],
    [z.literal("a"), { type: "enum", name: "small_v", symbols: ["a"] }],
    [z.array(z.int32()), { type: "array", items: "int" }],
    [z.array(z.int32().nullable()), { type: "array", items: ["null", "int"] }],
    [z.record(z.string(), z.array(z.boolean())), { type: "map", values: { type: "array", items: "boolean" } }],
    [z.object({ zip: z.string() }), { type: "record", name: "small_v", fields: [{ name: "zip", type: "string" }] }],
    [
      z.array(z.object({ s: z.enum(["x"]) })),
      {
        type: "array",
        items: { type: "record", name: "small_v_item", fields: [{ name: "s", type: { type: "enum", name: "small_v_item_s", symbols: ["x"] } }] },
      },
    ],
    [z.string().readonly().brand("b"), "string"],
    [z.strictObject({ a: z.string() }), { type: "record", name: "small_v", fields: [{ name: "a", type: "string" }] }],
    [z.string().meta({ avro: { type: "fixed", name: "hash", size: 16 } }), { type: "fixed", name: "hash", size: 16 }],
    [z.union([z.string(), z.null()]), ["null", "string"]],
  ];
  for (const [type, avro] of types) assert.deepEqual(fieldOf(type)["type"], avro);
});

test("nullable, optional and default say what may be missing", () => {
  const cases: readonly (readonly [z.core.$ZodType, unknown, unknown])[] = [
    [z.string().nullable(), ["null", "string"], undefined],
    [z.string().optional(), ["null", "string"], null],
    [z.string().nullish(), ["null", "string"], null],
    [z.string().nullable().default(null), ["null", "string"], null],
    [z.string().nullable().default("x"), ["string", "null"], "x"],
    [z.string().default("x"), "string", "x"],
    [z.string().default("x").optional(), ["string", "null"], "x"],
    [z.int().default(7), "long", 7],
    [z.bigint().default(7n), "long", 7],
    [z.int64().default(2n ** 63n - 1n), "long", 2n ** 63n - 1n],
    [long().nullable().default("-9223372036854775808"), ["long", "null"], -(2n ** 63n)],
    [z.array(z.int64()).default([2n ** 53n + 1n, 1n]), { type: "array", items: "long" }, [2n ** 53n + 1n, 1]],
    [timestamp().default("9999-12-31T23:59:59.999999Z"), { type: "long", logicalType: "timestamp-micros" }, 253_402_300_799_999_999n],
    [decimal(9, 2).default("1.5"), { type: "bytes", logicalType: "decimal", precision: 9, scale: 2 }, "\u0000\u0096"],
    [timestamp().default("1970-01-01T00:00:01Z"), { type: "long", logicalType: "timestamp-micros" }, 1_000_000],
    [bytes().default("AP8="), "bytes", "\u0000\u00ff"],
    [z.array(z.string()).default(["a"]), { type: "array", items: "string" }, ["a"]],
    [z.record(z.string(), z.int()).default({ a: 1 }), { type: "map", values: "long" }, { a: 1 }],
    [
      z.object({ a: z.string(), b: z.int().optional() }).default({ a: "x" }),
      {
        type: "record",
        name: "small_v",
        fields: [
          { name: "a", type: "string" },
          { name: "b", type: ["null", "long"], default: null },
        ],
      },
      { a: "x", b: null },
    ],
  ];
  for (const [type, avro, fallback] of cases) {
    const field = fieldOf(type);
    assert.deepEqual(field["type"], avro);
    assert.deepEqual("default" in field ? field["default"] : undefined, fallback, JSON.stringify(avro));
  }
});

test("a default that is the time of its making is refused, however coarse its clock", () => {
  const later: readonly z.core.$ZodType[] = [
    timestamp().default(() => new Date().toISOString()),
    date().default(() => new Date().toISOString().slice(0, 10)),
    z.int().default(() => Math.floor(Date.now() / 1000)),
    z.string().default(() => Date()),
    z.int().default(() => new Date().getFullYear()),
    z.array(z.int()).default(() => [new Date().getDay()]),
  ];
  for (const [index, type] of later.entries()) assert.match(issuesOf({ v: type })[0]?.message ?? "", /default must be a constant/, `default ${index}`);
  const before = Date;
  assert.equal(fieldOf(z.string().default(() => new Date(0).toISOString()))["default"], "1970-01-01T00:00:00.000Z");
  assert.throws(() => fieldOf(z.string().default(() => assert.fail("its own failure"))), /its own failure/);
  assert.equal(Date, before);
});

test("a field says what it was called, on any wrapper, and the declaration which are gone", () => {
  const place = z.enum(["A1", "B2"]).meta({ aliases: ["seat"] });
  assert.deepEqual(fieldOf(place.nullish())["aliases"], ["seat"]);
  const spec = { name: "test.small", key: ["k"], order: ["o"] } as const;
  const before = dataset({ ...spec, schema: z.object({ k: z.string(), o: z.int(), seat: z.enum(["A1"]), row: z.int() }) });
  const after = dataset({ ...spec, schema: z.object({ k: z.string(), o: z.int(), place }), removed: ["row"] });
  const change = checkSchemaChange(before, after);
  assert.deepEqual(change.kind === "compatible" && change.changes, ["field seat renamed to place", "field place takes B2 too", "field row removed"]);
  const nested = () => declare({ v: z.object({ a: z.string().meta({ aliases: ["b"] }) }) });
  assert.throws(nested, /Aliases are for the fields of the dataset itself/);
  assert.throws(() => declare({ v: z.array(z.string().meta({ aliases: ["b"] })) }), /aliases/);
});

test("a pii mark is never lost, whatever is put around it", () => {
  const personal = () => z.string().meta({ pii: true });
  const wrapped: readonly z.core.$ZodType[] = [
    personal(),
    personal().optional(),
    personal().nullable(),
    personal().default("x"),
    personal().nullable().default(null).readonly(),
    personal().min(1).meta({ description: "d" }).optional(),
    personal().meta({ pii: false }).meta({ pii: true }).nullish(),
    z.array(personal()),
    z.array(z.array(personal().nullable())).optional(),
    z.record(z.string(), personal()),
    z.union([personal(), z.null()]),
    z.object({ a: z.string() }).meta({ pii: true }).optional(),
    z.object({ v: personal() }).partial().shape.v,
    z.record(personal(), z.int()),
    z.array(z.record(personal(), z.int())).optional(),
    z.array(personal()).meta({ avro: { type: "array", items: "string" } }),
    z
      .object({ a: personal() })
      .nullable()
      .meta({ avro: { type: "record", name: "home", fields: [{ name: "a", type: "string" }] } }),
  ];
  for (const [index, type] of wrapped.entries()) assert.equal(fieldOf(type)["pii"], true, `wrapper ${index}`);
  const nested = declare({ v: z.array(z.object({ name: personal().optional() })) });
  assert.match(JSON.stringify(toSchemaJson(nested.schema)), /"name":"name","type":\["null","string"\],"default":null,"pii":true/);
  assert.equal(attributeOf(declare({ v: z.string() }).schema.fields[2] as never, "pii"), undefined);
  assert.equal(fieldOf(z.string().meta({ description: "inner" }).optional().meta({ description: "outer" }))["doc"], "outer");
  assert.equal(fieldOf(z.string().describe("inner").optional())["doc"], "inner");
});

test("a pii mark that is neither true nor false is refused, wherever it stands", () => {
  const marked = () => z.string().meta({ pii: "yes" });
  for (const type of [marked(), marked().optional().meta({ pii: false }), z.array(marked()), z.record(z.string(), z.array(marked()))])
    assert.match(issuesOf({ v: type })[0]?.message ?? "", /pii must be true or false/);
});

test("refinements become checks on the field", () => {
  const cases: readonly (readonly [z.core.$ZodType, readonly unknown[]])[] = [
    [z.int().min(1).max(5), [{ kind: "range", field: "v", min: 1, max: 5 }]],
    [z.int().positive().lt(10), [{ kind: "range", field: "v", min: 1, max: 9 }]],
    [z.int().gt(0.5).lte(2.5), [{ kind: "range", field: "v", min: 1, max: 2 }]],
    [z.number().positive().max(1.5), [{ kind: "range", field: "v", above: 0, max: 1.5 }]],
    [z.number().min(1).min(3).min(2), [{ kind: "range", field: "v", min: 3 }]],
    [z.uint32(), [{ kind: "range", field: "v", min: 0, max: 4_294_967_295 }]],
    [z.bigint().gt(2n ** 60n), [{ kind: "range", field: "v", min: (2n ** 60n + 1n).toString() }]],
    [z.string().min(2).max(5), [{ kind: "length", field: "v", min: 2, max: 5 }]],
    [z.string().length(5).optional(), [{ kind: "length", field: "v", min: 5, max: 5 }]],
    [z.array(z.string()).nonempty(), [{ kind: "length", field: "v", min: 1 }]],
    [z.string().regex(/^a+$/), [{ kind: "matches", field: "v", pattern: "^a+$" }]],
    [
      z.string().startsWith("a").endsWith("b"),
      [
        { kind: "matches", field: "v", pattern: "^a.*" },
        { kind: "matches", field: "v", pattern: ".*b$" },
      ],
    ],
    [z.enum(["in progress", "done"]), [{ kind: "oneOf", field: "v", values: ["in progress", "done"] }]],
    [z.literal([1, 2]), [{ kind: "oneOf", field: "v", values: [1, 2] }]],
    [z.object({ zip: z.string().min(5) }).nullable(), [{ kind: "length", field: "v.zip", min: 5 }]],
    [z.string().min(2).meta({ avro: "string" }).nullish(), [{ kind: "length", field: "v", min: 2 }]],
    [z.ulid().meta({ avro: "string" }), [{ kind: "matches", field: "v", pattern: regexes.ulid.source }]],
    [z.uuid().meta({ avro: { type: "string", logicalType: "uuid" } }), []],
    [z.string().min(2).length(5).max(9), [{ kind: "length", field: "v", min: 5, max: 5 }]],
  ];
  for (const [type, checks] of cases) {
    const found = declare({ v: type }).checks as readonly Readonly<Record<string, unknown>>[];
    assert.deepEqual(found, checks);
  }
  const [email] = declare({ v: z.email() }).checks;
  assert.equal(email?.kind, "matches");
});

test("a pattern that the door could be held up by is refused at its field", () => {
  for (const type of [
    z.string().regex(/^(a+)+$/),
    z
      .string()
      .regex(/^(a+)+$/)
      .nullable(),
    z
      .string()
      .regex(/^(a+)+$/)
      .meta({ avro: "string" }),
  ]) {
    const [issue, ...others] = issuesOf({ at: z.object({ v: type }) });
    assert.equal(issue?.path, "schema.at.v");
    assert.match(issue?.message ?? "", /a text of N characters may be matched in 2\^N ways, .* Write its repetitions so that/);
    assert.deepEqual(others, []);
  }
});

test("refinements are never lost, wherever they stand", () => {
  const odd = (value: unknown) => value !== "even";
  const types: readonly z.core.$ZodType[] = [
    z.string().optional().refine(odd),
    z.string().nullable().refine(odd).optional(),
    z
      .string()
      .default("x")
      .superRefine(() => undefined),
    z
      .string()
      .readonly()
      .check(() => undefined),
    z
      .string()
      .nullable()
      .check(z.minLength(3) as never),
    z.union([z.string(), z.null()]).refine(odd),
    z.object({ a: z.string() }).nullish().refine(odd),
    z.array(z.string().nullable().refine(odd)),
    z.record(z.string(), z.int().nullable().refine(odd)),
    z.string().min(7).length(5),
    z.string().length(3).length(5),
    z.string().refine(odd).meta({ avro: "string" }),
    z.array(z.string().min(3)).meta({ avro: { type: "array", items: "string" } }),
    z.array(z.string().email().nullable()).meta({ avro: { type: "array", items: ["null", "string"] } }),
    z.record(z.string(), z.string().optional().refine(odd)).meta({ avro: { type: "map", values: "string" } }),
  ];
  for (const [index, type] of types.entries()) assert.notEqual(issuesOf({ v: type }).length, 0, `type ${index}`);
});

test("what Zod accepts is accepted at the door, and what its refinements refuse is refused", () => {
  const schema = z.object({
    k: z.string(),
    o: z.int().min(0),
    mail: z.email(),
    price: z.number().positive(),
    size: z.enum(["S", "extra large"]),
    tags: z.array(z.string()).max(2).default([]),
  });
  const contract = dataset({ name: "test.small", schema, key: ["k"], order: ["o"], merge: first(), partition: [bucket("k", 4)] });
  const encoder = compileRecordEncoder(contract);
  const good = { k: "a", o: 0, mail: "a@example.org", price: 0.01, size: "extra large" };
  const variants: readonly object[] = [
    {},
    { o: -1 },
    { mail: "a@b" },
    { mail: "nobody" },
    { price: 0 },
    { price: -0.5 },
    { size: "M" },
    { tags: ["a", "b"] },
    { tags: ["a", "b", "c"] },
    { o: 0.5 },
    { k: 7 },
  ];
  for (const variant of variants) {
    const record = { ...good, ...variant };
    assert.equal(encoder.encode(record).kind === "valid", schema.safeParse(record).success, JSON.stringify(variant));
  }
});

test("what has no form is refused with what to write instead, all at once", () => {
  const types: Readonly<Record<string, z.core.$ZodType>> = {
    date: z.date(),
    any: z.any(),
    unknown: z.unknown(),
    union: z.union([z.string(), z.int()]),
    three: z.union([z.string(), z.int(), z.null()]),
    tuple: z.tuple([z.string()]),
    set: z.set(z.string()),
    map: z.map(z.string(), z.string()),
    transform: z.string().transform((text) => text.length),
    preprocess: z.preprocess(String, z.string()),
    lazy: z.lazy(() => z.string()),
    coerce: z.coerce.number(),
    trim: z.string().trim(),
    refine: z.string().refine(() => true),
    objectRefine: z.object({ a: z.string() }).refine(() => true),
    multiple: z.number().multipleOf(5),
    url: z.url(),
    position: z.string().includes("a", { position: 3 }),
    flags: z.string().regex(/a/i),
    random: z.string().default(() => String(Math.random())),
    fallback: z.int().default("x" as unknown as number),
    local: z.iso.datetime({ local: true }),
    precise: z.iso.datetime({ precision: 3 }),
    version: z.uuidv7(),
    loose: z.looseObject({ a: z.string() }),
    within: z.array(z.int().min(3)),
    caught: z.string().catch("x"),
    prefault: z.string().prefault("x"),
    unsigned: z.uint64(),
    numbers: z.enum({ A: 1, B: 2 }),
    keyed: z.record(z.enum(["a"]), z.int()),
    optionalItem: z.array(z.string().optional()),
    nothing: z.null(),
  };
  for (const [name, type] of Object.entries(types)) {
    const issues = issuesOf({ [name]: type });
    assert.ok(issues[0]?.path.startsWith(`schema.${name}`), `${name}: ${JSON.stringify(issues)}`);
    assert.match(issues[0]?.message ?? "", /\.$/);
  }
  assert.equal(issuesOf(types).length, 32, "all at once, up to the limit");
});

test("what is no type of Zod 4 is refused where it stands", () => {
  for (const type of [undefined, null, z3.string(), z3.object({ a: z3.string() })] as unknown as readonly z.core.$ZodType[]) {
    const places: Readonly<Record<string, z.core.$ZodType>> = {
      v: type,
      array: z.array(type),
      object: z.object({ a: type }),
      nullable: z.nullable(type),
      union: z.union([type, z.null()]),
      replaced: z.array(type).meta({ avro: { type: "array", items: "string" } }),
    };
    const paths = ["v", "array[]", "object.a", "nullable", "union"].map((path) => `schema.${path}`);
    const issues = issuesOf(places);
    assert.deepEqual(
      issues.map(({ path }) => path),
      paths,
    );
    for (const { message } of issues) assert.match(message, /no type of Zod 4/);
  }
});

test("a union is refused with what says the same", () => {
  const cases: readonly (readonly [z.core.$ZodType, RegExp])[] = [
    [z.union([z.literal("a"), z.literal("b")]), /use z\.enum\(\[…\]\) for texts/],
    [z.union([z.literal(1), z.literal(2), z.null()]), /z\.literal\(\[…\]\)\.nullable\(\) for whole numbers/],
    [z.union([z.string(), z.undefined()]), /use \.optional\(\) on the type/],
    [z.union([z.string(), z.undefined(), z.null()]), /use \.optional\(\)\.nullable\(\) on the type/],
    [z.union([z.string(), z.int(), z.undefined()]), /nullable field for each case/],
    [z.discriminatedUnion("k", [z.object({ k: z.literal("a") })]), /nullable field for each case/],
  ];
  for (const [type, message] of cases) assert.match(issuesOf({ v: type })[0]?.message ?? "", message);
});

test("an object that holds itself is refused where it does", () => {
  const node = z.object({
    name: z.string(),
    get next() {
      return z.array(node);
    },
  });
  const [issue, ...others] = issuesOf({ node });
  assert.equal(issue?.path, "schema.node.next[]");
  assert.match(issue?.message ?? "", /holds itself here, and no table can hold a type that contains itself/);
  assert.deepEqual(others, []);
});

test("an Avro type that contains itself is refused, with a default too", () => {
  const avro = { type: "record", name: "node", fields: [{ name: "next", type: ["null", "node"], default: null }] };
  for (const type of [z.any().meta({ avro }), z.any().meta({ avro }).default({ next: null })])
    assert.match(issuesOf({ v: type })[0]?.message ?? "", /contains itself/);
});

test("a refinement of an Avro type that has none like it is refused", () => {
  assert.deepEqual(
    issuesOf({ v: date().min(3) }).map((issue) => issue.path),
    ["checks[0].field"],
  );
});

test("a nested type that is used twice is one Avro type, and its refinements hold in both places", () => {
  const address = z.object({ zip: z.string().min(5), kind: z.enum(["home", "work"]) });
  const contract = declare({ bill: address, ship: address.nullable() });
  const { fields } = toSchemaJson(contract.schema) as { readonly fields: readonly { readonly type: unknown }[] };
  assert.deepEqual(fields[3]?.type, ["null", "test.small_bill"]);
  assert.deepEqual(contract.checks, [
    { kind: "length", field: "bill.zip", min: 5 },
    { kind: "length", field: "ship.zip", min: 5 },
  ]);
});

test("a default that fails its own refinement is refused", () => {
  assert.deepEqual(
    issuesOf({ v: z.array(z.string()).min(1).default([]) }).map((issue) => issue.path),
    ["checks[0]"],
  );
});

test("the faults of the declaration outside its schema are those of the JSON form", () => {
  assert.throws(() => dataset({ name: "no", schema: z.object({ a: z.string() }), key: ["a"], order: ["a"] }), { code: "contract.invalid" });
  assert.throws(() => dataset({ name: "a.b", schema: z.object({ "US Gross": z.int(), a: z.string() }), key: ["a"], order: ["a"] }), {
    code: "contract.invalid",
    message: /Field names/,
  });
});
