export { applyDatasets, type AppliedDataset, type ApplyDatasetsOptions } from "./apply-datasets.ts";
export type { InboxTransform, RefusedEntry } from "./inbox/index.ts";
export { openPlatform } from "./platform.ts";
export type { Platform, PlatformOptions } from "./platform.ts";
export { defineConfig, loadConfig, parseConfig, type Config } from "./runtime/config.ts";
export type { LogLevel } from "./runtime/log-levels.ts";
export { createLogger, silentLogger, type Logger } from "./runtime/logger.ts";
export { MainstemError } from "./runtime/errors.ts";
