import { assert } from "../runtime/assert.ts";
import { MainstemError } from "../runtime/errors.ts";
import type { IcebergField, IcebergPartitionField, IcebergPartitionSpec, IcebergSchema, IcebergType } from "./model.ts";
import { parsePrimitive } from "./primitives.ts";
import { parseTransform, resultType } from "./transforms.ts";

/** One partition field of a spec as a manifest writes it: its name in Avro and the Iceberg type of its values. */
export interface PartitionColumn {
  readonly id: number;
  readonly name: string;
  readonly type: string;
}

/**
 * The columns of a spec's partition struct. `schemas` are looked through for the source fields, in order.
 * Throws `table.unsupported` for a transform that is not known: nothing may be written with it (specification, "Partitioning").
 */
export function partitionColumns(spec: IcebergPartitionSpec, schemas: readonly IcebergSchema[]): readonly PartitionColumn[] {
  return spec.fields.map((field) => {
    const transform = parseTransform(field.transform);
    if (transform === undefined) throw unknownTransform(field);
    const source = schemas.map((schema) => fieldType(schema.fields, field["source-id"])).find((type) => type !== undefined);
    // A dropped source column leaves only nulls behind, for which any type does.
    const type = typeof source === "string" ? resultType(transform, source) : "int";
    return { id: field["field-id"], name: avroName(field.name), type };
  });
}

/** The Avro schema of a manifest (specification, "Manifests"), as JSON. */
export function manifestSchema(columns: readonly PartitionColumn[]): unknown {
  const partition = columns.map((column) => optional(column.name, column.id, avroType(column)));
  return record("manifest_entry", [
    required("status", 0, "int"),
    optional("snapshot_id", 1, "long"),
    optional("sequence_number", 3, "long"),
    optional("file_sequence_number", 4, "long"),
    required("data_file", 2, {
      ...record("r2", [
        required("content", 134, "int"),
        required("file_path", 100, "string"),
        required("file_format", 101, "string"),
        required("partition", 102, record("r102", partition)),
        required("record_count", 103, "long"),
        required("file_size_in_bytes", 104, "long"),
        optional("column_sizes", 108, intMap(117, 118, "long")),
        optional("value_counts", 109, intMap(119, 120, "long")),
        optional("null_value_counts", 110, intMap(121, 122, "long")),
        optional("nan_value_counts", 137, intMap(138, 139, "long")),
        optional("lower_bounds", 125, intMap(126, 127, "bytes")),
        optional("upper_bounds", 128, intMap(129, 130, "bytes")),
        optional("key_metadata", 131, "bytes"),
        optional("split_offsets", 132, { type: "array", items: "long", "element-id": 133 }),
        optional("equality_ids", 135, { type: "array", items: "int", "element-id": 136 }),
        optional("sort_order_id", 140, "int"),
      ]),
    }),
  ]);
}

/** The Avro schema of a manifest list (specification, "Manifest Lists"), as JSON. */
export const manifestListSchema: unknown = record("manifest_file", [
  required("manifest_path", 500, "string"),
  required("manifest_length", 501, "long"),
  required("partition_spec_id", 502, "int"),
  required("content", 517, "int"),
  required("sequence_number", 515, "long"),
  required("min_sequence_number", 516, "long"),
  required("added_snapshot_id", 503, "long"),
  required("added_files_count", 504, "int"),
  required("existing_files_count", 505, "int"),
  required("deleted_files_count", 506, "int"),
  required("added_rows_count", 512, "long"),
  required("existing_rows_count", 513, "long"),
  required("deleted_rows_count", 514, "long"),
  optional("partitions", 507, {
    type: "array",
    "element-id": 508,
    items: record("r508", [
      required("contains_null", 509, "boolean"),
      optional("contains_nan", 518, "boolean"),
      optional("lower_bound", 510, "bytes"),
      optional("upper_bound", 511, "bytes"),
    ]),
  }),
  optional("key_metadata", 519, "bytes"),
]);

/** Bytes of the least fixed that holds every decimal of this precision. */
export function decimalSize(precision: number): number {
  let size = 1;
  while (10n ** BigInt(precision) > 1n << BigInt(8 * size - 1)) size += 1;
  return size;
}

/** A name that Avro allows, made as the reference implementation makes it (`AvroSchemaUtil.makeCompatibleName`). */
function avroName(name: string): string {
  return Array.from({ length: name.length }, (_, at) => {
    const character = name[at]!;
    if (/[A-Za-z_]/.test(character) || (at > 0 && /\d/.test(character))) return character;
    return /\d/.test(character) ? `_${character}` : `_x${character.charCodeAt(0).toString(16).toUpperCase()}`;
  }).join("");
}

/** The type of a field by id, also within structs; fields below lists and maps cannot be partitioned by. */
function fieldType(fields: readonly IcebergField[], id: number): IcebergType | undefined {
  for (const field of fields) {
    if (field.id === id) return field.type;
    const inner = typeof field.type === "object" && field.type.type === "struct" ? fieldType(field.type.fields, id) : undefined;
    if (inner !== undefined) return inner;
  }
  return undefined;
}

function unknownTransform(field: IcebergPartitionField): MainstemError {
  const sentence = `The table is partitioned by ${field.transform} of field ${field["source-id"]}, a transform that is not known here, so nothing can be written to it.`;
  return new MainstemError("table.unsupported", sentence, { transform: field.transform });
}

/** Iceberg's mapping to Avro (specification, appendix A). Names of fixed types carry the field id: a name may be defined only once. */
function avroType({ id, type }: PartitionColumn): unknown {
  const primitive = parsePrimitive(type);
  assert(primitive !== undefined, "partition values are primitives");
  switch (primitive.kind) {
    case "date":
      return { type: "int", logicalType: "date" };
    case "time":
      return { type: "long", logicalType: "time-micros" };
    case "timestamp":
      return { type: "long", logicalType: "timestamp-micros", "adjust-to-utc": false };
    case "timestamptz":
      return { type: "long", logicalType: "timestamp-micros", "adjust-to-utc": true };
    case "uuid":
      return { type: "fixed", name: `uuid_${id}`, size: 16, logicalType: "uuid" };
    case "fixed":
      return { type: "fixed", name: `fixed_${id}`, size: primitive.length };
    case "binary":
      return "bytes";
    case "decimal": {
      const { precision, scale } = primitive;
      return { type: "fixed", name: `decimal_${id}`, size: decimalSize(precision), logicalType: "decimal", precision, scale };
    }
    case "boolean":
    case "int":
    case "long":
    case "float":
    case "double":
    case "string":
    default:
      return primitive.kind;
  }
}

function record(name: string, fields: readonly object[]): object {
  return { type: "record", name, fields };
}

function required(name: string, id: number, type: unknown): object {
  return { name, type, "field-id": id };
}

function optional(name: string, id: number, type: unknown): object {
  return { name, type: ["null", type], default: null, "field-id": id };
}

/** A map with integer keys: Avro's own maps have only text keys. */
function intMap(keyId: number, valueId: number, value: string): object {
  return { type: "array", logicalType: "map", items: record(`k${keyId}_v${valueId}`, [required("key", keyId, "int"), required("value", valueId, value)]) };
}
