import { lstat, mkdir, realpath } from "node:fs/promises";
import { dirname, join, sep } from "node:path";
import { MainstemError } from "../../runtime/errors.ts";
import { errnoOf } from "../../runtime/files.ts";
import { isObjectKey, parseObjectKey, type ObjectKey } from "../objects.ts";

/** The folder of unfinished objects and pinned copies. It lies inside the store because `link` and `rename` do not cross file systems. */
export const tempFolder = ".temp";

/** What every Linux and macOS file system allows for one name. */
const nameBytesMax = 255;

/** The file of an object. Checks the key again: here a wrong one would leave the store. */
export function pathOf(root: string, key: ObjectKey): string {
  const parts = parseObjectKey(key).split("/");
  if (parts[0] === tempFolder) throw keyInvalid(key, `its first part, ${tempFolder}, is where the directory store keeps unfinished objects`);
  const long = parts.find((part) => Buffer.byteLength(part) > nameBytesMax);
  if (long !== undefined) throw keyInvalid(key, `its part ${long.slice(0, 40)}… is longer than the ${nameBytesMax} bytes of a file name`);
  return join(root, ...parts);
}

/** Whether a file of this key would be an object of the store. */
export function isStoredKey(key: string): key is ObjectKey {
  return isObjectKey(key) && key !== tempFolder && !key.startsWith(`${tempFolder}/`);
}

export function keyInvalid(key: string, why: string): MainstemError {
  return new MainstemError("objects.keyInvalid", `${JSON.stringify(key.slice(0, 200))} cannot be an object here: ${why}.`, { key });
}

/** Awaits a file system call; its failure becomes `objects.failed` with the cause. Coded errors pass. */
export async function io<T>(key: string, call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (cause) {
    throw failed(key, cause);
  }
}

export function failed(key: string, cause: unknown): unknown {
  const code = errnoOf(cause);
  if (code === undefined || !(cause instanceof Error)) return cause;
  if (code === "ENAMETOOLONG") return keyInvalid(key, "with the store's directory it is longer than the file system allows");
  return new MainstemError("objects.failed", `The object store failed at ${JSON.stringify(key.slice(0, 200))}: ${cause.message}`, { key, code }, { cause });
}

/** True when the folder of the path is there; false when it is missing. A symbolic link on the way is refused: it may lead out of the store. */
export async function folderExists(key: string, folder: string): Promise<boolean> {
  try {
    if ((await realpath(folder)) !== folder) throw linkRefused(key);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw failed(key, error);
  }
}

/**
 * Makes the folders between the root and the path; each is checked first, so that nothing is ever made behind a symbolic link.
 * False when one that was there vanished meanwhile: a delete removes folders that became empty.
 */
export async function makeFolders(root: string, key: string, path: string): Promise<boolean> {
  let folder = root;
  for (const part of dirname(path).slice(root.length).split(sep).filter(Boolean)) {
    folder = join(folder, part);
    if (!(await makeFolder(root, key, folder))) return false;
  }
  return true;
}

async function makeFolder(root: string, key: string, folder: string): Promise<boolean> {
  try {
    await mkdir(folder);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    if (errnoOf(error) !== "EEXIST") throw error;
  }
  try {
    const found = await lstat(folder);
    if (found.isSymbolicLink()) throw linkRefused(key);
    if (!found.isDirectory()) throw keyInvalid(key, `${JSON.stringify(folder.slice(root.length + 1))} is an object, so it cannot also be a folder`);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

export function linkRefused(key: string): MainstemError {
  return new MainstemError("objects.failed", `Object ${JSON.stringify(key.slice(0, 200))} lies behind a symbolic link, which the store does not follow.`, {
    key,
  });
}

export function isMissing(error: unknown): boolean {
  const code = errnoOf(error);
  return code === "ENOENT" || code === "ENOTDIR";
}
