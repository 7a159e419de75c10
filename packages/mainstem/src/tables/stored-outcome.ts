import { z } from "zod";
import { tablePrefix } from "../iceberg/index.ts";
import { parseObjectKey, readWhole, type ObjectKey, type ObjectStore } from "../objects/index.ts";
import { MainstemError } from "../runtime/errors.ts";
import { refuseNewer } from "../runtime/formats.ts";
import type { RebuildOutcome } from "./rebuild-task.ts";

/**
 * What rebuilds came to, each kept as an object while its branch is there, so that a restart need not compare again (docs/formats/table.md).
 * Errors: those of objects.
 */
export interface StoredOutcomes {
  put(rebuild: RebuildName, outcome: RebuildOutcome): Promise<void>;
  /** Undefined where there is none. Throws `table.corrupt` for what is no outcome (the tables can be compared again), and `table.newer`. */
  read(rebuild: RebuildName): Promise<RebuildOutcome | undefined>;
  /** Deletes those of a dataset, but for that of the rebuild with the id `but`. */
  clear(dataset: string, options?: { readonly but?: string | undefined }): Promise<void>;
}

export interface RebuildName {
  readonly dataset: string;
  readonly id: string;
}

const formatVersion = 1;
/** Samples are a few keys, and a key is at most a record. */
const bytesMax = 67_108_864;
const snapshotId = z
  .string()
  .regex(/^\d{1,19}$/)
  .transform(BigInt);
const side = z.strictObject({ snapshotId, rows: z.int().min(0) });
const difference = z.strictObject({ rows: z.int().min(0), samples: z.array(z.unknown()) });
const outcomeSchema = z.strictObject({
  formatVersion: z.literal(formatVersion),
  base: snapshotId,
  comparison: z
    .strictObject({ before: side, after: side, differences: z.strictObject({ added: difference, removed: difference, changed: difference }) })
    .optional(),
  comparisonError: z.strictObject({ code: z.string(), message: z.string() }).optional(),
});

export function createStoredOutcomes(objects: ObjectStore): StoredOutcomes {
  return {
    async put(rebuild, outcome) {
      const text = JSON.stringify({ formatVersion, ...outcome }, (_, value: unknown) => (typeof value === "bigint" ? value.toString() : value));
      await objects.put(keyOf(rebuild), [Buffer.from(text)]);
    },
    async read(rebuild) {
      const key = keyOf(rebuild);
      if ((await objects.stat(key)) === undefined) return undefined;
      const text = (await readWhole(objects, key, { bytesMax })).toString();
      try {
        const json: unknown = JSON.parse(text);
        refuseNewer(json, { code: "table.newer", what: `Object ${key}`, known: formatVersion });
        const { base, comparison, comparisonError } = outcomeSchema.parse(json);
        return { base, ...(comparison === undefined ? {} : { comparison }), ...(comparisonError === undefined ? {} : { comparisonError }) };
      } catch (cause) {
        if (cause instanceof MainstemError) throw cause;
        throw new MainstemError("table.corrupt", `Object ${key} is not what a rebuild came to.`, { key }, { cause });
      }
    },
    async clear(dataset, { but } = {}) {
      const kept = but === undefined ? undefined : keyOf({ dataset, id: but });
      const keys: ObjectKey[] = [];
      for await (const { key } of objects.list(`${prefixOf(dataset)}/`)) if (key !== kept) keys.push(key);
      await objects.delete(keys);
    },
  };
}

/** Beside the table, where no other program's maintenance takes them for orphans. */
function prefixOf(dataset: string): string {
  return `rebuilds/${tablePrefix(dataset).slice("tables/".length)}`;
}

function keyOf({ dataset, id }: RebuildName): ObjectKey {
  return parseObjectKey(`${prefixOf(dataset)}/${id}.json`);
}
