// From a dataset to its successor: the door, the typed producer and the typed consumer against the real platform, each killed on the way.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { createConsumer, createProducer, type ClientError } from "@mainstem/client";
import { until } from "../../packages/mainstem/src/runtime/testing/until.ts";
import { startProxy } from "./client/proxy.ts";
import { declare, reading, readings } from "./client/readings.ts";
import { both, measurements } from "./client/succeeding.ts";
import { startPlatform, temporaryFolder } from "./running-platform.ts";

const backOff = { firstMs: 5, mostMs: 50 };
const stations = 30;
const env = { MAINSTEM_LOG_PARTITIONS: "2" };
const url = (base: string, rest = ""): string => `${base}/v1/datasets/${readings.name}${rest}`;

interface Described {
  readonly successor: {
    readonly closedAt: string | null;
    readonly partitions: readonly { readonly end: number }[];
    readonly groups: readonly { readonly group: string; readonly behind: number; readonly moved: boolean }[];
  } | null;
}

async function describe(base: string): Promise<NonNullable<Described["successor"]>> {
  const { successor } = (await (await fetch(url(base))).json()) as Described;
  assert.ok(successor !== null);
  return successor;
}

/** Records of `stations` keys, each later than those before. */
async function sendOld(base: string, { from, to }: { readonly from: number; readonly to: number }): Promise<void> {
  await using producer = await createProducer({ url: base, dataset: readings, batchRecordsMax: 20 });
  for (let place = from; place < to; place++) await producer.send({ ...reading(place), id: `s${place % stations}` });
}
async function sendNew(base: string, { from, to }: { readonly from: number; readonly to: number }): Promise<void> {
  await using producer = await createProducer({ url: base, dataset: measurements, batchRecordsMax: 20 });
  for (let place = from; place < to; place++) await producer.send({ station: `s${place % stations}`, place, kelvin: 277.5 });
}

const often = { everyMs: 20 };

test("the end of a dataset is fixed or not when the platform is killed, and its reader goes on, killed or not, until it has moved once, in order", async () => {
  await using folder = await temporaryFolder();
  await using proxy = await startProxy();
  let platform = await startPlatform({ cwd: folder.path, env });
  const file = join(folder.path, "app.json");
  const restart = async (): Promise<void> => {
    proxy.target = undefined;
    await platform.kill("SIGKILL");
    platform = await startPlatform({ cwd: folder.path, env });
    proxy.target = platform.url;
  };
  const follow = fileURLToPath(new URL("client/following-child.ts", import.meta.url));
  const startApp = () => spawn(process.execPath, [follow, proxy.url, file], { stdio: ["ignore", "ignore", "inherit"] });
  await declare(platform.url);
  await sendOld(platform.url, { from: 0, to: 1_000 });
  await declare(platform.url, measurements);
  proxy.target = platform.url;
  let app = startApp();
  const killApp = async (): Promise<void> => {
    const ended = once(app, "exit");
    app.kill("SIGKILL");
    await ended;
  };
  const restartApp = async (): Promise<void> => {
    await killApp();
    app = startApp();
  };
  const seen = async (): Promise<readonly string[]> => (await readFile(`${file}.seen`, "utf8").catch(() => "")).split("\n").slice(0, -1);
  const seenOf = async (name: string): Promise<number> =>
    new Set((await seen()).filter((line) => line.includes(name)).map((line) => line.slice(line.indexOf(" ")))).size;
  try {
    await until("the application begins", async () => (await seenOf(readings.name)) > 50, often);
    await restartApp();

    // Somebody still sends, so that closing takes its time; then the platform dies.
    const stop = new AbortController();
    const busy = fetch(url(platform.url, "/records"), {
      method: "POST",
      headers: { "content-type": "application/x-ndjson" },
      body: ReadableStream.from(endless(stop.signal)),
      duplex: "half",
    }).catch(() => undefined);
    await until("the busy one is at the door", async () => (await (await fetch(url(platform.url, "/records"))).text()).includes('"busy"'), often);
    const close = () => fetch(url(platform.url, "/close"), { method: "POST" }).catch(() => undefined);
    const closings = [close(), close()];
    // The second one is told at once that the first is under way.
    assert.equal((await Promise.race(closings))?.status, 503);
    await restart();
    stop.abort();
    await Promise.all([busy, ...closings]);
    assert.equal((await describe(platform.url)).closedAt, null);
    await sendOld(platform.url, { from: 1_000, to: 1_200 });
    assert.equal((await fetch(url(platform.url, "/close"), { method: "POST" })).status, 200);
    const { partitions, closedAt } = await describe(platform.url);
    await restart();
    const again = await describe(platform.url);
    assert.deepEqual([again.partitions, again.closedAt], [partitions, closedAt]);

    const total = partitions.reduce((sum, { end }) => sum + end, 0);
    await sendNew(platform.url, { from: 2_000, to: 2_500 });
    // Killed near the end of the one, at the beginning of the other, and in it.
    await until("the old dataset is read to its end", async () => (await seenOf(readings.name)) === total, often);
    await restartApp();
    await until("the application moves", async () => (await seenOf(measurements.name)) > 0, often);
    await restartApp();
    proxy.cut();
    await until("the new dataset is read to its end", async () => (await seenOf(measurements.name)) === 500, often);
    await until("the group has moved", async () => (await describe(platform.url)).groups.every(({ moved }) => moved), often);
    await killApp();
    assert.deepEqual(
      (await describe(platform.url)).groups.map(({ group, behind }) => [group, behind]),
      [["app", 0]],
    );
    // The last of each station is what was sent last, though some came again.
    const last = new Map(JSON.parse(await readFile(file, "utf8")) as readonly (readonly [string, number])[]);
    for (let station = 0; station < stations; station++) {
      const places = Array.from({ length: 500 }, (_, index) => 2_000 + index).filter((place) => place % stations === station);
      assert.equal(last.get(`s${station}`), places.at(-1), `station ${station}`);
    }
    // In each run of the application the old ones came first.
    const runs = Map.groupBy(await seen(), (line) => line.split(" ")[0]);
    for (const lines of runs.values()) {
      const names = lines.map((line) => line.split(" ")[1]);
      assert.ok(!names.includes(measurements.name) || names.lastIndexOf(readings.name) < names.indexOf(measurements.name));
    }
  } finally {
    app.kill("SIGKILL");
    await platform[Symbol.asyncDispose]();
  }
});

