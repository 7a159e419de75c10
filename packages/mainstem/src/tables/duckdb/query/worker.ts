import { DuckDBInstance } from "@duckdb/node-api";
import { assert } from "../../../runtime/assert.ts";
import { serveJobs } from "../../../runtime/workers.ts";
import type { QueryColumn } from "../../engine.ts";
import { checkQuery } from "./guard.ts";
import { RunningQuery, type QueryInput } from "./run.ts";

/** What the query thread does. A query has an id of the caller's, from `open` to `close`. */
export type QueryJobs = {
  readonly check: { readonly input: { readonly sql: string }; readonly output: readonly string[] };
  readonly open: { readonly input: { readonly query: number; readonly job: QueryInput }; readonly output: readonly QueryColumn[] };
  readonly next: { readonly input: { readonly query: number }; readonly output: readonly (readonly unknown[])[] | undefined };
  readonly close: { readonly input: { readonly query: number }; readonly output: void };
};

const queries = new Map<number, RunningQuery>();
/** For statements that are only parsed. */
let parser: Promise<DuckDBInstance> | undefined;

serveJobs<QueryJobs>({
  async check({ sql }) {
    parser ??= DuckDBInstance.create(":memory:", { threads: "1", memory_limit: "64MiB", enable_external_access: "false", lock_configuration: "true" });
    const connection = await (await parser).connect();
    try {
      return (await checkQuery(connection, sql)).datasets;
    } finally {
      connection.closeSync();
    }
  },
  async open({ query, job }, { signal }) {
    const running = await RunningQuery.open(job, signal);
    queries.set(query, running);
    return running.columns;
  },
  async next({ query }, { signal }) {
    const running = queries.get(query);
    assert(running !== undefined, "rows are asked of a query that was opened");
    return await running.next(signal);
  },
  async close({ query }) {
    const running = queries.get(query);
    queries.delete(query);
    await running?.[Symbol.asyncDispose]();
  },
});
