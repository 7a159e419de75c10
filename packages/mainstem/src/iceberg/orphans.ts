import type { ObjectKey, ObjectStore } from "../objects/index.ts";
import type { JsonObject } from "./json.ts";
import type { TableMetadata } from "./metadata.ts";

const uuid = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
const contentUuid = "[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}";
const dataFile = `${uuid}-[0-9a-f]{32}\\.parquet`;
const ours = {
  table: new RegExp(`^(data/${dataFile}|metadata/(snap-\\d+-1-${contentUuid}\\.avro|${contentUuid}-m\\d+\\.avro|\\d{5,}-${contentUuid}\\.metadata\\.json))$`),
  outside: new RegExp(`^${dataFile}$`),
};

/**
 * Objects under names that we give, stored so long ago that whoever stored them can publish them no more (`lastStartOf`). What is named is among them.
 * `outside` is where snapshots name what lies outside of their table.
 */
export async function listOldObjects(
  objects: ObjectStore,
  {
    table,
    outside,
    before,
    signal,
  }: { readonly table: ObjectKey; readonly outside: ObjectKey | undefined; readonly before: number; readonly signal: AbortSignal | undefined },
): Promise<ReadonlySet<ObjectKey>> {
  const found = new Set<ObjectKey>();
  for (const [prefix, names] of [[table, ours.table] as const, [outside, ours.outside] as const]) {
    if (prefix === undefined) continue;
    for await (const { key, modified } of objects.list(`${prefix}/`, { signal })) {
      if (modified < before && names.test(key.slice(prefix.length + 1))) found.add(key);
    }
  }
  return found;
}

/**
 * When the oldest of the snapshots was made that a writer can start from: the newest of each branch. A writer stores its objects after the snapshot that
 * it starts from was made, and publishes them only while that is still the newest; so an older object is published, or never will be.
 * Undefined for a table without snapshots.
 */
export function lastStartOf({ raw, current, refs, snapshots }: TableMetadata): number | undefined {
  const kinds = (raw["refs"] ?? {}) as Readonly<Record<string, JsonObject>>;
  const heads = new Set([...refs].filter(([name]) => kinds[name]?.["type"] !== "tag").map(([, id]) => id));
  if (current !== undefined) heads.add(current.id);
  return heads.size === 0 ? undefined : Math.min(...snapshots.filter(({ id }) => heads.has(id)).map(({ timestamp }) => timestamp));
}
