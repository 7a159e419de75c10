import { assert } from "../runtime/assert.ts";
import type { IcebergSchema } from "./model.ts";
import { leavesOf, parsePrimitive } from "./primitives.ts";

/** Checks that a schema only adds to another: every column stays, under its id, with its type or a wider one; new ids are above all that were given out. */
export function assertAdditive({
  before,
  after,
  lastColumnId,
}: {
  readonly before: IcebergSchema;
  readonly after: IcebergSchema;
  readonly lastColumnId: number;
}): void {
  const known = new Map(leavesOf(before.fields).map((leaf) => [leaf.id, leaf]));
  const leaves = leavesOf(after.fields);
  const kept = leaves.filter((leaf) => known.has(leaf.id));
  assert(kept.length === known.size, "added columns leave the others there");
  assert(
    kept.every((leaf) => widens(known.get(leaf.id)!.type, leaf.type)),
    "added columns leave the types of the others, or widen them",
  );
  assert(
    leaves.every((leaf) => known.has(leaf.id) || leaf.id > lastColumnId),
    "added columns have new ids",
  );
}

/** Whether a column may go from one type to the other (specification, "Schema Evolution", versions 1 and 2). */
export function widens(from: string, to: string): boolean {
  const [before, after] = [parsePrimitive(from), parsePrimitive(to)];
  if (before?.kind === "decimal" && after?.kind === "decimal") return after.scale === before.scale && after.precision >= before.precision;
  if (before?.kind === "fixed" && after?.kind === "fixed") return after.length === before.length;
  return before?.kind === after?.kind || (from === "int" && to === "long") || (from === "float" && to === "double");
}
