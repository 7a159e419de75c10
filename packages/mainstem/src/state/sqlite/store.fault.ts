import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { openSqliteState } from "./store.ts";

const seconds = Number(process.env["MAINSTEM_TEST_SECONDS"] ?? 3);

test("processes that count together lose no step and share none", async () => {
  await using folder = await scratch();
  const file = join(folder.path, "state.sqlite");
  const told = await Promise.all([1, 2, 3].map(() => count({ file, name: "n", steps: 40, killAfter: Infinity })));
  const steps = told.flat().sort((a, b) => a - b);
  assert.deepEqual(
    steps,
    Array.from({ length: 120 }, (_, index) => index + 1),
  );
  await using store = await openSqliteState({ file });
  assert.equal((await store.pointers.get("n"))?.value, "120");
});

test("what a killed process was told is there, and the state goes on", async () => {
  await using folder = await scratch();
  const file = join(folder.path, "state.sqlite");
  const until = Date.now() + seconds * 1_000;
  for (let round = 0; round < 2 || Date.now() < until; round += 1) {
    const told = await Promise.all([0, 1].map((index) => count({ file, name: "n", steps: 1_000_000, killAfter: 1 + ((round * 31 + index * 17) % 60) })));
    await using store = await openSqliteState({ file });
    const pointer = await store.pointers.get("n");
    assert.ok((pointer?.version ?? 0) >= Math.max(...told.flat()));
    assert.equal(pointer?.value, String(pointer?.version), "every step moved version and value together");
    assert.equal(new Set(told.flat()).size, told.flat().length);
  }
});

interface Counting {
  readonly file: string;
  readonly name: string;
  readonly steps: number;
  /** Kills the process when it has told of so many steps. */
  readonly killAfter: number;
}

async function count({ file, name, steps, killAfter }: Counting): Promise<readonly number[]> {
  const child = spawn(process.execPath, [fileURLToPath(new URL("testing/writing.child.ts", import.meta.url)), file, name, String(steps)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const told: number[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    told.push(Number(line));
    if (told.length === killAfter) child.kill("SIGKILL");
  }
  return told;
}

async function scratch(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), "mainstem-state-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
