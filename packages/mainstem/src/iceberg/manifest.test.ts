import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateRawSync, zstdCompressSync } from "node:zlib";
import { ByteSink, compileWriter, encodeContainerBlock, encodeContainerHeader, parseAvroRecordSchema } from "@mainstem/contract";
import { parseObjectKey } from "../objects/index.ts";
import { systemEnv } from "../runtime/env.ts";
import { createAddresses } from "./addresses.ts";
import { readAvroFile } from "./avro-file.ts";
import { encodeBound } from "./bounds.ts";
import { manifestHead, readFileKeys, readManifest, writeManifest, type ManifestEntry } from "./manifest.ts";
import { readManifestList, writeManifestList, type ManifestFile } from "./manifest-list.ts";
import { manifestListSchema, manifestSchema, partitionColumns } from "./manifest-schema.ts";
import type { IcebergPartitionSpec, IcebergSchema, PartitionScalar } from "./model.ts";
import { summarizePartitions } from "./partition-summary.ts";
import { fileOf, partition, schema } from "./testing/samples.ts";

const prefix = parseObjectKey("tables/shop/orders");
const addresses = createAddresses({ location: "s3://bucket/tables/shop/orders", prefix });
const key = parseObjectKey(`${prefix}/metadata/x-m0.avro`);

function listed(bytes: Uint8Array, files: Partial<ManifestFile["files"]>, more: Partial<ManifestFile> = {}): ManifestFile {
  const counts = { added: 0, existing: 0, deleted: 0, ...files };
  const partitions = undefined;
  return {
    key,
    bytes: bytes.length,
    specId: 0,
    content: "data",
    sequenceNumber: 7,
    minSequenceNumber: 3,
    addedSnapshotId: 99n,
    files: counts,
    rows: counts,
    partitions,
    keyMetadata: undefined,
    ...more,
  };
}

function container(
  schemaJson: unknown,
  rows: readonly unknown[],
  options: { readonly codec: "null" | "deflate" | "zstandard"; readonly metadata: Readonly<Record<string, string>> },
): Uint8Array {
  const avro = parseAvroRecordSchema(schemaJson);
  const sync = systemEnv.random(16);
  const sink = new ByteSink();
  const write = compileWriter(avro);
  for (const row of rows) write(row, sink);
  const compress = { null: (bytes: Uint8Array) => bytes, deflate: deflateRawSync, zstandard: zstdCompressSync }[options.codec];
  const header = encodeContainerHeader({ schemaText: JSON.stringify(schemaJson), codec: options.codec, sync, metadata: options.metadata });
  return Buffer.concat([header, encodeContainerBlock({ count: rows.length, data: compress(sink.view()), sync })]);
}

/** Reads a manifest whole, and only for its files, which must say the same, errors too. */
function readBothWays(...[bytes, options]: Parameters<typeof readManifest>): ReturnType<typeof readManifest> {
  const keys = (): unknown => readFileKeys(bytes, options);
  let manifest: ReturnType<typeof readManifest>;
  try {
    manifest = readManifest(bytes, options);
  } catch (error) {
    assert.throws(keys, { message: (error as Error).message });
    throw error;
  }
  assert.deepEqual(
    keys(),
    manifest.entries.map(({ status, file }) => ({ status, key: file.key })),
  );
  return manifest;
}

test("entries inherit what they lack, and keep what they have", () => {
  const file = { ...fileOf({ day: -3 }), nanCounts: new Map([[3, 1]]), splitOffsets: [4, 1_000], keyMetadata: Uint8Array.of(1) };
  const entries: readonly ManifestEntry[] = [
    { status: "added", snapshotId: 99n, sequenceNumber: undefined, fileSequenceNumber: undefined, file },
    { status: "added", snapshotId: 99n, sequenceNumber: 2, fileSequenceNumber: undefined, file: fileOf() },
    { status: "existing", snapshotId: 2n ** 62n, sequenceNumber: 3, fileSequenceNumber: 4, file: fileOf({ day: null }) },
    { status: "deleted", snapshotId: 99n, sequenceNumber: 5, fileSequenceNumber: 6, file: fileOf() },
  ];
  const head = manifestHead({ schema, spec: partition }, []);
  const bytes = writeManifest(entries, { head, addresses, env: systemEnv });
  const manifest = readBothWays(bytes, { manifest: listed(bytes, { added: 2, existing: 1, deleted: 1 }), spec: partition, addresses });
  assert.deepEqual(manifest.schema, schema);
  assert.deepEqual(manifest.entries, [
    { ...entries[0], sequenceNumber: 7, fileSequenceNumber: 7 },
    { ...entries[1], fileSequenceNumber: 7 },
    entries[2],
    entries[3],
  ]);
  const { metadata } = readAvroFile(bytes, { key });
  assert.deepEqual(JSON.parse(metadata.get("schema")!), schema);
  assert.deepEqual(JSON.parse(metadata.get("partition-spec")!), partition.fields);
  const rest = ["schema-id", "partition-spec-id", "format-version", "content", "avro.codec"].map((name) => metadata.get(name));
  assert.deepEqual(rest, ["0", "0", "2", "data", "deflate"]);
  assert.match(metadata.get("avro.schema")!, /"name":"file_path","type":"string","field-id":100/);
});

