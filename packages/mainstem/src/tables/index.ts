export type { BuildJob, BuiltFiles, QueryColumn, QueryEngine, QueryTable, RowBatch, TableEngine, UnreadableRecord } from "./engine.ts";
