import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "../../runtime/logger.ts";
import { createManualEnv } from "../log-testing.ts";
import { testLog } from "../log.contract.ts";
import type { LogUnderTest } from "../log.contract.ts";
import { openEmbeddedLog } from "./embedded-log.ts";

testLog("embedded", openForTest, { clock: true, retain: true });

async function openForTest(): Promise<LogUnderTest> {
  const directory = await mkdtemp(join(tmpdir(), "mainstem-log-"));
  const env = createManualEnv();
  const open = () => openEmbeddedLog({ directory, env, ages: env, logger: silentLogger, segmentBytesMax: 8_192 });
  const under = {
    log: await open(),
    async reopen() {
      await under.log[Symbol.asyncDispose]();
      under.log = await open();
    },
    clock: { set: (now: number) => env.set(now) },
    retain: () => env.wake(),
    async [Symbol.asyncDispose]() {
      await under.log[Symbol.asyncDispose]();
      await rm(directory, { recursive: true });
    },
  };
  return under;
}
