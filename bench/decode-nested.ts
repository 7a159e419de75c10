// As `decode`, with nested records.
import { benchDecode } from "./decode.ts";
import type { Bench } from "./harness.ts";
import { nestedShape } from "./records/shapes.ts";

export const run: Bench = (options) => benchDecode("decode-nested", nestedShape(), options);
