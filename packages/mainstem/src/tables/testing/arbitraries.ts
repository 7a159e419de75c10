import {
  fieldRules,
  formatContract,
  isUnion,
  kindOf,
  orderFields,
  parseContract,
  type AvroRecordSchema,
  type AvroSchema,
  type AvroTypeSchema,
  type Contract,
  type FieldRule,
  type NativeRecord,
} from "@mainstem/contract";
import fc from "fast-check";
import { unreachable } from "../../runtime/assert.ts";

/** Every type that a table can have, as Avro writes it. */
export const scalarTypes = {
  boolean: "boolean",
  int: "int",
  long: "long",
  float: "float",
  double: "double",
  string: "string",
  uuid: { type: "string", logicalType: "uuid" },
  bytes: "bytes",
  decimal: { type: "bytes", logicalType: "decimal", precision: 12, scale: 2 },
  bigDecimal: { type: "bytes", logicalType: "decimal", precision: 38, scale: 10 },
  date: { type: "int", logicalType: "date" },
  timeMillis: { type: "int", logicalType: "time-millis" },
  timeMicros: { type: "long", logicalType: "time-micros" },
  timestampMillis: { type: "long", logicalType: "timestamp-millis" },
  timestampMicros: { type: "long", logicalType: "timestamp-micros" },
  localTimestampMillis: { type: "long", logicalType: "local-timestamp-millis" },
  localTimestampMicros: { type: "long", logicalType: "local-timestamp-micros" },
} as const;
type ScalarName = keyof typeof scalarTypes;

export const keyTypes: readonly ScalarName[] = (Object.keys(scalarTypes) as ScalarName[]).filter((name) => name !== "float" && name !== "double");
export const orderTypes: readonly ScalarName[] = keyTypes;

/** Enums and fixed have names, which must differ within a schema. */
export function fixedType(name: string): unknown {
  return { type: "fixed", name, size: 3 };
}
export function enumType(name: string): unknown {
  return { type: "enum", name, symbols: ["zebra", "Apple", "mango"] };
}

const valueTypes: readonly unknown[] = [
  ...Object.values(scalarTypes),
  enumType("colour"),
  fixedType("three"),
  { type: "fixed", name: "money", size: 6, logicalType: "decimal", precision: 9, scale: 4 },
  { type: "array", items: ["null", "string"] },
  { type: "array", items: { type: "array", items: "double" } },
  { type: "map", values: "long" },
  { type: "map", values: ["null", { type: "record", name: "inMap", fields: [{ name: "when", type: scalarTypes.timestampMicros }] }] },
  {
    type: "record",
    name: "nested",
    fields: [
      { name: "a", type: "int" },
      { name: "b", type: ["null", "string"] },
      { name: "c", type: { type: "record", name: "deeper", fields: [{ name: "d", type: { type: "array", items: scalarTypes.decimal } }] } },
    ],
  },
];

/** One field of every type there is, each also as nullable. */
export function allValueFields(): readonly { readonly name: string; readonly type: unknown }[] {
  return valueTypes.flatMap((type, index) => {
    const own = { name: `v${index}`, type };
    return namesIn(type)
      ? [index % 2 === 0 ? own : { ...own, type: ["null", type] }]
      : [own, { name: `n${index}`, type: index % 2 === 0 ? ["null", type] : [type, "null"] }];
  });
}

function namesIn(type: unknown): boolean {
  return JSON.stringify(type).includes('"name"');
}

/** The partition transforms that take a type. */
const transformsOf: Partial<Record<ScalarName, readonly { readonly transform: string; readonly width?: number }[]>> = {
  int: [{ transform: "identity" }, { transform: "bucket", width: 3 }, { transform: "truncate", width: 7 }],
  long: [
    { transform: "truncate", width: 10 },
    { transform: "bucket", width: 2 },
  ],
  string: [{ transform: "identity" }, { transform: "truncate", width: 1 }, { transform: "bucket", width: 4 }],
  uuid: [{ transform: "bucket", width: 2 }, { transform: "identity" }],
  bytes: [
    { transform: "truncate", width: 1 },
    { transform: "bucket", width: 3 },
  ],
  decimal: [{ transform: "identity" }, { transform: "truncate", width: 50 }],
  bigDecimal: [{ transform: "bucket", width: 3 }, { transform: "identity" }],
  boolean: [{ transform: "identity" }],
  date: [{ transform: "day" }, { transform: "month" }, { transform: "year" }],
  timestampMicros: [{ transform: "day" }, { transform: "hour" }],
  timestampMillis: [{ transform: "month" }, { transform: "day" }],
  localTimestampMicros: [{ transform: "year" }],
};
const partitionTypes = Object.keys(transformsOf) as ScalarName[];

