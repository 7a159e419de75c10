import { isUnion, logicalTypeOf, unwrapNullable, type AvroRecordSchema } from "@mainstem/contract";
import type { Env } from "../runtime/env.ts";
import { MainstemError } from "../runtime/errors.ts";
import type { ObjectKey } from "../objects/index.ts";
import type { Addresses } from "./addresses.ts";
import { corrupt, namesById, readAvroFile, recordOf, writeAvroFile, type AvroRow } from "./avro-file.ts";
import { bigEndian, bigEndianBytes, uuidBytes, uuidText } from "./bounds.ts";
import { formatJson, parseJson, type Json } from "./json.ts";
import { JsonPlace } from "./json-place.ts";
import { decimalSize, manifestSchema, partitionColumns, type PartitionColumn } from "./manifest-schema.ts";
import type { ManifestFile } from "./manifest-list.ts";
import { checkSchema } from "./metadata.ts";
import type { DataFile, IcebergPartitionSpec, IcebergSchema, PartitionScalar } from "./model.ts";
import { parsePrimitive } from "./primitives.ts";
import { RowFields } from "./row-fields.ts";

export const statuses = ["existing", "added", "deleted"] as const;
export type Status = (typeof statuses)[number];

/** A data file with what a manifest may keep besides: it is carried along when the entry is written again. */
export interface StoredFile extends DataFile {
  readonly nanCounts?: ReadonlyMap<number, number>;
  readonly splitOffsets?: readonly number[];
  readonly keyMetadata?: Uint8Array;
}

/** One entry of a manifest. Sequence numbers are undefined only in an entry that is being added: its snapshot's number will be inherited. */
export interface ManifestEntry {
  readonly status: Status;
  readonly snapshotId: bigint;
  readonly sequenceNumber: number | undefined;
  readonly fileSequenceNumber: number | undefined;
  readonly file: StoredFile;
}

/** A manifest that was read, with what entries inherit filled in. */
export interface Manifest {
  readonly schema: IcebergSchema;
  readonly spec: IcebergPartitionSpec;
  readonly entries: readonly ManifestEntry[];
}

/** What a manifest says of the table at the time when it was written. */
export interface ManifestHead {
  readonly schema: IcebergSchema;
  readonly spec: IcebergPartitionSpec;
  readonly columns: readonly PartitionColumn[];
}

/** The head of a manifest. `schemas` are where else to look for the source fields of a spec. */
export function manifestHead({ schema, spec }: Pick<Manifest, "schema" | "spec">, schemas: readonly IcebergSchema[]): ManifestHead {
  return { schema, spec, columns: partitionColumns(spec, [schema, ...schemas]) };
}

/** Writes a manifest of data files. */
export function writeManifest(
  entries: readonly ManifestEntry[],
  { head, addresses, env }: { readonly head: ManifestHead; readonly addresses: Addresses; readonly env: Pick<Env, "random"> },
): Uint8Array {
  const metadata = {
    schema: formatJson(head.schema as unknown as Json),
    "schema-id": String(head.schema["schema-id"]),
    "partition-spec": formatJson(head.spec.fields as unknown as Json),
    "partition-spec-id": String(head.spec["spec-id"]),
    "format-version": "2",
    content: "data",
  };
  const rows = entries.map((entry) => toRow(entry, head.columns, addresses));
  return writeAvroFile({ schema: manifestSchema(head.columns), rows, metadata, env });
}

/**
 * Reads a manifest of data files, of any writer. Throws `table.corrupt`, naming the object, and `table.unsupported` for delete files
 * and for data files that are not Parquet.
 */
export function readManifest(
  bytes: Uint8Array,
  { manifest, spec, addresses }: { readonly manifest: ManifestFile; readonly spec: IcebergPartitionSpec; readonly addresses: Addresses },
): Manifest {
  const { key } = manifest;
  checkBytes(bytes, manifest);
  const file = readAvroFile(bytes, { key });
  const schema = readSchema(file.metadata.get("schema"), { key, id: file.metadata.get("schema-id") });
  const shape = shapeOf(file.schema, { key, spec });
  const entries = file.rows.map((row) => readEntry(row, { shape, manifest, schema, addresses }));
  checkCounts(entries, manifest);
  return { schema, spec, entries };
}

