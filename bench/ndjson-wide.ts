// As `ndjson`, with wide records.
import { benchNdjson } from "./ndjson.ts";
import type { Bench } from "./harness.ts";
import { wideShape } from "./records/shapes.ts";

export const run: Bench = (options) => benchNdjson("ndjson-wide", wideShape(), options);
