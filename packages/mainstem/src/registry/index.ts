export type { Applied, Dataset, DatasetVersion, Generation, Registry } from "./dataset.ts";
export { openRegistry } from "./registry.ts";
export type { RegistryOptions } from "./registry.ts";