/** Of an entry, which file it is. */
export interface ListedFile {
  readonly status: Status;
  readonly key: ObjectKey;
}

/** Which files a manifest lists, and nothing else of it: a small part of the work. Throws as `readManifest` does. */
export function readFileKeys(
  bytes: Uint8Array,
  { manifest, addresses }: { readonly manifest: ManifestFile; readonly addresses: Addresses },
): readonly ListedFile[] {
  const { key } = manifest;
  checkBytes(bytes, manifest);
  const { schema, rows } = readAvroFile(bytes, { key, reader: (writer) => keysOnly(writer, key) });
  const names = { entry: namesById(schema, entryIds), file: namesById(fileRecordOf(schema, key), fileIds) };
  const files = rows.map((row) => {
    const entry = new RowFields(row, { names: names.entry, key });
    const fields = new RowFields(entry.record(2), { names: names.file, key });
    checkDataFile(fields, key);
    return { status: statusOf(entry), key: addresses.keyOf(fields.text(100), { key }) };
  });
  checkCounts(files, manifest);
  return files;
}

/** A writer's schema without all that `readFileKeys` does not read. */
function keysOnly(writer: AvroRecordSchema, key: ObjectKey): AvroRecordSchema {
  const only = (schema: AvroRecordSchema, standard: Readonly<Record<string, number>>, ids: readonly number[]): AvroRecordSchema => {
    const names = namesById(schema, standard);
    const kept = new Set(ids.map((id) => names.get(id)));
    return { ...schema, fields: schema.fields.filter(({ name }) => kept.has(name)) };
  };
  const fileRecord = fileRecordOf(writer, key);
  const file = only(fileRecord, fileIds, [100, 101, 134]);
  const entry = only(writer, entryIds, [0, 2]);
  return { ...entry, fields: entry.fields.map((field) => (recordOf(entry, field.name) === fileRecord ? { ...field, type: file } : field)) };
}

function checkBytes(bytes: Uint8Array, { key, bytes: expected }: ManifestFile): void {
  if (bytes.length !== expected) throw corrupt(key, `it has ${bytes.length} bytes instead of ${expected}`);
}

function checkCounts(entries: readonly { readonly status: Status }[], { key, files }: ManifestFile): void {
  for (const status of statuses) {
    const found = entries.filter((entry) => entry.status === status).length;
    if (found !== files[status]) throw corrupt(key, `it has ${found} ${status} files where its manifest list has ${files[status]}`);
  }
}

/** The names under which one writer has the fields. */
interface Shape {
  readonly entry: ReadonlyMap<number, string>;
  readonly file: ReadonlyMap<number, string>;
  readonly partition: readonly { readonly name: string; readonly decode: (value: unknown) => PartitionScalar }[];
}

function readSchema(text: string | undefined, { key, id }: { readonly key: ObjectKey; readonly id: string | undefined }): IcebergSchema {
  if (text === undefined) throw corrupt(key, "its header has no schema");
  const json = new JsonPlace(parseJson(text, { key }), { path: "", key }).object();
  // Version 1 left the id out of the schema itself.
  return checkSchema(new JsonPlace({ "schema-id": Number(id ?? 0), ...json }, { path: "", key }));
}

