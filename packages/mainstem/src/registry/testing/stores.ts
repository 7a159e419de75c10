import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseContract, type Contract } from "@mainstem/contract";
import { openEmbeddedLog } from "../../log/embedded/index.ts";
import type { Log } from "../../log/index.ts";
import { openDirectoryStore } from "../../objects/directory/store.ts";
import type { ObjectStore } from "../../objects/index.ts";
import { systemEnv } from "../../runtime/env.ts";
import { silentLogger } from "../../runtime/logger.ts";
import { openSqliteState } from "../../state/sqlite/store.ts";
import type { StateStore } from "../../state/index.ts";
import { openRegistry, type RegistryOptions } from "../registry.ts";
import type { Registry } from "../dataset.ts";

/** For tests: the real stores in a folder of their own. */
export interface Stores extends AsyncDisposable {
  readonly directory: string;
  readonly state: StateStore;
  readonly log: Log;
  readonly objects: ObjectStore;
  open(change?: Partial<RegistryOptions>): Promise<Registry>;
}

/** Opens the stores of a directory; the directory stays when they are closed. */
export async function openStores(directory: string): Promise<Stores> {
  const state = await openSqliteState({ file: join(directory, "state.sqlite") });
  const objects = await openDirectoryStore({ directory: join(directory, "objects") });
  const log = await openEmbeddedLog({ directory: join(directory, "log"), env: systemEnv, logger: silentLogger });
  return {
    directory,
    state,
    log,
    objects,
    open: (change = {}) => openRegistry({ state, log, objects, env: systemEnv, logger: silentLogger, partitions: 2, ...change }),
    async [Symbol.asyncDispose]() {
      for (const store of [log, objects, state]) await store[Symbol.asyncDispose]();
    },
  };
}

/** As `openStores`, in a new folder that goes with them. */
export async function createStores(): Promise<Stores> {
  const folder = await createFolder();
  const stores = await openStores(folder.path);
  return {
    ...stores,
    async [Symbol.asyncDispose]() {
      await stores[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** A new folder, which goes with what is in it. */
export async function createFolder(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), "mainstem-registry-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Loses the state of a folder whose stores are closed. */
export async function loseState(folder: string): Promise<void> {
  for (const ending of ["", "-wal", "-shm"]) await rm(join(folder, `state.sqlite${ending}`), { force: true });
}

/** A contract of one long key, an order, and further fields of text that may be null. */
export function contractOf(
  name: string,
  { fields = [], ...rest }: { readonly fields?: readonly string[]; readonly [property: string]: unknown } = {},
): Contract {
  const dot = name.lastIndexOf(".");
  return parseContract({
    name,
    schema: {
      type: "record",
      name: name.slice(dot + 1),
      namespace: name.slice(0, dot),
      fields: [
        { name: "id", type: "long" },
        { name: "revision", type: "long" },
        { name: "day", type: { type: "int", logicalType: "date" } },
        ...fields.map((field) => ({ name: field, type: ["null", "string"], default: null })),
      ],
    },
    key: ["id"],
    order: ["revision"],
    merge: { kind: "latest" },
    ...rest,
  });
}
