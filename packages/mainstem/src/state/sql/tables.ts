import type { Kysely } from "kysely";

/** The tables of the state in every SQL driver (docs/formats/state.md). Times are milliseconds since 1970. */
export interface StateTables {
  /** Every version of every definition; the greatest is the current one. Rows are never changed. */
  readonly definitions: {
    readonly kind: string;
    readonly name: string;
    readonly version: number;
    /** JSON. */
    readonly spec: string;
    readonly applied_at: number;
  };
  readonly pointers: { readonly name: string; readonly version: number; readonly value: string };
  readonly checkpoints: {
    readonly task: string;
    /** JSON. */
    readonly value: string;
  };
  /** A row stays after its lease has ended, so that tokens grow for ever. */
  readonly leases: { readonly name: string; readonly owner: string; readonly token: number; readonly expires_at: number };
  /** One row for each migration that was applied. */
  readonly mainstem_schema: { readonly version: number; readonly applied_at: number };
}

export type Database = Kysely<StateTables>;

export interface Migration {
  readonly version: number;
  up(db: Database): Promise<void>;
}

/** In order, without gaps. What was released once is never changed: a change is a new migration. */
export const migrations: readonly Migration[] = [{ version: 1, up: createTables }];

async function createTables(db: Database): Promise<void> {
  await db.schema
    .createTable("definitions")
    .addColumn("kind", "text", (column) => column.notNull())
    .addColumn("name", "text", (column) => column.notNull())
    .addColumn("version", "bigint", (column) => column.notNull())
    .addColumn("spec", "text", (column) => column.notNull())
    .addColumn("applied_at", "bigint", (column) => column.notNull())
    .addPrimaryKeyConstraint("definitions_key", ["kind", "name", "version"])
    .execute();
  await db.schema
    .createTable("pointers")
    .addColumn("name", "text", (column) => column.notNull().primaryKey())
    .addColumn("version", "bigint", (column) => column.notNull())
    .addColumn("value", "text", (column) => column.notNull())
    .execute();
  await db.schema
    .createTable("checkpoints")
    .addColumn("task", "text", (column) => column.notNull().primaryKey())
    .addColumn("value", "text", (column) => column.notNull())
    .execute();
  await db.schema
    .createTable("leases")
    .addColumn("name", "text", (column) => column.notNull().primaryKey())
    .addColumn("owner", "text", (column) => column.notNull())
    .addColumn("token", "bigint", (column) => column.notNull())
    .addColumn("expires_at", "bigint", (column) => column.notNull())
    .execute();
}
