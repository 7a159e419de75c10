// The typed producer against the real platform: killed, cut off, slow, full, away.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { createProducer, RefusedError, UnsentError, type Refusal } from "@mainstem/client";
import { until } from "../../packages/mainstem/src/runtime/testing/until.ts";
import { startProxy } from "./client/proxy.ts";
import { checkLog, declare, reading, readings, readLog } from "./client/readings.ts";
import { startPlatform, temporaryFolder, type RunningPlatform } from "./running-platform.ts";

const backOff = { firstMs: 10, mostMs: 100 };

test("no record is lost or doubled when the platform is killed and the network cut at any moment", async () => {
  await using folder = await temporaryFolder();
  await using proxy = await startProxy();
  let platform = await startPlatform({ cwd: folder.path });
  try {
    await declare(platform.url);
    proxy.target = platform.url;
    const problems: string[] = [];
    await using producer = await createProducer({
      url: proxy.url,
      dataset: readings,
      batchRecordsMax: 20,
      lingerMs: 1,
      bufferBytesMax: 20_000,
      backOff,
      onProblem: ({ code }) => problems.push(code),
    });
    let sent = 0;
    const stop = new AbortController();
    const sending = (async () => {
      while (!stop.signal.aborted) {
        await producer.send(reading(sent++));
        if (sent % 50 === 0) await sleep(1);
      }
    })();
    for (let round = 0; round < 2; round++) {
      await sleep(150 + Math.random() * 200);
      proxy.cut();
      await sleep(100 + Math.random() * 100);
      proxy.target = undefined;
      await platform.kill("SIGKILL");
      platform = await startPlatform({ cwd: folder.path });
      proxy.target = platform.url;
    }
    await until("there are records enough", () => sent > 500);
    stop.abort();
    await sending;
    await producer.flush();
    assert.ok(problems.includes("client.unreachable"), problems.join(" "));
    await checkLog(platform.url, sent);
  } finally {
    await platform[Symbol.asyncDispose]();
  }
});

test("what waits in a spool when the application is killed is sent by the next one, in order, once", async () => {
  await using folder = await temporaryFolder();
  await using proxy = await startProxy();
  const spool = join(folder.path, "spool");
  await using platform = await startPlatform({ cwd: folder.path });
  await declare(platform.url);
  // What a child had spooled beyond what it told of is not known, so each one counts on a stretch of its own.
  const stretch = 1_000_000;
  const safe: number[] = [];
  for (let round = 0; round < 2; round++) {
    // In the first round the server is away, in the second one answers are cut off: then its batches are both in the log and in the spool.
    if (round === 1) proxy.target = platform.url;
    const entry = fileURLToPath(new URL("client/spooling-child.ts", import.meta.url));
    const child = spawn(process.execPath, [entry, proxy.url, spool, String(round * stretch)], { stdio: ["ignore", "pipe", "inherit"] });
    const ended = once(child, "exit");
    const flushed: number[] = [];
    for await (const part of child.stdout) {
      flushed.push(...String(part).trim().split("\n").map(Number));
      if (round === 1) proxy.cut();
      if (flushed.length > 4) child.kill("SIGKILL");
    }
    await ended;
    safe.push((flushed.at(-1) ?? 0) - round * stretch);
  }
  proxy.target = platform.url;
  const producer = await createProducer({ url: proxy.url, dataset: readings, backOff, spool: { directory: spool } });
  await until("the spool is sent", () => producer.status().waitingBatches === 0);
  await producer.close();
  const places = (await readLog(platform.url)).map(({ place }) => place);
  const counts = [0, 1].map((round) => places.filter((place) => Math.floor(place / stretch) === round).length);
  assert.deepEqual(
    places,
    counts.flatMap((count, round) => Array.from({ length: count }, (_, place) => round * stretch + place)),
    "each once, in order",
  );
  for (const [round, count] of counts.entries()) assert.ok(count > 0 && count >= safe[round]!, `${count} in the log, ${safe[round]} were safe`);
});

