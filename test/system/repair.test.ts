// What is done about records that went wrong, through the command line: the inbox and the replay of the archive.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { until } from "../../packages/mainstem/src/runtime/testing/until.ts";
import { ordersContract, runCommand, type Ended } from "./command-line.ts";
import { startPlatform, temporaryFolder, type RunningPlatform } from "./running-platform.ts";

describe("what went wrong is mended", () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let platform: RunningPlatform;
  before(async () => {
    folder = await temporaryFolder();
    await writeFile(join(folder.path, "orders.json"), JSON.stringify(ordersContract()));
    platform = await startPlatform({ cwd: folder.path, env: { MAINSTEM_ARCHIVE_EVERY: "200ms", MAINSTEM_TABLES_EVERY: "200ms" } });
    assert.equal((await run(["apply", "orders.json"])).code, 0);
  });
  after(async () => {
    await platform?.[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  const run = (args: readonly string[], input = ""): Promise<Ended> => runCommand(args, { cwd: folder.path, env: { MAINSTEM_SERVER: platform.url }, input });
  const jsonOf = async (args: readonly string[]): Promise<readonly Record<string, unknown>[]> => {
    const { output, errors } = await run([...args, "--json"]);
    assert.notEqual(output, "", errors);
    return output
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  };

  test("records in the inbox are looked at, mended with an expression, sent again, or dropped", async () => {
    const lines = ['{"id":"a","rev":1}', '{"id":"b","rev":2}', '{"id":"c"}', "not json"].join("\n");
    assert.equal((await run(["send", "shop.orders", "--invalid", "inbox"], lines)).code, 0);
    const groups = await jsonOf(["inbox", "list", "shop.orders"]);
    assert.deepEqual(
      groups.map(({ count }) => count),
      [3, 1],
    );
    const all = ["--all", "--transform", "merge({'id': record.id}, {'revision': record.rev})"];
    const preview = await run(["inbox", "preview", "shop.orders", ...all]);
    assert.equal(preview.code, 1);
    assert.match(preview.output, /^2 of 4 entries would be accepted\.\n {2}\{"id":"a","revision":1\}\n/);
    const [retried] = await jsonOf(["inbox", "retry", "shop.orders", ...all]);
    assert.deepEqual([retried?.["accepted"], retried?.["refused"]], [2, 2]);
    assert.deepEqual(
      (await jsonOf(["tail", "shop.orders"])).map(({ key }) => key),
      ["a", "b"],
    );
    const everywhere = await jsonOf(["inbox", "list"]);
    assert.deepEqual(
      everywhere.map(({ dataset, count }) => [dataset, count]),
      [
        ["shop.orders", 1],
        ["shop.orders", 1],
      ],
    );
    const entries = await jsonOf(["inbox", "list", "shop.orders", "--group", String(everywhere[0]?.["group"])]);
    assert.deepEqual(
      entries.map(({ id }) => id),
      [everywhere[0]?.["example"]],
    );
    assert.match((await run(["describe", "shop.orders"])).output, /in the inbox +2 records/, "not what was retried");
    assert.equal((await run(["inbox", "list", "--group", "x"])).code, 2, "a dataset is asked for");
    assert.equal((await run(["inbox", "drop", "shop.orders", "--all"])).code, 2, "a reason is asked for");
    assert.equal((await run(["inbox", "drop", "shop.orders", "--reason", "test"])).code, 2, "which ones is asked for");
    assert.match((await run(["inbox", "drop", "shop.orders", "--all", "--reason", "test"])).output, /^2 entries/);
    assert.equal((await run(["inbox", "list", "shop.orders"])).output, "Nothing waits in the inbox of shop.orders.\n");
    assert.equal((await run(["inbox", "list"])).output, "Nothing waits in any inbox.\n");
  });

  test("the archive is replayed into a shadow topic, and from there into the live one", async () => {
    const lines = Array.from({ length: 500 }, (_, index) => JSON.stringify({ id: `r${index}`, revision: 1 })).join("\n");
    assert.equal((await run(["send", "shop.orders"], lines)).code, 0);
    const archived = async (): Promise<boolean> => {
      const [found] = await jsonOf(["describe", "shop.orders"]);
      assert.ok(found !== undefined);
      const { partitions } = found["archive"] as { readonly partitions: readonly { readonly next: number }[] };
      return partitions.reduce((sum, { next }) => sum + next, 0) === found["records"];
    };
    await until("all of it is archived", archived, { everyMs: 100 });
    const sent = await jsonOf(["tail", "shop.orders"]);
    const [replay] = await jsonOf(["replay", "shop.orders"]);
    assert.deepEqual([replay?.["state"], replay?.["records"]], ["finished", sent.length]);
    const id = String(replay?.["id"]);
    const strip = (records: readonly Record<string, unknown>[]) =>
      records.map(({ partition, offset, timestamp, key, value }) => ({ partition, offset, timestamp, key, value }));
    assert.deepEqual(strip(await jsonOf(["tail", "shop.orders", "--replay", id])), strip(sent));
    const live = await run(["replay", "shop.orders", "--into-live", id]);
    assert.match(live.output, new RegExp(`${sent.length} records of shop.orders in the live topic`));
    const again = await run(["replay", "shop.orders", "--into-live", id]);
    assert.deepEqual([again.code, /goes into shop\.orders already, or has gone there/.test(again.errors)], [1, true]);
    assert.equal((await jsonOf(["tail", "shop.orders"])).length, sent.length * 2);
    assert.equal((await run(["replay", "shop.orders", "--remove", id])).code, 0);
    assert.equal((await run(["tail", "shop.orders", "--replay", id])).code, 1);
    assert.equal((await run(["replay", "shop.orders", "--list", "--from", "2026-01-01T00:00:00Z"])).code, 2);
  });
});
