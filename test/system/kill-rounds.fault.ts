// SIGKILL at random moments while clients send, chunks are archived and tables are built; then everything is compared with everything.
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

const seconds = Number(process.env["MAINSTEM_TEST_SECONDS"] ?? "5");
const seed = Number(process.env["MAINSTEM_TEST_SEED"] ?? Math.floor(Math.random() * 2 ** 32));
const roundsMin = 4;
const clients = 3;
/** Everything happens often: chunks, builds and new segments several times a second. */
const config = { archive: { every: "150ms" }, tables: { every: "100ms" }, log: { partitions: 3, segmentBytes: "64KB" } };

test(`loses nothing and invents nothing over kills at any moment (MAINSTEM_TEST_SEED=${seed})`, async (context) => {
  await using folder = await temporaryFolder();
  await writeFile(join(folder.path, "mainstem.config.json"), JSON.stringify(config));
  const dice = createDice(seed);
  const ledger: Ledger = { accepted: [], unknown: [], refusedIds: [], repeated: 0 };
  const stop = new AbortController();
  let running: RunningPlatform | undefined;
  let writers: Promise<unknown> | undefined;
  let rounds = 0;
  try {
    for (const deadline = Date.now() + seconds * 1_000; rounds < roundsMin || Date.now() < deadline; rounds++) {
      running = await startPlatform({ cwd: folder.path });
      await declare(running.url);
      writers ??= Promise.all(
        Array.from({ length: clients }, (_, client) =>
          runClient({ client, clients, dice: createDice(seed + client + 1), url: () => running?.url, ledger, signal: stop.signal }),
        ),
      );
      writers.catch(() => undefined);
      // A client that fails is reported at once, not after the last round.
      await Promise.race([sleep(50 + dice.roll(dice.roll(2) === 0 ? 700 : 3_000)), writers]);
      const dying = running;
      running = undefined;
      await dying.kill("SIGKILL");
    }
    stop.abort();
    running = await startPlatform({ cwd: folder.path });
    await writers;
    const records = await readLog(running.url);
    checkLog(records, ledger);
    await checkTable(running.url, records);
    const ending = await running.kill("SIGTERM");
    assert.deepEqual(ending, { code: 0, signal: null }, running.said());
    running = undefined;
    const { chunks, snapshots } = await checkFiles(join(folder.path, ".mainstem"));
    context.diagnostic(
      `${rounds} kills; ${ledger.accepted.length} records acknowledged, ${ledger.unknown.length} unanswered, ${ledger.refusedIds.length} refused, ${ledger.repeated} requests repeated; ${records.length} in the log, ${chunks} chunks, ${snapshots} snapshots`,
    );
    assert.ok(ledger.accepted.length > 0 && ledger.refusedIds.length > 0, "the clients sent nothing");
  } finally {
    stop.abort();
    await running?.[Symbol.asyncDispose]();
  }
});

async function declare(url: string): Promise<void> {
  const response = await fetch(`${url}/v1/definitions/dataset/${datasetName}`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(contract),
  });
  assert.ok(response.ok, await response.text());
}
