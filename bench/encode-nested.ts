// As `encode`, with nested records.
import { benchEncode } from "./encode.ts";
import type { Bench } from "./harness.ts";
import { nestedShape } from "./records/shapes.ts";

export const run: Bench = (options) => benchEncode("encode-nested", nestedShape(), options);
