import type { TaskDetail } from "./answers.ts";
import type { Terminal } from "./terminal.ts";
import { drawBar } from "./progress.ts";
import { formatCount, formatSeconds, formatTable } from "./text-table.ts";

const columns = [
  { title: "task", keep: true },
  { title: "verdict", keep: true },
  { title: "state", optional: true },
  { title: "", keep: true, optional: true },
  { title: "progress", align: "right", keep: true },
  { title: "", keep: true, optional: true },
  { title: "rate", align: "right", keep: true, optional: true },
  { title: "left", align: "right", keep: true },
  { title: "last advance", keep: true, optional: true },
  { title: "about" },
] as const;

const verdictColors = { ok: "green", slow: "yellow", stuck: "red", paused: "yellow", failed: "red", idle: "dim" } as const;
const verdictColumn = columns.findIndex(({ title }) => title === "verdict");
const barWidth = 8;

/** Tasks as a table that fits the screen, where those that have something to do get a bar and times are counted from now. */
export function formatTasks(tasks: readonly TaskDetail[], { width, style }: Pick<Terminal, "width" | "style">): readonly string[] {
  const rows = tasks.map((task) => toRow(task, { screen: width !== undefined }));
  const paint = (cell: string, column: number): string => {
    const verdict = column === verdictColumn ? cell.trim() : "";
    return verdict in verdictColors ? style(verdictColors[verdict as TaskDetail["verdict"]], cell) : cell;
  };
  return formatTable(columns, rows, { width, paint });
}

/** One task in one line, for a log. */
export function formatTask(task: TaskDetail): string {
  const [name, verdict, state, , progress, unit, rate, left, , more] = toRow(task, { screen: false });
  return [name, verdict, state, progress === "" ? "" : `${progress} ${unit}`, rate, left === "" ? "" : `${left} left`, more]
    .filter((part) => part !== "")
    .join("  ");
}

function toRow(task: TaskDetail, { screen }: { readonly screen: boolean }): readonly string[] {
  const { name, verdict, state, progress, ratePerSecond, remainingSeconds, lastAdvance, ...rest } = task;
  const behind = progress !== null && progress.position < progress.end;
  return [
    name,
    verdict,
    state,
    screen && behind && progress.end > 0 ? drawBar(progress.position / progress.end, barWidth) : "",
    progress === null ? "" : `${formatCount(progress.position)} of ${formatCount(progress.end)}`,
    progress?.unit ?? "",
    ratePerSecond === null || ratePerSecond === 0 ? "" : `${formatCount(ratePerSecond)}/s`,
    behind && remainingSeconds !== null ? formatSeconds(remainingSeconds) : "",
    lastAdvance === null ? "" : screen ? `${formatSeconds((Date.now() - Date.parse(lastAdvance)) / 1_000)} ago` : lastAdvance,
    about(rest),
  ];
}

function about({ because, paused, heldBy, lastError }: Pick<TaskDetail, "because" | "paused" | "heldBy" | "lastError">): string {
  if (paused !== null) return `by ${paused.by} at ${paused.at}${paused.reason === undefined ? "" : `: ${paused.reason}`}`;
  if (heldBy !== null) return `run by ${heldBy}`;
  const error = lastError === null ? "" : `${lastError.code} at ${lastError.at}`;
  return because === undefined ? error : [because, lastError === null ? "" : `[${error}]`].join(" ").trimEnd();
}
