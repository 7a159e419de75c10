export { builderLimits, completeThrough, createTableBuilder, type TableBuilder, type TableBuilderOptions, type TableProgress } from "./builder.ts";
export { checkpointOf, positionIn, type PartitionCheckpoint, type TableCheckpoint } from "./checkpoint.ts";
export type { BuildJob, BuiltFiles, QueryColumn, QueryEngine, QueryTable, RowBatch, TableEngine, UnreadableRecord } from "./engine.ts";
export type { Difference, TableComparison } from "./comparison.ts";
export { openRebuilds, type Rebuild, type Rebuilds, type RebuildsOptions, type Swapped } from "./rebuilds.ts";
export { createSnapshotExpiry, type ExpiryCounts, type SnapshotExpiry, type SnapshotExpiryOptions } from "./snapshot-expiry.ts";
export { registryForTable } from "./table-contract.ts";
