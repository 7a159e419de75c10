import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDirectoryStore } from "../../objects/directory/store.ts";
import type { ObjectStore } from "../../objects/index.ts";
import { systemEnv, type Env } from "../../runtime/env.ts";
import { silentLogger } from "../../runtime/logger.ts";
import type { StateStore } from "../../state/index.ts";
import { openSqliteState } from "../../state/sqlite/store.ts";
import type { IcebergTables } from "../model.ts";
import { openIcebergTables } from "../tables.ts";

/** The real stores in a directory of the test's own, removed on closing. */
export interface TestStores extends AsyncDisposable {
  readonly path: string;
  readonly objects: ObjectStore;
  readonly state: StateStore;
  /** Tables without anything in memory, as after a restart; over other stores where they are given. */
  open(over?: { readonly objects?: ObjectStore; readonly pointers?: StateStore["pointers"]; readonly env?: Env }): IcebergTables;
}

export async function openTestStores(): Promise<TestStores> {
  const path = await mkdtemp(join(tmpdir(), "mainstem-iceberg-"));
  const objects = await openDirectoryStore({ directory: join(path, "objects") });
  const state = await openSqliteState({ file: join(path, "state.sqlite") });
  return {
    path,
    objects,
    state,
    open: (over = {}) => openIcebergTables({ objects, pointers: state.pointers, env: systemEnv, logger: silentLogger, ...over }),
    async [Symbol.asyncDispose]() {
      await objects[Symbol.asyncDispose]();
      await state[Symbol.asyncDispose]();
      await rm(path, { recursive: true, force: true });
    },
  };
}

/** The keys of every object under a prefix, in order. */
export async function keysOf(objects: ObjectStore, prefix = ""): Promise<readonly string[]> {
  const keys: string[] = [];
  for await (const { key } of objects.list(prefix)) keys.push(key);
  return keys;
}