test("partition values of every type come back, and summaries say what they have in common", () => {
  const cases: readonly (readonly [string, readonly PartitionScalar[]])[] = [
    ["boolean", [true, false]],
    ["int", [5, -7]],
    ["long", [2n ** 60n, -1n]],
    ["date", [-719_162, 20_000]],
    ["time", [86_399_999_999n, 0n]],
    ["timestamp", [-1n, 1n]],
    ["timestamptz", [1n, -(2n ** 60n)]],
    ["string", ["é", ""]],
    ["uuid", ["f79c3e09-677c-4bbd-a479-3f349cb785e7", "00000000-0000-0000-0000-000000000000"]],
    ["binary", [Uint8Array.of(255), new Uint8Array(0)]],
    ["fixed[2]", [Uint8Array.of(0, 255), Uint8Array.of(9, 9)]],
    ["decimal(20, 4)", [-(10n ** 19n), 1n]],
    ["decimal(38, 0)", [10n ** 38n - 1n, 1n - 10n ** 38n]],
  ];
  for (const [type, values] of cases) {
    const own: IcebergSchema = { ...schema, fields: [{ id: 1, name: "id", required: true, type }] };
    const spec: IcebergPartitionSpec = {
      "spec-id": 0,
      fields: [
        { "source-id": 1, "field-id": 1000, name: "id", transform: "identity" },
        { "source-id": 1, "field-id": 1001, name: "id again", transform: "identity" },
      ],
    };
    const files = [...values, null].map((value) => ({ ...fileOf(), partition: [value, value] }));
    const head = manifestHead({ schema: own, spec }, []);
    const entries = files.map((file): ManifestEntry => ({ status: "existing", snapshotId: 1n, sequenceNumber: 1, fileSequenceNumber: 1, file }));
    const bytes = writeManifest(entries, { head, addresses, env: systemEnv });
    const read = readBothWays(bytes, { manifest: listed(bytes, { existing: 3 }), spec, addresses });
    assert.deepEqual(
      read.entries.map((entry) => entry.file.partition),
      files.map((file) => file.partition),
      type,
    );
    const [summary] = summarizePartitions(files, head.columns);
    const sorted = [...values].sort((a, b) => (encodeAndCompare(type, a!, b!) ? -1 : 1)) as [never, never];
    assert.deepEqual(summary, { containsNull: true, containsNan: false, lower: encodeBound(type, sorted[0]), upper: encodeBound(type, sorted[1]) }, type);
  }
});

/** Whether the first is the lesser, by JavaScript's own order where it is right for these values. */
function encodeAndCompare(type: string, a: NonNullable<PartitionScalar>, b: NonNullable<PartitionScalar>): boolean {
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b) < 0;
  return type === "boolean" ? a === false : a < b;
}

test("a partition that holds NaN says so and has no bound of it", () => {
  const columns = [{ id: 1000, name: "x", type: "double" }];
  const files = [Number.NaN, 1, -0, 0].map((value) => ({ ...fileOf(), partition: [value] }));
  assert.deepEqual(summarizePartitions(files, columns), [
    { containsNull: false, containsNan: true, lower: encodeBound("double", -0), upper: encodeBound("double", 1) },
  ]);
  assert.deepEqual(summarizePartitions(files.slice(0, 1), columns), [{ containsNull: false, containsNan: true, lower: undefined, upper: undefined }]);
});

