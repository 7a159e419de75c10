import { link, lstat, open, readdir, rm, unlink, type FileHandle } from "node:fs/promises";
import { extname, join } from "node:path";
import { randomId, type Env } from "../../runtime/env.ts";
import { MainstemError } from "../../runtime/errors.ts";
import { makeDirectory } from "../../runtime/files.ts";
import { limits } from "../../runtime/limits.ts";
import { isMissing, tempFolder } from "./paths.ts";

/** The folder where objects are written before they are published, and where local copies are pinned. */
export interface TempFiles {
  create(): Promise<{ readonly path: string; readonly handle: FileHandle }>;
  /** A path of a new name, for a link. Keeps the ending of `like`, by which engines know a format. */
  name(kind: "put" | "pin", like?: string): string;
  /** Removes it if it is there. */
  remove(path: string): Promise<void>;
}

/** Makes the folder, removes what dead processes left in it long ago, and checks that the file system has hard links. */
export async function openTempFiles(root: string, env: Env): Promise<TempFiles> {
  const folder = join(root, tempFolder);
  await makeDirectory(folder);
  if (!(await lstat(folder)).isDirectory()) throw new MainstemError("objects.failed", `${folder} is not a folder of the object store's own.`);
  await sweep(folder, env.now() - limits.tempFileMs);

  const temp: TempFiles = {
    async create() {
      const path = temp.name("put");
      return { path, handle: await open(path, "wx") };
    },
    name(kind, like = "") {
      const ending = extname(like);
      return join(folder, `${kind}-${Math.floor(env.now())}-${randomId(env)}${/^\.[A-Za-z0-9]{1,16}$/.test(ending) ? ending : ""}`);
    },
    async remove(path) {
      await rm(path, { force: true });
    },
  };
  await checkLinks(temp, folder);
  return temp;
}

/** A name tells the time when it was made: a pin shares the times of its object, so those of the file say nothing. */
async function sweep(folder: string, olderThan: number): Promise<void> {
  for (const name of await readdir(folder)) {
    const made = /^(?:put|pin)-(\d{1,16})-/.exec(name)?.[1];
    if (made === undefined || Number(made) >= olderThan) continue;
    try {
      await unlink(join(folder, name));
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }
}

async function checkLinks(temp: TempFiles, folder: string): Promise<void> {
  const { path, handle } = await temp.create();
  const second = temp.name("put");
  try {
    await handle.close();
    await link(path, second);
  } catch (cause) {
    throw new MainstemError("objects.failed", `The file system of ${folder} has no hard links, without which "put if absent" would be a guess.`, {}, { cause });
  } finally {
    await temp.remove(second);
    await temp.remove(path);
  }
}
