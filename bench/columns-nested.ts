// As `columns`, with nested records.
import { benchColumns } from "./columns.ts";
import type { Bench } from "./harness.ts";
import { nestedShape } from "./records/shapes.ts";

export const run: Bench = (options) => benchColumns("columns-nested", nestedShape(), options);