/** Contracts with one or two key and order fields of any type, of every kind of partition; some with all types among the other fields. */
export const contracts: fc.Arbitrary<Contract> = fc
  .record({
    key: fc.uniqueArray(fc.constantFrom(...keyTypes, "enum", "fixed"), { minLength: 1, maxLength: 2 }),
    order: fc.uniqueArray(fc.constantFrom(...orderTypes), { minLength: 1, maxLength: 2 }),
    merge: fc.constantFrom("latest", "first", "fields"),
    kind: fc.constantFrom("none", "stable", "movable", "movable", "movable2"),
    partition: fc.constantFrom(...partitionTypes),
    partition2: fc.constantFrom(...partitionTypes),
    choice: fc.nat(),
    nullablePartition: fc.boolean(),
    wide: fc.integer({ min: 0, max: 3 }).map((n) => n === 0),
    deletes: fc.constantFrom("none", "flag", "state"),
    sort: fc.subarray(["number", "place", "other", "key0"], { maxLength: 2 }),
    rules: fc.array(fc.constantFrom<FieldRule>(...fieldRules), { minLength: 1, maxLength: 7 }),
  })
  .map(({ key, order, merge, kind, partition, partition2, choice, nullablePartition, wide, deletes, sort, rules }) => {
    const typeOf = (name: string, field: string): unknown =>
      name === "enum" ? enumType(`${field}Enum`) : name === "fixed" ? fixedType(`${field}Fixed`) : scalarTypes[name as ScalarName];
    const transform = (name: ScalarName): object => transformsOf[name]![choice % transformsOf[name]!.length]!;
    const stable = kind === "stable" ? key.findIndex((name) => name in transformsOf) : -1;
    const moving = kind === "movable" || kind === "movable2";
    const deletable = merge === "latest" && deletes !== "none";
    const fields = [
      { name: "other", type: "string" },
      ...key.map((name, index) => ({ name: `key${index}`, type: typeOf(name, `key${index}`) })),
      ...(moving ? [{ name: "place", type: nullablePartition ? ["null", scalarTypes[partition]] : scalarTypes[partition] }] : []),
      ...(kind === "movable2" ? [{ name: "place2", type: scalarTypes[partition2] }] : []),
      ...order.map((name, index) => ({ name: `order${index}`, type: typeOf(name, `order${index}`) })),
      { name: "number", type: "double" },
      ...(deletable ? [{ name: "gone", type: deletes === "flag" ? ["null", "boolean"] : enumType("state") }] : []),
      ...(merge === "fields" ? [{ name: "tags", type: ["null", { type: "array", items: "string" }] }] : []),
      ...(wide ? allValueFields() : []),
    ];
    const merged = fields.map(({ name }) => name).filter((name) => !/^(key|order)/.test(name));
    const ruleOf = (name: string, index: number): FieldRule => {
      const rule = rules[index % rules.length]!;
      if (rule === "union") return name === "tags" ? rule : "latest";
      return /^(min|max)$/.test(rule) && !/^(other|number|place)/.test(name) ? "latestNonNull" : rule;
    };
    const byField = { fields: Object.fromEntries(merged.map((name, index) => [name, ruleOf(name, index)])) };
    const partitions = [
      ...(stable >= 0 ? [{ field: `key${stable}`, ...transform(key[stable] as ScalarName) }] : []),
      ...(moving ? [{ field: "place", ...transform(partition) }] : []),
      ...(kind === "movable2" ? [{ field: "place2", ...transform(partition2) }] : []),
    ];
    return parseContract({
      name: "shop.orders",
      schema: { type: "record", name: "orders", namespace: "shop", fields },
      key: key.map((_, index) => `key${index}`),
      order: order.map((_, index) => `order${index}`),
      merge: { kind: merge, ...(merge === "fields" ? byField : {}) },
      ...(deletable ? { deletes: { field: "gone", ...(deletes === "flag" ? {} : { values: ["zebra"] }) } } : {}),
      partition: partitions,
      sort: sort.filter((name) => fields.some((field) => field.name === name)),
    });
  });

/** The same, some of them ordered by the log. */
export const contractsOfAnyOrder: fc.Arbitrary<Contract> = fc
  .tuple(contracts, fc.boolean())
  .map(([contract, byLog]) => (byLog ? parseContract({ ...formatContract(contract), order: "log" }) : contract));

