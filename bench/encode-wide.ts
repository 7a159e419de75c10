// As `encode`, with wide records.
import { benchEncode } from "./encode.ts";
import type { Bench } from "./harness.ts";
import { wideShape } from "./records/shapes.ts";

export const run: Bench = (options) => benchEncode("encode-wide", wideShape(), options);
