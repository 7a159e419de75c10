import { isUtf8 } from "node:buffer";
import type { Dirent, Stats } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { isObjectKey, type ObjectInfo } from "../objects.ts";
import { failed, folderExists, isMissing, isStoredKey } from "./paths.ts";

/** How many files of one folder are looked at together. */
const statsAtOnce = 32;

interface Walk {
  readonly root: string;
  readonly prefix: string;
  readonly after: Buffer | undefined;
  readonly signal: AbortSignal;
}

/** One name of a folder; a folder's own key ends with `/`, as all keys in it go on. */
interface Entry {
  readonly key: string;
  readonly bytes: Buffer;
  readonly folder: boolean;
}

/**
 * The objects below the prefix in the order of their keys' bytes. Holds the names of one folder a level in memory, never the whole tree.
 * Within a folder, a name that is a folder sorts as `name/`: `a-b` < `a/b` < `a0`, as the whole keys do.
 */
export async function* listObjects(
  root: string,
  options: { readonly prefix: string; readonly after: string | undefined; readonly signal: AbortSignal },
): AsyncGenerator<ObjectInfo> {
  const { prefix, after, signal } = options;
  const base = prefix.slice(0, prefix.lastIndexOf("/") + 1);
  if (!prefix.isWellFormed() || (base !== "" && !isObjectKey(base.slice(0, -1)))) return;
  if (!(await folderExists(base, base === "" ? root : join(root, base.slice(0, -1))))) return;
  yield* listFolder(base, { root, prefix, after: after === undefined ? undefined : Buffer.from(after), signal });
}

async function* listFolder(base: string, walk: Walk): AsyncGenerator<ObjectInfo> {
  const entries = await readFolder(base, walk);
  for (let at = 0; at < entries.length;) {
    walk.signal.throwIfAborted();
    const files = filesFrom(entries, at);
    yield* statFiles(files, walk);
    at += files.length;
    const folder = entries[at];
    if (folder?.folder !== true) continue;
    yield* listFolder(folder.key, walk);
    at += 1;
  }
}

/** The next files up to a folder, at most as many as are looked at together. */
function filesFrom(entries: readonly Entry[], start: number): readonly Entry[] {
  let end = start;
  while (end < entries.length && end < start + statsAtOnce && entries[end]?.folder === false) end += 1;
  return entries.slice(start, end);
}

async function* statFiles(files: readonly Entry[], walk: Walk): AsyncGenerator<ObjectInfo> {
  const found = await Promise.all(files.map((file) => statFile(walk.root, file.key)));
  for (const [index, stats] of found.entries()) {
    const key = files[index]?.key;
    if (stats?.isFile() !== true || key === undefined || !isObjectKey(key)) continue;
    walk.signal.throwIfAborted();
    yield { key, bytes: stats.size, modified: Math.floor(stats.mtimeMs) };
  }
}

async function readFolder(base: string, walk: Walk): Promise<readonly Entry[]> {
  const entries: Entry[] = [];
  for (const dirent of await readNames(join(walk.root, base), base)) {
    // Links and special files are no objects, nor is a name that no key can have.
    if (!(dirent.isFile() || dirent.isDirectory()) || !isUtf8(dirent.name)) continue;
    const name = base + dirent.name.toString();
    if (!isStoredKey(name)) continue;
    const key = dirent.isDirectory() ? `${name}/` : name;
    const entry = { key, bytes: Buffer.from(key), folder: dirent.isDirectory() };
    if (isWanted(entry, walk)) entries.push(entry);
  }
  return entries.sort((a, b) => Buffer.compare(a.bytes, b.bytes));
}

function isWanted({ key, bytes, folder }: Entry, { prefix, after }: Walk): boolean {
  const below = key.startsWith(prefix) || (folder && prefix.startsWith(key));
  if (!below || after === undefined) return below;
  // Of a folder, all keys come before `after` unless it sorts behind, or holds it.
  return Buffer.compare(bytes, after) > 0 || (folder && after.subarray(0, bytes.length).equals(bytes));
}

async function readNames(folder: string, base: string): Promise<readonly Dirent<Buffer>[]> {
  try {
    return await readdir(folder, { withFileTypes: true, encoding: "buffer" });
  } catch (error) {
    // The last object of the folder was deleted meanwhile.
    if (isMissing(error)) return [];
    throw failed(base, error);
  }
}

async function statFile(root: string, key: string): Promise<Stats | undefined> {
  try {
    return await lstat(join(root, key));
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw failed(key, error);
  }
}
