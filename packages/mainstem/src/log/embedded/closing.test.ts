import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { silentLogger } from "../../runtime/logger.ts";
import { at, createManualEnv, toBatch, toSpec } from "../log-testing.ts";
import { openEmbeddedLog } from "./embedded-log.ts";
import { nodeFileSystem, type FileSystem } from "./file-system.ts";

test("closes the recovery point with what it was told, also where closing a segment fails: another process may have the log open next", async () => {
  const directory = await mkdtemp(join(tmpdir(), "mainstem-log-"));
  const env = createManualEnv();
  const open = new Set<string>();
  let points = 0;
  let refused = false;
  const fileSystem: FileSystem = {
    ...nodeFileSystem,
    async open(path, mode, options) {
      const file = await nodeFileSystem.open(path, mode, options);
      open.add(path);
      return {
        ...file,
        async write(buffers, position) {
          if (path.endsWith("recovery-point")) points++;
          await file.write(buffers, position);
        },
        async close() {
          open.delete(path);
          await file.close();
          if (refused && path.endsWith(".log")) throw Object.assign(new Error("EIO: close"), { code: "EIO" });
        },
      };
    },
  };
  try {
    const log = await openEmbeddedLog({ directory, env, logger: silentLogger, fileSystem });
    const topic = await log.createTopic(toSpec("t"));
    points = 0;
    await log.append(at(topic), toBatch(["a"]));
    refused = true;
    await assert.rejects(Promise.resolve(log[Symbol.asyncDispose]()), { code: "log.writeFailed" });
    assert.deepEqual([[...open], points], [[], 1]);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
