// A disk that is really full: a small file system of its own, where this process may mount one.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { contract, createBatches, createDice, datasetName } from "./kill/generator.ts";
import { checkLog, checkTable, readLog } from "./kill/inspect-answers.ts";
import type { Ledger } from "./kill/client.ts";
import { loadConfig } from "../../packages/mainstem/src/runtime/config.ts";
import { openPlatform } from "../../packages/mainstem/src/platform.ts";
import { temporaryFolder } from "./running-platform.ts";
import { mountMemory } from "./small-disk.ts";

const run = promisify(execFile);
/** How many batches are tried until the disk must be full, and until it must be taken from again. */
const batchesMax = 2_000;

test("a full disk refuses records with a code, loses none that it took, and everything goes on when there is room", async (context) => {
  await using folder = await temporaryFolder();
  await using disk = await mountMemory(folder.path);
  if (disk === undefined) return context.skip("no file system can be mounted here");
  const ballast = join(folder.path, "ballast");
  const flags = { dataDir: join(folder.path, "data"), "server.port": "0" };
  const defaults = { "archive.every": "200ms", "tables.every": "200ms", "log.segmentBytes": "256KB" };
  const config = await loadConfig({ cwd: folder.path, file: undefined, env: {}, flags, defaults });
  await using platform = await openPlatform(config);
  const declared = await fetch(`${platform.url}/v1/definitions/dataset/${datasetName}`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(contract),
  });
  assert.ok(declared.ok, await declared.text());
  const ledger: Ledger = { accepted: [], unknown: [], refusedIds: [], repeated: 0 };
  const batches = createBatches(createDice(1), { client: 0, clients: 1 });
  const send = async (): Promise<{ readonly status: number; readonly code?: string }> => {
    const { lines, valid, refusedIds } = batches.next();
    const response = await fetch(`${platform.url}/v1/datasets/${datasetName}/records`, {
      method: "POST",
      headers: { "content-type": "application/x-ndjson" },
      body: `${lines.join("\n")}\n`,
    });
    const answer = (await response.json()) as { readonly code?: string };
    // A body that is streamed may be stored in part when the answer is no.
    ledger[response.status === 200 ? "accepted" : "unknown"].push(...valid);
    ledger.refusedIds.push(...refusedIds);
    return { status: response.status, ...answer };
  };
  assert.equal((await send()).status, 200);
  await fill(ballast);
  let full = await send();
  for (let batch = 0; full.status === 200 || full.status === 422; batch++) {
    assert.ok(batch < batchesMax, "the disk never became full");
    full = await send();
  }
  assert.deepEqual({ status: full.status, code: full.code }, { status: 503, code: "log.full" });
  assert.equal((await fetch(`${platform.url}/v1/datasets`)).status, 200, "what needs no room is answered");
  await rm(ballast);
  for (let batch = 0; (await send()).status !== 200; batch++) {
    assert.ok(batch < batchesMax, "records are not taken again");
    await sleep(50);
  }
  const records = await readLog(platform.url);
  checkLog(records, ledger);
  await checkTable(platform.url, records);
});

/** Takes what room there is. */
async function fill(path: string): Promise<void> {
  await run("dd", ["if=/dev/zero", `of=${path}`, "bs=64k"]).catch(() => undefined);
}
