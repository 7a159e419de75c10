import type { Contract } from "@mainstem/contract";
import type { IcebergTables, Snapshot, TableState } from "../iceberg/index.ts";
import type { QueryEngine, QueryTable, Waits } from "./engine.ts";

export const comparisonLimits = {
  /** Keys that are shown of each kind of difference. */
  samplesMax: 5,
  /** What comparing two tables may take. */
  msMax: 3_600_000,
} as const;

export type Difference = "added" | "removed" | "changed";

/** How two versions of a table differ, by key. */
export interface TableComparison {
  readonly before: { readonly snapshotId: bigint; readonly rows: number };
  readonly after: { readonly snapshotId: bigint; readonly rows: number };
  /** `samples`: the least keys, each an object of the key fields as JSON values. */
  readonly differences: Readonly<Record<Difference, { readonly rows: number; readonly samples: readonly unknown[] }>>;
}

/** Compares every row of two snapshots of one table, as the contract reads them. Errors: `table.corrupt`, `objects.*`, `query.*`. */
export async function compareSnapshots(
  { tables, queries }: { readonly tables: IcebergTables; readonly queries: QueryEngine },
  { contract, state, before, after }: { readonly contract: Contract; readonly state: TableState; readonly before: Snapshot; readonly after: Snapshot },
  { signal }: Waits,
): Promise<TableComparison> {
  const named = new Map<string, QueryTable>();
  for (const [name, snapshot] of [["before", before] as const, ["after", after] as const]) {
    const files = await tables.files(contract.name, state, snapshot);
    named.set(`rebuild.${name}`, { contract: { ...contract, name: `rebuild.${name}` }, version: { state, snapshot, files } });
  }
  const none = { rows: 0, samples: [] };
  const differences: Record<Difference, { readonly rows: number; readonly samples: readonly unknown[] }> = { added: none, removed: none, changed: none };
  for await (const { rows } of queries.query(comparisonSql(contract), { tables: named, timeoutMs: comparisonLimits.msMax, signal })) {
    for (const [kind, count, samples] of rows) differences[kind as Difference] = { rows: Number(count), samples: samples as readonly unknown[] };
  }
  const side = ({ id, summary }: Snapshot): TableComparison["before"] => ({ snapshotId: id, rows: Number(summary["total-records"] ?? 0) });
  return { before: side(before), after: side(after), differences };
}

/** One row for each kind of difference. The mark of a row's side has a name that no field can have. */
function comparisonSql({ key, schema }: Contract): string {
  const name = (field: string): string => `"${field}"`;
  const both = key.map((field) => `a.${name(field)} = b.${name(field)}`).join(" AND ");
  const keys = key.map((field) => `${name(field)}: coalesce(a.${name(field)}, b.${name(field)})`).join(", ");
  const others = schema.fields.filter((field) => !key.includes(field.name)).map((field) => `a.${name(field.name)} IS DISTINCT FROM b.${name(field.name)}`);
  const differs = ['a."there?" IS NULL', 'b."there?" IS NULL', ...others].join(" OR ");
  return `SELECT kind, count(*), min(k, ${comparisonLimits.samplesMax}) FROM (
    SELECT CASE WHEN b."there?" IS NULL THEN 'added' WHEN a."there?" IS NULL THEN 'removed' ELSE 'changed' END AS kind, {${keys}} AS k
    FROM (SELECT *, true AS "there?" FROM "rebuild"."before") b FULL JOIN (SELECT *, true AS "there?" FROM "rebuild"."after") a ON ${both}
    WHERE ${differs}) GROUP BY kind`;
}
