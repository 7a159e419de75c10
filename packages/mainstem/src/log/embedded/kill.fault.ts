import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { systemEnv } from "../../runtime/env.ts";
import type { MainstemError } from "../../runtime/errors.ts";
import { silentLogger } from "../../runtime/logger.ts";
import type { Log } from "../log.ts";
import { position, readRecords, toSpec } from "../log-testing.ts";
import { openEmbeddedLog } from "./embedded-log.ts";

const secondsMax = Number(process.env["MAINSTEM_TEST_SECONDS"] ?? 4);
const seed = Number(process.env["MAINSTEM_TEST_SEED"] ?? Date.now() % 1_000_000);

describe("a killed process", () => {
  test("loses nothing that it acknowledged, round after round on the same directory", async (context) => {
    context.diagnostic(`MAINSTEM_TEST_SEED=${seed}`);
    const directory = await mkdtemp(join(tmpdir(), "mainstem-kill-"));
    try {
      const acknowledged: Acknowledged[] = [];
      const end = performance.now() + secondsMax * 1_000;
      let round = 0;
      do {
        acknowledged.push(...(await runAndKill(directory, round, 20 + ((seed * 7_919 + round * 104_729) % 300))));
        await check(directory, acknowledged);
        round++;
      } while (round < 3 || performance.now() < end);
      assert.ok(acknowledged.length > 10, "something was acknowledged");
      context.diagnostic(`${round} rounds, ${acknowledged.length} acknowledged batches`);
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  test("frees its directory, which nobody else can open while it lives", async () => {
    const directory = await mkdtemp(join(tmpdir(), "mainstem-lock-"));
    try {
      const child = start(directory, 0);
      await child.ready;
      await assert.rejects(open(directory), (error: MainstemError) => {
        assert.equal(error.code, "log.locked");
        assert.equal(error.facts["pid"], child.pid);
        assert.match(error.message, new RegExp(`\\b${child.pid}\\b`));
        return true;
      });
      await child.kill();
      await using log = await open(directory);
      await assert.rejects(open(directory), { code: "log.locked" });
      assert.equal((await log.topics()).length, 1);
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});

interface Acknowledged {
  readonly partition: number;
  readonly first: number;
  readonly last: number;
  /** How the first value begins: round, writer and count. */
  readonly name: string;
}

async function runAndKill(directory: string, round: number, afterMs: number): Promise<Acknowledged[]> {
  const child = start(directory, round);
  await child.ready;
  await systemEnv.sleep(afterMs);
  await child.kill();
  return child.lines.map((line) => {
    const [partition, first, last, name] = line.split(" ");
    return { partition: Number(partition), first: Number(first), last: Number(last), name: name! };
  });
}

interface Child {
  readonly pid: number;
  readonly ready: Promise<void>;
  /** What it acknowledged: whole lines, after it ended. */
  readonly lines: string[];
  kill(): Promise<void>;
}

function start(directory: string, round: number): Child {
  const program = fileURLToPath(new URL("kill-child.ts", import.meta.url));
  const child = spawn(process.execPath, [program, directory, String(round)], { stdio: ["ignore", "pipe", "inherit"] });
  const lines: string[] = [];
  const ready = Promise.withResolvers<void>();
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  void ended.then(() => ready.reject(new Error("the child ended before it was ready")));
  createInterface(child.stdout).on("line", (line) => {
    if (line === "ready") ready.resolve();
    // The last line may be cut by the kill.
    else if (/^\d+ \d+ \d+ \d+\/\d+\/\d+ durable$/.test(line)) lines.push(line);
  });
  return {
    pid: child.pid!,
    ready: ready.promise,
    lines,
    async kill() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

async function check(directory: string, acknowledged: readonly Acknowledged[]): Promise<void> {
  await using log = await open(directory);
  const topic = (await log.describeTopic(toSpec("killed").name))!;
  for (let partition = 0; partition < topic.partitions; partition++) {
    const records = await readRecords(log, position(topic, 0, partition));
    for (const [index, { offset, value }] of records.entries()) {
      assert.equal(offset, index);
      // Within a batch the records count from 0: none of it is missing.
      const [round, writer, count, place] = value!.split("/");
      const before = Number(place) === 0 ? undefined : records[index - 1]!.value!;
      if (before !== undefined) assert.ok(before.startsWith(`${round}/${writer}/${count}/${Number(place) - 1}/`), `offset ${offset}`);
      const size = 1 + (Number(count) % 7);
      assert.ok(index + size - Number(place) <= records.length, `the batch at offset ${offset} is whole`);
    }
    for (const { first, last, name } of acknowledged.filter((one) => one.partition === partition)) {
      assert.ok(records[first]?.value?.startsWith(`${name}/0/`), `${name} is at offset ${first}`);
      assert.ok(records[last]?.value?.startsWith(`${name}/${last - first}/`), `${name} ends at offset ${last}`);
    }
  }
}

function open(directory: string): Promise<Log> {
  return openEmbeddedLog({ directory, env: systemEnv, logger: silentLogger });
}
