import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDirectoryStore } from "../../objects/directory/store.ts";
import type { ObjectStore } from "../../objects/index.ts";

/** A real object store, and room for engines, in a directory of the test's own. */
export interface World extends AsyncDisposable {
  readonly objects: ObjectStore;
  readonly directory: string;
}

export async function openWorld(): Promise<World> {
  const directory = await mkdtemp(join(tmpdir(), "mainstem-tables-"));
  const objects = await openDirectoryStore({ directory: join(directory, "objects") });
  return {
    objects,
    directory,
    async [Symbol.asyncDispose]() {
      await objects[Symbol.asyncDispose]();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** How long a property or a simulation may run. */
export const testMs = Number(process.env["MAINSTEM_TEST_SECONDS"] ?? 3) * 1_000;
