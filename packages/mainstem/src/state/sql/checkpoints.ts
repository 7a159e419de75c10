import type { StateStore } from "../state.ts";
import { fromJson, toJson } from "./json.ts";
import { holdsLease } from "./leases.ts";
import type { SqlDriver } from "./store.ts";

export function createCheckpoints(driver: SqlDriver): StateStore["checkpoints"] {
  const { db, run } = driver;
  return {
    async get(task) {
      const row = await run(() => db.selectFrom("checkpoints").selectAll().where("task", "=", task).executeTakeFirst());
      return row === undefined ? undefined : { value: fromJson(row.value, { table: "checkpoints", task }) };
    },
    put(task, checkpoint, fence) {
      const value = toJson(checkpoint.value);
      return run(() =>
        db.transaction().execute(async (trx) => {
          if (!(await holdsLease(trx, fence, driver))) return { kind: "fenced" };
          await trx
            .insertInto("checkpoints")
            .values({ task, value })
            .onConflict((conflict) => conflict.column("task").doUpdateSet({ value }))
            .execute();
          return { kind: "stored" };
        }),
      );
    },
  };
}
