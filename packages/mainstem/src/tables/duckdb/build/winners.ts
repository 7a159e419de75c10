import type { Database } from "../database.ts";
import { list, orderValue, type TableShape } from "../shape.ts";
import { comparedColumns, equal, of } from "./identity.ts";
import { settleTies, type Comparison } from "./ties.ts";

/**
 * Decides which row each incoming key has after the build: fills `winner (key…, src, dead)` from `pool (src, part, key…, order…, dead)`, where records
 * of the build have a `src` from 0, rows of the table and remembered deletes a negative one. A key whose winner is `dead` has no row. Returns how many rows lost a tie of order against different content.
 *
 * The order fields decide. Only where several rows of a key share the best order is their content looked at. Never is a value taken by an aggregate
 * of its own (`arg_max(x, order)` for each column): that skips nulls, and so mixes the fields of several records.
 */
export async function findWinners(database: Database, comparison: Comparison): Promise<number> {
  const { contract, shape, by } = comparison;
  const [best, pick] = contract.merge.kind === "latest" ? ["max", "arg_max"] : ["min", "arg_min"];
  const order = orderValue(shape);
  const names = by.join(", ");
  const dead = shape.dead === undefined ? "false" : `${pick}(dead, ${order})`;
  await database.run(`CREATE TABLE best AS
    SELECT ${names}, ${best}(${order}) AS best, ${pick}(src, ${order}) AS src, ${dead} AS dead, count(*) AS n FROM pool GROUP BY ${names}`);
  await database.run(`CREATE TABLE tied AS SELECT ${names}, src, dense_rank() OVER (ORDER BY ${names}) AS g FROM (
    SELECT ${of("p", by)}, p.src, count(*) OVER (PARTITION BY ${of("p", by)}) AS rows
    FROM pool p JOIN best b ON ${equal("p", "b", by)} AND ${orderValue(shape, "p")} = b.best WHERE b.n > 1 AND NOT b.dead) WHERE rows > 1`);
  const ties = (await database.number("SELECT count(*) FROM tied")) > 0;
  const conflicts = ties ? await settleTies(database, comparison) : 0;
  if (ties) {
    await database.run(`CREATE TABLE winner AS
      SELECT ${names}, src, dead FROM best ANTI JOIN tied USING (${names}) UNION ALL SELECT ${names}, src, false FROM tied SEMI JOIN settled USING (src)`);
    await database.run("DROP TABLE best; DROP TABLE settled");
  } else {
    await database.run("ALTER TABLE best RENAME TO winner");
  }
  await database.run("DROP TABLE tied");
  return conflicts;
}

/** The pool of a build: its records, and the rows of the table and the remembered deletes that have their keys. */
export function createPool(database: Database, shape: TableShape): Promise<void> {
  const columns = `src, part, ${list(comparedColumns(shape))}`;
  const from = (table: string, dead: string): string => `SELECT ${columns}, ${dead} AS dead FROM ${table}`;
  const sources = [from("incoming", shape.dead ?? "false"), from("existing", "false"), ...(shape.dead === undefined ? [] : [from("tombstone", "true")])];
  return database.run(`CREATE VIEW pool AS ${sources.join(" UNION ALL ")}`);
}