test("members of a group move together, each record comes once; who does not know the successor is told, and so are producers", async () => {
  await using folder = await temporaryFolder();
  await using platform = await startPlatform({ cwd: folder.path, env });
  const base = platform.url;
  await declare(base);
  await assert.rejects(createConsumer({ url: base, dataset: [measurements, readings], group: "wrong" }), { code: "registry.datasetUnknown" });
  await sendOld(base, { from: 0, to: 300 });
  await declare(base, measurements);
  await assert.rejects(createConsumer({ url: base, dataset: [measurements, readings], group: "wrong" }), { code: "client.usage" });
  assert.equal((await fetch(url(base, "/close"), { method: "POST" })).status, 200);
  await sendNew(base, { from: 1_000, to: 1_200 });

  const waits: ClientError[] = [];
  const seen: string[] = [];
  const member = async (partition: number): Promise<void> => {
    const onProblem = (error: ClientError): void => void waits.push(error);
    await using consumer = await createConsumer({ url: base, dataset: both, group: "team", partitions: [partition], follow: false, backOff, onProblem });
    for await (const batch of consumer.batches()) {
      if (partition === 1 && waits.length === 0) await until("the other one waits", async () => waits.length > 0, often);
      seen.push(...batch.records.map(({ dataset, offset }) => `${dataset} ${batch.partition} ${offset}`));
      await consumer.commit(batch);
    }
  };
  await Promise.all([member(0), member(1)]);
  assert.ok(waits.every(({ code }) => code === "client.groupBehind"));
  assert.deepEqual([seen.length, new Set(seen).size], [500, 500]);
  const firstNew = seen.findIndex((one) => one.startsWith(measurements.name));
  assert.equal(seen.slice(0, firstNew).length, 300);
  assert.deepEqual((await describe(base)).groups, [{ group: "team", behind: 0, moved: true }]);

  // A new group that wants only what is new begins at the end of all.
  await using late = await createConsumer({ url: base, dataset: both, group: "late", from: "end", follow: false });
  for await (const { dataset, offset } of late) assert.fail(`${dataset} ${offset}`);
  assert.equal(
    [...late.position().values()].reduce((sum, next) => sum + next, 0),
    200,
  );

  await using unaware = await createConsumer({ url: base, dataset: readings, group: "unaware", backOff });
  let count = 0;
  await assert.rejects(
    async () => {
      for await (const { value } of unaware) count += value === null ? 0 : 1;
    },
    { code: "client.datasetClosed", facts: { dataset: readings.name, successor: measurements.name } },
  );
  assert.equal(count, 300);

  await using producer = await createProducer({ url: base, dataset: readings });
  await assert.rejects(
    producer.deliver(reading(1)),
    ({ refusals: [refusal] }: { readonly refusals: readonly { readonly code: string; readonly message: string }[] }) => {
      assert.equal(refusal?.code, "ingest.datasetClosed");
      return refusal.message.includes(measurements.name);
    },
  );
  // What a spool holds was promised: it stays until the dataset is opened again, or somebody takes it elsewhere.
  const problems: ClientError[] = [];
  await using spooled = await createProducer({
    url: base,
    dataset: readings,
    backOff,
    spool: { directory: join(folder.path, "spool") },
    onProblem: (error) => problems.push(error),
  });
  await spooled.send(reading(2));
  await spooled.flush();
  await until("somebody is told", async () => problems.length > 0, often);
  assert.deepEqual([problems[0]?.code, spooled.status().waitingBatches], ["ingest.datasetClosed", 1]);
  await fetch(url(base, "/close"), { method: "DELETE" });
  await until("the spool is sent", async () => spooled.status().waitingBatches === 0, often);
});

async function* endless(signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for (let place = 10_000; !signal.aborted; place++) {
    yield Buffer.from(`${JSON.stringify({ id: "busy", place: place, celsius: 1 })}\n`);
    await sleep(20);
  }
}
