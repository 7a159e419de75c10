import { assert } from "../runtime/assert.ts";
import type { IcebergSchema } from "./model.ts";
import { leavesOf, parsePrimitive } from "./primitives.ts";

/**
 * Checks that a schema is one that a table's may become without its files: columns that stay do so under their ids, whatever they are called, with
 * their types or wider ones and all that is inside of them; new ids are above all that were given out. A column may go as a whole.
 */
export function assertEvolves({
  before,
  after,
  lastColumnId,
}: {
  readonly before: IcebergSchema;
  readonly after: IcebergSchema;
  readonly lastColumnId: number;
}): void {
  const staying = before.fields.filter(({ id }) => after.fields.some((field) => field.id === id));
  const known = new Map(leavesOf(staying).map((leaf) => [leaf.id, leaf]));
  const leaves = leavesOf(after.fields);
  const kept = leaves.filter((leaf) => known.has(leaf.id));
  assert(kept.length === known.size, "what is inside of a column stays");
  assert(
    kept.every((leaf) => widens(known.get(leaf.id)!.type, leaf.type)),
    "types stay or are widened",
  );
  assert(
    leaves.every((leaf) => known.has(leaf.id) || leaf.id > lastColumnId),
    "added columns have new ids, and removed ones do not come back",
  );
}

/** Whether a column may go from one type to the other (specification, "Schema Evolution", versions 1 and 2). */
export function widens(from: string, to: string): boolean {
  const [before, after] = [parsePrimitive(from), parsePrimitive(to)];
  if (before?.kind === "decimal" && after?.kind === "decimal") return after.scale === before.scale && after.precision >= before.precision;
  if (before?.kind === "fixed" && after?.kind === "fixed") return after.length === before.length;
  return before?.kind === after?.kind || (from === "int" && to === "long") || (from === "float" && to === "double");
}
