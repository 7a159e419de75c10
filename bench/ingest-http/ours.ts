// Our door with everything behind it that an acknowledged record needs: log, state, registry.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseContract } from "@mainstem/contract";
import { openIngest } from "../../packages/mainstem/src/ingest/index.ts";
import { openEmbeddedLog } from "../../packages/mainstem/src/log/embedded/index.ts";
import { openDirectoryStore } from "../../packages/mainstem/src/objects/directory/store.ts";
import { openRegistry } from "../../packages/mainstem/src/registry/index.ts";
import { systemEnv as env } from "../../packages/mainstem/src/runtime/env.ts";
import { silentLogger as logger } from "../../packages/mainstem/src/runtime/logger.ts";
import { openServer } from "../../packages/mainstem/src/server/index.ts";
import { emptyView } from "../../packages/mainstem/src/server/testing/open-api.ts";
import { openSqliteState } from "../../packages/mainstem/src/state/sqlite/store.ts";
import { serveParent } from "./child.ts";
import { eventSchema } from "./events.ts";

const directory = await mkdtemp(join(tmpdir(), "mainstem-bench-"));
const stack = new AsyncDisposableStack();
stack.defer(() => rm(directory, { recursive: true, force: true }));
const log = stack.use(await openEmbeddedLog({ directory: join(directory, "log"), env, logger }));
const state = stack.use(await openSqliteState({ file: join(directory, "state.sqlite") }));
const objects = stack.use(await openDirectoryStore({ directory: join(directory, "objects") }));
const registry = stack.use(await openRegistry({ state, log, objects, env, logger, partitions: 4 }));
const ingest = stack.use(await openIngest({ registry, log, env, logger }));
await registry.apply(parseContract({ formatVersion: 1, name: "bench.events", schema: eventSchema, key: ["id"], order: ["at"], merge: { kind: "latest" } }));
const server = stack.use(await openServer({ registry, log, ingest, view: emptyView, env, logger, version: "0.0.0", config: { host: "127.0.0.1", port: 0 } }));
serveParent({ port: server.port, close: () => stack.disposeAsync() });
