import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MainstemError } from "../runtime/errors.ts";
import { systemEnv, type Env } from "../runtime/env.ts";
import { limits } from "../runtime/limits.ts";
import { silentLogger } from "../runtime/logger.ts";
import { until } from "../runtime/testing/until.ts";
import { openSqliteState } from "../state/sqlite/index.ts";
import type { StateStore } from "../state/index.ts";
import { backOffMs } from "./back-off.ts";
import { renewEveryMs } from "./lease.ts";
import { openTasks } from "./tasks.ts";
import type { Task, TaskStatus } from "./task.ts";

let folder = "";
let store: StateStore;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "mainstem-tasks-"));
  store = await openSqliteState({ file: join(folder, "state.sqlite") });
});
after(async () => {
  await store[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const open = (env: Env, signal?: AbortSignal) => openTasks({ env, logger: silentLogger, state: store, owner: "here", signal });

/** The real world, but that every pause between runs is noted and over at once. */
function patientEnv(): { readonly env: Env; readonly pauses: number[] } {
  const pauses: number[] = [];
  const sleep: Env["sleep"] = async (ms, { signal } = {}) => {
    if (ms === renewEveryMs || ms === limits.taskEndMs) return systemEnv.sleep(ms, { signal });
    pauses.push(ms);
    await new Promise((resolve) => setImmediate(resolve));
    signal?.throwIfAborted();
  };
  return { env: { ...systemEnv, sleep }, pauses };
}

const untilAborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true }));

function statusOf(tasks: { status(): readonly TaskStatus[] }, name: string): TaskStatus {
  const found = tasks.status().find((one) => one.name === name);
  assert.ok(found !== undefined);
  return found;
}

test("runs a task until it finishes, and tells its progress", async () => {
  const { env } = patientEnv();
  await using tasks = open(env);
  tasks.start({
    name: "count",
    async run(context) {
      context.report({ position: 1, end: 2, unit: "records" });
      context.report({ position: 2, end: 2, unit: "records" });
    },
  });
  await until("it is finished", () => statusOf(tasks, "count").state === "finished");
  const { progress, restarts, lastAdvance, lastError } = statusOf(tasks, "count");
  assert.deepEqual(progress, { position: 2, end: 2, unit: "records" });
  assert.equal(restarts, 0);
  assert.equal(lastError, undefined);
  assert.ok(lastAdvance !== undefined && lastAdvance > 1_700_000_000_000);
});

test("starts a task again after a failure that may pass, with growing pauses, and keeps the last error", async () => {
  const { env, pauses } = patientEnv();
  let runs = 0;
  await using tasks = open(env);
  tasks.start({
    name: "flaky",
    async run({ signal }) {
      if (++runs <= 5) throw new MainstemError("objects.failed", `failure ${runs}`);
      await untilAborted(signal);
    },
  });
  await until("the sixth run begins", () => runs === 6);
  const status = statusOf(tasks, "flaky");
  assert.equal(status.state, "running");
  assert.equal(status.restarts, 5);
  assert.equal(status.lastError?.message, "failure 5");
  assert.equal(status.lastError?.code, "objects.failed");
  assert.equal(pauses.length, 5);
  pauses.forEach((pause, index) => assert.ok(pause >= 125 * 2 ** index && pause <= 250 * 2 ** index, `pause ${index} was ${pause} ms`));
});

test("begins with short pauses again once a task has advanced", async () => {
  const { env, pauses } = patientEnv();
  let runs = 0;
  await using tasks = open(env);
  tasks.start({
    name: "slow",
    async run(context) {
      runs++;
      if (runs > 8) await untilAborted(context.signal);
      context.report({ position: runs >= 6 ? runs : 0, end: 10, unit: "records" });
      throw new MainstemError("log.full", "no room");
    },
  });
  await until("the ninth run begins", () => runs === 9);
  assert.ok((pauses[4] ?? 0) > 1_900, `the fifth pause was ${pauses[4]} ms`);
  assert.ok((pauses[5] ?? Infinity) <= 250, `the pause after an advance was ${pauses[5]} ms`);
});

for (const [code, state] of [
  ["archive.corrupt", "stopped"],
  ["avro.malformed", "backing-off"],
] as const)
  test(`leaves a task ${state} after ${code}`, async () => {
    await using tasks = open(systemEnv);
    tasks.start({ name: "one", run: () => Promise.reject(new MainstemError(code, "no")) });
    await until("its run is over", () => !["starting", "running"].includes(statusOf(tasks, "one").state));
    assert.equal(statusOf(tasks, "one").state, state);
    assert.equal(statusOf(tasks, "one").lastError?.code, code);
  });

test("stops a task on a bug, and throws the bug on closing", async () => {
  const { env, pauses } = patientEnv();
  const bug = new TypeError("x is not a function");
  const tasks = open(env);
  tasks.start({ name: "buggy", run: () => Promise.reject(bug) });
  await until("it is stopped", () => statusOf(tasks, "buggy").state === "stopped");
  assert.equal(statusOf(tasks, "buggy").lastError?.code, "runtime.bug");
  assert.deepEqual(pauses, []);
  await assert.rejects(tasks[Symbol.asyncDispose](), (error) => error === bug);
});

test("waits for a stopped task to end, forgets it, and starts it again on request", async () => {
  const { env } = patientEnv();
  let ended = 0;
  const task: Task = {
    name: "tidy",
    async run({ signal }) {
      await untilAborted(signal).catch(() => undefined);
      await new Promise((resolve) => setImmediate(resolve));
      ended++;
    },
  };
  await using tasks = open(env);
  tasks.start(task);
  await until("it runs", () => statusOf(tasks, "tidy").state === "running");
  assert.throws(() => tasks.start(task), /only one task named tidy/);
  await tasks.stop("tidy");
  assert.equal(ended, 1);
  assert.deepEqual(tasks.status(), []);
  tasks.start(task);
  await until("it runs", () => statusOf(tasks, "tidy").state === "running");
  await tasks.stop("nobody");
});

test("takes an abort as an ending, also within a pause, and joins every task on closing", async () => {
  let running = 0;
  const outer = new AbortController();
  const tasks = open(systemEnv, outer.signal);
  for (const name of ["a", "b"])
    tasks.start({
      name,
      async run({ signal }) {
        running++;
        await untilAborted(signal).finally(() => running--);
      },
    });
  tasks.start({ name: "c", run: () => Promise.reject(new MainstemError("log.full", "no room")) });
  await until("two run and one waits", () => running === 2 && statusOf(tasks, "c").state === "backing-off");
  outer.abort();
  await tasks[Symbol.asyncDispose]();
  assert.equal(running, 0);
  assert.deepEqual(
    tasks.status().map(({ name, state, lastError }) => [name, state, lastError?.code]),
    [
      ["a", "stopped", undefined],
      ["b", "stopped", undefined],
      ["c", "stopped", "log.full"],
    ],
  );
});

test("pauses no longer than a minute", () => {
  assert.equal(backOffMs(1_000, { random: () => Uint8Array.of(255) }), 60_000);
  assert.equal(backOffMs(1, { random: () => Uint8Array.of(0) }), 125);
});
