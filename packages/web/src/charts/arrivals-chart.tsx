import { Text } from "@mantine/core";
import { useMemo } from "react";
import type { Dataset } from "../api/answers.ts";
import { formatRate } from "../numbers.ts";
import { Panel } from "../parts/panel.tsx";
import { arrivalsSeconds, noteArrivals, toRates } from "./arrivals.ts";
import { LineChart } from "./line-chart.tsx";

/** Records a second into the log, as far back as the page has looked. */
export function ArrivalsChart({ dataset, seenAt }: { readonly dataset: Dataset; readonly seenAt: number }) {
  const { times, values } = useMemo(() => toRates(noteArrivals(dataset, seenAt)), [dataset, seenAt]);
  const now = values.at(-1) ?? null;
  const to = Math.ceil(seenAt / 1_000);
  return (
    <Panel
      title="Arrivals while this page is open"
      aside={
        <Text size="sm" c="dimmed" className="numbers">
          {now === null ? "the page begins to look" : `${formatRate(now)} now`}
        </Text>
      }
    >
      <LineChart
        label={`Records a second over the last ${arrivalsSeconds / 60} minutes, ${formatRate(now)} now`}
        height={120}
        times={times}
        values={values}
        from={to - arrivalsSeconds}
        to={to}
      />
    </Panel>
  );
}
