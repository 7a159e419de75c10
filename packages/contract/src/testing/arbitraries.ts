// Random schemas, contracts and values for property tests.
import fc from "fast-check";
import { formatContract } from "../contract-json.ts";
import { parseContract } from "../contract-parser.ts";
import type { Contract } from "../contract.ts";
import type { AvroFixedSchema, AvroPrimitiveSchema, AvroSchema, AvroTypeSchema } from "../avro/schema.ts";
import { isUnion, unwrapNullable } from "../avro/schema.ts";
import { formatDate, formatTimeOfDay, formatTimestamp } from "../records/civil-time.ts";
import { formatDecimal } from "../records/decimal.ts";
import { formatBase64 } from "../records/base64.ts";
import { fractionDigitsOf, kindOf } from "../value-kind.ts";
import { unreachable } from "../unreachable.ts";

/** How long one property may run: a share of the time that a file of properties has. */
export function timed(share = 0.15): { readonly interruptAfterTimeLimit: number; readonly numRuns: number } {
  return { interruptAfterTimeLimit: Number(process.env["MAINSTEM_TEST_SECONDS"] ?? 3) * 1_000 * share, numRuns: 100_000 };
}

/** Texts with every kind of character, of every length that an encoding treats on its own. */
export const texts = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.string({ unit: fc.constantFrom("a", "\u0000", "ß", "\ud7ff", "\ue000", "\uffff", "\u{10000}", "\u{10ffff}", "\ufeff", '"'), maxLength: 90, size: "max" }),
  fc.string({ minLength: 55, maxLength: 140 }),
);
export const bytes = fc.uint8Array({ maxLength: 40 });
/** 64-bit integers as natives: numbers where safe. */
export const longs = fc.oneof(
  fc.integer(),
  fc.maxSafeInteger(),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((value) => (Number.isSafeInteger(Number(value)) ? Number(value) : value)),
  fc.constantFrom(Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, -(2n ** 53n), 2n ** 53n, -(2n ** 63n), 2n ** 63n - 1n),
);
const finite = { noNaN: true, noDefaultInfinity: true } as const;
const micros = fc
  .bigInt({ min: -62_135_596_800_000_000n, max: 253_402_300_799_999_999n })
  .map((value) => (Number.isSafeInteger(Number(value)) ? Number(value) : value));
const nanos = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((value) => (Number.isSafeInteger(Number(value)) ? Number(value) : value));
const millis = fc.integer({ min: -62_135_596_800_000, max: 253_402_300_799_999 });
const jsonLong = (value: number | bigint) => (typeof value === "bigint" ? value.toString() : value);

const primitives = fc.constantFrom<unknown>("boolean", "int", "long", "float", "double", "bytes", "string");
const logicals = fc.constantFrom<unknown>(
  { type: "string", logicalType: "uuid" },
  { type: "bytes", logicalType: "decimal", precision: 12, scale: 2 },
  { type: "bytes", logicalType: "decimal", precision: 38, scale: 0 },
  { type: "int", logicalType: "date" },
  { type: "int", logicalType: "time-millis" },
  { type: "long", logicalType: "time-micros" },
  { type: "long", logicalType: "timestamp-millis" },
  { type: "long", logicalType: "timestamp-micros" },
  { type: "long", logicalType: "local-timestamp-millis" },
  { type: "long", logicalType: "local-timestamp-micros" },
);
const named = fc.oneof(
  fc.integer({ min: 1, max: 9 }).map((size) => ({ type: "fixed", size })),
  fc.constant({ type: "fixed", size: 6, logicalType: "decimal", precision: 13, scale: 4 }),
  fc.uniqueArray(fc.constantFrom("A", "b_1", "Cc", "__d", "E5"), { minLength: 1, maxLength: 5 }).map((symbols) => ({ type: "enum", symbols })),
);
/** Names that objects inherit are fields like any other. */
const fieldNames = fc.constantFrom("a", "b", "c_1", "constructor", "toString", "valueOf", "x9", "_y");