/** Records of a contract, few keys and orders among them, so that they meet: repeats, older ones, ties of different content, moves. */
export function recordsOf(contract: Contract, size: { readonly minLength?: number; readonly maxLength: number }): fc.Arbitrary<readonly NativeRecord[]> {
  const { fields } = contract.schema;
  const few = (name: string): boolean => contract.key.includes(name) || orderFields(contract).includes(name) || name.startsWith("place");
  // Of narrow records the content is often the same, or differs by no more than the sign of a zero, which makes no difference.
  const plain = {
    other: fc.oneof({ weight: 3, arbitrary: fc.constantFrom("a", "b") }, { weight: 1, arbitrary: text }),
    number: fc.constantFrom(0, -0, 1.5, Number.NaN),
  };
  const arbitraries: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
    ...Object.fromEntries(fields.map(({ name, type }) => [name, nativeOf(type)])),
    ...plain,
  };
  return fc
    .record(
      Object.fromEntries(
        fields
          .filter(({ name }) => few(name))
          .map(({ name }) => [name, fc.uniqueArray(arbitraries[name]!, { minLength: 1, maxLength: 4, selector: fc.stringify })]),
      ),
    )
    .chain((pools) =>
      fc.array(
        fc.record(Object.fromEntries(fields.map(({ name }) => [name, few(name) ? fc.constantFrom(...(pools[name] as unknown[])) : arbitraries[name]!]))),
        size,
      ),
    ) as fc.Arbitrary<readonly NativeRecord[]>;
}

const instant = fc.oneof(fc.integer({ min: -100_000, max: 100_000 }), fc.integer({ min: -4_000_000_000_000, max: 4_000_000_000_000 }));
const text = fc.oneof(
  fc.constantFrom("", "a", "B", "é", "\uffff", "\u{1d11e}", "a\u0000b", "'\"\\"),
  fc.string({ unit: "binary", maxLength: 80 }),
  fc.string({ maxLength: 4 }),
);

/** Native values of a type, the awkward ones among them. */
export function nativeOf(schema: AvroSchema): fc.Arbitrary<unknown> {
  if (!isUnion(schema)) return typeArbitrary(schema);
  return fc.option(typeArbitrary(schema.find((branch) => branch.type !== "null")!), { freq: 3 });
}

function typeArbitrary(schema: AvroTypeSchema): fc.Arbitrary<unknown> {
  const kind = kindOf(schema);
  switch (kind) {
    case "boolean":
      return fc.boolean();
    case "int":
      return fc.oneof(fc.integer({ min: -2, max: 2 }), fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }));
    case "long":
      return fc.oneof(fc.integer({ min: -2, max: 2 }), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(narrow));
    case "float":
      return fc.oneof(fc.float(), fc.constantFrom(0, -0, Number.NaN, Infinity));
    case "double":
      return fc.oneof(fc.double(), fc.constantFrom(0, -0, Number.NaN, -Infinity));
    case "string":
      return text;
    case "uuid":
      return fc.uuid();
    case "enum":
      return fc.constantFrom(...(schema as { readonly symbols: readonly string[] }).symbols);
    case "bytes":
      return fc.uint8Array({ maxLength: 70 });
    case "fixed": {
      const { size } = schema as { readonly size: number };
      return fc.uint8Array({ minLength: size, maxLength: size });
    }
    case "decimal": {
      const limit = 10n ** BigInt((schema as { readonly precision: number }).precision) - 1n;
      return fc.oneof(fc.bigInt({ min: -3n, max: 3n }), fc.bigInt({ min: -limit, max: limit }));
    }
    case "date":
      return fc.oneof(fc.integer({ min: -2, max: 2 }), fc.integer({ min: -719_162, max: 2_932_896 }));
    case "timeMillis":
      return fc.integer({ min: 0, max: 86_399_999 });
    case "timeMicros":
      return fc.integer({ min: 0, max: 86_399_999_999 });
    case "timestampMillis":
    case "localTimestampMillis":
      return fc.oneof(instant, fc.constantFrom(-62_135_596_800_000, 253_402_300_799_999));
    case "timestampMicros":
    case "localTimestampMicros":
      return fc.oneof(
        instant.map((value) => value * 1000 + (value % 7)),
        fc.constantFrom(-62_135_596_800_000_000n, 253_402_300_799_999_999n),
      );
    case "array":
      return fc.array(nativeOf((schema as { readonly items: AvroSchema }).items), { maxLength: 3 });
    case "map":
      return fc
        .uniqueArray(fc.tuple(text, nativeOf((schema as { readonly values: AvroSchema }).values)), { maxLength: 3, selector: ([key]) => key })
        .map((entries) => new Map(entries));
    case "record":
      return fc
        .tuple(...(schema as AvroRecordSchema).fields.map((field) => nativeOf(field.type)))
        .map((values) => Object.fromEntries((schema as AvroRecordSchema).fields.map((field, index) => [field.name, values[index]])));
    case "null":
    case "timestampNanos":
    case "localTimestampNanos":
    case "duration":
      throw new Error(`no table has a column of type ${kind}`);
    default:
      return unreachable(kind);
  }
}

function narrow(value: bigint): number | bigint {
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}
