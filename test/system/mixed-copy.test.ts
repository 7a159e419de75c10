// A data directory that was put together from copies of different times: nothing that is acknowledged may be lost between them.
import assert from "node:assert/strict";
import { cp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { until } from "../../packages/mainstem/src/runtime/testing/until.ts";
import { ordersContract, runCommand, type Ended } from "./command-line.ts";
import { startPlatform, temporaryFolder } from "./running-platform.ts";

const env = { MAINSTEM_ARCHIVE_EVERY: "200ms", MAINSTEM_TABLES_EVERY: "200ms" };

test("a log that is older than its archive takes no record, whatever is resumed or started again", async () => {
  await using folder = await temporaryFolder();
  const cwd = folder.path;
  const data = join(cwd, ".mainstem");
  await writeFile(join(cwd, "orders.json"), JSON.stringify(ordersContract()));
  const lines = (from: number): string => Array.from({ length: 100 }, (_, index) => `${JSON.stringify({ id: `o${from + index}`, revision: 1 })}\n`).join("");
  /** Sends a hundred records, waits until they are in the table, and ends the platform. */
  const fill = async (from: number): Promise<void> => {
    await using platform = await startPlatform({ cwd, env });
    const run = (args: readonly string[], input = ""): Promise<Ended> => runCommand(args, { cwd, env: { MAINSTEM_SERVER: platform.url }, input });
    if (from === 0) assert.equal((await run(["apply", "orders.json"])).code, 0);
    assert.equal((await run(["send", "shop.orders"], lines(from))).code, 0);
    const inTable = async (): Promise<boolean> => (await run(["query", "SELECT count(*) AS n FROM shop.orders", "--json"])).output.includes(`${from + 100}`);
    await until(`${from + 100} rows are in the table`, inTable, { everyMs: 200 });
    await platform.kill("SIGTERM");
  };
  await fill(0);
  await cp(join(data, "log"), join(cwd, "older"), { recursive: true });
  await fill(100);
  await cp(join(cwd, "older"), join(data, "log"), { recursive: true, force: true });

  for (const start of ["first", "second"]) {
    await using platform = await startPlatform({ cwd, env });
    const run = (args: readonly string[], input = ""): Promise<Ended> => runCommand(args, { cwd, env: { MAINSTEM_SERVER: platform.url }, input });
    for (const between of [[], ["resume", "archive.shop.orders"], ["reset", "archive.shop.orders", "--to", "chain-end"]]) {
      if (between.length > 0) await run(between);
      const response = await fetch(`${platform.url}/v1/datasets/shop.orders/records`, {
        method: "POST",
        headers: { "content-type": "application/x-ndjson" },
        body: lines(200),
      });
      const { code } = (await response.json()) as { readonly code: string };
      assert.deepEqual([response.status, code], [503, "archive.logBehind"], `${start} start, ${between.join(" ")}`);
    }
    const health = (await (await fetch(`${platform.url}/health`)).json()) as { readonly status: string };
    assert.notEqual(health.status, "ok");
    assert.match((await run(["query", "SELECT count(*) AS n FROM shop.orders", "--json"])).output, /200/, "what is in the table can be read");
  }
});
