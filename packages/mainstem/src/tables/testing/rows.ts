import { compareBytes, compileKeyBytes, type Contract, type NativeRecord } from "@mainstem/contract";
import type { DataFile, IcebergSchema } from "../../iceberg/index.ts";
import type { ObjectStore } from "../../objects/index.ts";
import { TableInMemory } from "./table-in-memory.ts";

/** The rows of some data files in the order of their key bytes; checks on the way what the manifests claim of each file. */
export async function readRows(objects: ObjectStore, contract: Contract, files: readonly DataFile[], schema: IcebergSchema): Promise<readonly NativeRecord[]> {
  const table = new TableInMemory(contract, objects);
  table.schema = schema;
  table.files = files;
  const key = compileKeyBytes(contract);
  return [...(await table.rows())].sort((a, b) => compareBytes(key(a), key(b)));
}

/** A native value with 0 for each -0 in it: as a table keeps it. */
export function oneZero<T>(native: T): T {
  if (typeof native === "number") return (native + 0) as T;
  if (Array.isArray(native)) return native.map(oneZero) as T;
  if (native instanceof Map) return new Map(Array.from(native, ([key, value]) => [key as unknown, oneZero(value)])) as T;
  if (typeof native !== "object" || native === null || native instanceof Uint8Array) return native;
  return Object.fromEntries(Object.entries(native).map(([name, value]) => [name, oneZero(value)])) as T;
}
