export type {
  BranchChange,
  DataFile,
  Expired,
  IcebergBranches,
  IcebergExpiry,
  IcebergField,
  IcebergList,
  IcebergMap,
  IcebergPartitionField,
  IcebergPartitionSpec,
  IcebergSchema,
  IcebergStruct,
  IcebergTables,
  IcebergType,
  NewTable,
  PartitionScalar,
  Snapshot,
  SnapshotRetention,
  TableChange,
  TableCommit,
  TableState,
} from "./model.ts";
export { boundsOverlap, compareBounds, compareValues, decodeBound, encodeBound, type Bounds, type BoundValue } from "./bounds.ts";
export { dataFileFromStats, type ParquetFileStats } from "./parquet-stats.ts";
export { columnPropertiesOf, icebergSchemaOf, newTableOf, partitionSpecOf, privateFieldIds, sortFieldsOf, sortNames } from "./from-contract.ts";
export { mergesByPosition, positionFields, reservedColumn, reservedField } from "./reserved.ts";
export { inheritedSummary, summaryKeys } from "./snapshot-summary.ts";
export { openIcebergTables, type IcebergOptions } from "./tables.ts";
export { isForgotten, isSortedBy, schemaOf, snapshotAt, snapshotById } from "./table-state.ts";
export { tablePrefix } from "./addresses.ts";