function shapeOf(schema: AvroRecordSchema, { key, spec }: { readonly key: ObjectKey; readonly spec: IcebergPartitionSpec }): Shape {
  const entry = namesById(schema, entryIds);
  const fileRecord = fileRecordOf(schema, key);
  const file = namesById(fileRecord, fileIds);
  const partitionRecord = recordOf(fileRecord, file.get(102));
  if (partitionRecord === undefined) throw corrupt(key, "its entries have no partition");
  const names = namesById(partitionRecord, Object.fromEntries(spec.fields.map((field) => [field.name, field["field-id"]])));
  const partition = spec.fields.map((field) => {
    const name = names.get(field["field-id"]);
    const column = partitionRecord.fields.find((candidate) => candidate.name === name);
    if (name === undefined || column === undefined) throw corrupt(key, `its partitions have no ${field.name}`);
    return { name, decode: partitionDecoder(column, key) };
  });
  return { entry, file, partition };
}

function fileRecordOf(schema: AvroRecordSchema, key: ObjectKey): AvroRecordSchema {
  const fileRecord = recordOf(schema, namesById(schema, entryIds).get(2));
  if (fileRecord === undefined) throw corrupt(key, "its entries have no data_file");
  return fileRecord;
}

/** Partition values by their type in Avro. */
function partitionDecoder(column: AvroRecordSchema["fields"][number], key: ObjectKey): (value: unknown) => PartitionScalar {
  const type = isUnion(column.type) ? unwrapNullable(column.type)?.type : column.type;
  const orNull = (decode: (value: never) => PartitionScalar) => (value: unknown) => (value === null || value === undefined ? null : decode(value as never));
  switch (type?.type) {
    case "long":
      return orNull((value: number | bigint) => BigInt(value));
    case "fixed":
      if (logicalTypeOf(type) === "decimal") return orNull((value: Uint8Array) => bigEndian(value));
      return logicalTypeOf(type) === "uuid" ? orNull((value: Uint8Array) => uuidText(value)) : orNull((value: Uint8Array) => value);
    case "boolean":
    case "int":
    case "float":
    case "double":
    case "string":
      return orNull((value: PartitionScalar) => value);
    case "bytes":
      return logicalTypeOf(type) === "decimal" ? orNull((value: Uint8Array) => bigEndian(value)) : orNull((value: Uint8Array) => value);
    case "null":
    case undefined:
      return () => null;
    case "record":
    case "enum":
    case "array":
    case "map":
    default:
      throw corrupt(key, `its partition field ${column.name} is no primitive`);
  }
}

function readEntry(
  row: AvroRow,
  {
    shape,
    manifest,
    schema,
    addresses,
  }: { readonly shape: Shape; readonly manifest: ManifestFile; readonly schema: IcebergSchema; readonly addresses: Addresses },
): ManifestEntry {
  const { key } = manifest;
  const fields = new RowFields(row, { names: shape.entry, key });
  const status = statusOf(fields);
  // Only what was added inherits sequence numbers; in tables that came from version 1 the others have none, which means 0.
  const inherited = status === "added" ? manifest.sequenceNumber : 0;
  return {
    status,
    snapshotId: fields.get(1) === undefined ? manifest.addedSnapshotId : fields.long(1),
    sequenceNumber: fields.count(3, inherited),
    fileSequenceNumber: fields.count(4, inherited),
    file: readFile(new RowFields(fields.record(2), { names: shape.file, key }), { shape, manifest, schema, addresses }),
  };
}

function statusOf(fields: RowFields): Status {
  const status = statuses[fields.count(0)];
  if (status === undefined) throw fields.fault(0, "0, 1 or 2");
  return status;
}

/** Refuses what is no data file, or none in Parquet. */
function checkDataFile(fields: RowFields, key: ObjectKey): void {
  if (fields.count(134, 0) !== 0) throw deleteFiles(key);
  const format = fields.text(101);
  if (format.toLowerCase() === "parquet") return;
  throw new MainstemError("table.unsupported", `Manifest ${key} lists a data file in the format ${format}; only Parquet is read here.`, { key, format });
}

