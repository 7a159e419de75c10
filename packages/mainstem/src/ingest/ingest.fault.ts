import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { openRooms, readRecords } from "./testing/open-rooms.ts";

const requests = 60;
const recordsEach = 80;
const killsEach = 3;

/** Runs the sender until it is done or killed. */
async function run(directory: string, seed: number, killAfterMs: number | undefined): Promise<{ readonly done: boolean }> {
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, "testing/keyed-sender.child.ts"), directory, String(seed), String(requests), String(recordsEach)],
    {
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  let output = "";
  let errors = "";
  let timer: NodeJS.Timeout | undefined;
  child.stderr.on("data", (chunk) => (errors += String(chunk)));
  child.stdout.on("data", (chunk) => {
    output += String(chunk);
    if (killAfterMs !== undefined && output.startsWith("open\n")) timer ??= setTimeout(() => child.kill("SIGKILL"), killAfterMs);
  });
  await new Promise((resolve) => child.once("close", resolve));
  clearTimeout(timer);
  if (killAfterMs === undefined || child.exitCode !== null) assert.equal(child.exitCode, 0, errors);
  return { done: output.endsWith("done\n") };
}

test("requests with keys that are repeated after kills at any moment are stored exactly once", async (context) => {
  const seed = Number(process.env["MAINSTEM_TEST_SEED"] ?? randomInt(1_000_000));
  context.diagnostic(`MAINSTEM_TEST_SEED=${seed}`);
  const until = Date.now() + Number(process.env["MAINSTEM_TEST_SECONDS"] ?? 3) * 1_000;
  let state = seed;
  const random = (below: number): number => (state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff) % below;
  let rounds = 0;
  do {
    const directory = await mkdtemp(join(tmpdir(), "mainstem-door-"));
    for (let kill = 0; kill < killsEach; kill++) await run(directory, random(requests), 1 + random(120));
    const last = await run(directory, random(requests), undefined);
    assert.ok(last.done, "a run that is left alone finishes");
    await using rooms = await openRooms({ directory, partitions: 3 });
    const stored = (await readRecords(rooms)).map(({ orderId }) => orderId);
    assert.equal(new Set(stored).size, stored.length, "no record is stored twice");
    assert.equal(stored.length, requests * recordsEach);
    rounds++;
  } while (Date.now() < until);
  context.diagnostic(`${rounds} rounds of ${killsEach} kills`);
});
