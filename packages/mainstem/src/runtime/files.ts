import { access, constants, mkdir, open, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";

/**
 * Makes the directory and its missing parents; when it resolves they survive a loss of power. Not by `mkdir`'s own recursion, which never ends where a file
 * system (as /proc) says of a new directory that there is nothing, though its parent is there, and says so itself (ENOENT) of one that is read-only.
 */
export async function makeDirectory(path: string): Promise<void> {
  const missing: string[] = [];
  for (let at = resolve(path); !(await isDirectory(at)); at = dirname(at)) missing.push(at);
  for (const directory of missing.toReversed()) {
    await mkdir(directory).catch((error: unknown) => {
      // Somebody else was faster.
      if (errnoOf(error) !== "EEXIST") throw error;
    });
    await syncDirectory(dirname(directory));
  }
}

/** False where nothing is. Throws ENOTDIR where something else is. */
async function isDirectory(path: string): Promise<boolean> {
  try {
    if ((await stat(path)).isDirectory()) return true;
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return false;
    throw error;
  }
  throw Object.assign(new Error(`ENOTDIR: not a directory: ${path}`), { code: "ENOTDIR", syscall: "mkdir" });
}

/** Makes the directory's entries durable: what was created, linked, renamed or removed in it. */
export async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The folder itself, or the nearest one above it that is there: what would have to take it in. */
export async function nearestExisting(folder: string): Promise<string> {
  for (let path = folder; ; path = dirname(path)) {
    const found = await stat(path).catch((error: unknown) => (["ENOENT", "ENOTDIR"].includes(errnoOf(error) ?? "") ? undefined : path));
    if (found !== undefined || path === dirname(path)) return path;
  }
}

/** Why nothing can be written in the folder, made or to be made, with the place that refuses; undefined where it can be. Changes nothing. */
export async function refusalOf(folder: string): Promise<{ readonly at: string; readonly errno: string } | undefined> {
  const at = await nearestExisting(folder);
  try {
    if (!(await stat(at)).isDirectory()) return { at, errno: "ENOTDIR" };
    await access(at, constants.W_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    return { at, errno: errnoOf(error) ?? String(error) };
  }
}

/** The code of a system error (`ENOENT`, `EEXIST`…); undefined for any other error. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" && "syscall" in error ? error.code : undefined;
}
