import { useComputedColorScheme } from "@mantine/core";
import { useEffect, useRef } from "react";
import uPlot from "uplot";
import { formatCount } from "../numbers.ts";

export interface LineChartProps {
  /** What it shows, for those who do not see it: the figures stand in words beside it. */
  readonly label: string;
  readonly height: number;
  /** Seconds since 1970, and the values then; null where none is known. */
  readonly times: readonly number[];
  readonly values: readonly (number | null)[];
  /** The first and the last second that are drawn. */
  readonly from: number;
  readonly to: number;
  /** A value stands until the next one. */
  readonly stepped?: boolean;
}

/** A line over time, times in UTC. It moves only when its figures do. */
export function LineChart({ label, height, times, values, from, to, stepped = false }: LineChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const scheme = useComputedColorScheme("light", { getInitialValueInEffect: false });
  const range = useRef([from, to] as const);
  range.current = [from, to];

  useEffect(() => {
    const element = box.current;
    if (element === null) return undefined;
    const made = new uPlot(createOptions(element, { height, stepped, rangeNow: () => range.current }), [[], []], element);
    plot.current = made;
    const resize = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }));
    resize.observe(element);
    return () => {
      resize.disconnect();
      made.destroy();
      plot.current = undefined;
    };
    // The colours are those of the page when the chart is made.
  }, [height, stepped, scheme]);
  useEffect(() => plot.current?.setData([[...times], [...values]]), [times, values, from, to, height, stepped, scheme]);

  return <div ref={box} className="chart" role="img" aria-label={label} style={{ height }} />;
}

interface ChartOptions {
  readonly height: number;
  readonly stepped: boolean;
  readonly rangeNow: () => readonly [number, number];
}

function createOptions(element: HTMLElement, { height, stepped, rangeNow }: ChartOptions): uPlot.Options {
  const style = getComputedStyle(element);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  const axis: uPlot.Axis = {
    stroke: colour("--mantine-color-dimmed"),
    font: `12px ${style.fontFamily}`,
    grid: { stroke: colour("--page-line"), width: 1 },
    ticks: { show: false },
  };
  return {
    width: element.clientWidth,
    height,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1_000), "Etc/UTC"),
    cursor: { show: false },
    legend: { show: false },
    padding: [8, 28, 0, 0],
    scales: { x: { range: () => [...rangeNow()] as [number, number] }, y: { range: (_, __, max) => [0, niceAbove(max)] } },
    axes: [
      { ...axis, size: 32, gap: 8, space: 80, values: (_, splits) => splits.map((seconds) => timeLabel(seconds, rangeNow())) },
      {
        ...axis,
        size: (_, labels) => 14 + 7.5 * Math.max(2, ...(labels ?? []).map(({ length }) => length)),
        space: 26,
        // What is drawn is counted: there is no half a record.
        incrs: wholeSteps,
        values: (_, splits) => splits.map(formatCount),
      },
    ],
    series: [
      {},
      {
        stroke: colour("--page-river"),
        width: 2,
        fill: `${colour("--page-river")}22`,
        points: { show: false },
        ...(stepped ? { paths: uPlot.paths.stepped?.({ align: 1 }) } : {}),
      },
    ],
  };
}

const wholeSteps = Array.from({ length: 16 }, (_, power) => [1, 2, 5].map((step) => step * 10 ** power)).flat();

/** The axis goes at least to 10, so that a single record makes no mountain. */
function niceAbove(max: number | null): number {
  return Math.max(10, (max ?? 0) * 1.1);
}

function timeLabel(seconds: number, [from, to]: readonly [number, number]): string {
  const text = new Date(seconds * 1_000).toISOString();
  if (to - from > 2 * 86_400) return text.slice(5, 10);
  return to - from > 600 ? text.slice(11, 16) : text.slice(11, 19);
}
