import { Anchor, TextInput } from "@mantine/core";
import { useState } from "react";
import { Link } from "wouter";
import type { DatasetSummary, Task, WaitingDataset } from "../api/answers.ts";
import { useDatasets, useTasks } from "../api/use-answers.ts";
import { gravestOf, tasksOf } from "../dataset-health.ts";
import { formatAmount, formatCount, formatRate } from "../numbers.ts";
import { DataTable, type Column } from "../parts/data-table.tsx";
import { PageTitle } from "../parts/page-title.tsx";
import { Panel } from "../parts/panel.tsx";
import { ProblemNotice } from "../parts/problem-notice.tsx";
import { VerdictMark } from "../parts/verdict-mark.tsx";
import { Waiting } from "../parts/waiting.tsx";
import { When } from "../parts/when.tsx";
import { toVisibleText } from "../visible-text.ts";
import { FirstSteps } from "./first-steps.tsx";

/** So many are overlooked without a filter. */
const filterFrom = 9;

/** Every dataset: whose it is, what moves, what is there, and whether all is well. */
export function DatasetsPage() {
  const { data, error } = useDatasets();
  const { data: work } = useTasks();
  return (
    <>
      <PageTitle>Datasets</PageTitle>
      <ProblemNotice error={error} shown={data !== undefined} />
      {data === undefined && error === null && <Waiting />}
      {data?.datasets.length === 0 && <FirstSteps />}
      {data !== undefined && data.datasets.length > 0 && <List datasets={data.datasets} tasks={work?.tasks ?? []} />}
      {data !== undefined && data.waiting.length > 0 && <WaitingList waiting={data.waiting} />}
    </>
  );
}

function List({ datasets, tasks }: { readonly datasets: readonly DatasetSummary[]; readonly tasks: readonly Task[] }) {
  const [filter, setFilter] = useState("");
  const wanted = filter.trim().toLowerCase();
  const shown = datasets.filter(({ name, owner = "", description = "" }) => `${name} ${owner} ${description}`.toLowerCase().includes(wanted));
  const records = datasets.reduce((sum, dataset) => sum + dataset.records, 0);
  return (
    <>
      <p className="lead numbers">
        {formatAmount(datasets.length, "dataset")}, {formatAmount(records, "record")} in the log.
      </p>
      {datasets.length >= filterFrom && (
        <TextInput
          label="Filter"
          placeholder="name, owner or description"
          value={filter}
          onChange={(event) => setFilter(event.currentTarget.value)}
          maw={360}
          mb="md"
        />
      )}
      <div className="panel flush">
        {shown.length === 0 ? (
          <p className="dim padded">No dataset has “{filter}” in its name, owner or description.</p>
        ) : (
          <DataTable caption="Datasets" columns={columnsOf(tasks)} rows={shown} keyOf={({ name }) => name} />
        )}
      </div>
      <p className="dim">Rate: records a second into the archive. Complete through: the table holds everything that was sent up to then. Times are in UTC.</p>
    </>
  );
}

function WaitingList({ waiting }: { readonly waiting: readonly WaitingDataset[] }) {
  return (
    <Panel title="Waiting for their contract">
      <p className="dim">
        The registry has a schema of each. They become datasets with the rest of their contract: <code>mainstem apply FILE</code>.
      </p>
      <ul className="several">
        {waiting.map(({ name, subject, version }) => (
          <li key={name}>
            {toVisibleText(name)}{" "}
            <span className="dim">
              version {version} of {toVisibleText(subject)}
            </span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function columnsOf(tasks: readonly Task[]): readonly Column<DatasetSummary>[] {
  return [
    {
      head: "Dataset",
      cell: ({ name, description }) => (
        <>
          <Anchor component={Link} href={`/datasets/${encodeURIComponent(name)}`} className="name" inherit>
            {toVisibleText(name)}
          </Anchor>
          {description !== undefined && <p className="dim about">{toVisibleText(description)}</p>}
        </>
      ),
    },
    { head: "Owner", cell: ({ owner }) => (owner === undefined ? "–" : toVisibleText(owner)) },
    { head: "Health", cell: (dataset) => <Health dataset={dataset} tasks={tasks} /> },
    { head: "Rate", number: true, cell: ({ name }) => formatRate(archiveRate(tasks, name)) },
    { head: "Records", number: true, cell: ({ records }) => formatCount(records) },
    { head: "Rows", number: true, cell: ({ rows }) => (rows === null ? "–" : formatCount(rows)) },
    { head: "Complete through", number: true, cell: ({ completeThrough }) => <When time={completeThrough} /> },
  ];
}

function Health({ dataset: { name, error }, tasks }: { readonly dataset: DatasetSummary; readonly tasks: readonly Task[] }) {
  if (error !== undefined)
    return (
      <>
        <VerdictMark verdict="failed" />
        <p className="dim">{toVisibleText(error.message)}</p>
      </>
    );
  const gravest = gravestOf(tasks, name);
  if (gravest === undefined) return <>–</>;
  return (
    <>
      <VerdictMark verdict={gravest.verdict} />
      {gravest.because !== undefined && <p className="dim">{toVisibleText(gravest.because)}</p>}
    </>
  );
}

function archiveRate(tasks: readonly Task[], dataset: string): number | null {
  return tasksOf(tasks, dataset).find(({ name }) => name.startsWith("archive."))?.ratePerSecond ?? null;
}
