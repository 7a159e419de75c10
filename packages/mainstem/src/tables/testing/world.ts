import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
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

/**
 * Tries a property for MAINSTEM_TEST_SECONDS, and four times at least. The run that is under way when the time is up ends by itself:
 * fast-check's own limit would leave it behind, at work in a database that the test closes.
 */
export async function assertForAWhile<T>(property: fc.IAsyncProperty<T>): Promise<void> {
  const endMs = performance.now() + Number(process.env["MAINSTEM_TEST_SECONDS"] ?? 3) * 1_000;
  do await fc.assert(property, { numRuns: 4 });
  while (performance.now() < endMs);
}
