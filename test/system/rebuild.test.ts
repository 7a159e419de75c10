// A changed order, from the plan to the swapped table, as its user goes: on a running platform, by the command line.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { until } from "../../packages/mainstem/src/runtime/testing/until.ts";
import { ordersContract, runCommand, type Ended } from "./command-line.ts";
import { startPlatform, temporaryFolder } from "./running-platform.ts";

const contractOf = (order: string) => ({ ...ordersContract({ name: "rank", type: "long" }), order: [order] });
const records = [
  { id: "a", revision: 1, rank: 9 },
  { id: "a", revision: 2, rank: 1 },
  { id: "b", revision: 1, rank: 1 },
];

test("a changed order is planned, consented to, rebuilt, compared and swapped by the command line", async () => {
  await using folder = await temporaryFolder();
  await writeFile(join(folder.path, "orders.json"), JSON.stringify(contractOf("revision")));
  await writeFile(join(folder.path, "by-rank.json"), JSON.stringify(contractOf("rank")));
  await using platform = await startPlatform({ cwd: folder.path, env: { MAINSTEM_ARCHIVE_EVERY: "200ms", MAINSTEM_TABLES_EVERY: "200ms" } });
  const run = (args: readonly string[], input = ""): Promise<Ended> => runCommand(args, { cwd: folder.path, env: { MAINSTEM_SERVER: platform.url }, input });
  const rowOfA = async (): Promise<unknown> => JSON.parse((await run(["query", "select rank from shop.orders where id = 'a'", "--json"])).output || "null");
  assert.equal((await run(["apply", "orders.json"])).code, 0);
  assert.equal((await run(["send", "shop.orders"], records.map((record) => JSON.stringify(record)).join("\n"))).code, 0);
  await until("the table is built", rowOfA, { everyMs: 100 });
  assert.deepEqual(await rowOfA(), { rank: 1 });

  const plan = await run(["plan", "by-rank.json"]);
  assert.equal(plan.code, 0, "it can be applied, with consent");
  assert.match(plan.output, /order changed[^]*built again for order[^]*1 file \(2 rows[^]*apply it with --rebuild, for order/);
  const checked = await run(["apply", "--check", "by-rank.json"]);
  assert.deepEqual([checked.code, checked.output], [1, plan.output]);
  const refused = await run(["apply", "by-rank.json"]);
  assert.equal(refused.code, 1);
  assert.match(refused.errors, /registry\.rebuildNeeded/);
  const applied = await run(["apply", "--rebuild", "by-rank.json"]);
  assert.match(applied.output, /order changed[^]*mainstem rebuild shop\.orders/);
  assert.deepEqual(await rowOfA(), { rank: 1 });
  const back = await run(["apply", "--rebuild", "orders.json"]);
  assert.equal(back.output, "changed   shop.orders  version 3\n  order changed\n", "taken back, nothing is left to be built again");
  assert.match((await run(["apply", "--rebuild", "by-rank.json"])).output, /mainstem rebuild shop\.orders/);

  const compared = await run(["rebuild", "shop.orders", "--swap"]);
  assert.equal(compared.code, 1, compared.errors);
  assert.match(compared.output + compared.errors, /2 rows now, 2 rebuilt[^]*changed {2}1 {2}such as a/);
  assert.deepEqual(await rowOfA(), { rank: 1 });
  const swapped = await run(["rebuild", "shop.orders", "--swap", "--yes"]);
  assert.equal(swapped.code, 0, swapped.errors);
  assert.deepEqual(await rowOfA(), { rank: 9 });

  const again = JSON.parse((await run(["rebuild", "shop.orders", "--json"])).output) as { readonly state: string; readonly comparison: object };
  assert.equal(again.state, "ready");
  assert.equal((await run(["rebuild", "shop.orders", "--discard"])).code, 0);
  assert.equal((await run(["rebuild", "shop.orders", "--discard"])).code, 1);
  assert.equal((await run(["rebuild", "shop.orders", "--yes"])).code, 2);
});
