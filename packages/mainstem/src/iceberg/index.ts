export type {
  DataFile,
  IcebergField,
  IcebergList,
  IcebergMap,
  IcebergPartitionField,
  IcebergPartitionSpec,
  IcebergSchema,
  IcebergStruct,
  IcebergTables,
  IcebergType,
  PartitionScalar,
  Snapshot,
  TableChange,
  TableCommit,
  TableState,
} from "./model.ts";
export { boundsOverlap, compareBounds, compareValues, decodeBound, encodeBound, type Bounds, type BoundValue } from "./bounds.ts";
export { dataFileFromStats, type ParquetFileStats } from "./parquet-stats.ts";
