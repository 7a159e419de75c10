// As `decode`, with wide records.
import { benchDecode } from "./decode.ts";
import type { Bench } from "./harness.ts";
import { wideShape } from "./records/shapes.ts";

export const run: Bench = (options) => benchDecode("decode-wide", wideShape(), options);
