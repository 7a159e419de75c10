import { rm } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { namesOf } from "@mainstem/contract";
import { reservedColumn, schemaOf } from "../../iceberg/index.ts";
import type { ObjectStore } from "../../objects/index.ts";
import { MainstemError } from "../../runtime/errors.ts";
import { makeDirectory } from "../../runtime/files.ts";
import { moduleBeside, openWorkerThread, type WorkerThread } from "../../runtime/workers.ts";
import type { QueryColumn, QueryEngine, QueryTable, RowBatch, Waits } from "../engine.ts";
import { columnOf } from "./columns.ts";
import { sqlTypeOf } from "./sql-type.ts";
import type { LocalTable } from "./query/run.ts";
import type { QueryJobs } from "./query/worker.ts";

export interface DuckdbQueryEngineOptions {
  readonly objects: ObjectStore;
  /** For spilling. The engine owns it: what lies in it at opening is deleted. */
  readonly directory: string;
  /** What one query may hold in memory before it spills. */
  readonly memoryBytesMax?: number;
  /** DuckDB's threads for one query; by default one a core. */
  readonly threads?: number;
}

export const queryLimits = {
  /** Queries that run at once. */
  runningMax: 4,
  /** Queries that may wait for a place; beyond that they are refused. */
  waitingMax: 64,
  /** A query whose rows nobody asks for is ended after this time. */
  idleMs: 300_000,
  memoryBytesMax: 268_435_456,
} as const;

/**
 * Runs queries with DuckDB in a thread of its own, each in a database of its own that holds views of its tables and is locked.
 *
 * Time: `timeoutMs` counts what the engine works, not what the reader takes. A statement that does not heed its interruption at once (one call of a
 * costly function) ends later, but its caller is answered in time.
 */
export async function openDuckdbQueryEngine(options: DuckdbQueryEngineOptions): Promise<QueryEngine> {
  await rm(options.directory, { recursive: true, force: true });
  await makeDirectory(options.directory);
  return new DuckdbQueryEngine(options);
}

class DuckdbQueryEngine implements QueryEngine {
  readonly #options: DuckdbQueryEngineOptions;
  readonly #worker: WorkerThread<QueryJobs> = openWorkerThread<QueryJobs>(moduleBeside("./query/worker.ts", import.meta.url));
  readonly #places = new Places(queryLimits);
  readonly #closing = new AbortController();
  readonly #closes = new Set<Promise<void>>();
  #nextQuery = 1;

  constructor(options: DuckdbQueryEngineOptions) {
    this.#options = options;
  }

  tablesOf(sql: string, { signal }: Waits = {}): Promise<readonly string[]> {
    return this.#worker.run("check", { sql }, { signal });
  }

