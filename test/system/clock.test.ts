// The whole platform under a wall clock that jumps, in this process: only here can a test set its clock.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { loadConfig } from "../../packages/mainstem/src/runtime/config.ts";
import { systemEnv } from "../../packages/mainstem/src/runtime/env.ts";
import { openPlatform, type Platform } from "../../packages/mainstem/src/platform.ts";
import { temporaryFolder } from "./running-platform.ts";

const dayMs = 86_400_000;
const waitMsMax = 60_000;
const name = "time.visits";
const contract = {
  formatVersion: 1,
  name,
  schema: { type: "record", name: "visits", namespace: "time", fields: [{ name: "id", type: "string" }] },
  key: ["id"],
  order: "log",
};

interface Logged {
  readonly partition: number;
  readonly timestamp: string;
  readonly value: { readonly id: string };
}

test("a clock that jumps by days, while it runs and over restarts, loses nothing, repeats nothing and makes no claim untrue", async () => {
  await using folder = await temporaryFolder();
  const defaults = { "archive.every": "100ms", "tables.every": "100ms", "log.retention.ms": "1h", "log.segmentBytes": "1KiB" };
  const config = await loadConfig({ cwd: folder.path, file: undefined, env: {}, flags: { dataDir: join(folder.path, "data"), "server.port": "0" }, defaults });
  let ahead = 0;
  const env = { ...systemEnv, now: () => Date.now() + ahead };
  const sent: string[] = [];
  /** What the archive and the table claimed, with how many records there were by then. */
  const claims: { readonly through: number; readonly records: number }[] = [];

  const send = async ({ url }: Platform, key: string): Promise<number> => {
    const response = await fetch(`${url}/v1/datasets/${name}/records`, {
      method: "POST",
      headers: { "content-type": "application/json", "idempotency-key": key },
      body: JSON.stringify({ id: key }),
    });
    return response.status;
  };
  const claim = async ({ url }: Platform): Promise<void> => {
    const { archive, completeThrough } = (await (await fetch(`${url}/v1/datasets/${name}`)).json()) as {
      readonly archive: { readonly completeThrough: string | null };
      readonly completeThrough: string | null;
    };
    for (const through of [archive.completeThrough, completeThrough]) if (through !== null) claims.push({ through: Date.parse(through), records: sent.length });
  };
  const settled = async (platform: Platform): Promise<void> => {
    for (const end = performance.now() + waitMsMax; ; await sleep(50)) {
      await claim(platform);
      const { tasks } = (await (await fetch(`${platform.url}/v1/tasks`)).json()) as {
        readonly tasks: readonly {
          readonly name: string;
          readonly state: string;
          readonly progress: { readonly position: number; readonly end: number } | null;
        }[];
      };
      for (const { name: task, state } of tasks) assert.notEqual(state, "stopped", task);
      const table = tasks.find((one) => one.name === `table.${name}`);
      if (table?.progress?.position === sent.length) return;
      assert.ok(performance.now() < end, `the table is at ${table?.progress?.position} of ${sent.length}`);
    }
  };

  for (const [life, jumps] of [[0, 400 * dayMs], [-400 * dayMs, -60_000, 800 * dayMs], [0]].entries()) {
    ahead = jumps[0]!;
    await using platform = await openPlatform(config, { env });
    const declared = await fetch(`${platform.url}/v1/definitions/dataset/${name}`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(contract),
    });
    assert.ok(declared.ok, await declared.text());
    // What was sent in a life before is known, whatever the clock says.
    for (const key of sent) assert.equal(await send(platform, key), 200);
    for (const [number, jump] of jumps.entries()) {
      ahead = jump;
      for (let count = 0; count < 5; count++) {
        const key = `${life}-${number}-${count}`;
        assert.equal(await send(platform, key), 200);
        sent.push(key);
        assert.equal(await send(platform, key), 200);
      }
      await settled(platform);
      // Quiet partitions are claimed as well.
      await sleep(1_200);
      await claim(platform);
    }
    const lines = (await (await fetch(`${platform.url}/v1/datasets/${name}/records`)).text()).trim().split("\n");
    const records = lines.map((line) => JSON.parse(line) as Logged);
    assert.deepEqual(records.map(({ value }) => value.id).toSorted(), sent.toSorted(), "every record once, and none dropped for its age");
    for (const { value, timestamp } of records) {
      const number = sent.indexOf(value.id);
      for (const { through, records: before } of claims)
        assert.ok(
          number < before || Date.parse(timestamp) > through,
          `${value.id} got ${timestamp}, after complete through ${new Date(through).toISOString()}`,
        );
    }
    const answer = await fetch(`${platform.url}/v1/query`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ sql: `SELECT id FROM ${name} ORDER BY id` }),
    });
    const { rows } = (await answer.json()) as { readonly rows: readonly (readonly [string])[] };
    assert.deepEqual(
      rows.map(([id]) => id),
      sent.toSorted(),
    );
  }
});
