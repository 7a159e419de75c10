import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

/** A file system of its own, where this process may mount one. */
export interface SmallDisk extends AsyncDisposable {
  readonly path: string;
}

/** 32 MB of memory as a disk; undefined where none can be mounted. */
export async function mountMemory(path: string): Promise<SmallDisk | undefined> {
  return mounted(path, ["-t", "tmpfs", "-o", "size=32m", "tmpfs", path]);
}

/** A disk of 64 MB in a file, with ext4. What is on it stays when it is let go, for the next mount. Undefined where none can be mounted. */
export async function mountImage(image: string, path: string, { make }: { readonly make: boolean }): Promise<SmallDisk | undefined> {
  await mkdir(path, { recursive: true });
  try {
    if (make) await run("truncate", ["-s", "64M", image]);
    if (make) await run("mkfs.ext4", ["-q", "-F", image]);
  } catch {
    return undefined;
  }
  return mounted(path, ["-o", "loop", image, path]);
}

/** The folder shows itself read-only, also to processes that run, until it is let go; what they have open already they may write. */
export async function mountReadOnly(path: string): Promise<SmallDisk | undefined> {
  const disk = await mounted(path, ["--bind", path, path]);
  if (disk !== undefined) await run("mount", ["-o", "remount,bind,ro", path]);
  return disk;
}

/** What the kernel does when it finds the file system damaged: from now on every write is refused, also to files that are open. */
export async function abortDisk({ path }: SmallDisk): Promise<void> {
  await run("mount", ["-i", "-o", "remount,abort", path]);
}

export async function remount({ path }: SmallDisk, mode: "ro" | "rw"): Promise<void> {
  await run("mount", ["-o", `remount,${mode}`, path]);
}

async function mounted(path: string, args: readonly string[]): Promise<SmallDisk | undefined> {
  try {
    await run("mount", args);
  } catch {
    return undefined;
  }
  return { path, [Symbol.asyncDispose]: async () => void (await run("umount", ["-l", path])) };
}