  async *query(
    sql: string,
    { tables, timeoutMs, signal }: { readonly tables: ReadonlyMap<string, QueryTable>; readonly timeoutMs: number } & Waits,
  ): AsyncGenerator<RowBatch> {
    const until = signal === undefined ? this.#closing.signal : AbortSignal.any([this.#closing.signal, signal]);
    const query = this.#nextQuery++;
    await using stack = new AsyncDisposableStack();
    const clock = new WorkClock(timeoutMs);
    const free = await this.#places.take(until);
    // The place is free again when the thread is done with the query, which may be after the caller was answered.
    let last: Promise<unknown> = Promise.resolve();
    stack.defer(() => this.#close(query, last, free));
    const local: LocalTable[] = [];
    for (const table of tables.values()) local.push(await this.#localTable(table, stack, until));
    const { directory, memoryBytesMax = queryLimits.memoryBytesMax, threads = availableParallelism() } = this.#options;
    const job = { sql, tables: local, directory, memoryBytesMax, threads };
    const step = <T>(run: (signal: AbortSignal) => Promise<T>): Promise<T> => {
      const running = clock.run(until, run);
      last = running.work;
      return running.answer;
    };
    const columns: readonly QueryColumn[] = await step((stop) => this.#worker.run("open", { query, job }, { signal: stop }));
    yield { columns, rows: [] };
    for (;;) {
      const rows = await step((stop) => this.#worker.run("next", { query }, { signal: stop }));
      if (rows === undefined) return;
      let idle = false;
      const timer = setTimeout(() => {
        idle = true;
        this.#worker.run("close", { query }).catch(() => undefined);
      }, queryLimits.idleMs);
      timer.unref();
      try {
        yield { columns, rows };
      } finally {
        clearTimeout(timer);
      }
      if (idle) throw new MainstemError("query.timeout", `Nobody asked for the query's rows for ${queryLimits.idleMs} ms.`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#closing.signal.aborted) this.#closing.abort(new MainstemError("resource.closed", "The query engine is closed."));
    await Promise.allSettled(this.#closes);
    await this.#worker[Symbol.asyncDispose]();
    await rm(this.#options.directory, { recursive: true, force: true });
  }

  async #localTable({ contract, columns: whose, version }: QueryTable, stack: AsyncDisposableStack, signal: AbortSignal): Promise<LocalTable> {
    const dot = contract.name.lastIndexOf(".");
    const known = version === undefined ? [] : schemaOf(version.state, version.snapshot).fields.filter(({ name }) => name !== reservedColumn);
    const fields = contract.schema.fields.map((field) => {
      const names = namesOf(field);
      return { name: field.name, type: columnOf(field.type).type.toString(), id: known.find(({ name }) => names.includes(name))?.id };
    });
    const then = known.map(({ id, name, type }) => ({ name, type: sqlTypeOf(type), id }));
    const later = fields.filter(({ id, name }) => id === undefined && known.every((column) => column.name.toLowerCase() !== name.toLowerCase()));
    const columns = whose === "snapshot" ? [...then, ...later] : fields;
    const files: { readonly path: string; readonly key: string }[] = [];
    for (const { key } of version?.files ?? []) files.push({ key, path: stack.use(await this.#options.objects.local(key, { signal })).path });
    return { namespace: contract.name.slice(0, dot), name: contract.name.slice(dot + 1), columns, files };
  }

  /** Does not wait for a statement that goes on: what it uses is given back when it ends. */
  #close(query: number, last: Promise<unknown>, free: () => void): Promise<void> {
    const closing = last
      .catch(() => undefined)
      .then(() => this.#worker.run("close", { query }))
      .catch(() => undefined)
      .finally(() => {
        free();
        this.#closes.delete(closing);
      });
    this.#closes.add(closing);
    return Promise.resolve();
  }
}

/** Adds up the time that a query works, and ends it when that is too long. */
class WorkClock {
  #leftMs: number;
  readonly #timeoutMs: number;

  constructor(timeoutMs: number) {
    this.#leftMs = timeoutMs;
    this.#timeoutMs = timeoutMs;
  }

  /** `answer` rejects with `query.timeout` or the signal's reason at once; `work` settles when the step has really ended. */
  run<T>(signal: AbortSignal, step: (signal: AbortSignal) => Promise<T>): { readonly answer: Promise<T>; readonly work: Promise<unknown> } {
    const stop = new AbortController();
    const { promise: stopped, reject } = Promise.withResolvers<never>();
    const end = (error: unknown): void => {
      stop.abort(error);
      reject(error);
    };
    const abort = (): void => end(signal.reason);
    const timer = setTimeout(() => end(new MainstemError("query.timeout", `The query took longer than ${this.#timeoutMs} ms.`)), Math.max(0, this.#leftMs));
    const started = performance.now();
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
    const work = stop.signal.aborted ? Promise.reject(signal.reason as Error) : step(stop.signal);
    const done = work.finally(() => {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
      this.#leftMs -= performance.now() - started;
    });
    stopped.catch(() => undefined);
    done.catch(() => undefined);
    return { answer: Promise.race([done, stopped]), work: done };
  }
}

/** A fixed number of places, and a line of limited length before them. */
class Places {
  #running = 0;
  readonly #waiting: (() => void)[] = [];
  readonly #limits: { readonly runningMax: number; readonly waitingMax: number };

  constructor(limits: { readonly runningMax: number; readonly waitingMax: number }) {
    this.#limits = limits;
  }

  /** Resolves to the way to leave the place, once. */
  async take(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    if (this.#running < this.#limits.runningMax) this.#running += 1;
    else await this.#wait(signal);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    };
  }

  #wait(signal: AbortSignal): Promise<void> {
    if (this.#waiting.length >= this.#limits.waitingMax) {
      throw new MainstemError("query.busy", "Too many queries are running and waiting.", { running: this.#running, waiting: this.#waiting.length });
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const turn = (): void => {
      signal.removeEventListener("abort", leave);
      resolve();
    };
    const leave = (): void => {
      const place = this.#waiting.indexOf(turn);
      if (place >= 0) this.#waiting.splice(place, 1);
      reject(signal.reason as Error);
    };
    this.#waiting.push(turn);
    signal.addEventListener("abort", leave, { once: true });
    return promise;
  }
}
