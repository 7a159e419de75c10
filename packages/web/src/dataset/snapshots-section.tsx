import { Button } from "@mantine/core";
import { useMemo, useState } from "react";
import type { Snapshot } from "../api/answers.ts";
import { useSnapshots } from "../api/use-answers.ts";
import { LineChart } from "../charts/line-chart.tsx";
import { formatBytes, formatCount } from "../numbers.ts";
import { DataTable, type Column } from "../parts/data-table.tsx";
import { ProblemNotice } from "../parts/problem-notice.tsx";
import { Waiting } from "../parts/waiting.tsx";
import { When } from "../parts/when.tsx";

const rowsShown = 20;

interface Step extends Snapshot {
  /** Rows more than in the snapshot before it. */
  readonly growth: number;
}

const columns: readonly Column<Step>[] = [
  { head: "Committed", cell: ({ committedAt }) => <When time={committedAt} /> },
  { head: "Rows", number: true, cell: ({ rows }) => formatCount(rows) },
  { head: "Change", number: true, cell: ({ growth }) => `${growth < 0 ? "−" : "+"}${formatCount(Math.abs(growth))}` },
  { head: "Operation", cell: ({ operation }) => operation ?? "–" },
  { head: "Contract", number: true, cell: ({ contractVersion }) => (contractVersion === undefined ? "–" : `version ${contractVersion}`) },
  { head: "Size", number: true, cell: ({ summary }) => sizeOf(summary) },
  { head: "Id", cell: ({ id }) => <code>{id}</code> },
];

/** Every version of the table that can still be read, the newest first, and how its rows grew. */
export function SnapshotsSection({ name, current }: { readonly name: string; readonly current: string | undefined }) {
  const { data, error } = useSnapshots(name, current);
  const [all, showAll] = useState(false);
  const steps = useMemo(() => toSteps(data?.snapshots ?? []), [data]);
  if (data === undefined) return error === null ? <Waiting /> : <ProblemNotice error={error} />;
  if (steps.length === 0) return <p className="dim">There is no snapshot yet: the first is made soon after the first records.</p>;
  return (
    <div className="section">
      <ProblemNotice error={error} shown />
      {steps.length > 1 && <RowsChart steps={steps} />}
      <DataTable caption="Snapshots" columns={columns} rows={all ? steps : steps.slice(0, rowsShown)} keyOf={({ id }) => id} dense />
      {!all && steps.length > rowsShown && (
        <div>
          <Button variant="default" size="compact-sm" onClick={() => showAll(true)}>
            Show all {formatCount(steps.length)}
          </Button>
        </div>
      )}
      <p className="dim">
        Any of them can be queried: <code>mainstem query &quot;SELECT …&quot; --at {name}=ID</code>
      </p>
    </div>
  );
}

function RowsChart({ steps }: { readonly steps: readonly Step[] }) {
  const times = useMemo(() => steps.map(({ committedAt }) => Date.parse(committedAt) / 1_000).toReversed(), [steps]);
  const values = useMemo(() => steps.map(({ rows }) => rows).toReversed(), [steps]);
  const [first = 0, last = 0] = [times[0], times.at(-1)];
  const label = `Rows by snapshot: from ${formatCount(values[0] ?? 0)} to ${formatCount(values.at(-1) ?? 0)}`;
  return <LineChart label={label} height={150} times={times} values={values} from={first} to={Math.max(last, first + 1)} stepped />;
}

function toSteps(snapshots: readonly Snapshot[]): readonly Step[] {
  return snapshots.map((snapshot, index) => ({ ...snapshot, growth: snapshot.rows - (snapshots[index - 1]?.rows ?? 0) })).toReversed();
}

function sizeOf(summary: Readonly<Record<string, string>>): string {
  const bytes = Number(summary["total-files-size"]);
  return Number.isFinite(bytes) ? formatBytes(bytes) : "–";
}
