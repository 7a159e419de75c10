import { vectorFault } from "./build/vector-trial.ts";
import { openDatabase } from "./database.ts";

/** What would keep table builds here from the quick way into the engine's memory, found out as they do it; mostly undefined. */
export async function inspectLoading(): Promise<string | undefined> {
  await using database = await openDatabase({ memoryBytesMax: 134_217_728, threads: 1, directory: "" });
  return await vectorFault(database);
}
