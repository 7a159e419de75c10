// As `ndjson`, with nested records.
import { benchNdjson } from "./ndjson.ts";
import type { Bench } from "./harness.ts";
import { nestedShape } from "./records/shapes.ts";

export const run: Bench = (options) => benchNdjson("ndjson-nested", nestedShape(), options);
