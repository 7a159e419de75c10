import type { RawBuilder } from "kysely";
import type { StateStore } from "../state.ts";
import { createCheckpoints } from "./checkpoints.ts";
import { createDefinitions } from "./definitions.ts";
import { createLeases } from "./leases.ts";
import { createPointers } from "./pointers.ts";
import type { Database } from "./tables.ts";

/** What the queries need of a database. */
export interface SqlDriver {
  readonly db: Database;
  /** The store's clock in SQL: milliseconds since 1970. */
  readonly now: RawBuilder<number>;
  /** Runs one read or one transaction, again where the database asks for it; its errors come out coded. */
  readonly run: <T>(work: () => Promise<T>) => Promise<T>;
}

/** The state over any database for which Kysely compiles. Inside a transaction only its `trx` is used: a second connection may not exist. */
export function createSqlState(driver: SqlDriver, close: () => Promise<void>): StateStore {
  return {
    definitions: createDefinitions(driver),
    pointers: createPointers(driver),
    checkpoints: createCheckpoints(driver),
    leases: createLeases(driver),
    [Symbol.asyncDispose]: close,
  };
}
