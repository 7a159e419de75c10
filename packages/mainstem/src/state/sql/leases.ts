import { sql, type RawBuilder } from "kysely";
import { assert } from "../../runtime/assert.ts";
import { limits } from "../../runtime/limits.ts";
import type { Acquired, Fence, StateStore } from "../state.ts";
import type { SqlDriver } from "./store.ts";
import type { Database } from "./tables.ts";

/** Every statement compares with the store's clock itself: none is carried through the program, where it could grow old. */
export function createLeases(driver: SqlDriver): StateStore["leases"] {
  const { db, run } = driver;
  return {
    acquire: (name, options) => run(() => db.transaction().execute((trx) => acquire(trx, { name, ...options }, driver))),
    async renew(fence, { ttlMs }) {
      const row = await run(() =>
        held(db.updateTable("leases").set({ expires_at: later(driver, ttlMs) }), fence)
          .where("expires_at", ">", driver.now)
          .returning("token")
          .executeTakeFirst(),
      );
      return row !== undefined;
    },
    async release(fence) {
      await run(() => held(db.updateTable("leases").set({ expires_at: 0 }), fence).execute());
    },
  };
}

/** Whether the fence's lease is held now. Inside a transaction that writes, it stays so until the end of it. */
export async function holdsLease(trx: Database, fence: Fence, { now }: SqlDriver): Promise<boolean> {
  const row = await held(trx.selectFrom("leases").select("token"), fence).where("expires_at", ">", now).executeTakeFirst();
  return row !== undefined;
}

async function acquire(
  trx: Database,
  { name, owner, ttlMs }: { readonly name: string; readonly owner: string; readonly ttlMs: number },
  driver: SqlDriver,
): Promise<Acquired> {
  // Nobody gets it for so long: the clock was ahead when it was taken. Who holds it now has a conditional effect to prove it, or none.
  const latest = later(driver, limits.leaseMs);
  const won = await trx
    .insertInto("leases")
    .values({ name, owner, token: 1, expires_at: later(driver, ttlMs) })
    .onConflict((conflict) =>
      conflict
        .column("name")
        .doUpdateSet((eb) => ({ owner, token: eb("leases.token", "+", 1), expires_at: later(driver, ttlMs) }))
        .where((eb) => eb.or([eb("leases.expires_at", "<=", driver.now), eb("leases.expires_at", ">", latest), eb("leases.owner", "=", owner)])),
    )
    .returning("token")
    .executeTakeFirst();
  if (won !== undefined) return { kind: "held", fence: { name, owner, token: won.token } };
  const { owner: by } = await trx.selectFrom("leases").select("owner").where("name", "=", name).executeTakeFirstOrThrow();
  return { kind: "taken", by };
}

function later({ now }: SqlDriver, ttlMs: number): RawBuilder<number> {
  assert(ttlMs > 0 && ttlMs <= limits.leaseMs, "a lease lasts for some time, and not for long");
  return sql<number>`${now} + ${Math.ceil(ttlMs)}`;
}

interface Filterable<Q> {
  where(column: "name" | "owner" | "token", operator: "=", value: string | number): Q;
}

function held<Q extends Filterable<Q>>(query: Q, { name, owner, token }: Fence): Q {
  return query.where("name", "=", name).where("owner", "=", owner).where("token", "=", token);
}
