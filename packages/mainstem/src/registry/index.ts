export type { Applied, Dataset, DatasetVersion, Generation, Registry } from "./dataset.ts";