/** An Avro type as JSON, that a contract may use; its named types still without names. */
export function typeJson(depth: number): fc.Arbitrary<unknown> {
  const leaf = fc.oneof({ weight: 3, arbitrary: primitives }, { weight: 3, arbitrary: logicals }, { weight: 1, arbitrary: named });
  if (depth === 0) return nullableOr(leaf);
  const inner = typeJson(depth - 1);
  return nullableOr(
    fc.oneof(
      { weight: 4, arbitrary: leaf },
      { weight: 1, arbitrary: inner.map((items) => ({ type: "array", items })) },
      { weight: 1, arbitrary: inner.map((values) => ({ type: "map", values })) },
      { weight: 1, arbitrary: fieldsJson(depth - 1).map((fields) => ({ type: "record", fields })) },
    ),
  );
}

function nullableOr(type: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc.oneof(
    { weight: 4, arbitrary: type },
    { weight: 1, arbitrary: type.map((own) => ["null", own]) },
    { weight: 1, arbitrary: type.map((own) => [own, "null"]) },
  );
}

function fieldsJson(depth: number): fc.Arbitrary<readonly unknown[]> {
  return fc
    .uniqueArray(fc.tuple(fieldNames, typeJson(depth)), { selector: ([name]) => name.toLowerCase(), minLength: 1, maxLength: 5 })
    .map((list) => list.map(([name, type]) => ({ name, type })));
}

/** Gives every named type a name of its own. */
export function withNames(json: unknown): unknown {
  let next = 0;
  const walk = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(walk);
    if (typeof value !== "object" || value === null) return value;
    const needsName = "symbols" in value || "size" in value || "fields" in value;
    return { ...Object.fromEntries(Object.entries(value).map(([key, item]) => [key, walk(item)])), ...(needsName ? { name: `T${next++}` } : {}) };
  };
  return walk(json);
}

const keyTypes = fc.constantFrom<unknown>(
  "string",
  "int",
  "long",
  "boolean",
  "bytes",
  { type: "string", logicalType: "uuid" },
  { type: "bytes", logicalType: "decimal", precision: 12, scale: 2 },
  { type: "int", logicalType: "date" },
);
const orderTypes = fc.constantFrom<unknown>(
  "string",
  "int",
  "long",
  "bytes",
  { type: "long", logicalType: "timestamp-millis" },
  { type: "long", logicalType: "timestamp-micros" },
  { type: "bytes", logicalType: "decimal", precision: 38, scale: 3 },
);

/** Contracts with any fields, keys and orders. */
export const contracts: fc.Arbitrary<Contract> = fc
  .record({
    keys: fc.array(keyTypes, { minLength: 1, maxLength: 3 }),
    orders: fc.array(orderTypes, { minLength: 1, maxLength: 3 }),
    fields: fieldsJson(2),
    merge: fc.constantFrom("latest", "first"),
    shuffle: fc.integer(),
  })
  .map(({ keys, orders, fields, merge, shuffle }) => {
    const all = [...keys.map((type, index) => ({ name: `key${index}`, type })), ...fields, ...orders.map((type, index) => ({ name: `order${index}`, type }))];
    const start = Math.abs(shuffle) % all.length;
    const schema = withNames({ type: "record", fields: [...all.slice(start), ...all.slice(0, start)] });
    return parseContract({
      name: "any.thing",
      schema: { ...(schema as object), name: "thing", namespace: "any" },
      key: keys.map((_, index) => `key${index}`),
      order: orders.map((_, index) => `order${index}`),
      merge: { kind: merge },
    });
  });

/** Values of a type in the one JSON form that `compileToJson` gives. */
export function jsonValue(schema: AvroSchema): fc.Arbitrary<unknown> {
  const own = unwrapNullable(schema) as { readonly type: AvroTypeSchema };
  const value = jsonOf(own.type);
  return isUnion(schema) ? fc.oneof(value, fc.constant(null)) : value;
}

