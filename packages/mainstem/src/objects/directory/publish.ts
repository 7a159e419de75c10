import { link, lstat, rename, rmdir } from "node:fs/promises";
import { dirname } from "node:path";
import { MainstemError } from "../../runtime/errors.ts";
import { errnoOf } from "../../runtime/files.ts";
import { limits } from "../../runtime/limits.ts";
import type { DurableFolders } from "./durable.ts";
import { failed, isMissing, keyInvalid, linkRefused, makeFolders } from "./paths.ts";

export interface Publication {
  readonly root: string;
  readonly key: string;
  /** The finished, synced file. */
  readonly from: string;
  readonly to: string;
  readonly ifAbsent: boolean;
  readonly folders: DurableFolders;
}

/**
 * Gives a finished file its key: `link` where the key must be free, because it fails when the name is taken; `rename` where it may replace.
 * A folder can vanish between its making and its use (a delete removes folders that became empty): then once more.
 */
export async function publish(publication: Publication): Promise<"stored" | "exists"> {
  const { root, key, to, folders } = publication;
  try {
    for (let attempt = 0; attempt < limits.directoryRacesMax; attempt += 1) {
      if (!(await makeFolders(root, key, to))) continue;
      const outcome = await tryPublish(publication);
      if (outcome === "again") continue;
      // Also for `exists`: who sees it acts on the other object, whose writer may not have come this far.
      await syncFolders(folders, to);
      return outcome;
    }
  } catch (error) {
    throw failed(key, error);
  }
  throw new MainstemError("objects.failed", `The folder of ${JSON.stringify(key)} was removed again and again while the object was stored.`, { key });
}

async function syncFolders(folders: DurableFolders, path: string): Promise<void> {
  try {
    await folders.sync(path);
  } catch (error) {
    // The object was deleted already, and its folder with it.
    if (!isMissing(error)) throw error;
  }
}

async function tryPublish({ key, from, to, ifAbsent }: Publication): Promise<"stored" | "exists" | "again"> {
  try {
    await (ifAbsent ? link(from, to) : rename(from, to));
    return "stored";
  } catch (error) {
    const code = errnoOf(error) ?? "";
    if (["EEXIST", "EISDIR", "ENOTEMPTY"].includes(code)) return await occupied(key, to);
    if (code !== "ENOENT") throw error;
    // The folder of `to` is gone; if it is `from` that is missing, nothing will help.
    await lstat(from);
    return "again";
  }
}

/** What already has the name: an object, or a folder, which gives way if it is empty. */
async function occupied(key: string, path: string): Promise<"exists" | "again"> {
  try {
    const found = await lstat(path);
    if (found.isFile()) return "exists";
    if (found.isSymbolicLink()) throw linkRefused(key);
    if (!found.isDirectory()) throw keyInvalid(key, "something that is no object has its name");
    await rmdir(path);
    return "again";
  } catch (error) {
    if (isMissing(error)) return "again";
    if (errnoOf(error) === "ENOTEMPTY") throw keyInvalid(key, "it is the beginning of other keys, a folder");
    throw error;
  }
}

/** Removes the folders above a deleted object that became empty. Returns the deepest that stays. */
export async function pruneFolders(root: string, path: string): Promise<string> {
  let folder = dirname(path);
  while (folder !== root) {
    try {
      await rmdir(folder);
    } catch (error) {
      if (!isMissing(error)) return folder;
    }
    folder = dirname(folder);
  }
  return root;
}
