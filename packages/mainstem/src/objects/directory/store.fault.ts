import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { parseObjectKey, readWhole } from "../objects.ts";
import { openDirectoryStore } from "./store.ts";

const seconds = Number(process.env["MAINSTEM_TEST_SECONDS"] ?? 3);

test("a kill leaves every stored object whole, and no part of any other", async () => {
  const directory = await mkdtemp(join(tmpdir(), "mainstem-objects-"));
  const until = Date.now() + seconds * 1_000;
  let stored = 0;
  try {
    for (let round = 0; round < 2 || Date.now() < until; round += 1) {
      const told = await putUntilKilled(directory, { round, objects: 5 + ((round * 37) % 90) });
      stored += told.length;
      await checkObjects(directory, told, round);
    }
    assert.ok(stored > 0);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});

async function checkObjects(directory: string, told: readonly string[], round: number): Promise<void> {
  await using store = await openDirectoryStore({ directory });
  const missing = new Set(told);
  for await (const { key } of store.list(`round-${round}/`)) {
    missing.delete(key);
    const content = (await readWhole(store, parseObjectKey(key), { bytesMax: 1_000_000 })).toString();
    assert.ok(content === `${key}\n`.repeat(2_000), `${key} is not whole: ${content.length} bytes`);
  }
  assert.deepEqual([...missing], []);
}

/** Runs the child until it has told of so many objects, kills it, and gives all that it told of. */
async function putUntilKilled(directory: string, { round, objects }: { readonly round: number; readonly objects: number }): Promise<readonly string[]> {
  const child = spawn(process.execPath, [fileURLToPath(new URL("testing/putting.child.ts", import.meta.url)), directory, String(round)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const told: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    told.push(line);
    if (told.length === objects) child.kill("SIGKILL");
  }
  return told;
}
