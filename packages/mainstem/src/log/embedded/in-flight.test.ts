import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { systemEnv } from "../../runtime/env.ts";
import { silentLogger } from "../../runtime/logger.ts";
import { at, toBatch, toSpec } from "../log-testing.ts";
import { openEmbeddedLog } from "./embedded-log.ts";
import { nodeFileSystem, type FileSystem, type LogFile } from "./file-system.ts";

test("records that have their append time but are not durable yet lie between the stable end and the end", async () => {
  const directory = await mkdtemp(join(tmpdir(), "mainstem-log-"));
  const begun = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  let held = false;
  const fileSystem: FileSystem = {
    ...nodeFileSystem,
    async open(path, mode, options) {
      const file = await nodeFileSystem.open(path, mode, options);
      const write: LogFile["write"] = async (buffers, position) => {
        if (held) begun.resolve();
        if (held) await goOn.promise;
        await file.write(buffers, position);
      };
      return path.endsWith(".log") ? { ...file, write } : file;
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
