import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createAgeClock, leapHeldMs } from "../../runtime/age-clock.ts";
import { silentLogger } from "../../runtime/logger.ts";
import { at, createManualEnv, toBatch, toSpec } from "../log-testing.ts";
import { until } from "../../runtime/testing/until.ts";
import { openEmbeddedLog, readLogTime } from "./index.ts";
import { SimulatedFileSystem } from "./simulated-file-system.ts";

const start = 1_800_000_000_000;
const dayMs = 86_400_000;

test("retention by age drops nothing young when the clock is set a year ahead, until it has stayed so for an hour", async () => {
  let passed = 0;
  const env = { ...createManualEnv(start), monotonic: () => passed };
  const ages = createAgeClock({ env });
  const looks: number[] = [];
  const counted = { now: () => (looks.push(ages.now()), looks.at(-1)!) };
  const fileSystem = new SimulatedFileSystem({ random: Math.random });
  await using log = await openEmbeddedLog({ directory: "/data/log", env, ages: counted, logger: silentLogger, fileSystem });
  const topic = await log.createTopic(toSpec("t", { retention: { ms: dayMs } }));
  await log.append(at(topic), toBatch(["young"]));
  const look = async (): Promise<number> => {
    const before = looks.length;
    await until("retention looks", () => (env.wake(), looks.length > before + 1));
    return (await log.bounds(at(topic))).first;
  };
  env.set(start + 365 * dayMs);
  assert.equal(await look(), 0);
  env.set(start);
  assert.equal(await look(), 0);
  env.set(start + 365 * dayMs);
  await look();
  passed += leapHeldMs;
  env.set(start + 365 * dayMs + leapHeldMs);
  assert.equal(await look(), 1);
});

test("the time of a log that nobody has open can be read, and is none where there is no log", async () => {
  const directory = await mkdtemp(join(tmpdir(), "mainstem-log-"));
  try {
    assert.equal(await readLogTime(join(directory, "none")), undefined);
    const log = await openEmbeddedLog({ directory, env: createManualEnv(start), logger: silentLogger });
    assert.equal(await readLogTime(directory), undefined);
    await log.settled(at(await log.createTopic(toSpec("t"))));
    await log[Symbol.asyncDispose]();
    assert.equal(await readLogTime(directory), start);
  } finally {
    await rm(directory, { recursive: true });
  }
});
