import type { ShapeColumn, TableShape } from "../shape.ts";

/** The columns by which rows are the same row: the key, and with `immutable` the partition, outside of which nothing is looked up. */
export type Identity = readonly string[];

export function identityOf(shape: TableShape, { withPartition }: { readonly withPartition: boolean }): Identity {
  const key = shape.key.map(({ name }) => name);
  return withPartition ? ["part", ...key] : key;
}

/** `p.part, p.c0`. */
export function of(alias: string, names: readonly string[]): string {
  return names.map((name) => `${alias}.${name}`).join(", ");
}

/** `a.c0 = b.c0 AND a.c1 = b.c1`. None of these columns is ever null. */
export function equal(left: string, right: string, by: Identity): string {
  return by.map((name) => `${left}.${name} = ${right}.${name}`).join(" AND ");
}

/** Key and order, each column once: what a comparison needs. */
export function comparedColumns({ columns, key, order, position }: TableShape): readonly ShapeColumn[] {
  return [...columns.filter((column) => key.includes(column) || order.includes(column)), ...position];
}
