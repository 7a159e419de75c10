export { builderLimits, completeThrough, createTableBuilder, type TableBuilder, type TableBuilderOptions, type TableProgress } from "./builder.ts";
export { checkpointOf, type PartitionCheckpoint, type TableCheckpoint } from "./checkpoint.ts";
export type { BuildJob, BuiltFiles, QueryColumn, QueryEngine, QueryTable, RowBatch, TableEngine, UnreadableRecord } from "./engine.ts";
