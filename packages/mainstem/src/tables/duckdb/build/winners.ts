import type { Contract } from "@mainstem/contract";
import type { Database } from "../database.ts";
import { list, orderValue, type ShapeColumn, type TableShape } from "../shape.ts";
import { settleTies } from "./ties.ts";

/** The columns by which rows are the same row: the key, and with `immutable` the partition, outside of which nothing is looked up. */
export type Identity = readonly string[];

/** Key and order, each column once: what a comparison needs. */
export function comparedColumns(shape: TableShape): readonly ShapeColumn[] {
  return shape.columns.filter((column) => shape.key.includes(column) || shape.order.includes(column));
}

export interface WinnersOptions {
  readonly contract: Contract;
  readonly shape: TableShape;
  readonly by: Identity;
  /** A query of `src` and all columns of the rows of the table whose `src` is in the table `tied`; undefined without any. */
  readonly existingRows: string | undefined;
}

/**
 * Decides which row each incoming key has after the build: fills `winner (key…, src)` from `pool (src, part, key…, order…)`, where records of the
 * build have a `src` from 0 and rows of the table a negative one. Returns how many rows lost a tie of order against different content.
 *
 * The order fields decide. Only where several rows of a key share the best order is their content looked at. Never is a value taken by an aggregate
 * of its own (`arg_max(x, order)` for each column): that skips nulls, and so mixes the fields of several records.
 */
export async function findWinners(database: Database, { contract, shape, by, existingRows }: WinnersOptions): Promise<number> {
  const [best, pick] = contract.merge.kind === "latest" ? ["max", "arg_max"] : ["min", "arg_min"];
  const order = orderValue(shape);
  const names = by.join(", ");
  await database.run(`CREATE TABLE best AS
    SELECT ${names}, ${best}(${order}) AS best, ${pick}(src, ${order}) AS src, count(*) AS n FROM pool GROUP BY ${names}`);
  await database.run(`CREATE TABLE tied AS SELECT ${names}, src FROM (
    SELECT ${of("p", by)}, p.src, count(*) OVER (PARTITION BY ${of("p", by)}) AS n
    FROM pool p JOIN best b ON ${equal("p", "b", by)} AND ${orderValue(shape, "p")} = b.best WHERE b.n > 1) WHERE n > 1`);
  const ties = (await database.number("SELECT count(*) FROM tied")) > 0;
  const conflicts = ties ? await settleTies(database, { contract, shape, by, existingRows }) : 0;
  await database.run(
    ties
      ? `CREATE TABLE winner AS SELECT ${of("b", by)}, coalesce(s.src, b.src) AS src FROM best b LEFT JOIN settled s ON ${equal("b", "s", by)}`
      : `CREATE TABLE winner AS SELECT ${names}, src FROM best`,
  );
  await database.run("DROP TABLE best; DROP TABLE IF EXISTS settled; DROP TABLE tied");
  return conflicts;
}

/** The identity's columns, and `list` for a shape's. */
export function identityOf(shape: TableShape, { withPartition }: { readonly withPartition: boolean }): Identity {
  const key = shape.key.map(({ name }) => name);
  return withPartition ? ["part", ...key] : key;
}

/** `p.part, p.c0`. */
export function of(alias: string, by: Identity): string {
  return by.map((name) => `${alias}.${name}`).join(", ");
}

/** `a.c0 = b.c0 AND a.c1 = b.c1`. */
export function equal(left: string, right: string, by: Identity): string {
  return by.map((name) => `${left}.${name} = ${right}.${name}`).join(" AND ");
}

/** The pool of a build: its records, and the rows of the table that have their keys. */
export function createPool(database: Database, shape: TableShape): Promise<void> {
  const columns = `src, part, ${list(comparedColumns(shape))}`;
  return database.run(`CREATE VIEW pool AS SELECT ${columns} FROM incoming UNION ALL SELECT ${columns} FROM existing`);
}
