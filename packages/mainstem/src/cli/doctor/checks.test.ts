import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { inspectEmbeddedLog, openEmbeddedLog } from "../../log/embedded/index.ts";
import { parseConfig } from "../../runtime/config.ts";
import { systemEnv } from "../../runtime/env.ts";
import { silentLogger } from "../../runtime/logger.ts";
import { inspectSqliteState, openSqliteState } from "../../state/sqlite/index.ts";
import { checkFolders } from "./folder-checks.ts";
import { inspectLoading } from "../../platform.ts";
import type { Check } from "./check.ts";
import { checkClock, checkGeneratedCode, checkMemory, checkNativeModules, checkVersions } from "./machine-checks.ts";
import { checkPorts } from "./server-checks.ts";

async function withFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "mainstem-doctor-"));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

test("an old Node fails, one that nobody tried is worth a word", () => {
  assert.deepEqual(
    ["20.19.0", "24.0.0", "26.10.0", "27.0.0"].map((node) => checkVersions(node).verdict),
    ["failed", "ok", "ok", "warning"],
  );
  assert.match(checkVersions("20.19.0").remedy ?? "", /Node 24/);
});

test("what is installed here is loaded and counts right", async () => {
  for (const { name, verdict, message } of await checkNativeModules()) assert.equal(verdict, "ok", `${name}: ${message}`);
});

test("code that is made for schemas works here; where it does not, doctor says what is slower", async () => {
  assert.equal((await checkGeneratedCode(inspectLoading)).verdict, "ok");
  const { verdict, message, remedy } = await checkGeneratedCode(async () => "the trial's records became other rows");
  assert.deepEqual([verdict, /tables are built without it: the trial's records/.test(message), /report it/.test(remedy ?? "")], ["warning", true, true]);
});

test("where code may not be generated, doctor says so and what allows it", () => {
  const script = `
    const { checkGeneratedCode } = await import(${JSON.stringify(new URL("machine-checks.ts", import.meta.url).href)});
    const { inspectLoading } = await import(${JSON.stringify(new URL("../../platform.ts", import.meta.url).href)});
    console.log(JSON.stringify(await checkGeneratedCode(inspectLoading)));`;
  const child = spawnSync(process.execPath, ["--disallow-code-generation-from-strings", "--input-type=module", "--eval", script], { encoding: "utf8" });
  const { verdict, message, remedy } = JSON.parse(child.stdout) as Check;
  assert.equal(verdict, "warning", child.stderr);
  assert.match(message, /records are encoded without it.*tables are built without it/);
  assert.match(remedy ?? "", /--disallow-code-generation-from-strings/);
});

test("a clock that starts in 1970 fails; one that is behind the log is worth a word", () => {
  const now = Date.UTC(2026, 10, 21);
  assert.equal(checkClock({ now: 12_000, lastAppend: undefined }).verdict, "failed");
  assert.equal(checkClock({ now, lastAppend: now + 500 }).verdict, "ok");
  const behind = checkClock({ now, lastAppend: now + 90_000 });
  assert.deepEqual([behind.verdict, /90 s before the log's own time/.test(behind.message)], ["warning", true]);
});

test("a build that may take most of the memory is worth a word", () => {
  assert.equal(checkMemory(parseConfig({ tables: { memoryBytesMax: "64MiB" } })).verdict, "ok");
  assert.equal(checkMemory(parseConfig({ tables: { memoryBytesMax: 900e12 } })).verdict, "warning");
});

test("a folder is tried as it will be used, and left as it was", async () => {
  await withFolder(async (folder) => {
    const config = parseConfig({ dataDir: join(folder, "to", "be", "made") });
    const [place, space] = await checkFolders(config);
    assert.equal(place?.verdict, "ok", place?.message);
    assert.match(place?.message ?? "", /to be made/);
    assert.equal(space?.name, "disk space");
    assert.deepEqual(await readdir(folder), []);
    await writeFile(join(folder, "file"), "");
    const [blocked] = await checkFolders(parseConfig({ dataDir: join(folder, "file", "data") }));
    assert.deepEqual([blocked?.verdict, /is no folder/.test(blocked?.message ?? "")], ["failed", true]);
    const [, tight] = await checkFolders(parseConfig({ dataDir: folder, log: { diskBytesMax: 9e15 } }));
    assert.notEqual(tight?.verdict, "ok");
  });
});

test("a port that is taken, and an address that is not ours, fail with what to do", async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  try {
    const [taken, free] = await checkPorts(parseConfig({ server: { port, registryPort: 0 } }));
    assert.deepEqual([taken?.verdict, free?.verdict], ["failed", "ok"]);
    assert.match(taken?.remedy ?? "", new RegExp(`:${port}'.*--port`));
    // TEST-NET-1 (RFC 5737) belongs to nobody.
    const [foreign] = await checkPorts(parseConfig({ server: { host: "192.0.2.1", port: 7070, token: "env:TOKEN" } }));
    assert.deepEqual([foreign?.verdict, /server\.host/.test(foreign?.remedy ?? "")], ["failed", true]);
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
});

test("stores are looked at without a change: what is not there yet, what is there, and what a newer version wrote", async () => {
  await withFolder(async (folder) => {
    const file = join(folder, "state.sqlite");
    const directory = join(folder, "log");
    assert.deepEqual(await inspectSqliteState(file), { version: undefined });
    assert.deepEqual(await inspectEmbeddedLog(directory), { topics: undefined, holder: undefined, lastTimestamp: undefined });
    assert.deepEqual(await readdir(folder), []);

    await (await openSqliteState({ file }))[Symbol.asyncDispose]();
    assert.deepEqual(await inspectSqliteState(file), { version: 1 });
    const database = new DatabaseSync(file);
    database.exec("INSERT INTO mainstem_schema (version, applied_at) VALUES (99, 0)");
    database.close();
    await assert.rejects(inspectSqliteState(file), { code: "state.newer" });
    await writeFile(file, "this is no database, however long it goes on");
    await assert.rejects(inspectSqliteState(file), { code: "state.corrupt" });

    await (await openEmbeddedLog({ directory, env: systemEnv, logger: silentLogger }))[Symbol.asyncDispose]();
    assert.deepEqual(await inspectEmbeddedLog(directory), { topics: 0, holder: undefined, lastTimestamp: undefined });
  });
});