function jsonOf(schema: AvroTypeSchema): fc.Arbitrary<unknown> {
  const kind = kindOf(schema);
  const digits = fractionDigitsOf(kind);
  switch (kind) {
    case "null":
      return fc.constant(null);
    case "boolean":
      return fc.boolean();
    case "int":
      return fc.integer();
    case "long":
      return longs.map(jsonLong);
    case "float":
      return fc.float(finite);
    case "double":
      return fc.double(finite);
    case "string":
      return texts;
    case "uuid":
      return fc.uuid();
    case "enum":
      return fc.constantFrom(...(schema as Extract<AvroTypeSchema, { readonly type: "enum" }>).symbols);
    case "bytes":
      return bytes.map(formatBase64);
    case "fixed": {
      const { size } = schema as AvroFixedSchema;
      return fc.uint8Array({ minLength: size, maxLength: size }).map(formatBase64);
    }
    case "decimal": {
      const { precision = 0, scale = 0 } = schema as AvroPrimitiveSchema;
      return fc.bigInt({ min: 1n - 10n ** BigInt(precision), max: 10n ** BigInt(precision) - 1n }).map((unscaled) => formatDecimal(unscaled, scale));
    }
    case "date":
      return fc.integer({ min: -719_162, max: 2_932_896 }).map(formatDate);
    case "timeMillis":
      return fc.integer({ min: 0, max: 86_399_999 }).map((count) => formatTimeOfDay(count, digits));
    case "timeMicros":
      return fc.integer({ min: 0, max: 86_399_999_999 }).map((count) => formatTimeOfDay(count, digits));
    case "timestampMillis":
      return millis.map((count) => formatTimestamp(count, { digits, suffix: "Z" }));
    case "timestampMicros":
      return micros.map((count) => formatTimestamp(count, { digits, suffix: "Z" }));
    case "localTimestampMillis":
      return millis.map((count) => formatTimestamp(count, { digits, suffix: "" }));
    case "localTimestampMicros":
      return micros.map((count) => formatTimestamp(count, { digits, suffix: "" }));
    case "timestampNanos":
      return nanos.map((count) => formatTimestamp(count, { digits, suffix: "Z" }));
    case "localTimestampNanos":
      return nanos.map((count) => formatTimestamp(count, { digits, suffix: "" }));
    case "duration": {
      const count = fc.integer({ min: 0, max: 2 ** 32 - 1 });
      return fc.record({ months: count, days: count, millis: count }, { noNullPrototype: true });
    }
    case "array":
      return fc.array(jsonValue((schema as Extract<AvroTypeSchema, { readonly type: "array" }>).items), { maxLength: 4 });
    case "map":
      return fc.dictionary(texts, jsonValue((schema as Extract<AvroTypeSchema, { readonly type: "map" }>).values), { maxKeys: 4, noNullPrototype: true });
    case "record": {
      const { fields } = schema as Extract<AvroTypeSchema, { readonly type: "record" }>;
      return fc
        .tuple(...fields.map((field) => jsonValue(field.type)))
        .map((values) => Object.fromEntries(fields.map((field, index) => [field.name, values[index]])));
    }
    default:
      return unreachable(kind);
  }
}

/** A contract with so many JSON records of it. */
export function contractsWithRecords(options: {
  readonly min: number;
  readonly max: number;
}): fc.Arbitrary<{ readonly contract: Contract; readonly records: readonly unknown[] }> {
  return contracts
    .chain((contract) => fc.array(jsonValue(contract.schema), { minLength: options.min, maxLength: options.max }).map((records) => ({ contract, records })))
    .map((sample) => ({
      ...sample,
      // What fast-check prints of a failure is then what a regression test can be made of.
      toString: () => JSON.stringify({ contract: formatContract(sample.contract), records: sample.records }),
    }));
}

/** A native value with 0 for each -0 in it: to a merge they are one. */
export function oneZero<T>(native: T): T {
  if (typeof native === "number") return (native + 0) as T;
  if (Array.isArray(native)) return native.map(oneZero) as T;
  if (native instanceof Map) return new Map(Array.from(native, ([key, value]) => [key as unknown, oneZero(value)])) as T;
  if (typeof native !== "object" || native === null || native instanceof Uint8Array) return native;
  return Object.fromEntries(Object.entries(native).map(([name, value]) => [name, oneZero(value)])) as T;
}
