// Data directories that a later version of Mainstem wrote: each part of one is refused by name, and left as it is.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import crc32 from "@node-rs/crc32";
import { contract, createBatches, createDice, datasetName } from "./kill/generator.ts";
import { checkLog, checkTable, readLog } from "./kill/inspect-answers.ts";
import { cliEntry, startPlatform, temporaryFolder, type RunningPlatform } from "./running-platform.ts";

const run = promisify(execFile);
const env = { MAINSTEM_ARCHIVE_EVERY: "200ms", MAINSTEM_TABLES_EVERY: "200ms" };
const waitMsMax = 120_000;

/** A change that a later version could have made, and what must be said of it. */
interface Later {
  readonly what: string;
  readonly code: string;
  readonly says: RegExp;
  readonly change: (dataDir: string) => Promise<void>;
}

const atStart: readonly Later[] = [
  {
    what: "a topic",
    code: "log.newer",
    says: /topic\.json was written in format version 2/,
    change: (data) => laterJson(data, /kill\.events\/[^/]+\/topic\.json$/),
  },
  {
    what: "a group's offsets",
    code: "log.newer",
    says: /archive\.kill\.events\.json was written/,
    change: (data) => laterJson(data, /groups\/.*archive\.kill/),
  },
  {
    what: "a recovery point",
    code: "log.newer",
    says: /recovery-point was written/,
    change: (data) => laterSlots(data, /kill\.events\/[^/]+\/0\/recovery-point$/, 76),
  },
  { what: "the log's clock", code: "log.newer", says: /log\/clock was written in format version 2/, change: (data) => laterSlots(data, /log\/clock$/, 20) },
  {
    what: "the state",
    code: "state.newer",
    says: /The state has format 99/,
    change: async (data) => inState(data, "INSERT INTO mainstem_schema (version, applied_at) VALUES (99, 0)"),
  },
  {
    what: "a contract",
    code: "registry.newer",
    says: /The contract of kill\.events in version 1 was written by a newer version of Mainstem: it has format 2/,
    change: async (data) => inState(data, `UPDATE definitions SET spec = replace(spec, '"formatVersion":1', '"formatVersion":2') WHERE kind = 'dataset'`),
  },
  {
    what: "an object of a definition",
    code: "registry.newer",
    says: /definitions\/dataset\/kill\.events\/2\.json was written by a newer version/,
    change: (data) =>
      writeFile(
        join(data, "objects/definitions/dataset/kill.events/2.json"),
        '{"formatVersion":2,"kind":"dataset","name":"kill.events","version":2,"appliedAt":0,"spec":{}}',
      ),
  },
];

test("what a later version wrote ends the start with its name and what to do, and nothing is changed", async (context) => {
  await using folder = await temporaryFolder();
  const dataDir = join(folder.path, "data");
  const before = await fill(folder.path, dataDir);
  for (const { what, code, says, change } of atStart) {
    await context.test(what, async () => {
      await change(dataDir);
      const changed = await digests(dataDir);
      const failure = await run(process.execPath, [cliEntry, "start", "--json", "--port", "0", "--data-dir", dataDir], { timeout: waitMsMax }).then(
        () => assert.fail("it started"),
        (error: unknown) => error as { readonly code: number; readonly stderr: string; readonly stdout: string },
      );
      const { error } = JSON.parse(failure.stderr) as { readonly error: { readonly code: string; readonly message: string; readonly remedy: string } };
      assert.deepEqual([failure.code, error.code, failure.stdout], [1, code, ""]);
      assert.match(error.message, says);
      assert.match(error.remedy, /run that version or a later one/);
      assert.deepEqual(await digests(dataDir), changed, "nothing is changed");
      await restore(dataDir, before);
    });
  }
});

test("an archive that a later version wrote stops its task by name, the log goes on, and that version finds all of it", async () => {
  await using folder = await temporaryFolder();
  const dataDir = join(folder.path, "data");
  await fill(folder.path, dataDir);
  const [chain] = await files(dataDir, /_chain\/\d+\.json$/);
  assert.ok(chain !== undefined);
  const entry = await readFile(chain);
  const body = Buffer.from(entry.subarray(0, entry.lastIndexOf(',"check"')).toString().replace('"formatVersion":1', '"formatVersion":2'));
  await writeFile(chain, `${body.toString()},"check":"${createHash("sha256").update(body).digest("hex")}"}\n`);
  const archived = await digests(join(dataDir, "objects/archive"));
  const sent = createBatches(createDice(1), { client: 1, clients: 2 }).next();
  {
    await using platform = await startPlatform({ cwd: folder.path, env, args: ["--data-dir", dataDir] });
    const task = await stopped(platform, `archive.${datasetName}`);
    assert.deepEqual([task.verdict, task.lastError?.code], ["failed", "archive.newer"]);
    assert.match(task.lastError?.message ?? "", new RegExp(`${basename(chain)} was written by a newer version of Mainstem`));
    await send(platform, sent.lines);
    assert.deepEqual(await digests(join(dataDir, "objects/archive")), archived, "nothing is written");
    await platform.kill("SIGTERM");
  }
  await writeFile(chain, entry);
  await using platform = await startPlatform({ cwd: folder.path, env, args: ["--data-dir", dataDir] });
  const records = await readLog(platform.url);
  const first = createBatches(createDice(1), { client: 0, clients: 2 }).next();
  checkLog(records, { accepted: [...first.valid, ...sent.valid], unknown: [], refusedIds: [...first.refusedIds, ...sent.refusedIds], repeated: 0 });
  await checkTable(platform.url, records);
});

