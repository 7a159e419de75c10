import { useTasks } from "../api/use-answers.ts";
import { datasetOf } from "../dataset-health.ts";
import { formatAmount } from "../numbers.ts";
import { PageTitle } from "../parts/page-title.tsx";
import { ProblemNotice } from "../parts/problem-notice.tsx";
import { TaskTable } from "../parts/task-table.tsx";
import { Waiting } from "../parts/waiting.tsx";

const well: ReadonlySet<string> = new Set(["ok", "idle"]);

/** Every task, those of one dataset together. */
export function TasksPage() {
  const { data, error } = useTasks();
  const tasks = data?.tasks.toSorted((a, b) => (sortKey(a.name) < sortKey(b.name) ? -1 : 1)) ?? [];
  const trouble = tasks.filter(({ verdict }) => !well.has(verdict)).length;
  return (
    <>
      <PageTitle>Tasks</PageTitle>
      <ProblemNotice error={error} shown={data !== undefined} />
      {data === undefined && error === null && <Waiting />}
      {tasks.length > 0 && (
        <>
          <p className="lead">
            {trouble === 0 ? `${formatAmount(tasks.length, "task")}, all well.` : `${trouble} of ${formatAmount(tasks.length, "task")} want a look.`}
          </p>
          <div className="panel flush">
            <TaskTable tasks={tasks} />
          </div>
        </>
      )}
    </>
  );
}

function sortKey(name: string): string {
  return `${datasetOf(name)} ${name}`;
}
