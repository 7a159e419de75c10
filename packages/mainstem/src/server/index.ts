export { openServer } from "./server.ts";
export type { Server, ServerConfig, ServerLimits, ServerOptions } from "./server.ts";
export type { ArchiveStatus, DatasetStatus, PlatformView, QueryAt, SnapshotStatus, TableStatus, ViewQuery } from "./view.ts";
export type { Health, HealthReason } from "./health.ts";