/** A data directory with a table, closed in order. Gives its files. */
async function fill(cwd: string, dataDir: string): Promise<ReadonlyMap<string, Buffer>> {
  await using platform = await startPlatform({ cwd, env, args: ["--data-dir", dataDir] });
  const declared = await fetch(`${platform.url}/v1/definitions/dataset/${datasetName}`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(contract),
  });
  assert.ok(declared.ok, await declared.text());
  await send(platform, createBatches(createDice(1), { client: 0, clients: 2 }).next().lines);
  await checkTable(platform.url, await readLog(platform.url));
  assert.equal((await platform.kill("SIGTERM")).code, 0);
  return new Map(await Promise.all((await files(dataDir, /./)).map(async (path) => [path, await readFile(path)] as const)));
}

async function send({ url }: RunningPlatform, lines: readonly string[]): Promise<void> {
  const response = await fetch(`${url}/v1/datasets/${datasetName}/records`, {
    method: "POST",
    headers: { "content-type": "application/x-ndjson" },
    body: `${lines.join("\n")}\n`,
  });
  assert.equal(response.status, 200, await response.text());
}

interface TaskView {
  readonly name: string;
  readonly state: string;
  readonly verdict: string;
  readonly lastError: { readonly code: string; readonly message: string } | null;
}

async function stopped({ url }: RunningPlatform, name: string): Promise<TaskView> {
  for (const end = performance.now() + waitMsMax; ; await sleep(50)) {
    const { tasks } = (await (await fetch(`${url}/v1/tasks`)).json()) as { readonly tasks: readonly TaskView[] };
    const task = tasks.find((one) => one.name === name);
    if (task?.state === "stopped") return task;
    assert.ok(performance.now() < end, `${name} is ${task?.state}`);
  }
}

/** Who holds the lock, and what SQLite keeps beside a database that is open, is no data. */
const noData = /(?:^|\/)(?:lock|lock\.holder|state\.sqlite-(?:wal|shm))$/;

async function files(folder: string, named: RegExp): Promise<readonly string[]> {
  const found = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  return found
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => named.test(path) && !noData.test(path))
    .sort();
}

async function digests(folder: string): Promise<readonly string[]> {
  const all = await files(folder, /./);
  return Promise.all(
    all.map(
      async (path) =>
        `${path} ${createHash("sha256")
          .update(await readFile(path))
          .digest("hex")}`,
    ),
  );
}

async function restore(dataDir: string, before: ReadonlyMap<string, Buffer>): Promise<void> {
  for (const path of await files(dataDir, /./)) {
    const bytes = before.get(path);
    if (bytes === undefined) await rm(path);
    else await writeFile(path, bytes);
  }
}

/** The same file in the next version of its format, whole by its own checks. */
async function laterJson(dataDir: string, named: RegExp): Promise<void> {
  const [path] = await files(dataDir, named);
  const { body } = JSON.parse(await readFile(path!, "utf8")) as { readonly body: unknown };
  const crc = crc32
    .crc32c(JSON.stringify([2, body]))
    .toString(16)
    .padStart(8, "0");
  await writeFile(path!, `${JSON.stringify({ formatVersion: 2, crc32c: crc, body })}\n`);
}

async function laterSlots(dataDir: string, named: RegExp, slotBytes: number): Promise<void> {
  const [path] = await files(dataDir, named);
  const bytes = await readFile(path!);
  for (const at of [0, 4_096]) {
    bytes.writeUInt32BE(2, at + 4);
    bytes.writeUInt32BE(crc32.crc32c(bytes.subarray(at, at + slotBytes - 4)), at + slotBytes - 4);
  }
  await writeFile(path!, bytes);
}

function inState(dataDir: string, sql: string): void {
  const database = new DatabaseSync(join(dataDir, "state.sqlite"));
  database.exec(sql);
  database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  database.close();
}
