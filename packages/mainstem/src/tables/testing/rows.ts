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
