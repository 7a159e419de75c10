import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { archiveAll, checkArchive, openPipeline, readArchive } from "./testing/pipeline.ts";
import { openTestDirectory } from "./testing/stores.ts";

const seconds = Number(process.env["MAINSTEM_TEST_SECONDS"] ?? 3);
const seed = Number(process.env["MAINSTEM_TEST_SEED"] ?? randomInt(1_000_000));

test(`archives every acknowledged record once after kills at any moment (MAINSTEM_TEST_SEED=${seed})`, async () => {
  await using directory = await openTestDirectory();
  const ends = Date.now() + seconds * 1_000;
  const acknowledged = [0, 0];
  for (let round = 0; round < 3 || Date.now() < ends; round++) {
    for (const { partition, last } of await runUntilKilled(directory.path, seed + round))
      acknowledged[partition] = Math.max(acknowledged[partition] ?? 0, last + 1);
    await using pipeline = await openPipeline({ directory: directory.path, partitions: 2 });
    await archiveAll(pipeline);
    await checkArchive(pipeline, { partitions: 2 });
    for (const [partition, records] of acknowledged.entries())
      assert.ok((await readArchive(pipeline.objects, pipeline.at(partition))).length >= records, `partition ${partition} lacks records of round ${round}`);
  }
  assert.ok((acknowledged[0] ?? 0) > 0);
});

/** Runs the child for a while, kills it, and gives what it told of. */
async function runUntilKilled(directory: string, roundSeed: number): Promise<readonly { readonly partition: number; readonly last: number }[]> {
  const child = spawn(process.execPath, [fileURLToPath(new URL("testing/archiving.child.ts", import.meta.url)), directory, String(roundSeed)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const told: { partition: number; last: number }[] = [];
  const killAfter = 1 + ((roundSeed * 7_919) % 60);
  for await (const line of createInterface({ input: child.stdout })) {
    const [partition = 0, last = 0] = line.split(" ").map(Number);
    told.push({ partition, last });
    if (told.length === killAfter) setTimeout(() => child.kill("SIGKILL"), (roundSeed * 13) % 40);
  }
  assert.ok(told.length >= killAfter, "the child ended by itself");
  return told;
}