function readFile(
  fields: RowFields,
  {
    shape,
    manifest,
    schema,
    addresses,
  }: { readonly shape: Shape; readonly manifest: ManifestFile; readonly schema: IcebergSchema; readonly addresses: Addresses },
): StoredFile {
  const { key } = manifest;
  checkDataFile(fields, key);
  const partition = fields.record(102);
  const nanCounts = fields.intMap(137, toCount);
  const splitOffsets = fields.list(132)?.filter((offset) => typeof offset === "number");
  const keyMetadata = fields.bytes(131);
  return {
    key: addresses.keyOf(fields.text(100), { key }),
    specId: manifest.specId,
    partition: shape.partition.map(({ name, decode }) => decode(partition[name])),
    records: fields.count(103),
    bytes: fields.count(104),
    columnSizes: fields.intMap(108, toCount),
    valueCounts: fields.intMap(109, toCount),
    nullCounts: fields.intMap(110, toCount),
    lowerBounds: fields.intMap(125, toBytes),
    upperBounds: fields.intMap(128, toBytes),
    sortOrderId: fields.count(140, 0),
    schemaId: schema["schema-id"],
    ...(nanCounts.size === 0 ? {} : { nanCounts }),
    ...(splitOffsets === undefined ? {} : { splitOffsets }),
    ...(keyMetadata === undefined ? {} : { keyMetadata }),
  };
}

/** The refusal of delete files: this platform's own tables have none, and leaving them out would show deleted rows. */
export function deleteFiles(key: ObjectKey): MainstemError {
  const sentence = `Manifest ${key} lists delete files, which another program wrote; they are not read here. Compact the table there, so that it has data files only.`;
  return new MainstemError("table.unsupported", sentence, { key });
}

function toRow(entry: ManifestEntry, columns: readonly PartitionColumn[], addresses: Addresses): AvroRow {
  const { file } = entry;
  return {
    status: statuses.indexOf(entry.status),
    snapshot_id: entry.snapshotId,
    sequence_number: entry.sequenceNumber,
    file_sequence_number: entry.fileSequenceNumber,
    data_file: {
      content: 0,
      file_path: addresses.addressOf(file.key),
      file_format: "PARQUET",
      partition: Object.fromEntries(columns.map((column, at) => [column.name, toPartitionAvro(column.type, file.partition[at] ?? null)])),
      record_count: file.records,
      file_size_in_bytes: file.bytes,
      column_sizes: toPairs(file.columnSizes),
      value_counts: toPairs(file.valueCounts),
      null_value_counts: toPairs(file.nullCounts),
      nan_value_counts: toPairs(file.nanCounts),
      lower_bounds: toPairs(file.lowerBounds),
      upper_bounds: toPairs(file.upperBounds),
      key_metadata: file.keyMetadata,
      split_offsets: file.splitOffsets,
      equality_ids: null,
      sort_order_id: file.sortOrderId,
    },
  };
}

function toPartitionAvro(type: string, value: PartitionScalar): unknown {
  if (value === null) return null;
  const primitive = parsePrimitive(type);
  if (primitive?.kind === "uuid") return uuidBytes(value as string);
  if (primitive?.kind === "decimal") return bigEndianBytes(value as bigint, decimalSize(primitive.precision));
  return value;
}

function toPairs<Value>(map: ReadonlyMap<number, Value> | undefined): readonly { readonly key: number; readonly value: Value }[] | null {
  return map === undefined || map.size === 0 ? null : Array.from(map, ([key, value]) => ({ key, value }));
}

function toCount(value: unknown): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

function toBytes(value: unknown): Uint8Array | undefined {
  return value instanceof Uint8Array ? value : undefined;
}

const entryIds = { status: 0, snapshot_id: 1, sequence_number: 3, file_sequence_number: 4, data_file: 2 };
const fileIds = {
  content: 134,
  file_path: 100,
  file_format: 101,
  partition: 102,
  record_count: 103,
  file_size_in_bytes: 104,
  column_sizes: 108,
  value_counts: 109,
  null_value_counts: 110,
  nan_value_counts: 137,
  lower_bounds: 125,
  upper_bounds: 128,
  key_metadata: 131,
  split_offsets: 132,
  equality_ids: 135,
  sort_order_id: 140,
};
