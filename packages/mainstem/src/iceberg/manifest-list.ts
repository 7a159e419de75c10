import { isUnion, unwrapNullable, type AvroRecordSchema } from "@mainstem/contract";
import type { ObjectKey } from "../objects/index.ts";
import type { Env } from "../runtime/env.ts";
import type { Addresses } from "./addresses.ts";
import { namesById, readAvroFile, writeAvroFile, type AvroRow } from "./avro-file.ts";
import { manifestListSchema } from "./manifest-schema.ts";
import { RowFields } from "./row-fields.ts";

/** What a manifest list says of the values of one partition field in a manifest. */
export interface FieldSummary {
  readonly containsNull: boolean;
  readonly containsNan: boolean | undefined;
  readonly lower: Uint8Array | undefined;
  readonly upper: Uint8Array | undefined;
}

/** Entries or rows by the status of their file. */
export interface StatusCounts {
  readonly added: number;
  readonly existing: number;
  readonly deleted: number;
}

/** One manifest as a manifest list has it. */
export interface ManifestFile {
  readonly key: ObjectKey;
  readonly bytes: number;
  readonly specId: number;
  readonly content: "data" | "deletes";
  readonly sequenceNumber: number;
  readonly minSequenceNumber: number;
  readonly addedSnapshotId: bigint;
  readonly files: StatusCounts;
  readonly rows: StatusCounts;
  readonly partitions: readonly FieldSummary[] | undefined;
  readonly keyMetadata: Uint8Array | undefined;
}

/** Writes the manifest list of a snapshot. */
export function writeManifestList(
  manifests: readonly ManifestFile[],
  options: {
    readonly snapshotId: bigint;
    readonly parentId: bigint | undefined;
    readonly sequenceNumber: number;
    readonly addresses: Addresses;
    readonly env: Pick<Env, "random">;
  },
): Uint8Array {
  const metadata = {
    "snapshot-id": String(options.snapshotId),
    "parent-snapshot-id": String(options.parentId ?? null),
    "sequence-number": String(options.sequenceNumber),
    "format-version": "2",
  };
  const rows = manifests.map((manifest) => toRow(manifest, options.addresses));
  return writeAvroFile({ schema: manifestListSchema, rows, metadata, env: options.env });
}

/** Reads a manifest list of any writer. Throws `table.corrupt`, naming the object. */
export function readManifestList(bytes: Uint8Array, { key, addresses }: { readonly key: ObjectKey; readonly addresses: Addresses }): readonly ManifestFile[] {
  const { schema, rows } = readAvroFile(bytes, { key });
  const names = namesById(schema, standardIds);
  const summaryNames = namesById(summaryRecord(schema, names.get(507)) ?? emptyRecord, summaryIds);
  return rows.map((row) => {
    const fields = new RowFields(row, { names, key });
    return {
      key: addresses.keyOf(fields.text(500), { key }),
      bytes: fields.count(501),
      specId: fields.count(502),
      content: fields.count(517, 0) === 0 ? "data" : "deletes",
      sequenceNumber: fields.count(515, 0),
      minSequenceNumber: fields.count(516, 0),
      addedSnapshotId: fields.long(503),
      files: { added: fields.count(504), existing: fields.count(505), deleted: fields.count(506) },
      rows: { added: fields.count(512), existing: fields.count(513), deleted: fields.count(514) },
      partitions: fields.list(507)?.map((item) => toSummary(new RowFields(item as AvroRow, { names: summaryNames, key }))),
      keyMetadata: fields.bytes(519),
    };
  });
}

const standardIds = {
  manifest_path: 500,
  manifest_length: 501,
  partition_spec_id: 502,
  content: 517,
  sequence_number: 515,
  min_sequence_number: 516,
  added_snapshot_id: 503,
  added_files_count: 504,
  existing_files_count: 505,
  deleted_files_count: 506,
  added_rows_count: 512,
  existing_rows_count: 513,
  deleted_rows_count: 514,
  partitions: 507,
  key_metadata: 519,
};
const summaryIds = { contains_null: 509, contains_nan: 518, lower_bound: 510, upper_bound: 511 };
const emptyRecord: AvroRecordSchema = { type: "record", name: "none", fields: [] };

/** The record of the items of the partition summaries. */
function summaryRecord(schema: AvroRecordSchema, name: string | undefined): AvroRecordSchema | undefined {
  const field = schema.fields.find((candidate) => candidate.name === name);
  const list = field === undefined ? undefined : unwrapNullable(field.type)?.type;
  if (list?.type !== "array") return undefined;
  return !isUnion(list.items) && list.items.type === "record" ? list.items : undefined;
}

function toSummary(fields: RowFields): FieldSummary {
  const nan = fields.get(518);
  return {
    containsNull: fields.get(509) === true,
    containsNan: typeof nan === "boolean" ? nan : undefined,
    lower: fields.bytes(510),
    upper: fields.bytes(511),
  };
}

function toRow(manifest: ManifestFile, addresses: Addresses): AvroRow {
  return {
    manifest_path: addresses.addressOf(manifest.key),
    manifest_length: manifest.bytes,
    partition_spec_id: manifest.specId,
    content: manifest.content === "data" ? 0 : 1,
    sequence_number: manifest.sequenceNumber,
    min_sequence_number: manifest.minSequenceNumber,
    added_snapshot_id: manifest.addedSnapshotId,
    added_files_count: manifest.files.added,
    existing_files_count: manifest.files.existing,
    deleted_files_count: manifest.files.deleted,
    added_rows_count: manifest.rows.added,
    existing_rows_count: manifest.rows.existing,
    deleted_rows_count: manifest.rows.deleted,
    partitions: manifest.partitions?.map((summary) => ({
      contains_null: summary.containsNull,
      contains_nan: summary.containsNan,
      lower_bound: summary.lower,
      upper_bound: summary.upper,
    })),
    key_metadata: manifest.keyMetadata,
  };
}