test("a full server slows the producer down and gets everything when it has room again", async () => {
  await using folder = await temporaryFolder();
  await using proxy = await startProxy();
  let platform = await startPlatform({ cwd: folder.path, env: { MAINSTEM_LOG_DISK_BYTES_MAX: "40KB" } });
  try {
    await declare(platform.url);
    proxy.target = platform.url;
    const problems = new Set<string>();
    await using producer = await createProducer({
      url: proxy.url,
      dataset: readings,
      batchRecordsMax: 50,
      bufferBytesMax: 10_000,
      backOff: { firstMs: 10, mostMs: 50 },
      onProblem: ({ code }) => problems.add(code),
    });
    const count = 3_000;
    let taken = 0;
    const sending = (async () => {
      for (; taken < count; taken++) await producer.send(reading(taken));
    })();
    await until("the log is full", () => problems.has("log.full"));
    await sleep(50);
    const held = producer.status();
    assert.ok(taken < count && held.heldBytes <= 10_000, `${taken} records were taken, ${held.heldBytes} bytes held`);
    assert.ok(held.failures > 0 && held.lastProblem?.code === "log.full");
    proxy.target = undefined;
    await platform.kill("SIGKILL");
    platform = await startPlatform({ cwd: folder.path });
    proxy.target = platform.url;
    proxy.cut();
    await sending;
    await producer.flush();
    await checkLog(platform.url, count);
  } finally {
    await platform[Symbol.asyncDispose]();
  }
});

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let shared: RunningPlatform;
before(async () => {
  folder = await temporaryFolder();
  shared = await startPlatform({ cwd: folder.path, env: { MAINSTEM_SERVER_BODY_BYTES_MAX: "2KiB" } });
  await declare(shared.url);
});
after(async () => {
  await shared?.[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

test("a slow server, a busy gateway and a body that is too large cost time, no record", async () => {
  await using proxy = await startProxy();
  proxy.target = shared.url;
  proxy.delayMs = 20;
  proxy.answers = [
    "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 507 Insufficient Storage\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}",
    "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 500\r\n\r\nhello",
  ];
  const problems: { readonly code: string; readonly retryInMs: number }[] = [];
  const producer = await createProducer({
    url: proxy.url,
    dataset: readings,
    backOff,
    // The server takes 2 KB: halves of halves are sent.
    batchRecordsMax: 200,
    onProblem: ({ code }, { retryInMs }) => problems.push({ code, retryInMs }),
  });
  for (let place = 0; place < 200; place++) await producer.send(reading(place, "slow"));
  await producer.close();
  assert.deepEqual(
    problems.slice(0, 4).map(({ code }) => code),
    ["client.answer", "client.answer", "client.answer", "client.unreachable"],
  );
  // Where the machine is busy, a connection through the slow network may break once more.
  assert.ok(problems.slice(4).every(({ code }) => code === "client.unreachable"));
  assert.equal(problems[0]?.retryInMs, 1_000);
  const slow = (await readLog(shared.url)).filter(({ id }) => id.startsWith("slow"));
  assert.deepEqual(
    slow.map(({ place }) => place),
    Array.from({ length: 200 }, (_, place) => place),
  );
});

test("a refused record is given back with what is wrong at which path", async () => {
  const told: Refusal[] = [];
  await using producer = await createProducer({ url: shared.url, dataset: readings, onRefused: (refusal) => told.push(refusal) });
  const cold = { ...reading(1, "cold"), celsius: -300 };
  const [good, bad] = await Promise.allSettled([producer.deliver(reading(0, "good")), producer.deliver(cold), producer.send(cold)]);
  assert.equal(good.status, "fulfilled");
  assert.ok(bad.status === "rejected" && bad.reason instanceof RefusedError);
  assert.equal(bad.reason.refusals[0]?.errors[0]?.path, "celsius");
  await producer.flush();
  assert.deepEqual(
    told.map(({ record, code, errors }) => ({ record, code, path: errors[0]?.path })),
    [{ record: cold, code: "record.invalid", path: "celsius" }],
  );
});

test("a refusal that nobody asked for is thrown by flush and by close", async () => {
  const producer = await createProducer({ url: shared.url, dataset: readings });
  const cold = { ...reading(1, "cold"), celsius: -300 };
  await producer.send(cold);
  await assert.rejects(producer.flush(), (error) => {
    assert.ok(error instanceof RefusedError && /celsius/.test(error.message));
    assert.deepEqual(error.refusals[0]?.record, cold);
    return true;
  });
  await producer.flush();
  await producer.send(cold);
  await assert.rejects(producer.close(), { code: "client.refused" });
  await assert.rejects(producer.send(cold), { code: "client.closed" });
  await assert.rejects(createProducer({ url: "ftp://x", dataset: readings }), { code: "client.usage" });
});

test("records of a dataset that is not there are given back, or wait in the spool", async () => {
  const lost = await createProducer({ url: shared.url, dataset: "weather.nowhere" });
  await assert.rejects(lost.deliver({ id: "x" }), { code: "client.refused", facts: { count: 1, code: "registry.datasetUnknown", errors: [] } });
  await lost.close();
  const waiting = await createProducer({
    url: shared.url,
    dataset: "weather.nowhere",
    backOff,
    spool: { directory: join(folder.path, "nowhere") },
  });
  await waiting.send({ id: "x" });
  await waiting.close();
  assert.equal(waiting.status().waitingBatches, 1);
});

test("a producer that ends before its server comes gives its records back", async () => {
  await using proxy = await startProxy();
  const producer = await createProducer({ url: proxy.url, dataset: readings, backOff, closeMs: 50 });
  const delivered = producer.deliver(reading(0));
  await producer.send(reading(1));
  await assert.rejects(producer.close(), (error) => error instanceof UnsentError && error.records.length === 2);
  await assert.rejects(delivered, { code: "client.closed" });
});
