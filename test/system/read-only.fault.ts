// Disks that cannot be written, from the start or from a moment on: file systems of their own, where this process may mount them.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { until } from "../../packages/mainstem/src/runtime/testing/until.ts";
import type { Ledger } from "./kill/client.ts";
import { contract, createBatches, createDice, datasetName } from "./kill/generator.ts";
import { checkLog, checkTable, readLog } from "./kill/inspect-answers.ts";
import { cliEntry, startPlatform, temporaryFolder, type RunningPlatform } from "./running-platform.ts";
import { abortDisk, mountImage, mountMemory, mountReadOnly, remount } from "./small-disk.ts";

const run = promisify(execFile);
const env = { MAINSTEM_ARCHIVE_EVERY: "200ms", MAINSTEM_TABLES_EVERY: "200ms" };
const noMount = "no file system can be mounted here";
const waitMsMax = 60_000;

test("a start on a read-only disk says which folder and what to do, makes nothing, and works when it can be written", async (context) => {
  await using folder = await temporaryFolder();
  await using disk = await mountMemory(folder.path);
  if (disk === undefined) return context.skip(noMount);
  const dataDir = join(folder.path, "data");
  await remount(disk, "ro");
  assert.deepEqual(await start(dataDir), {
    exitCode: 1,
    code: "platform.notWritable",
    message: `Nothing can be written in ${dataDir} (to be made in ${folder.path}): its file system is mounted read-only (EROFS).`,
  });
  assert.match(await doctor(dataDir), /data directory.*EROFS/);
  await remount(disk, "rw");
  await mkdir(join(dataDir, "objects"), { recursive: true });
  {
    await using part = await mountReadOnly(join(dataDir, "objects"));
    assert.ok(part !== undefined);
    assert.deepEqual(await start(dataDir), {
      exitCode: 1,
      code: "platform.notWritable",
      message: `Nothing can be written in ${join(dataDir, "objects")}: its file system is mounted read-only (EROFS).`,
    });
    assert.match(await doctor(dataDir), /data directory.*objects refuses files \(EROFS\)/);
  }
  assert.deepEqual([await readdir(dataDir), await readdir(join(dataDir, "objects"))], [["objects"], []]);
  await using platform = await startPlatform({ cwd: folder.path, env, args: ["--data-dir", dataDir] });
  const sender = await createSender(platform);
  assert.equal((await sender.send()).status, 200);
});

for (const [what, task, code] of [
  ["objects", "archive", "objects.failed"],
  ["scratch/build", "table", "disk.failed"],
] as const)
  test(`${what} that becomes read-only holds tasks up with the reason, records are taken, and everything goes on by itself`, async (context) => {
    await using folder = await temporaryFolder();
    await using disk = await mountMemory(folder.path);
    if (disk === undefined) return context.skip(noMount);
    const dataDir = join(folder.path, "data");
    await using platform = await startPlatform({ cwd: folder.path, env, args: ["--data-dir", dataDir] });
    const sender = await createSender(platform);
    assert.equal((await sender.send()).status, 200);
    {
      await using part = await mountReadOnly(join(dataDir, what));
      assert.ok(part !== undefined);
      assert.equal((await sender.send()).status, 200);
      const failing = await until(`the ${task} backs off`, async () =>
        (await tasksOf(platform)).find(({ name, lastError }) => name === `${task}.${datasetName}` && lastError !== null),
      );
      assert.equal(failing.lastError?.code, code);
      assert.match(failing.lastError?.message ?? "", /EROFS: read-only file system/);
      assert.match((await cli(["status", "--server", platform.url])).stdout, /EROFS/);
      assert.equal((await sender.send()).status, 200);
      for (const { name, state, lastError } of await tasksOf(platform)) assert.notEqual(state, "stopped", `${name} is tried again: ${lastError?.message}`);
    }
    const records = await readLog(platform.url);
    checkLog(records, sender.ledger);
    await checkTable(platform.url, records);
    assert.equal((await platform.kill("SIGTERM")).code, 0);
  });

