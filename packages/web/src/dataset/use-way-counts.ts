import { useState } from "react";
import type { Dataset } from "../api/answers.ts";
import { useRows } from "../api/use-answers.ts";
import { useSlowly } from "./use-slowly.ts";
import { countWay, nextBaseline, type WayCounts } from "./way-counts.ts";

/** The counts of a dataset as it is now, compared with what the page saw before and with what a query counts. */
export function useWayCounts(dataset: Dataset): WayCounts {
  const [baseline, setBaseline] = useState(() => nextBaseline(undefined, dataset));
  const next = nextBaseline(baseline, dataset);
  if (next !== baseline) setBaseline(next);
  const { data } = useRows(dataset.name, useSlowly(dataset.table?.snapshot?.id));
  return countWay(dataset, { baseline: next, ...(data?.snapshot === undefined ? {} : { counted: { snapshot: data.snapshot, rows: data.counted } }) });
}
