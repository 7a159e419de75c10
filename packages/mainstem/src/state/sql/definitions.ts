import type { Definition, StateStore, Swap, Version } from "../state.ts";
import { fromJson, toJson } from "./json.ts";
import type { SqlDriver } from "./store.ts";
import type { Database, StateTables } from "./tables.ts";

export function createDefinitions({ db, run }: SqlDriver): StateStore["definitions"] {
  return {
    get: (kind, name) => run(() => currentOf(db, { kind, name })),
    list: (kind) => run(() => listOf(db, kind)),
    async history(kind, name) {
      const rows = await run(() => db.selectFrom("definitions").selectAll().where("kind", "=", kind).where("name", "=", name).orderBy("version").execute());
      return rows.map(toDefinition);
    },
    put(next, expected) {
      const spec = toJson(next.spec);
      return run(() => db.transaction().execute((trx) => put(trx, { ...next, spec }, expected)));
    },
  };
}

async function listOf(db: Database, kind: string): Promise<readonly Definition[]> {
  const rows = await db
    .selectFrom("definitions as one")
    .selectAll()
    .where("kind", "=", kind)
    .where("version", "=", (eb) =>
      eb
        .selectFrom("definitions as other")
        .select((of) => of.fn.max<number>("other.version").as("version"))
        .whereRef("other.kind", "=", "one.kind")
        .whereRef("other.name", "=", "one.name"),
    )
    .orderBy("name")
    .execute();
  return rows.map(toDefinition);
}

/** The primary key decides between writers that saw the same current version, also where transactions overlap. */
async function put(
  trx: Database,
  next: { readonly kind: string; readonly name: string; readonly spec: string; readonly appliedAt: number },
  expected: Version | "absent",
): Promise<Swap<Definition>> {
  const current = await currentOf(trx, next);
  if ((current?.version ?? "absent") !== expected) return { kind: "conflict", winner: current };
  const row = await trx
    .insertInto("definitions")
    .values({ kind: next.kind, name: next.name, version: (current?.version ?? 0) + 1, spec: next.spec, applied_at: next.appliedAt })
    .onConflict((conflict) => conflict.doNothing())
    .returningAll()
    .executeTakeFirst();
  return row === undefined ? { kind: "conflict", winner: await currentOf(trx, next) } : { kind: "committed", value: toDefinition(row) };
}

async function currentOf(db: Database, { kind, name }: { readonly kind: string; readonly name: string }): Promise<Definition | undefined> {
  const row = await db
    .selectFrom("definitions")
    .selectAll()
    .where("kind", "=", kind)
    .where("name", "=", name)
    .orderBy("version", "desc")
    .limit(1)
    .executeTakeFirst();
  return row === undefined ? undefined : toDefinition(row);
}

function toDefinition(row: StateTables["definitions"]): Definition {
  const { kind, name, version, spec, applied_at: appliedAt } = row;
  return { kind, name, version: version as Version, spec: fromJson(spec, { table: "definitions", kind, name, version }), appliedAt };
}