test("reads manifests of writers with other names, another order, other codecs and no ids", () => {
  const data = fileOf({ day: 4 });
  const row = {
    data_file: {
      sort_order_id: null,
      file_size_in_bytes: data.bytes,
      record_count: data.records,
      partition: { whatever: 4 },
      file_format: "parquet",
      file_path: addresses.addressOf(data.key),
      lower_bounds: [{ k: 1, v: encodeBound("long", 1n) }],
    },
    sequence_number: null,
    snapshot_id: null,
    status: 1,
  };
  const fields = (withIds: boolean): unknown => {
    const id = (number: number): object => (withIds ? { "field-id": number } : {});
    const pair = {
      type: "record",
      name: "pair",
      fields: [
        { name: "k", type: "int" },
        { name: "v", type: "bytes" },
      ],
    };
    return {
      type: "record",
      name: "entry",
      fields: [
        {
          name: "data_file",
          ...id(2),
          type: {
            type: "record",
            name: "file",
            fields: [
              { name: "sort_order_id", type: ["int", "null"], ...id(140) },
              { name: "file_size_in_bytes", type: "long", ...id(104) },
              { name: "record_count", type: "long", ...id(103) },
              {
                name: "partition",
                type: { type: "record", name: "part", fields: [{ name: withIds ? "whatever" : "placedAt_day", type: ["null", "int"], ...id(1000) }] },
                ...id(102),
              },
              { name: "file_format", type: "string", ...id(101) },
              { name: "file_path", type: "string", ...id(100) },
              { name: "lower_bounds", type: ["null", { type: "array", items: pair, logicalType: "map" }], ...id(125) },
            ],
          },
        },
        { name: "sequence_number", type: ["null", "long"], ...id(3) },
        { name: "snapshot_id", type: ["null", "long"], ...id(1) },
        { name: "status", type: "int", ...id(0) },
      ],
    };
  };
  for (const withIds of [true, false]) {
    for (const codec of ["null", "deflate", "zstandard"] as const) {
      const own = withIds ? row : { ...row, data_file: { ...row.data_file, partition: { placedAt_day: 4 } } };
      // The schema of version 1 has its id outside.
      const metadata = { schema: JSON.stringify({ ...schema, "schema-id": undefined }), "schema-id": "0" };
      const bytes = container(fields(withIds), [own], { codec, metadata });
      const { entries } = readBothWays(bytes, { manifest: listed(bytes, { added: 1 }), spec: partition, addresses });
      const { key: fileKey, records, bytes: size } = data;
      const empty = new Map<number, number>();
      const file = {
        key: fileKey,
        specId: 0,
        partition: [4],
        records,
        bytes: size,
        columnSizes: empty,
        valueCounts: empty,
        nullCounts: empty,
        lowerBounds: new Map([[1, encodeBound("long", 1n)]]),
        upperBounds: new Map<number, Uint8Array>(),
        sortOrderId: 0,
        schemaId: 0,
      };
      assert.deepEqual(entries, [{ status: "added", snapshotId: 99n, sequenceNumber: 7, fileSequenceNumber: 7, file }], codec);
    }
  }
});

test("refuses delete files, files that are not Parquet, and codecs that it does not know", () => {
  const columns = partitionColumns(partition, [schema]);
  const file = {
    content: 0,
    file_path: addresses.addressOf(fileOf().key),
    file_format: "PARQUET",
    partition: { placedAt_day: 1 },
    record_count: 1,
    file_size_in_bytes: 1,
  };
  const metadata = { schema: JSON.stringify(schema) };
  const read = (data: object): unknown => {
    const bytes = container(manifestSchema(columns), [{ status: 1, data_file: { ...file, ...data } }], { codec: "deflate", metadata });
    return readBothWays(bytes, { manifest: listed(bytes, { added: 1 }), spec: partition, addresses });
  };
  read({});
  for (const content of [1, 2]) assert.throws(() => read({ content }), { code: "table.unsupported", message: /delete files/ });
  assert.throws(() => read({ file_format: "orc" }), { code: "table.unsupported", message: /format orc/ });
  const snappy = Buffer.from(container(manifestSchema(columns), [], { codec: "deflate", metadata }))
    .toString("latin1")
    .replace("deflate", "bzip2zz");
  const bytes = Buffer.from(snappy, "latin1");
  assert.throws(() => readBothWays(bytes, { manifest: listed(bytes, {}), spec: partition, addresses }), {
    code: "table.unsupported",
    facts: { key, codec: "bzip2zz" },
  });
});

