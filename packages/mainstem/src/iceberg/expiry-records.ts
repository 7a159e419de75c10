import { z } from "zod";
import { isObjectKey, parseObjectKey, readWhole, type ObjectKey, type ObjectStore } from "../objects/index.ts";
import { assert } from "../runtime/assert.ts";
import type { Env } from "../runtime/env.ts";
import { MainstemError } from "../runtime/errors.ts";
import { refuseNewer } from "../runtime/formats.ts";
import { corrupt } from "./avro-file.ts";
import { tablePrefix } from "./addresses.ts";
import { icebergLimits } from "./limits.ts";

/** Objects that are to be deleted once nothing needs them: stored before the snapshots that name them are forgotten (docs/formats/table.md). */
export interface ExpiryRecord {
  readonly key: ObjectKey;
  /** Milliseconds since 1970. */
  readonly expiredAt: number;
  readonly snapshots: readonly bigint[];
  readonly objects: readonly ObjectKey[];
}

const recordSchema = z.strictObject({
  formatVersion: z.literal(1),
  snapshots: z.array(z.string().regex(/^\d{1,19}$/)),
  objects: z.array(z.string()),
});

/** Beside the table, so that no other program's maintenance takes the records for orphans. */
function prefixOf(dataset: string): string {
  return `expired/${tablePrefix(dataset).slice("tables/".length)}/`;
}

export async function putExpiryRecord(
  objects: ObjectStore,
  dataset: string,
  { env, ...record }: Omit<ExpiryRecord, "key"> & { readonly env: Pick<Env, "random"> },
): Promise<ObjectKey> {
  const name = `${String(record.expiredAt).padStart(13, "0")}-${Buffer.from(env.random(8)).toString("hex")}-${record.objects.length}`;
  const key = parseObjectKey(`${prefixOf(dataset)}${name}.json`);
  const json = { formatVersion: 1, snapshots: record.snapshots.map(String), objects: record.objects };
  const put = await objects.put(key, [Buffer.from(JSON.stringify(json))], { ifAbsent: true });
  assert(put.kind === "stored", "the name of a record is random");
  return key;
}

/** What the name of a record tells. */
export interface ListedExpiry extends Pick<ExpiryRecord, "key" | "expiredAt"> {
  readonly count: number;
}

/** The records of a dataset, the oldest first. */
export async function listExpiryRecords(objects: ObjectStore, dataset: string): Promise<readonly ListedExpiry[]> {
  const found: ListedExpiry[] = [];
  for await (const { key } of objects.list(prefixOf(dataset))) {
    const name = /\/(\d{13})-[0-9a-f]{16}-(\d+)\.json$/.exec(key);
    if (name !== null) found.push({ key, expiredAt: Number(name[1]), count: Number(name[2]) });
  }
  return found;
}

/** Reads a record. `table.newer`; `table.corrupt` where it is none, or names what does not lie under one of the prefixes: nothing else is ever deleted. */
export async function readExpiryRecord(
  objects: ObjectStore,
  { key, expiredAt }: ListedExpiry,
  { prefixes }: { readonly prefixes: readonly ObjectKey[] },
): Promise<ExpiryRecord> {
  const text = (await readWhole(objects, key, { bytesMax: icebergLimits.objectBytesMax })).toString();
  let json: z.infer<typeof recordSchema>;
  try {
    const found: unknown = JSON.parse(text);
    refuseNewer(found, { code: "table.newer", what: `Object ${key}`, known: 1 });
    json = recordSchema.parse(found);
  } catch (error) {
    if (error instanceof MainstemError) throw error;
    throw corrupt(key, "it is no list of expired objects", error);
  }
  const foreign = json.objects.find((name) => !isObjectKey(name) || prefixes.every((prefix) => !name.startsWith(`${prefix}/`)));
  if (foreign !== undefined) throw corrupt(key, `it names ${foreign.slice(0, 200)}, which is not the table's`);
  return { key, expiredAt, snapshots: json.snapshots.map(BigInt), objects: json.objects.map(parseObjectKey) };
}
