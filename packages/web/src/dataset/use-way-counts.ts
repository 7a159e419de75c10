import { useRef, useState } from "react";
import type { Dataset } from "../api/answers.ts";
import { rowsEveryMs, useRows } from "../api/use-answers.ts";
import { countWay, nextBaseline, type WayBaseline, type WayCounts } from "./way-counts.ts";

/** The counts of a dataset as it is now, compared with what the page saw before and with what a query counts. */
export function useWayCounts(dataset: Dataset): WayCounts {
  const baseline = useRef<WayBaseline>(undefined);
  const { data } = useRows(dataset.name, useSlowSnapshot(dataset));
  baseline.current = nextBaseline(baseline.current, dataset);
  const counted = data?.snapshot === undefined ? {} : { counted: { snapshot: data.snapshot, rows: data.counted } };
  return countWay(dataset, { baseline: baseline.current, ...counted });
}

/** The current snapshot, looked at again only so often that reading its rows costs the server little. */
export function useSlowSnapshot({ table }: Dataset): string | undefined {
  const current = table?.snapshot?.id;
  const [held, hold] = useState({ snapshot: current, at: Date.now() });
  if (held.snapshot !== current && (held.snapshot === undefined || Date.now() - held.at >= rowsEveryMs)) hold({ snapshot: current, at: Date.now() });
  return held.snapshot;
}
