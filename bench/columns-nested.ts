// As `columns`, with nested records.
import { benchColumns } from "./columns.ts";
import type { Bench } from "./harness.ts";
import { nestedShape } from "./records/shapes.ts";

/** Less than the others: the row appender takes half a minute for what they run. */
export const run: Bench = (options) => benchColumns("columns-nested", nestedShape(), { ...options, bytes: 40_000_000 });
