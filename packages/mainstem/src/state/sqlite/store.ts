import { DatabaseSync } from "node:sqlite";
import { dirname, resolve } from "node:path";
import { Kysely, sql } from "kysely";
import { assert } from "../../runtime/assert.ts";
import { systemEnv } from "../../runtime/env.ts";
import { MainstemError } from "../../runtime/errors.ts";
import { makeDirectory } from "../../runtime/files.ts";
import { limits } from "../../runtime/limits.ts";
import { migrate } from "../sql/migrate.ts";
import { createSqlState } from "../sql/store.ts";
import type { StateTables } from "../sql/tables.ts";
import type { StateStore } from "../state.ts";
import { createSqliteDialect } from "./dialect.ts";

export interface SqliteStateOptions {
  /** Made if missing, with its folders. Several processes of one host may use it at once; network file systems are not for it. */
  readonly file: string;
  /** The store's clock, milliseconds since 1970: for tests. */
  readonly clock?: () => number;
}

/**
 * The state in one SQLite file (docs/formats/state.md).
 *
 * Write-ahead log with `synchronous = FULL`: every commit is synced before it is answered. Readers never wait; writers of several processes take turns.
 * Calls of one store run one after another, on the thread of the caller. Closing waits for them; those that wait for another process end with `resource.closed`.
 * Errors: `state.failed`, `state.corrupt` (not a database, or a damaged one), `state.newer`.
 */
export async function openSqliteState({ file, clock = Date.now }: SqliteStateOptions): Promise<StateStore> {
  const path = resolve(file);
  let closed = false;
  const running = new Set<Promise<unknown>>();
  const isClosed = (): boolean => closed;
  const database = await openDatabase(path, clock);
  const db = new Kysely<StateTables>({ dialect: createSqliteDialect(database) });

  async function run<T>(work: () => Promise<T>): Promise<T> {
    if (closed) throw closedError();
    const result = takeTurns(path, work, isClosed);
    running.add(result);
    try {
      return await result;
    } finally {
      running.delete(result);
    }
  }

  async function close(): Promise<void> {
    closed = true;
    await Promise.allSettled(running);
    await db.destroy();
    // Kysely does not close what it never used.
    if (database.isOpen) database.close();
  }

  try {
    await run(() => migrate(db, { now: clock() }));
  } catch (error) {
    await close();
    throw error;
  }
  return createSqlState({ db, now: sql<number>`mainstem_now()`, run }, close);
}

async function openDatabase(path: string, clock: () => number): Promise<DatabaseSync> {
  let database: DatabaseSync | undefined;
  try {
    await makeDirectory(dirname(path));
    const opened = new DatabaseSync(path);
    database = opened;
    await takeTurns(path, async () => configure(opened, clock));
    return opened;
  } catch (error) {
    if (database?.isOpen === true) database.close();
    throw toCoded(path, error);
  }
}

function configure(database: DatabaseSync, clock: () => number): void {
  const tables = database.prepare("select name from sqlite_master where type = 'table'").all();
  // First of all: the next line would change the file.
  if (tables.length > 0 && !tables.some((table) => table["name"] === "mainstem_schema"))
    throw new MainstemError("state.failed", "The state's file is a database of another program; give Mainstem one of its own.");
  const mode = database.prepare("pragma journal_mode = wal").get()?.["journal_mode"];
  if (mode !== "wal") throw new MainstemError("state.failed", `SQLite cannot keep a write-ahead log here (journal mode ${String(mode)}).`);
  database.exec("pragma synchronous = full; pragma trusted_schema = off; pragma cell_size_check = on;");
  assert(database.prepare("pragma synchronous").get()?.["synchronous"] === 2, "every commit is synced");
  database.function("mainstem_now", () => BigInt(Math.floor(clock())));
}

/**
 * Runs the work; while another connection has the database, waits without holding up the thread and runs it again.
 * SQLite's own busy handler would sleep with the thread, and so could wait for a transaction of this very process.
 */
async function takeTurns<T>(path: string, work: () => Promise<T>, isClosed: () => boolean = () => false): Promise<T> {
  const until = performance.now() + limits.stateBusyMs;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isBusy(error)) throw toCoded(path, error);
      if (isClosed()) throw closedError();
      if (performance.now() > until) {
        const sentence = `Other processes kept the state ${path} locked for ${limits.stateBusyMs / 1_000} s.`;
        throw new MainstemError("state.failed", sentence, { file: path }, { cause: error });
      }
      await systemEnv.sleep(1 + Math.random() * 20);
    }
  }
}

// The primary result codes of SQLite (https://sqlite.org/rescode.html): the low byte of the extended ones.
const codes = { busy: 5, locked: 6, corrupt: 11, notADatabase: 26 } as const;

function isBusy(error: unknown): boolean {
  const code = sqliteCode(error);
  return code === codes.busy || code === codes.locked;
}

export function toCoded(path: string, error: unknown): unknown {
  const code = sqliteCode(error);
  const system = error instanceof Error && "syscall" in error;
  if (!(error instanceof Error) || (code === undefined && !system)) return error;
  const damaged = code === codes.corrupt || code === codes.notADatabase;
  return new MainstemError(damaged ? "state.corrupt" : "state.failed", `The state ${path} failed: ${error.message}.`, { file: path }, { cause: error });
}

function sqliteCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("errcode" in error) || typeof error.errcode !== "number") return undefined;
  return error.errcode & 0xff;
}

function closedError(): MainstemError {
  return new MainstemError("resource.closed", "The state is closed.");
}
