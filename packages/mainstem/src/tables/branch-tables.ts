import { MainstemError } from "../runtime/errors.ts";
import type { IcebergTables, TableState } from "../iceberg/index.ts";

/** A table as a builder sees it that builds on a branch: `load` gives the branch, and every change goes to it. */
export function tablesOnBranch(tables: IcebergTables, branch: string): IcebergTables {
  const viewOf = (dataset: string, state: TableState | undefined): TableState => {
    const view = state === undefined ? undefined : tables.branches.view(state, branch);
    if (view === undefined) throw new MainstemError("table.rebuildUnknown", `The rebuild of ${dataset} is over: its branch ${branch} is gone.`, { dataset });
    return view;
  };
  return {
    branches: tables.branches,
    expiry: tables.expiry,
    load: async (dataset) => viewOf(dataset, await tables.load(dataset)),
    // A branch is of a table that there is.
    create: async (dataset) => viewOf(dataset, undefined),
    changeColumns: (dataset, { schema }) => tables.branches.changeColumns(dataset, { branch, schema }),
    sortBy: (dataset, sort) => tables.branches.sortBy(dataset, { branch, sort }),
    commit: (dataset, change) => tables.commit(dataset, { ...change, branch }),
    files: (dataset, state, snapshot) => tables.files(dataset, state, snapshot),
  };
}