test("a disk that becomes read-only refuses records with 503 and the reason, and after a start on a whole one nothing is lost", async (context) => {
  await using folder = await temporaryFolder();
  const image = join(folder.path, "image");
  const path = join(folder.path, "disk");
  const args = ["--data-dir", join(path, "data")];
  let ledger: Ledger;
  {
    await using disk = await mountImage(image, path, { make: true });
    if (disk === undefined) return context.skip(noMount);
    await using platform = await startPlatform({ cwd: folder.path, env, args });
    const sender = await createSender(platform);
    ({ ledger } = sender);
    for (let batch = 0; batch < 20; batch++) assert.equal((await sender.send()).status, 200);
    await abortDisk(disk);
    for (let batch = 0; batch < 3; batch++) {
      const refused = await sender.send();
      assert.deepEqual([refused.status, refused.code], [503, "log.writeFailed"]);
      assert.match(refused.detail ?? "", /EROFS: read-only file system.*until Mainstem is started again/);
    }
    assert.equal((await readLog(platform.url)).length >= ledger.accepted.length, true, "what was taken can be read");
    const status = await cli(["status", "--server", platform.url]);
    assert.match(status.stdout, /The door fails since .*EROFS: read-only file system/);
    for (const { name, state, lastError } of await tasksOf(platform)) assert.notEqual(state, "stopped", `${name} is tried again: ${lastError?.message}`);
    assert.match(await doctor(join(path, "data")), /data directory.*EROFS/);
    // It cannot put away what closing puts away, and says so.
    assert.equal((await platform.kill("SIGTERM")).code, 1);
    assert.match(platform.said(), /read-only/);
    assert.doesNotMatch(platform.said(), /runtime\.bug/);
  }
  await using disk = await mountImage(image, path, { make: false });
  assert.ok(disk !== undefined);
  await using platform = await startPlatform({ cwd: folder.path, env, args });
  const sender = await createSender(platform, ledger);
  assert.equal((await sender.send()).status, 200);
  const records = await readLog(platform.url);
  checkLog(records, ledger);
  await checkTable(platform.url, records);
  assert.equal((await platform.kill("SIGTERM")).code, 0);
});

interface Answer {
  readonly status: number;
  readonly code?: string;
  readonly detail?: string;
}

/** Declares the dataset, and then sends a batch at a time. A ledger of a life before is carried on with other batches. */
async function createSender({ url }: RunningPlatform, before?: Ledger): Promise<{ readonly ledger: Ledger; readonly send: () => Promise<Answer> }> {
  const declared = await fetch(`${url}/v1/definitions/dataset/${datasetName}`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(contract),
  });
  assert.ok(declared.ok, await declared.text());
  const ledger: Ledger = before ?? { accepted: [], unknown: [], refusedIds: [], repeated: 0 };
  const batches = createBatches(createDice(1), { client: before === undefined ? 0 : 1, clients: 2 });
  const send = async (): Promise<Answer> => {
    const { lines, valid, refusedIds } = batches.next();
    const response = await fetch(`${url}/v1/datasets/${datasetName}/records`, {
      method: "POST",
      headers: { "content-type": "application/x-ndjson" },
      body: `${lines.join("\n")}\n`,
    });
    ledger[response.status === 200 ? "accepted" : "unknown"].push(...valid);
    ledger.refusedIds.push(...refusedIds);
    return { ...((await response.json()) as Omit<Answer, "status">), status: response.status };
  };
  return { ledger, send };
}

interface TaskView {
  readonly name: string;
  readonly state: string;
  readonly lastError: { readonly code: string; readonly message: string } | null;
}

async function tasksOf({ url }: RunningPlatform): Promise<readonly TaskView[]> {
  return ((await (await fetch(`${url}/v1/tasks`)).json()) as { readonly tasks: readonly TaskView[] }).tasks;
}

/** `mainstem start`, where it cannot. */
async function start(dataDir: string): Promise<{ readonly exitCode: number; readonly code: string; readonly message: string }> {
  const { exitCode, stderr } = await cli(["start", "--json", "--port", "0", "--data-dir", dataDir]);
  const { error } = JSON.parse(stderr) as { readonly error: { readonly code: string; readonly message: string; readonly remedy: string } };
  assert.match(error.remedy, /Mount the file system for writing/);
  return { exitCode, code: error.code, message: error.message };
}

async function doctor(dataDir: string): Promise<string> {
  const { exitCode, stdout } = await cli(["doctor", "--data-dir", dataDir, "--port", "0"]);
  assert.equal(exitCode, 1);
  return stdout;
}

async function cli(args: readonly string[]): Promise<{ readonly exitCode: number; readonly stdout: string; readonly stderr: string }> {
  try {
    return { exitCode: 0, ...(await run(process.execPath, [cliEntry, ...args], { timeout: waitMsMax })) };
  } catch (error) {
    const { code, stdout, stderr } = error as { readonly code: number; readonly stdout: string; readonly stderr: string };
    return { exitCode: code, stdout, stderr };
  }
}
