import { existsSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { migrations } from "../sql/tables.ts";
import { MainstemError } from "../../runtime/errors.ts";
import { toCoded } from "./store.ts";

/** What can be seen of the state without opening it: the version of its tables; undefined where there is no state yet. */
export interface StateInspection {
  readonly version: number | undefined;
}

/** Looks at the tables' version, and changes nothing. Errors: `state.newer`, `state.corrupt`, `state.failed`. */
export async function inspectSqliteState(file: string): Promise<StateInspection> {
  if (!existsSync(file)) return { version: undefined };
  const newest = migrations.at(-1)?.version ?? 0;
  const version = readVersion(file);
  if (version > newest)
    throw new MainstemError("state.newer", `The state has format ${version}; this version of Mainstem knows formats up to ${newest}.`, { version, newest });
  return { version };
}

function readVersion(file: string): number {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file, { readOnly: true });
    const tables = database.prepare("SELECT name FROM sqlite_master WHERE name = 'mainstem_schema'").all();
    if (tables.length === 0) return 0;
    return Number(database.prepare("SELECT max(version) AS version FROM mainstem_schema").get()?.["version"] ?? 0);
  } catch (error) {
    throw toCoded(file, error);
  } finally {
    database?.close();
  }
}
