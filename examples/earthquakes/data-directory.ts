// What lies in the data directory, read without Mainstem: the report does not take the platform's word for it.
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";

/** Records in the archive of a dataset: what its chain entries (docs/formats/chain.md) vouch for. */
export async function countArchive(dataDir: string, dataset: string): Promise<number> {
  const entries = await readFiles(dataDir, (path) => path.includes(`archive/${dataset}/`) && /\/_chain\/\d{20}\.json$/.test(path));
  return entries.reduce((sum, entry) => sum + (JSON.parse(entry.toString()) as { readonly records: number }).records, 0);
}

/** How many of the texts are found, byte for byte, in the log segments (docs/formats/segments.md) of a dataset's inbox. */
export async function countInInbox(
  dataDir: string,
  { dataset, originals }: { readonly dataset: string; readonly originals: readonly string[] },
): Promise<number> {
  const segments = await readFiles(dataDir, (path) => path.includes(`_mainstem.inbox.${dataset}`) && path.endsWith(".log"));
  return originals.filter((original) => segments.some((segment) => segment.includes(original))).length;
}

async function readFiles(folder: string, wanted: (path: string) => boolean): Promise<readonly Buffer[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Promise.all(paths.filter((path) => wanted(path.replaceAll("\\", "/"))).map((path) => readFile(path)));
}
