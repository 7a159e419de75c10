import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { systemEnv, type Env } from "../runtime/env.ts";
import { MainstemError } from "../runtime/errors.ts";
import { limits } from "../runtime/limits.ts";
import { silentLogger } from "../runtime/logger.ts";
import { until } from "../runtime/testing/until.ts";
import { openSqliteState } from "../state/sqlite/index.ts";
import { openTasks, type Tasks } from "./tasks.ts";
import type { LeasedContext, ResetTarget, Task, TaskStatus } from "./task.ts";

const name = "archive.shop.orders";

/** A state of its own, whose clock the test moves, and sets of tasks over it, as of several processes. */
async function openWorld() {
  const folder = await mkdtemp(join(tmpdir(), "mainstem-tasks-"));
  let ahead = 0;
  const state = await openSqliteState({ file: join(folder, "state.sqlite"), clock: () => Date.now() + ahead });
  const sets: Tasks[] = [];
  return {
    state,
    advance: (ms: number) => void (ahead += ms),
    open(owner: string, env: Env = systemEnv): Tasks {
      const tasks = openTasks({ env, logger: silentLogger, state, owner });
      sets.push(tasks);
      return tasks;
    },
    async [Symbol.asyncDispose]() {
      for (const tasks of sets) await tasks[Symbol.asyncDispose]().catch(() => undefined);
      await state[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Time passes a thousand times as fast: a lease's third is ten milliseconds. */
function hastyEnv(): Env & { frozen: boolean } {
  const env: Env & { frozen: boolean } = {
    ...systemEnv,
    frozen: false,
    async sleep(ms, { signal } = {}) {
      do await systemEnv.sleep(ms / 1_000, { signal });
      while (env.frozen);
    },
  };
  return env;
}

/** Runs until it is aborted, and counts. */
function createEndless(more: Partial<Task> = {}): Task & { runs: number; active: number; contexts: LeasedContext[] } {
  const task = {
    name,
    runs: 0,
    active: 0,
    contexts: [] as LeasedContext[],
    async run(context: LeasedContext): Promise<void> {
      task.runs++;
      task.active++;
      task.contexts.push(context);
      context.report({ position: task.runs, end: 100, unit: "offsets" });
      await new Promise((_, reject) => context.signal.addEventListener("abort", () => reject(context.signal.reason as Error), { once: true })).finally(
        () => task.active--,
      );
    },
    ...more,
  };
  return task;
}

const statusOf = (tasks: Tasks): TaskStatus => {
  const [status] = tasks.status();
  assert.ok(status !== undefined);
  return status;
};
const stateOf = (tasks: Tasks): string => statusOf(tasks).state;

test("a pause ends the run, outlives a restart with who, when and why, and ends with a resume", async () => {
  await using world = await openWorld();
  const first = world.open("a");
  const task = createEndless();
  first.start(task);
  await until("running", () => task.active === 1);
  const paused = await first.pause(name, { by: "ana@desk", reason: "disk moves" });
  assert.deepEqual([paused.state, paused.verdict, paused.paused?.by, paused.paused?.reason, task.active], ["paused", "paused", "ana@desk", "disk moves", 0]);
  assert.ok(Math.abs((paused.paused?.at ?? 0) - Date.now()) < 10_000);
  assert.equal((await first.pause(name, { by: "bob" })).paused?.by, "ana@desk", "who paused first is kept");
  await first[Symbol.asyncDispose]();

  const second = world.open("a");
  second.start(task);
  await until("paused again", () => stateOf(second) === "paused");
  assert.equal(statusOf(second).paused?.by, "ana@desk");
  assert.equal(task.runs, 1);
  await second.resume(name);
  await until("running again", () => task.active === 1);
  assert.deepEqual([statusOf(second).verdict, statusOf(second).paused], ["ok", undefined]);
  assert.equal((await world.state.definitions.history("task", name)).length, 2, "the history tells of the pause and of its end");
});

test("the pause of a task outlives its end, and goes when the task is removed", async () => {
  await using world = await openWorld();
  const tasks = world.open("a");
  const task = createEndless();
  tasks.start(task);
  await until("running", () => task.active === 1);
  await tasks.pause(name, { by: "ana" });
  await tasks.stop(name);
  tasks.start(task);
  await until("paused again", () => stateOf(tasks) === "paused");
  await tasks.remove(name);
  assert.deepEqual(tasks.status(), []);
  tasks.start(task);
  await until("another one runs", () => task.active === 1);
  await tasks.remove("nobody");
});

test("resuming begins a task again that stopped on an error, and does nothing to one that runs", async () => {
  await using world = await openWorld();
  const tasks = world.open("a");
  const endless = createEndless();
  let broken = true;
  tasks.start({ name, run: (context) => (broken ? Promise.reject(new MainstemError("archive.corrupt", "Bad chunk.")) : endless.run(context)) });
  await until("stopped", () => stateOf(tasks) === "stopped");
  assert.deepEqual([statusOf(tasks).verdict, statusOf(tasks).because], ["failed", "It stopped: Bad chunk."]);
  broken = false;
  await tasks.resume(name);
  await until("running", () => endless.active === 1);
  assert.deepEqual([statusOf(tasks).verdict, statusOf(tasks).lastError?.code], ["ok", "archive.corrupt"]);
  await tasks.resume(name);
  assert.equal(endless.runs, 1);
  await assert.rejects(tasks.resume("nobody"), { code: "task.unknown" });
  await assert.rejects(tasks.resume("archive.shop.order"), { message: "There is no task archive.shop.order (perhaps archive.shop.orders)." });
  await assert.rejects(tasks.pause("nobody", { by: "x" }), { code: "task.unknown" });
});

test("a reset happens between two runs, also of a paused task, which stays paused", async () => {
  await using world = await openWorld();
  const tasks = world.open("a");
  const resets: (readonly [ResetTarget, number])[] = [];
  const task = createEndless({
    async reset(to) {
      if (to.kind === "beginning") throw new MainstemError("task.resetRefused", "Not there.");
      resets.push([to, task.active]);
    },
  });
  tasks.start(task);
  await until("running", () => task.active === 1);
  await tasks.reset(name, { kind: "offset", offset: 7 });
  assert.deepEqual(resets, [[{ kind: "offset", offset: 7 }, 0]]);
  await until("running again", () => task.active === 1 && task.runs === 2);
  await assert.rejects(tasks.reset(name, { kind: "beginning" }), { code: "task.resetRefused", message: "Not there." });
  await until("running after a refusal", () => task.active === 1 && task.runs === 3);
  await tasks.pause(name, { by: "ana" });
  await tasks.reset(name, { kind: "chain-end" });
  assert.equal(resets.length, 2);
  await until("paused again", () => stateOf(tasks) === "paused");
  assert.equal(task.runs, 3);
});

test("what has finished says so, and can be neither paused, resumed nor reset; the next of its name is not paused", async () => {
  await using world = await openWorld();
  const tasks = world.open("a");
  tasks.start({ name, run: async () => undefined, reset: async () => undefined });
  await until("finished", () => stateOf(tasks) === "finished");
  assert.deepEqual([statusOf(tasks).verdict, statusOf(tasks).because], ["idle", "It has finished."]);
  const refused = { code: "task.finished", message: `The task ${name} has finished: nothing of it is left to run.` };
  await assert.rejects(tasks.pause(name, { by: "ana" }), refused);
  await assert.rejects(tasks.resume(name), refused);
  await assert.rejects(tasks.reset(name, { kind: "beginning" }), refused);
  const next = createEndless();
  tasks.start(next);
  await until("the next runs", () => next.active === 1);
});

test("a task that cannot be reset says what to do instead", async () => {
  await using world = await openWorld();
  const tasks = world.open("a");
  tasks.start(createEndless({ resetRefusal: "Rebuild it." }));
  await assert.rejects(tasks.reset(name, { kind: "beginning" }), { code: "task.resetRefused", message: /Rebuild it\./ });
});

test("of two processes one runs a task, the other waits, and takes over when the first ends", async () => {
  await using world = await openWorld();
  const [first, second] = [createEndless(), createEndless()];
  const [a, b] = [world.open("a", hastyEnv()), world.open("b", hastyEnv())];
  a.start(first);
  await until("a runs", () => first.active === 1);
  b.start(second);
  await until("b stands by", () => stateOf(b) === "standby");
  assert.deepEqual([statusOf(b).heldBy, statusOf(b).verdict, second.runs], ["a", "idle", 0]);
  await assert.rejects(b.reset(name, { kind: "beginning" }), { code: "task.resetRefused" });
  await b.pause(name, { by: "ana", reason: "from the other process" });
  await until("a rests", () => first.active === 0 && stateOf(a) === "paused");
  await a.resume(name);
  await until("one of them runs", () => first.active + second.active === 1);
  await a[Symbol.asyncDispose]();
  await until("b runs", () => second.active === 1 && first.active === 0);
});

test("a frozen process loses its lease by the state's clock: its writes are fenced off, and its run ends when it wakes", async () => {
  await using world = await openWorld();
  const [first, second] = [createEndless(), createEndless()];
  const frozen = hastyEnv();
  const a = world.open("a", frozen);
  a.start(first);
  await until("a runs", () => first.active === 1);
  const fence = first.contexts[0]?.fence;
  assert.ok(fence !== undefined);
  assert.equal((await world.state.checkpoints.put(name, { value: 1 }, fence)).kind, "stored");

  frozen.frozen = true;
  await systemEnv.sleep(30);
  world.advance(limits.leaseMs + 1);
  const b = world.open("b", hastyEnv());
  b.start(second);
  await until("b runs", () => second.active === 1);
  assert.equal(first.active, 1, "the frozen one does not know yet");
  assert.equal((await world.state.checkpoints.put(name, { value: 2 }, fence)).kind, "fenced");
  const later = second.contexts[0]?.fence;
  assert.ok(later !== undefined && later.token > fence.token);
  assert.equal((await world.state.checkpoints.put(name, { value: 3 }, later)).kind, "stored");

  frozen.frozen = false;
  await until("a stands by", () => first.active === 0 && stateOf(a) === "standby");
  assert.equal(second.active, 1);
  assert.deepEqual((await world.state.checkpoints.get(name))?.value, 3);
});

test("a process that was killed does not wait for its own lease", async () => {
  await using world = await openWorld();
  const task = createEndless();
  // As a killed process leaves it.
  assert.equal((await world.state.leases.acquire(`task/${name}`, { owner: "a", ttlMs: limits.leaseMs })).kind, "held");
  const tasks = world.open("a");
  tasks.start(task);
  await until("running", () => task.active === 1);
});
