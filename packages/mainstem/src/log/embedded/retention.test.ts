import { test } from "node:test";
import { silentLogger } from "../../runtime/logger.ts";
import { at, createManualEnv, toBatch, toSpec } from "../log-testing.ts";
import { until } from "../../runtime/testing/until.ts";
import { openEmbeddedLog } from "./embedded-log.ts";
import { SimulatedFileSystem } from "./simulated-file-system.ts";

test("retention goes on while a partition whose segment it closes is written to without a pause", async () => {
  const env = createManualEnv();
  const fileSystem = new SimulatedFileSystem({ random: () => 0.5 });
  await using log = await openEmbeddedLog({ directory: "/log", env, ages: env, logger: silentLogger, fileSystem });
  const busy = await log.createTopic(toSpec("busy", { retention: { ms: 1_000 } }));
  const old = await log.createTopic(toSpec("old", { retention: { ms: 1_000 } }));
  for (const topic of [busy, old]) await log.append(at(topic), toBatch(["old"]));
  env.set(env.now() + 5_000);
  env.wake();
  await new Promise((resolve) => setImmediate(resolve));
  const over = new AbortController();
  const load = (async () => {
    while (!over.signal.aborted) await log.append(at(busy), toBatch(["new"]));
  })();
  try {
    for (const topic of [busy, old]) await until(`the old segment of ${topic.name} is dropped`, async () => (await log.bounds(at(topic))).first === 1);
  } finally {
    over.abort();
    await load;
  }
});

test("retention begins although there was no topic when it looked first", async () => {
  const env = createManualEnv();
  const fileSystem = new SimulatedFileSystem({ random: () => 0.5 });
  await using log = await openEmbeddedLog({ directory: "/log", env, ages: env, logger: silentLogger, fileSystem });
  env.wake();
  await new Promise((resolve) => setImmediate(resolve));
  const topic = await log.createTopic(toSpec("late", { retention: { ms: 1_000 } }));
  await log.append(at(topic), toBatch(["old"]));
  env.set(env.now() + 5_000);
  await until("the old segment is dropped", async () => (env.wake(), (await log.bounds(at(topic))).first === 1));
});
