import { MainstemError } from "../../runtime/errors.ts";
import { migrations, type Database, type Migration } from "./tables.ts";

/**
 * Brings the tables to the newest version, in one transaction; does nothing, and takes no lock, when they are there already.
 * `state.newer` when a later program wrote them.
 */
export async function migrate(db: Database, options: { readonly list?: readonly Migration[]; readonly now: number }): Promise<void> {
  const { list = migrations, now } = options;
  const newest = list.at(-1)?.version ?? 0;
  if ((await versionOf(db)) === newest) return;
  await db.transaction().execute(async (trx) => {
    // Again, now that nobody else can change it.
    const version = await versionOf(trx);
    if (version > newest) {
      throw new MainstemError("state.newer", `The state has format ${version}; this version of Mainstem knows formats up to ${newest}.`, { version, newest });
    }
    if (version === 0) await createSchemaTable(trx);
    for (const migration of list.filter((one) => one.version > version)) {
      await migration.up(trx);
      await trx.insertInto("mainstem_schema").values({ version: migration.version, applied_at: now }).execute();
    }
  });
}

async function versionOf(db: Database): Promise<number> {
  const tables = (await db.introspection.getTables()).map((table) => table.name);
  if (!tables.includes("mainstem_schema")) return 0;
  const row = await db
    .selectFrom("mainstem_schema")
    .select((eb) => eb.fn.max<number | null>("version").as("version"))
    .executeTakeFirstOrThrow();
  return row.version ?? 0;
}

async function createSchemaTable(db: Database): Promise<void> {
  await db.schema
    .createTable("mainstem_schema")
    .addColumn("version", "bigint", (column) => column.notNull().primaryKey())
    .addColumn("applied_at", "bigint", (column) => column.notNull())
    .execute();
}