test("names a manifest that is not what its list says, or leads out of the table", () => {
  const head = manifestHead({ schema, spec: partition }, []);
  const entries: readonly ManifestEntry[] = [{ status: "added", snapshotId: 1n, sequenceNumber: 1, fileSequenceNumber: 1, file: fileOf() }];
  const bytes = writeManifest(entries, { head, addresses, env: systemEnv });
  const read = (manifest: ManifestFile, of = addresses): unknown => readBothWays(bytes, { manifest, spec: partition, addresses: of });
  read(listed(bytes, { added: 1 }));
  const damaged = { code: "table.corrupt", message: new RegExp(key) };
  assert.throws(() => read(listed(bytes, { added: 2 })), damaged);
  assert.throws(() => read(listed(bytes, { added: 1, deleted: 1 })), damaged);
  assert.throws(() => read({ ...listed(bytes, { added: 1 }), bytes: bytes.length + 1 }), damaged);
  const elsewhere = createAddresses({ location: "s3://bucket/tables/shop/order", prefix });
  assert.throws(() => read(listed(bytes, { added: 1 }), elsewhere), damaged);
});

test("addresses never lead out of the table, and file: is one place however it is written", () => {
  const local = createAddresses({ location: "file:///data/t", prefix });
  for (const address of ["file:///data/t/data/a.parquet", "file:/data/t/data/a.parquet"]) {
    assert.equal(local.find(address), `${prefix}/data/a.parquet`);
  }
  for (const address of [
    "file:///data/t",
    "file:///data/t/",
    "file:///data/tt/a",
    "file:///data/t/../x",
    "file://data/t/x",
    "file:///data/t//a",
    "/data/t/a",
    "file:///data/t/a\\b",
    "",
  ]) {
    assert.equal(local.find(address), undefined, address);
  }
  assert.equal(local.addressOf(parseObjectKey(`${prefix}/data/a%20b.parquet`)), "file:///data/t/data/a%20b.parquet");
});

test("manifest lists come back as they were written", () => {
  const summary = { containsNull: true, containsNan: undefined, lower: Uint8Array.of(1), upper: undefined };
  const manifests: readonly ManifestFile[] = [
    listed(new Uint8Array(5), { added: 1, existing: 2, deleted: 3 }, { partitions: [summary], addedSnapshotId: 2n ** 63n - 1n, keyMetadata: Uint8Array.of(7) }),
    listed(new Uint8Array(6), {}, { content: "deletes", specId: 4 }),
  ];
  const bytes = writeManifestList(manifests, { snapshotId: 2n ** 63n - 1n, parentId: undefined, sequenceNumber: 8, addresses, env: systemEnv });
  assert.deepEqual(readManifestList(bytes, { key, addresses }), manifests);
  const { metadata } = readAvroFile(bytes, { key });
  assert.deepEqual(
    ["snapshot-id", "parent-snapshot-id", "sequence-number", "format-version"].map((name) => metadata.get(name)),
    [String(2n ** 63n - 1n), "null", "8", "2"],
  );
  const empty = writeManifestList([], { snapshotId: 1n, parentId: 2n, sequenceNumber: 9, addresses, env: systemEnv });
  assert.deepEqual(readManifestList(empty, { key, addresses }), []);
});

test("rows that take no bytes are not believed without end", () => {
  const bytes = container({ type: "record", name: "nothing", fields: [] }, [], { codec: "null", metadata: {} });
  const sync = bytes.subarray(-16);
  const hostile = Buffer.concat([bytes, encodeContainerBlock({ count: Number.MAX_SAFE_INTEGER, data: new Uint8Array(0), sync })]);
  assert.throws(() => readManifestList(hostile, { key, addresses }), { code: "table.corrupt" });
});

test("a decompressed block has a limit", () => {
  const bomb = deflateRawSync(new Uint8Array(100_000_000), { level: 1 });
  const plain = container(manifestListSchema, [], { codec: "deflate", metadata: {} });
  const hostile = Buffer.concat([plain, encodeContainerBlock({ count: 1, data: bomb, sync: plain.subarray(-16) })]);
  assert.throws(() => readManifestList(hostile, { key, addresses }), { code: "table.corrupt", message: /larger than/ });
});

test("nothing is written with a transform that is not known", () => {
  const spec = { "spec-id": 0, fields: [{ "source-id": 1, "field-id": 1000, name: "z", transform: "zorder" }] };
  assert.throws(() => partitionColumns(spec, [schema]), { code: "table.unsupported", facts: { transform: "zorder" } });
  const odd = partitionColumns({ "spec-id": 0, fields: [{ "source-id": 1, "field-id": 1000, name: "1 ä-b", transform: "identity" }] }, [schema]);
  assert.deepEqual(odd, [{ id: 1000, name: "_1_x20_xE4_x2Db", type: "long" }]);
});
