export { CodedError, ContractError, contractCodes, type ContractCode } from "./errors.ts";
export { compatibilities, fieldRules, mergeKinds, orderFields, takesDeletes, transforms } from "./contract.ts";
export type {
  Check,
  Compatibility,
  Contract,
  Deletes,
  FieldRule,
  Merge,
  Order,
  PartitionField,
  PartitionKind,
  RemovedField,
  Retention,
  Transform,
} from "./contract.ts";
export { durationMs, isDuration } from "./durations.ts";
export { hybridTimeMax, hybridTimeMillis, isClock, toHybridTime } from "./clock/hlc.ts";
export { createHybridClock, type HybridClock, type HybridClockOptions, type ReceivedTime } from "./clock/hybrid-clock.ts";
export {
  aliasesOf,
  attributeOf,
  childrenOf,
  fullNameOf,
  isRecursive,
  isUnion,
  logicalTypeOf,
  primitiveTypes,
  schemaLimits,
  unwrapNullable,
} from "./avro/schema.ts";
export type {
  AvroArraySchema,
  AvroEnumSchema,
  AvroField,
  AvroFixedSchema,
  AvroMapSchema,
  AvroPrimitiveSchema,
  AvroPrimitiveType,
  AvroRecordSchema,
  AvroSchema,
  AvroTypeSchema,
  AvroUnionSchema,
  Issue,
} from "./avro/schema.ts";
export { parseAvroRecordSchema, parseAvroSchema } from "./avro/schema-parser.ts";
export { schemaText, toSchemaJson } from "./avro/schema-text.ts";
export { formatExact, parseExact, rawInteger } from "./exact-json.ts";
export { checkCompatibility, checkReadable, incompatibilityKinds } from "./avro/compatibility.ts";
export type { Incompatibility, VersionConflict } from "./avro/compatibility.ts";
export { ByteSink } from "./avro/byte-sink.ts";
export { ByteSource } from "./avro/byte-source.ts";
export { compileWriter, type Write } from "./avro/writer.ts";
export { compileReader, readWhole, type Read } from "./avro/reader.ts";
export { compileResolvingReader } from "./avro/resolving-reader.ts";
export { branchNameOf, isWrapped } from "./avro/union.ts";
export {
  containerBlocks,
  containerLimits,
  decodeContainerHeader,
  encodeContainerBlock,
  encodeContainerHeader,
  nullCodec,
  openContainer,
} from "./avro/container.ts";
export type { ContainerBlock, ContainerCodec, ContainerHeader, RawContainerBlock } from "./avro/container.ts";
export { snappyCodec, type SnappyFunctions } from "./avro/snappy-codec.ts";
export { crc64Fingerprint, fingerprintWith, parseSingleObject, parsingCanonicalForm, singleObjectHeader } from "./avro/fingerprint.ts";
export { murmur2, partitionOf } from "./murmur2.ts";
export { parseContract } from "./contract-parser.ts";
export { isDatasetName, isReservedName } from "./dataset-name.ts";
export { formatContract, type ContractJson } from "./contract-json.ts";
export { compilePartition, compilePartitionValue, partitionKind, type PartitionValue } from "./partition.ts";
export { alignContract, namesOf, withSchemaInPlace } from "./field-names.ts";
export {
  checkLevel,
  checkSchemaChange,
  followWithoutRebuild,
  lostPiiMarks,
  noFieldChanges,
  type FieldChanges,
  type RefusedChange,
  type SchemaChange,
} from "./schema-change.ts";
export { kindOf, valueKinds, type ValueKind } from "./value-kind.ts";
export { compileRecordEncoder, type EncodedRecord, type RecordEncoder } from "./records/record-encoder.ts";
export { compileDoorEncoder, type DoorEncoder, type DoorEncoderOptions, type EncodedSlices } from "./generated/door-encoder.ts";
export { compileColumnDecoder, type ColumnDecoder } from "./generated/emit-columns.ts";
export {
  ColumnBatch,
  createColumnBatch,
  type Address,
  type ColumnVector,
  type ListVector,
  type StructVector,
  type ValueVector,
} from "./generated/column-vectors.ts";
export { compileCellReader, type ReadCell } from "./generated/column-values.ts";
export { faultsPerRecordMax, type FieldError } from "./records/faults.ts";
export type { SlowDecoding } from "./generated/decoder.ts";
export { compileDecoder, type Decode, type NativeRecord } from "./records/decoder.ts";
export { compileDefault } from "./records/native-reader.ts";
export { compileNativeWriter } from "./records/native-writer.ts";
export { compileToJson, type Json } from "./records/to-json.ts";
export { compileKeyBytes, compileKeyDecoder } from "./records/key-bytes.ts";
export { compareBytes, compileOrderBytes, compileValueOrder, positionOrderBytes, type RecordPosition } from "./records/order-bytes.ts";
export { compareText, compileRowText, compileValueText } from "./records/row-text.ts";
export { compareContent, compileMerge, mergePlacedRecords, mergeRecords } from "./records/merge.ts";
export type { MergedRecords, PlacedRecord, RowDigest, Tombstone } from "./records/merge.ts";
export { compileIsDelete } from "./records/deletes.ts";
export { compileFieldMerge, type FieldMerge, type FieldState, type MergeState } from "./records/field-merge.ts";
export { decimalOf } from "./records/json-leaves.ts";
export { formatDecimal, parseDecimal } from "./records/decimal.ts";
export { formatDate, formatTimeOfDay, formatTimestamp, parseDate, parseTimeOfDay, parseTimestamp } from "./records/civil-time.ts";
export { rangeBounds, type RangeBounds } from "./contract.ts";
export { matchedLengthMax, patternFault } from "./patterns/rules.ts";
export { dataset, type DatasetContract, type DatasetSpec, type InputOf } from "./declare/dataset.ts";
export { schemaFileOf, toAvsc, withSchema } from "./declare/avsc.ts";
export { fromOdcs, isOdcs, type FromOdcsOptions, type OdcsDataset } from "./declare/odcs-reader.ts";
export { toOdcs, type OdcsOptions } from "./declare/odcs-writer.ts";
export { toRecordTypes } from "./declare/record-types.ts";
export { toTypescript } from "./declare/typescript-writer.ts";
export { bytes, date, decimal, hlc, localTimestamp, long, timeOfDay, timestamp, timestampMillis, type Stamped } from "./declare/field-types.ts";
export {
  bucket,
  byField,
  day,
  first,
  freshness,
  hour,
  identity,
  latest,
  length,
  matches,
  max,
  min,
  month,
  none,
  notNull,
  oneOf,
  range,
  sum,
  truncate,
  unique,
  volume,
  year,
} from "./declare/clauses.ts";
export { wireHeader, wireHeaderBytes, wireSchemaId } from "./wire.ts";
