// The whole platform for as long as one likes: clients, chunks, builds and queries all the while, first with kills, then in one long life whose memory and handles must stay flat.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { runClient, type Ledger } from "./kill/client.ts";
import { contract, createDice, datasetName } from "./kill/generator.ts";
import { checkLog, checkTable, readLog } from "./kill/inspect-answers.ts";
import { checkFiles } from "./kill/inspect-files.ts";
import { startPlatform, temporaryFolder, type RunningPlatform } from "./running-platform.ts";
import { canBeTaken, medians, takeVitalSigns, type VitalSign } from "./soak/vital-signs.ts";

const seconds = Number(process.env["MAINSTEM_SOAK_SECONDS"] ?? "30");
const seed = Number(process.env["MAINSTEM_TEST_SEED"] ?? Math.floor(Math.random() * 2 ** 32));
/** The share of the time that has kills in it. */
const killedShare = 0.3;
const kills = 3;
const config = { archive: { every: "1s" }, tables: { every: "1s" }, log: { partitions: 3, segmentBytes: "4MB" } };
/** From here on the long life is long enough to be judged: before, it still fills its caches, and on a slow machine makes its first builds and queries. */
const secondsToJudge = 240;
/** By how much the last quarter of the long life may lie above its second quarter. */
const growth = { megabytes: 48, share: 0.15, handles: 8 };

test(
  `stays the same for ${seconds} seconds of ingest, builds and queries (MAINSTEM_TEST_SEED=${seed})`,
  { timeout: (seconds + 600) * 1_000 },
  async (context) => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, "mainstem.config.json"), JSON.stringify(config));
    const ledger: Ledger = { accepted: [], unknown: [], refusedIds: [], repeated: 0 };
    const stop = new AbortController();
    const { signal } = stop;
    let running: RunningPlatform | undefined = await startPlatform({ cwd: folder.path });
    const url = (): string | undefined => running?.url;
    try {
      await declare(running.url);
      const client = runClient({ client: 0, clients: 1, dice: createDice(seed), url, ledger, signal });
      const reader = ask(url, signal);
      const busy = Promise.all([client, reader]);
      busy.catch(() => undefined);
      for (let kill = 0; kill < kills; kill++) {
        await Promise.race([sleep((seconds * killedShare * 1_000) / kills), busy]);
        const dying: RunningPlatform = running;
        running = undefined;
        await dying.kill("SIGKILL");
        running = await startPlatform({ cwd: folder.path });
      }
      const looking = new AbortController();
      const signs = canBeTaken ? takeVitalSigns(running.pid, looking) : Promise.resolve([]);
      await Promise.race([sleep(seconds * (1 - killedShare) * 1_000), busy, signs]);
      looking.abort();
      judge(await signs, (line) => context.diagnostic(line));
      stop.abort();
      const [, queries] = await busy;
      const records = await readLog(running.url);
      checkLog(records, ledger);
      await checkTable(running.url, records);
      assert.deepEqual(await running.kill("SIGTERM"), { code: 0, signal: null }, running.said());
      running = undefined;
      const { chunks, snapshots } = await checkFiles(join(folder.path, ".mainstem"));
      context.diagnostic(
        `${kills} kills; ${ledger.accepted.length} records acknowledged, ${chunks} chunks, ${snapshots} snapshots, ${queries} queries answered`,
      );
      assert.ok(queries > 0 && ledger.accepted.length > 0);
    } finally {
      stop.abort();
      await running?.[Symbol.asyncDispose]();
    }
  },
);

function judge(signs: readonly VitalSign[], tell: (line: string) => void): void {
  if (signs.length === 0) return tell("memory and handles cannot be looked at on this system");
  for (let eighth = 0; eighth < 8; eighth++) {
    const { megabytes, handles, threads } = medians(signs, eighth / 8, (eighth + 1) / 8);
    tell(`${Math.round(((eighth + 0.5) / 8) * signs.at(-1)!.at)} s: ${megabytes} MB, ${handles} handles, ${threads} threads`);
  }
  if (signs.at(-1)!.at < secondsToJudge) return;
  const early = medians(signs, 0.25, 0.5);
  const late = medians(signs, 0.75, 1);
  assert.ok(late.handles <= early.handles + growth.handles, `open handles grew from ${early.handles} to ${late.handles}`);
  assert.ok(late.threads <= early.threads + 2, `threads grew from ${early.threads} to ${late.threads}`);
  const most = early.megabytes + Math.max(growth.megabytes, early.megabytes * growth.share);
  assert.ok(late.megabytes <= most, `memory grew from ${early.megabytes} to ${late.megabytes} MB`);
}

/** Asks questions of the table, over kills and restarts; gives how many were answered. */
async function ask(url: () => string | undefined, signal: AbortSignal): Promise<number> {
  let answered = 0;
  for (let turn = 0; !signal.aborted; turn++) {
    await sleep(300);
    const sql = [
      `SELECT count(*) FROM ${datasetName}`,
      `SELECT date_trunc('day', "at"), count(*), max(revision) FROM ${datasetName} GROUP BY 1 ORDER BY 1`,
      `SELECT * FROM ${datasetName} ORDER BY revision DESC LIMIT 100`,
    ][turn % 3];
    const target = url();
    if (target === undefined) continue;
    const response = await fetch(`${target}/v1/query`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ sql }),
    }).catch(() => undefined);
    // A platform that dies answers nothing; one that runs must.
    if (response === undefined) continue;
    const text = await response.text().catch(() => undefined);
    if (text === undefined) continue;
    assert.ok(response.status === 200 || response.status === 503, `${response.status}: ${text}`);
    if (response.status === 200) answered++;
  }
  return answered;
}

async function declare(url: string): Promise<void> {
  const response = await fetch(`${url}/v1/definitions/dataset/${datasetName}`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(contract),
  });
  assert.ok(response.ok, await response.text());
}
