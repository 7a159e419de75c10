import type { Dataset, QueryAnswer } from "../api/answers.ts";
import { sampleRowsMax, useRows } from "../api/use-answers.ts";
import { formatAmount, formatCount } from "../numbers.ts";
import { ProblemNotice } from "../parts/problem-notice.tsx";
import { Waiting } from "../parts/waiting.tsx";
import { valueText, toVisibleText } from "../visible-text.ts";
import { useSlowly } from "./use-slowly.ts";

/** Longer values are cut: a sample shows what rows look like. */
const charactersMax = 200;

/** Some rows of the table. */
export function RowsSection({ dataset }: { readonly dataset: Dataset }) {
  const snapshot = useSlowly(dataset.table?.snapshot?.id);
  const { data, error } = useRows(dataset.name, snapshot);
  if (snapshot === undefined) return <p className="dim">There are no rows before the first snapshot.</p>;
  if (data === undefined) return error === null ? <Waiting /> : <ProblemNotice error={error} />;
  const { sample, counted } = data;
  return (
    <div className="section">
      <ProblemNotice error={error} shown />
      {sample.rows.length === 0 ? <p className="dim">The table has no rows.</p> : <Sample sample={sample} name={dataset.name} />}
      <p className="dim">
        {formatCount(sample.rows.length)} of {formatAmount(counted, "row")}.{" "}
        <code>
          mainstem query &quot;SELECT * FROM {dataset.name} LIMIT {sampleRowsMax}&quot;
        </code>{" "}
        asks for the same.
      </p>
    </div>
  );
}

function Sample({ sample: { columns, rows }, name }: { readonly sample: QueryAnswer; readonly name: string }) {
  return (
    <div className="scroll" role="region" aria-label={`Rows of ${name}`} tabIndex={0}>
      <table className="sample">
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.name} scope="col" data-number={isNumber(column.type)}>
                {toVisibleText(column.name)}
                <span>{toVisibleText(column.type)}</span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            // A row has no name of its own here, and the rows never change places.
            <tr key={index}>
              {columns.map((column, at) => (
                <Value key={column.name} value={row[at]} number={isNumber(column.type)} />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Value({ value, number }: { readonly value: unknown; readonly number: boolean }) {
  if (value === null || value === undefined)
    return (
      <td className="null" data-number={number}>
        null
      </td>
    );
  const text = valueText(value);
  const shown = text.length > charactersMax ? `${text.slice(0, charactersMax)}…` : text;
  return (
    <td data-number={number}>
      <bdi>{shown}</bdi>
    </td>
  );
}

/** DuckDB's types. */
function isNumber(type: string): boolean {
  return /^(?:U?(?:TINY|SMALL|BIG|HUGE)?INT(?:EGER)?|FLOAT|DOUBLE|DECIMAL)\b/.test(type);
}
