export { openEmbeddedLog } from "./embedded-log.ts";
export type { EmbeddedLogOptions } from "./options.ts";
export { nodeFileSystem } from "./file-system.ts";
export type { FileMode, FileSystem, LogFile } from "./file-system.ts";
export { readLogTime } from "./log-clock.ts";
export { inspectEmbeddedLog, type LogInspection } from "./inspect.ts";
