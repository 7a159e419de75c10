import assert from "node:assert/strict";
import { test } from "node:test";
import { compilePartitionValue, parseAvroSchema, transforms, type Transform } from "@mainstem/contract";
import fc from "fast-check";
import { parseObjectKey } from "../objects/index.ts";
import { systemEnv } from "../runtime/env.ts";
import { createAddresses } from "./addresses.ts";
import { compareBounds, compareValues, decodeBound, encodeBound, truncateLower, truncateUpper, type BoundValue } from "./bounds.ts";
import { manifestHead, readManifest, statuses, writeManifest, type ManifestEntry, type StoredFile } from "./manifest.ts";
import { partition, schema } from "./testing/samples.ts";
import { transformValue } from "./testing/transform-value.ts";
import { parseTransform, resultType } from "./transforms.ts";

const seconds = Number(process.env["MAINSTEM_TEST_SECONDS"] ?? 3);
const timed = { interruptAfterTimeLimit: seconds * 250, numRuns: 100_000 };

const long = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const micros = fc.bigInt({ min: -62_135_596_800_000_000n, max: 253_402_300_799_999_999n });
const text = fc.string({ unit: "binary" });
const bytes = fc.uint8Array({ maxLength: 40 });
const decimal = fc.bigInt({ min: 1n - 10n ** 38n, max: 10n ** 38n - 1n });

/** Values of each Iceberg type. */
const values: Readonly<Record<string, fc.Arbitrary<BoundValue>>> = {
  boolean: fc.boolean(),
  int: fc.integer(),
  long: fc.oneof(long, fc.bigInt({ min: -3n, max: 3n })),
  float: fc.float({ noNaN: true }),
  double: fc.double({ noNaN: true }),
  date: fc.integer({ min: -719_162, max: 2_932_896 }),
  time: fc.bigInt({ min: 0n, max: 86_399_999_999n }),
  timestamp: micros,
  timestamptz: micros,
  string: fc.oneof(text, fc.string({ unit: fc.constantFrom("a", "\uD7FF", "\uE000", "\uFFFF", "\u{10000}", "\u{10FFFF}"), maxLength: 24 })),
  uuid: fc.uuid(),
  binary: fc.oneof(
    bytes,
    fc.array(fc.constantFrom(0, 254, 255), { maxLength: 24 }).map((list) => Uint8Array.from(list)),
  ),
  "fixed[4]": fc.uint8Array({ minLength: 4, maxLength: 4 }),
  "decimal(38, 10)": decimal,
};

for (const [type, value] of Object.entries(values)) {
  test(`bounds of ${type} keep values and their order, and shortened ones enclose them`, () => {
    const pairs = fc.tuple(value, value);
    fc.assert(
      fc.property(pairs, ([a, b]) => {
        const [left, right] = [encodeBound(type, a), encodeBound(type, b)];
        assert.deepEqual(decodeBound(type, left), a);
        assert.equal(Math.sign(compareBounds(type, left, right)!), Math.sign(compareValues(type, a, b)));
        assert.equal(Math.sign(compareValues(type, b, a)), -Math.sign(compareValues(type, a, b)) + 0);
        assert.ok(compareValues(type, truncateLower(type, a), a) <= 0);
        const upper = truncateUpper(type, a);
        assert.ok(upper === undefined || compareValues(type, upper, a) >= 0);
        // What is shortened must still have a form in UTF-8.
        if (upper !== undefined) assert.deepEqual(decodeBound(type, encodeBound(type, upper)), upper);
      }),
      { ...timed, interruptAfterTimeLimit: seconds * 70 },
    );
  });
}

/** The contract's types with the column that each has, and how the contract's value is written there. */
const kinds: readonly (readonly [unknown, string, fc.Arbitrary<unknown>, (native: never) => BoundValue])[] = [
  ["int", "int", fc.oneof(fc.integer(), fc.integer({ min: -(2 ** 31), max: -(2 ** 31) + 2_000 })), (native: number) => native],
  [
    "long",
    "long",
    fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.bigInt({ min: -(2n ** 63n), max: -(2n ** 63n) + 2_000n })),
    (native: bigint) => native,
  ],
  [{ type: "int", logicalType: "date" }, "date", values["date"]!, (native: number) => native],
  [{ type: "int", logicalType: "time-millis" }, "time", fc.integer({ min: 0, max: 86_399_999 }), (native: number) => BigInt(native) * 1000n],
  [{ type: "long", logicalType: "time-micros" }, "time", fc.integer({ min: 0, max: 86_399_999_999 }), (native: number) => BigInt(native)],
  [{ type: "long", logicalType: "timestamp-micros" }, "timestamptz", micros, (native: bigint) => native],
  [
    { type: "long", logicalType: "timestamp-millis" },
    "timestamptz",
    fc.integer({ min: -62_135_596_800_000, max: 253_402_300_799_999 }),
    (native: number) => BigInt(native) * 1000n,
  ],
  [{ type: "long", logicalType: "local-timestamp-micros" }, "timestamp", micros, (native: bigint) => native],
  ["string", "string", text, (native: string) => native],
  [{ type: "string", logicalType: "uuid" }, "uuid", fc.uuid(), (native: string) => native],
  ["bytes", "binary", bytes, (native: Uint8Array) => native],
  [{ type: "bytes", logicalType: "decimal", precision: 38, scale: 10 }, "decimal(38, 10)", decimal, (native: bigint) => native],
  ["boolean", "boolean", fc.boolean(), (native: boolean) => native],
];

