import { openChunkFile } from "../../packages/mainstem/src/archive/index.ts";
import type { DataFile } from "../../packages/mainstem/src/iceberg/index.ts";
import { parseObjectKey, readWhole, type ObjectKey, type ObjectStore } from "../../packages/mainstem/src/objects/index.ts";
import { randomId, type Env } from "../../packages/mainstem/src/runtime/env.ts";
import type { BuiltFiles, TableEngine } from "../../packages/mainstem/src/tables/index.ts";

/** One record as a table of the simulation keeps it. */
export interface Row {
  readonly partition: number;
  readonly offset: number;
  readonly value: string;
}

/** A build that finds so many files makes them one. */
const filesMax = 4;
const fileBytesMax = 67_108_864;

/**
 * An engine whose tables hold every record that was ever built, with its position: what a build leaves out or brings twice is there to be seen, where a merge
 * by key would hide it. Its files are JSON under the names of Parquet files. What DuckDB makes of records is proven elsewhere (`tables/*.prop.ts`).
 */
export function createRowsEngine({ objects, env }: { readonly objects: ObjectStore; readonly env: Env }): TableEngine {
  return {
    async build({ chunks, existing, into, sortOrderId, partition: spec, schema }, { signal } = {}) {
      const rows: Row[] = [];
      for (const { entry, partition } of chunks) {
        await using local = await objects.local(entry.path as ObjectKey, { signal });
        using chunk = openChunkFile(local.path, entry);
        for (const block of chunk.blocks()) while (block.next()) rows.push({ partition, offset: block.offset, value: toText(block.value()) });
      }
      const records = rows.length;
      const removed = existing.length >= filesMax ? existing : [];
      for (const file of removed) rows.push(...(await readRows(objects, file)));
      const key = parseObjectKey(`${into}/${randomId(env)}.parquet`);
      const body = Buffer.from(JSON.stringify(rows));
      if (rows.length > 0) await objects.put(key, [body], { signal });
      const counts = new Map<number, number>();
      const bounds = new Map<number, Uint8Array>();
      const file: DataFile = {
        key,
        specId: spec["spec-id"],
        partition: [],
        records: rows.length,
        bytes: body.length,
        columnSizes: counts,
        valueCounts: counts,
        nullCounts: counts,
        lowerBounds: bounds,
        upperBounds: bounds,
        sortOrderId,
        schemaId: schema["schema-id"],
      };
      return {
        added: rows.length === 0 ? [] : [file],
        removed: removed.map((one) => one.key),
        tombstones: { added: [], removed: [] },
        counts: { records, inserted: records, updated: 0, deleted: 0, superseded: 0, conflicts: 0, moved: 0 },
        unreadable: [],
      } satisfies BuiltFiles;
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

export async function readRows(objects: ObjectStore, { key }: Pick<DataFile, "key">): Promise<readonly Row[]> {
  return JSON.parse((await readWhole(objects, key, { bytesMax: fileBytesMax })).toString()) as readonly Row[];
}

function toText(value: Uint8Array | null): string {
  return value === null ? "" : Buffer.from(value.subarray(wireBytes)).toString();
}

/** What the wire format puts before a value. */
export const wireBytes = 5;
