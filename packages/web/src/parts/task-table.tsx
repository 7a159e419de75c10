import { Button } from "@mantine/core";
import { IconPlayerPause, IconPlayerPlay } from "@tabler/icons-react";
import type { Task } from "../api/answers.ts";
import { useTaskControl } from "../api/use-answers.ts";
import { formatCount, formatDuration, formatRate } from "../numbers.ts";
import { toVisibleText } from "../visible-text.ts";
import { DataTable, type Column } from "./data-table.tsx";
import { ProblemNotice } from "./problem-notice.tsx";
import { VerdictMark } from "./verdict-mark.tsx";
import { When } from "./when.tsx";

const columns: readonly Column<Task>[] = [
  { head: "Task", cell: ({ name }) => <span className="name">{toVisibleText(name)}</span> },
  {
    head: "Verdict",
    cell: ({ verdict, because }) => (
      <>
        <VerdictMark verdict={verdict} />
        {because !== undefined && <p className="dim">{toVisibleText(because)}</p>}
      </>
    ),
  },
  { head: "Progress", cell: (task) => <Place task={task} /> },
  { head: "Rate", number: true, cell: ({ ratePerSecond }) => formatRate(ratePerSecond) },
  { head: "Last advance", cell: ({ lastAdvance }) => <When time={lastAdvance} /> },
  { head: "Last error", cell: ({ lastError, restarts }) => <LastError error={lastError} restarts={restarts} /> },
  { head: "Control", cell: (task) => <Control task={task} /> },
];

/** Tasks: how far each is, whether it gets on, what went wrong last; with a switch to hold it. */
export function TaskTable({ tasks }: { readonly tasks: readonly Task[] }) {
  return <DataTable caption="Tasks" columns={columns} rows={tasks} keyOf={({ name }) => name} />;
}

function Place({ task: { name, progress, remainingSeconds, heldBy } }: { readonly task: Task }) {
  if (progress === null) return <>{heldBy === null ? "–" : `run by ${toVisibleText(heldBy)}`}</>;
  const { position, end, unit, deferred } = progress;
  const part = end === 0 ? 100 : Math.min(100, Math.floor((100 * position) / end));
  const left = remainingSeconds !== null && position < end ? `, ${formatDuration(remainingSeconds)} left` : "";
  return (
    <div className="place">
      <div className="bar" role="progressbar" aria-label={`Progress of ${name}`} aria-valuenow={part} aria-valuemin={0} aria-valuemax={100}>
        <div style={{ width: `${part}%` }} />
      </div>
      <p className="dim numbers">
        {formatCount(position)} of {formatCount(end)} {unit}
        {left}
        {deferred === true ? ", put off" : ""}
      </p>
    </div>
  );
}

function LastError({ error, restarts }: { readonly error: Task["lastError"]; readonly restarts: number }) {
  if (error === null) return <span className="dim">none</span>;
  return (
    <div className="last-error">
      <p>{toVisibleText(error.message)}</p>
      <p className="dim">
        <code>{error.code}</code>, <When time={error.at} />
        {restarts > 0 ? `, ${formatCount(restarts)} ${restarts === 1 ? "restart" : "restarts"}` : ""}
      </p>
    </div>
  );
}

function Control({ task: { name, paused, state, verdict } }: { readonly task: Task }) {
  const { mutate, isPending, error } = useTaskControl(name);
  if (state === "finished") return null;
  const resumes = paused !== null || verdict === "failed" || state === "backing-off";
  const action = resumes ? "resume" : "pause";
  const Sign = resumes ? IconPlayerPlay : IconPlayerPause;
  return (
    <>
      <Button
        variant="default"
        size="compact-sm"
        leftSection={<Sign size={15} aria-hidden />}
        aria-label={`${resumes ? "Resume" : "Pause"} ${name}`}
        aria-disabled={isPending}
        onClick={() => !isPending && mutate(action)}
      >
        {resumes ? "Resume" : "Pause"}
      </Button>
      {paused !== null && (
        <p className="dim">
          paused by {toVisibleText(paused.by)}, <When time={paused.at} />
          {paused.reason === undefined ? "" : `: ${toVisibleText(paused.reason)}`}
        </p>
      )}
      <ProblemNotice error={error} title="That did not work" />
    </>
  );
}