test("the contract and the table put every value into the same partition", () => {
  const cases = kinds.flatMap(([avro, type, native, toColumn]) =>
    transforms.flatMap((transform) => {
      const width = transform === "bucket" || transform === "truncate" ? [1, 7, 1_000, 2 ** 31 - 1] : [undefined];
      return width.map((of) => ({ avro, type, native, toColumn, transform, width: of }));
    }),
  );
  let agreed = 0;
  for (const { avro, type, native, toColumn, transform, width } of cases) {
    const field = { field: "f", transform, ...(width === undefined ? {} : { width }) };
    const ours = parseTransform(width === undefined ? transform : `${transform}[${width}]`)!;
    const theirs = compiled(avro, field);
    if (theirs === undefined) continue;
    agreed += 1;
    fc.assert(
      fc.property(native, (value) => {
        const column = toColumn(value as never);
        const result = transformValue(ours, type, column);
        assert.deepEqual(theirs(value), result);
        // What comes out is a value of the result's type.
        encodeBound(resultType(ours, type), result!);
      }),
      { interruptAfterTimeLimit: seconds * 20, numRuns: 300 },
    );
  }
  assert.ok(agreed > 60, `only ${agreed} combinations were compared`);
});

/** The contract's transform; undefined for one that the type does not have. */
function compiled(
  avro: unknown,
  field: { readonly field: string; readonly transform: Transform; readonly width?: number },
): ((native: unknown) => unknown) | undefined {
  try {
    return compilePartitionValue(parseAvroSchema(avro), field);
  } catch (error) {
    assert.ok(error instanceof TypeError);
    return undefined;
  }
}

const counts = fc.array(fc.tuple(fc.integer({ min: 1, max: 50 }), fc.nat())).map((pairs) => new Map(pairs));
const boundMap = fc.array(fc.tuple(fc.integer({ min: 1, max: 50 }), bytes)).map((pairs) => new Map(pairs));
const file: fc.Arbitrary<StoredFile> = fc.record(
  {
    key: fc.stringMatching(/^[a-z0-9=.%-]{1,40}$/).map((name) => parseObjectKey(`tables/shop/orders/data/x${name}`)),
    specId: fc.constant(0),
    partition: fc.tuple(fc.option(fc.integer(), { nil: null })),
    records: fc.maxSafeNat(),
    bytes: fc.maxSafeNat(),
    columnSizes: counts,
    valueCounts: counts,
    nullCounts: counts,
    lowerBounds: boundMap,
    upperBounds: boundMap,
    sortOrderId: fc.nat(),
    schemaId: fc.constant(0),
    splitOffsets: fc.array(fc.maxSafeNat()),
    keyMetadata: bytes,
  },
  {
    noNullPrototype: true,
    requiredKeys: [
      "key",
      "specId",
      "partition",
      "records",
      "bytes",
      "columnSizes",
      "valueCounts",
      "nullCounts",
      "lowerBounds",
      "upperBounds",
      "sortOrderId",
      "schemaId",
    ],
  },
);
const entry: fc.Arbitrary<ManifestEntry> = fc.record(
  {
    status: fc.constantFrom(...statuses),
    snapshotId: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
    sequenceNumber: fc.maxSafeNat(),
    fileSequenceNumber: fc.maxSafeNat(),
    file,
  },
  { noNullPrototype: true },
);

test("manifests of any files come back as they were written", () => {
  const prefix = parseObjectKey("tables/shop/orders");
  const addresses = createAddresses({ location: "file:///data/tables/shop/orders", prefix });
  const key = parseObjectKey(`${prefix}/metadata/x-m0.avro`);
  const head = manifestHead({ schema, spec: partition }, []);
  fc.assert(
    fc.property(fc.array(entry), (entries) => {
      const written = writeManifest(entries, { head, addresses, env: systemEnv });
      const count = (status: string): number => entries.filter((one) => one.status === status).length;
      const files = { added: count("added"), existing: count("existing"), deleted: count("deleted") };
      const manifest = {
        key,
        bytes: written.length,
        specId: 0,
        content: "data",
        sequenceNumber: 1,
        minSequenceNumber: 1,
        addedSnapshotId: 1n,
        files,
        rows: files,
        partitions: undefined,
        keyMetadata: undefined,
      } as const;
      assert.deepEqual(readManifest(written, { manifest, spec: partition, addresses }), { schema, spec: partition, entries });
    }),
    timed,
  );
});
