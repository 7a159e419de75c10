// As `columns`, with wide records.
import { benchColumns } from "./columns.ts";
import type { Bench } from "./harness.ts";
import { wideShape } from "./records/shapes.ts";

export const run: Bench = (options) => benchColumns("columns-wide", wideShape(), options);
