import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { systemEnv } from "../runtime/env.ts";
import { silentLogger } from "../runtime/logger.ts";
import { until } from "../runtime/testing/until.ts";
import { openSqliteState } from "../state/sqlite/index.ts";
import { openTasks, type LeasedContext } from "../tasks/index.ts";
import { openApi } from "./testing/open-api.ts";

const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

test("shows, pauses, resumes and resets tasks, with times as RFC 3339 and refusals as problems", async () => {
  const folder = await mkdtemp(join(tmpdir(), "mainstem-task-api-"));
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const state = stack.use(await openSqliteState({ file: join(folder, "state.sqlite") }));
  const tasks = stack.use(openTasks({ env: systemEnv, logger: silentLogger, state, owner: "here" }));
  const run = (context: LeasedContext): Promise<void> => {
    const { signal } = context;
    context.report({ position: 2, end: 9, unit: "offsets" });
    context.report({ position: 3, end: 9, unit: "offsets" });
    return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true }));
  };
  const targets: unknown[] = [];
  tasks.start({ name: "archive.shop.orders", run, reset: async (to) => void targets.push(to) });
  tasks.start({ name: "table.shop.orders", run, resetRefusal: "Rebuild it." });
  const api = stack.use(await openApi({ view: { tasks: () => tasks.status(), taskControl: tasks } }));
  const post = (path: string, body?: unknown) =>
    api.call(`/v1/tasks/${path}`, {
      method: "POST",
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
    });
  await until("both have reported", () => tasks.status().every(({ progress }) => progress !== undefined));

  const { body: one } = await api.call("/v1/tasks/archive.shop.orders");
  assert.match(String(one["lastAdvance"]), rfc3339);
  // Whether there is a rate yet is a matter of milliseconds.
  assert.ok([one["ratePerSecond"], one["remainingSeconds"]].every((value) => value === null || typeof value === "number"));
  assert.deepEqual(
    { ...one, lastAdvance: undefined, ratePerSecond: null, remainingSeconds: null },
    {
      name: "archive.shop.orders",
      state: "running",
      verdict: "ok",
      progress: { position: 3, end: 9, unit: "offsets" },
      ratePerSecond: null,
      remainingSeconds: null,
      lastAdvance: undefined,
      lastError: null,
      restarts: 0,
      failures: 0,
      paused: null,
      heldBy: null,
    },
  );
  assert.equal(((await api.call("/v1/tasks")).body["tasks"] as readonly unknown[]).length, 2);

  const paused = await post("archive.shop.orders/pause", { by: "ana@desk", reason: "the disk moves" });
  const { at, ...who } = paused.body["paused"] as { readonly at: string };
  assert.deepEqual([paused.status, paused.body["verdict"], who], [200, "paused", { by: "ana@desk", reason: "the disk moves" }]);
  assert.match(at, rfc3339);
  assert.equal((await api.call("/health")).body["status"], "degraded");
  assert.equal((await post("archive.shop.orders/pause")).status, 200, "a body is not needed");
  assert.equal((await post("archive.shop.orders/resume")).body["paused"], null);

  for (const to of ["beginning", "chain-end", 12, "12", "2026-11-21T14:00:00Z"]) assert.equal((await post("archive.shop.orders/reset", { to })).status, 200);
  assert.deepEqual(targets, [
    { kind: "beginning" },
    { kind: "chain-end" },
    { kind: "offset", offset: 12 },
    { kind: "offset", offset: 12 },
    { kind: "time", time: Date.UTC(2026, 10, 21, 14) },
  ]);
  for (const to of ["noon", -1, "2026-11-21T14:00:00", "", 1.5]) {
    const refused = await post("archive.shop.orders/reset", { to });
    assert.deepEqual([refused.status, refused.body["code"]], [400, "server.request"], String(to));
  }
  const table = await post("table.shop.orders/reset", { to: "beginning" });
  assert.deepEqual([table.status, table.body["code"]], [409, "task.resetRefused"]);
  assert.match(String(table.body["detail"]), /Rebuild it\./);
  for (const path of ["no.such/pause", "no.such/resume"]) assert.deepEqual((await post(path)).body["code"], "task.unknown");
  assert.deepEqual([(await api.call("/v1/tasks/no.such")).status, (await post("no.such/reset", { to: 1 })).status], [404, 404]);
  assert.equal((await post("archive.shop.orders/pause", { because: "typo" })).status, 400);
});
