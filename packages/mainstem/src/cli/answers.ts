// What the server's answers hold, as far as the commands show it. The routes are described at /openapi.json.
import type { Contract } from "@mainstem/contract";

export interface DatasetSummary {
  readonly name: string;
  readonly version: number;
  readonly description?: string;
  readonly owner?: string;
  /** Records in the log that can be read. */
  readonly records?: number;
  readonly rows?: number;
  readonly completeThrough?: string | null;
}

export interface DatasetDetail extends DatasetSummary {
  readonly contract: Contract;
}
