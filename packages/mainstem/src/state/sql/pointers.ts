import type { Pointer, StateStore, Swap, Version } from "../state.ts";
import { holdsLease } from "./leases.ts";
import type { SqlDriver } from "./store.ts";
import type { Database, StateTables } from "./tables.ts";

export function createPointers(driver: SqlDriver): StateStore["pointers"] {
  const { db, run } = driver;
  return {
    get: (name) => run(() => currentOf(db, name)),
    swap(name, { expected, value, fence }) {
      return run(() =>
        db.transaction().execute(async (trx) => {
          if (fence !== undefined && !(await holdsLease(trx, fence, driver))) return { kind: "fenced" };
          return expected === "absent" ? await insert(trx, { name, value }) : await update(trx, { name, value, expected });
        }),
      );
    },
  };
}

async function insert(trx: Database, { name, value }: { readonly name: string; readonly value: string }): Promise<Swap<Pointer>> {
  const row = await trx
    .insertInto("pointers")
    .values({ name, version: 1, value })
    .onConflict((conflict) => conflict.doNothing())
    .returningAll()
    .executeTakeFirst();
  return await toSwap(trx, name, row);
}

async function update(trx: Database, change: { readonly name: string; readonly value: string; readonly expected: Version }): Promise<Swap<Pointer>> {
  const { name, value, expected } = change;
  const row = await trx
    .updateTable("pointers")
    .set({ version: expected + 1, value })
    .where("name", "=", name)
    .where("version", "=", expected)
    .returningAll()
    .executeTakeFirst();
  return await toSwap(trx, name, row);
}

async function toSwap(trx: Database, name: string, changed: StateTables["pointers"] | undefined): Promise<Swap<Pointer>> {
  if (changed === undefined) return { kind: "conflict", winner: await currentOf(trx, name) };
  return { kind: "committed", value: toPointer(changed) };
}

async function currentOf(db: Database, name: string): Promise<Pointer | undefined> {
  const row = await db.selectFrom("pointers").selectAll().where("name", "=", name).executeTakeFirst();
  return row === undefined ? undefined : toPointer(row);
}

function toPointer({ name, version, value }: StateTables["pointers"]): Pointer {
  return { name, version: version as Version, value };
}
