import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDirectoryStore } from "../../objects/directory/store.ts";
import type { ObjectStore } from "../../objects/index.ts";

/** A directory of the test's own, removed on closing. */
export async function openTestDirectory(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), "mainstem-archive-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** A real object store in a directory of the test's own. */
export async function openTestStore(): Promise<{ readonly store: ObjectStore; readonly path: string } & AsyncDisposable> {
  const directory = await openTestDirectory();
  const store = await openDirectoryStore({ directory: join(directory.path, "objects") });
  return {
    store,
    path: directory.path,
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      await directory[Symbol.asyncDispose]();
    },
  };
}
