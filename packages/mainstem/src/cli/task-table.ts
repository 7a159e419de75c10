import type { TaskDetail } from "./answers.ts";
import type { Terminal } from "./terminal.ts";
import { formatCount, formatTable } from "./text-table.ts";

const columns = [
  { title: "task" },
  { title: "verdict" },
  { title: "state" },
  { title: "progress", align: "right" },
  { title: "rate", align: "right" },
  { title: "left", align: "right" },
  { title: "last advance" },
  { title: "about" },
] as const;

/** Tasks as a table that fits the screen. */
export function formatTasks(tasks: readonly TaskDetail[], { width }: Pick<Terminal, "width">): readonly string[] {
  return formatTable(columns, tasks.map(toRow), { width });
}

/** One task in one line, for a log. */
export function formatTask(task: TaskDetail): string {
  const [name, verdict, state, progress, rate, left, , more] = toRow(task);
  return [name, verdict, state, progress, rate, left === "" ? "" : `${left} left`, more].filter((part) => part !== "").join("  ");
}

function toRow({ name, verdict, state, progress, ratePerSecond, remainingSeconds, lastAdvance, ...rest }: TaskDetail): readonly string[] {
  const behind = progress !== null && progress.position < progress.end;
  return [
    name,
    verdict,
    state,
    progress === null ? "" : `${formatCount(progress.position)} of ${formatCount(progress.end)} ${progress.unit}`,
    ratePerSecond === null || ratePerSecond === 0 ? "" : `${formatCount(ratePerSecond)}/s`,
    behind && remainingSeconds !== null ? formatSeconds(remainingSeconds) : "",
    lastAdvance ?? "",
    about(rest),
  ];
}

function about({ because, paused, heldBy, lastError }: Pick<TaskDetail, "because" | "paused" | "heldBy" | "lastError">): string {
  if (paused !== null) return `by ${paused.by} at ${paused.at}${paused.reason === undefined ? "" : `: ${paused.reason}`}`;
  if (heldBy !== null) return `run by ${heldBy}`;
  const error = lastError === null ? "" : `${lastError.code} at ${lastError.at}`;
  return because === undefined ? error : [because, lastError === null ? "" : `[${error}]`].join(" ").trimEnd();
}

/** 75 as 1 min 15 s, by the two largest units. */
export function formatSeconds(seconds: number): string {
  const whole = Math.max(1, Math.round(seconds));
  const units = [
    ["d", 86_400],
    ["h", 3_600],
    ["min", 60],
    ["s", 1],
  ] as const;
  const first = units.findIndex(([, size]) => whole >= size);
  let rest = whole;
  return units
    .slice(first, first + 2)
    .flatMap(([unit, size]) => {
      const count = Math.floor(rest / size);
      rest -= count * size;
      return count === 0 ? [] : [`${count} ${unit}`];
    })
    .join(" ");
}
