import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { systemEnv } from "../../runtime/env.ts";
import { silentLogger } from "../../runtime/logger.ts";
import { at, toBatch, toSpec } from "../log-testing.ts";
import { openEmbeddedLog } from "./embedded-log.ts";
import { nodeFileSystem, type FileSystem } from "./file-system.ts";

test("records that have their append time but are not durable yet lie between the stable end and the end", async () => {
  const directory = await mkdtemp(join(tmpdir(), "mainstem-log-"));
  const begun = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  let held = false;
  const fileSystem: FileSystem = {
    ...nodeFileSystem,
    async open(path, mode) {
      const file = await nodeFileSystem.open(path, mode);
      const sync = async (): Promise<void> => {
        if (held) begun.resolve();
        if (held) await goOn.promise;
        await file.sync();
      };
      return path.endsWith(".log") ? { ...file, sync } : file;
    },
  };
  try {
    await using log = await openEmbeddedLog({ directory, env: systemEnv, logger: silentLogger, fileSystem });
    const topic = await log.createTopic(toSpec("t"));
    await log.append(at(topic), toBatch(["durable"]));
    assert.deepEqual(await log.bounds(at(topic)), { first: 0, stable: 1, end: 1 });

    held = true;
    const appended = log.append(at(topic), toBatch(["on its way", "with it"]));
    await begun.promise;
    assert.deepEqual(await log.bounds(at(topic)), { first: 0, stable: 1, end: 3 });

    goOn.resolve();
    await appended;
    assert.deepEqual(await log.bounds(at(topic)), { first: 0, stable: 3, end: 3 });
  } finally {
    goOn.resolve();
    await rm(directory, { recursive: true, force: true });
  }
});
